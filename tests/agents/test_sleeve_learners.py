"""Online learners as baselines: they know every sleeve's past and nothing of its future."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.agents.online.learners import BuyAndHold
from benbot.agents.sleeve_learners import (
    SLEEVE_LEARNERS,
    FollowTheRecentLeader,
    OverSleeves,
    sleeve_learners,
)
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

SPAN = Span(60, 110)
NOTHING = np.zeros(3, np.float32)


def all_weights(history: History, name: str) -> np.ndarray:
    policy = OverSleeves(name, SLEEVE_LEARNERS[name], history, SPAN)
    return np.array([policy.weights(NOTHING) for _ in range(SPAN.n_decisions)])


@pytest.mark.parametrize("name", SLEEVE_LEARNERS)
def test_what_a_sleeve_returns_later_changes_no_weight_before(history: History, name: str) -> None:
    t = 80
    returns = history.tape.sleeve_return.copy()
    returns[t + 1 :] = np.random.default_rng(3).normal(0.0, 0.1, returns[t + 1 :].shape)
    other = replace(history, tape=history.tape._replace(sleeve_return=returns))
    first, second = all_weights(history, name), all_weights(other, name)
    known = t - SPAN.first + 1
    np.testing.assert_array_equal(first[:known], second[:known])
    assert not np.array_equal(first[known:], second[known:])


def test_the_first_decision_knows_all_that_was_before_it(history: History) -> None:
    policy = OverSleeves("held", BuyAndHold, history, SPAN)
    grown = np.exp(history.tape.sleeve_return[1 : SPAN.first + 1].sum(axis=0))
    np.testing.assert_allclose(policy.weights(NOTHING)[:-1], grown / grown.sum(), rtol=1e-5)


def test_a_learner_that_is_reset_does_the_same_again(history: History) -> None:
    for policy in sleeve_learners(history, SPAN):
        first = [policy.weights(NOTHING) for _ in range(20)]
        policy.reset()
        np.testing.assert_array_equal(first, [policy.weights(NOTHING) for _ in range(20)])


def test_they_trade_in_the_environment_under_their_names(history: History) -> None:
    for policy in sleeve_learners(history, SPAN):
        trades = evaluate(policy, history, SPAN, EnvironmentSettings())
        assert trades.name == policy.name
        assert np.abs(trades.weights.sum(axis=1) - 1.0).max() < 1e-6


def test_the_recent_leader_forgets() -> None:
    learner = FollowTheRecentLeader(2, window=2)
    for relatives in ([2.0, 1.0], [1.0, 1.1], [1.0, 1.1]):
        learner.learn_one(np.array(relatives))
    assert learner.weights().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sleeve_without_a_return_is_refused_before_anybody_learns(
    history: History, bad: float
) -> None:
    returns = history.tape.sleeve_return.copy()
    returns[70, 1] = bad
    broken = replace(history, tape=history.tape._replace(sleeve_return=returns))
    for name in SLEEVE_LEARNERS:
        with pytest.raises(InvalidParameter, match=r"positive numbers.* of asset 1 in bar 70"):
            OverSleeves(name, SLEEVE_LEARNERS[name], broken, SPAN)
