"""Online learners as baselines: they know every sleeve's past and nothing of its future."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.agents.online.learners import BuyAndHold
from benbot.agents.past import Past
from benbot.agents.sleeve_learners import SLEEVE_LEARNERS, FollowTheRecentLeader, OverSleeves
from benbot.envs.errors import InvalidParameter, InvalidWeights
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from tests.agents.told import told_weights

SPAN = Span(60, 110)


def all_weights(history: History, name: str) -> np.ndarray:
    return told_weights(OverSleeves(name, SLEEVE_LEARNERS[name]), history, SPAN)


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


def test_a_decision_knows_every_bar_before_it_once(history: History) -> None:
    chosen = told_weights(OverSleeves("held", BuyAndHold), history, SPAN)
    grown = np.exp(np.cumsum(history.tape.sleeve_return, axis=0))[SPAN.first : SPAN.last]
    share = grown / grown.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(chosen[:, :-1], share, rtol=1e-5)


def test_a_learner_that_is_reset_does_the_same_again(history: History) -> None:
    for name, make in SLEEVE_LEARNERS.items():
        policy = OverSleeves(name, make)
        first = told_weights(policy, history, SPAN)
        np.testing.assert_array_equal(first, told_weights(policy, history, SPAN))


def test_they_trade_in_the_environment_under_their_names(history: History) -> None:
    for name, make in SLEEVE_LEARNERS.items():
        trades = evaluate(OverSleeves(name, make), history, SPAN, EnvironmentSettings())
        assert trades.name == name
        assert np.abs(trades.weights.sum(axis=1) - 1.0).max() < 1e-6


def test_the_recent_leader_forgets() -> None:
    learner = FollowTheRecentLeader(2, window=2)
    for relatives in ([2.0, 1.0], [1.0, 1.1], [1.0, 1.1]):
        learner.learn_one(np.array(relatives))
    assert learner.weights().tolist() == [0.0, 1.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sleeve_without_a_return_is_refused_before_anybody_learns_of_it(
    history: History, bad: float
) -> None:
    returns = history.tape.sleeve_return.copy()
    returns[70, 1] = bad
    broken = replace(history, tape=history.tape._replace(sleeve_return=returns))
    for name in SLEEVE_LEARNERS:
        with pytest.raises(InvalidParameter, match=r"positive numbers.* of asset 1 in bar 70"):
            all_weights(broken, name)


def test_nobody_is_told_of_an_earlier_close(history: History) -> None:
    policy, tape = OverSleeves("hedge", SLEEVE_LEARNERS["hedge"]), history.tape
    past = Past(tape.sleeve_return, tape.session, history.features.rows)
    policy.inform(past.until(70))
    known = policy.weights(history.features.rows[70])
    policy.inform(past.until(70))  # once more is no more
    np.testing.assert_array_equal(policy.weights(history.features.rows[70]), known)
    with pytest.raises(InvalidParameter, match="told in order, bar 70 is known already, was told"):
        policy.inform(past.until(69))
    policy.reset()
    with pytest.raises(InvalidWeights, match="weights of hedge need to know what the sleeves"):
        policy.weights(history.features.rows[69])
