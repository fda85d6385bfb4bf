"""What a policy does not look at is worth nothing, and what it lives on is worth all of it."""

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.envs.arrays import Float32Array
from benbot.envs.history import History, Span
from benbot.envs.observation import Layout
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.report.importance import (
    ACCOUNT,
    CHANCE,
    DRAWS,
    OTHER,
    Shuffled,
    Watched,
    groups_of,
    importances,
)

SPAN, SETTINGS = Span(40, 290), EnvironmentSettings(ruin=0.0)


class Told:
    """A policy that trusts most whose five-bar return stands highest, and sees no more."""

    name = "told"

    def __init__(self, layout: Layout, feature: str = "return_5") -> None:
        self.layout, self.feature = layout, feature

    def reset(self) -> None:
        """Nothing to forget."""

    def weights(self, observation: Float32Array) -> Float32Array:
        chosen = int(self.layout.by_strategy(observation, self.feature).argmax())
        n = len(self.layout.strategies) + 1
        return (0.8 * np.eye(n) + 0.2 / n).astype(np.float32)[chosen]


@pytest.fixture(scope="module")
def telling(eventful: History) -> History:
    """Return a history where that feature tells the growth of 30 bars to come; a leak, for a test.

    It changes every 30 bars, so that whoever follows it does not trade all the time.
    """
    rows, growth = eventful.features.rows.copy(), eventful.tape.sleeve_return
    ahead = growth.reshape(-1, 30, 3).sum(axis=1).repeat(30, axis=0)
    eventful.layout.by_strategy(rows, "return_5")[...] = 10.0 * ahead
    return History(
        eventful.market,
        eventful.signals,
        eventful.rules,
        eventful.regime,
        eventful.tape,
        eventful.features._replace(rows=rows),
    )


def test_every_entry_belongs_to_one_group(eventful: History) -> None:
    layout = eventful.layout
    groups = groups_of(layout)
    assert sorted(np.concatenate(list(groups.values())).tolist()) == list(range(layout.size))
    assert layout.names.index("k1/record_t") in groups["record"]
    assert layout.names.index("k1/weight") in groups[ACCOUNT]
    assert layout.names.index("context/high_volatility") in groups["regime"]
    assert OTHER not in groups


def test_what_is_looked_at_alone_is_worth_something(telling: History) -> None:
    heard: list[int] = []
    policy = Told(telling.layout)
    found = importances([policy], telling, SPAN, SETTINGS, lambda: heard.append(1))
    assert found[0].group == "returns"
    assert found[0].drop > 0.05
    assert len(found[0].drops) == DRAWS
    assert found[0].drop == pytest.approx(np.mean(found[0].drops))
    luck = found[-1]
    assert (luck.group, luck.drop) == (CHANCE, pytest.approx(0.0, abs=1e-12))
    assert 0.0 < max(np.abs(luck.drops)) < found[0].drop
    assert all(abs(one.drop) < 2.0 * luck.deviation for one in found[1:-1])
    assert len(heard) == len(found)


def test_the_same_question_has_the_same_answer(telling: History) -> None:
    policy = Told(telling.layout)
    first, again = (importances([policy], telling, Span(40, 90), SETTINGS) for _ in range(2))
    assert first == again


def test_a_shuffled_group_is_seen_at_other_bars_and_the_rest_as_it_is(eventful: History) -> None:
    watched = Watched(Told(eventful.layout))
    evaluate(watched, eventful, SPAN, SETTINGS)
    seen = np.array(watched.seen)
    assert seen.shape == (SPAN.n_decisions, eventful.layout.size)
    entries = groups_of(eventful.layout)["regime"]
    order = np.random.default_rng(1).permutation(len(seen))
    inner = Watched(Told(eventful.layout))
    evaluate(Shuffled(inner, entries, seen[order][:, entries]), eventful, SPAN, SETTINGS)
    rest = np.setdiff1d(np.arange(eventful.layout.size), entries)
    told = np.array(inner.seen)
    np.testing.assert_array_equal(told[:, rest], seen[:, rest])  # it does not look at the regime
    np.testing.assert_array_equal(told[:, entries], seen[order][:, entries])


def test_the_account_that_is_watched_is_the_account(eventful: History) -> None:
    plain = evaluate(Told(eventful.layout), eventful, SPAN, SETTINGS)
    watched = evaluate(Watched(Told(eventful.layout)), eventful, SPAN, SETTINGS)
    np.testing.assert_array_equal(plain.equity, watched.equity)
