"""The linear contextual policy knows the past of sleeves and contexts, and no future of either."""

from dataclasses import replace

import numpy as np

from benbot.agents.evaluation import evaluate
from benbot.agents.linear_contextual import OverContexts, contexts
from benbot.agents.online.contextual import LinearContextual
from benbot.envs.history import History, Span
from benbot.envs.observation import STATIC_CONTEXT
from benbot.envs.vector import EnvironmentSettings
from tests.agents.told import told_weights

SPAN = Span(60, 110)


def policy_for(history: History) -> OverContexts:
    return OverContexts(history.layout, history.market.bars_per_year)


def all_weights(history: History) -> np.ndarray:
    return told_weights(policy_for(history), history, SPAN)


def test_no_later_return_or_context_changes_a_weight(history: History) -> None:
    t, generator = 80, np.random.default_rng(3)
    returns, rows = history.tape.sleeve_return.copy(), history.features.rows.copy()
    returns[t + 1 :] = generator.normal(0.0, 0.1, returns[t + 1 :].shape)
    rows[t + 1 :] = generator.standard_normal(rows[t + 1 :].shape)
    other = replace(
        history,
        tape=history.tape._replace(sleeve_return=returns),
        features=history.features._replace(rows=rows),
    )
    first, second = all_weights(history), all_weights(other)
    known = t - SPAN.first + 1
    np.testing.assert_array_equal(first[:known], second[:known])
    assert not np.array_equal(first[known:], second[known:])


def test_a_return_is_learned_with_the_context_at_the_close_before_it(history: History) -> None:
    rows = history.features.rows
    seen = contexts(history.layout, rows)
    learner = LinearContextual(3, seen.shape[1], history.market.bars_per_year)
    chosen = all_weights(history)
    for t in range(1, SPAN.last):
        learner.learn_one(seen[t - 1], history.tape.sleeve_return[t])
        if t >= SPAN.first:
            now = learner.weights(seen[t])
            np.testing.assert_allclose(chosen[t - SPAN.first], now, rtol=1e-6)


def test_the_context_is_a_one_and_what_is_the_same_for_every_account(history: History) -> None:
    rows = history.features.rows[:5]
    seen = contexts(history.layout, rows)
    assert seen.shape == (5, 1 + len(STATIC_CONTEXT))
    assert (seen[:, 0] == 1.0).all()
    breadth = history.layout.names.index("context/breadth")
    np.testing.assert_array_equal(seen[:, 1 + STATIC_CONTEXT.index("breadth")], rows[:, breadth])


def test_it_does_the_same_again_after_a_reset(history: History) -> None:
    policy = policy_for(history)
    settings = EnvironmentSettings()
    first, second = (evaluate(policy, history, SPAN, settings) for _ in range(2))
    np.testing.assert_array_equal(first.equity, second.equity)
    assert first.name == "linear_contextual"
