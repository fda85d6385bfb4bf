"""Hierarchical parity gives less to what moves more, and knows nothing of what comes."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.agents.hierarchical import EVERY, HierarchicalParity, sleeve_parity
from benbot.agents.past import ask, past_of
from benbot.envs.arrays import FloatArray
from benbot.envs.desk import portfolio
from benbot.envs.errors import InvalidWeights
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from tests.agents.told import told_weights

SPAN = Span(60, 110)


def all_weights(history: History) -> np.ndarray:
    return told_weights(HierarchicalParity(), history, SPAN)


def test_two_sleeves_share_in_inverse_proportion_to_their_variance() -> None:
    quiet = np.tile([0.01, -0.01], 20)
    wild = np.tile([0.02, 0.02, -0.02, -0.02], 10)
    np.testing.assert_allclose(sleeve_parity(np.stack([quiet, wild], axis=1))[0], [0.8, 0.2])


def test_a_sleeve_that_did_not_move_has_nothing_and_none_that_moved_means_all_alike() -> None:
    returns = np.random.default_rng(0).normal(0.0, 0.01, (60, 3))
    returns[:, 1] = 0.0
    weights, note = sleeve_parity(returns)
    assert weights[1] == 0.0
    assert (weights.sum(), note) == (1.0, "")
    for unknown in (np.zeros((60, 3)), returns[:5], np.full((60, 3), np.nan)):
        np.testing.assert_allclose(sleeve_parity(unknown)[0], 1.0 / 3.0)


def test_what_a_sleeve_returns_later_changes_no_weight_before(history: History) -> None:
    t = SPAN.first + EVERY
    returns = history.tape.sleeve_return.copy()
    returns[t + 1 :] = np.random.default_rng(3).normal(0.0, 0.1, returns[t + 1 :].shape)
    other = replace(history, tape=history.tape._replace(sleeve_return=returns))
    first, second = all_weights(history), all_weights(other)
    known = 2 * EVERY
    np.testing.assert_array_equal(first[:known], second[:known])
    assert not np.array_equal(first[known:], second[known:])


def test_an_answer_holds_until_the_next_and_a_reset_begins_again(history: History) -> None:
    policy = HierarchicalParity()
    first = told_weights(policy, history, SPAN)
    assert (first[:EVERY] == first[0]).all()
    assert not np.array_equal(first[EVERY], first[0])
    np.testing.assert_array_equal(told_weights(policy, history, SPAN), first)


def test_an_answer_that_is_overdue_is_that_of_its_day(history: History) -> None:
    policy, on_time = HierarchicalParity(), all_weights(history)
    tape, features = history.tape, history.features
    for t in (SPAN.first, SPAN.first + EVERY + 3):  # nobody told of the close between
        chosen = ask(policy, past_of(tape, features, t), features.rows[t])
        np.testing.assert_array_equal(chosen, on_time[t - SPAN.first])


def test_nobody_answers_who_was_told_nothing(history: History) -> None:
    with pytest.raises(InvalidWeights, match="weights of hierarchical_parity need to know"):
        HierarchicalParity().weights(history.features.rows[0])


def test_that_another_rule_took_its_place_is_noted_once_with_how_often(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(returns: FloatArray) -> FloatArray:
        raise ValueError("no tree")

    fine = evaluate(HierarchicalParity(), history, SPAN, EnvironmentSettings())
    assert fine.notes == ()
    monkeypatch.setitem(portfolio.METHODS, "hierarchical_risk_parity", fail)
    policy = HierarchicalParity()
    traded = evaluate(policy, history, SPAN, EnvironmentSettings())
    assert traded.notes == (
        "of hierarchical_parity, 3 of 3 answers: hierarchical_risk_parity had no answer and "
        "inverse_volatility took its place: no tree",
    )
    assert policy.notes == traded.notes
    policy.reset()
    assert policy.notes == ()
