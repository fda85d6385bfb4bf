"""Policies that learn from the sleeves choose in the loop, bit for bit, as in the environment."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.evaluation import evaluate
from benbot.envs.history import History, Span, prepare
from benbot.paper.holding import Holding
from benbot.paper.replayed import Stretch, replay
from benbot.strategies.hearing import collect
from tests.paper.kills import drawn, killed, trail_of
from tests.paper.learners import (
    FIRST,
    N_BARS,
    Panel,
    growing_in,
    learning_world,
    panel_of,
    stretch_of,
)
from tests.paper.replays import SETTINGS, everything

MIDDLE = 60_000  # lines of the loop that world 0 takes to about its middle


def said_in_the_environment(history: History, last: int = N_BARS - 1) -> Panel:
    """Return a panel that traded a history in the environment."""
    panel = panel_of(history)
    evaluate(panel, history, Span(FIRST, last), SETTINGS)
    return panel


def assert_the_same(panel: Panel, told: Panel, n: int | None = None) -> None:
    """Refuse a panel that was told of other closes, or chose otherwise, within the first `n`."""
    n = len(told.bars) if n is None else n
    assert panel.bars[:n] == told.bars[:n] == list(range(FIRST, FIRST + n))
    for name, weights in told.said.items():
        assert panel.said[name][:n] == weights[:n], name


def played(stretch: Stretch, folder: Path) -> Panel:
    """Replay a stretch, or what is left of it, and return its panel."""
    replay(stretch, folder)
    assert isinstance(stretch.policy, Panel)
    return stretch.policy


def grown_stretch(seed: int) -> Stretch:
    """Return a world that is computed anew at each close from what has closed."""
    return replace(stretch_of(seed), chronicle=growing_in(seed))


def test_what_is_learned_bar_by_bar_is_what_was_learned_before(folder: Path) -> None:
    told, first = said_in_the_environment(learning_world(0)[0]), grown_stretch(0)
    assert_the_same(played(stretch_of(0), folder / "prepared"), told)
    assert killed(lambda: replay(first, folder), MIDDLE)
    assert 5 < len(everything(first, folder)["decisions"]) < len(told.bars) - 5
    assert_the_same(played(grown_stretch(0), folder), told)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1, 13))
def test_in_many_worlds_it_is(seed: int, folder: Path) -> None:
    told, rng = said_in_the_environment(learning_world(seed)[0]), np.random.default_rng(seed)
    assert_the_same(played(stretch_of(seed), folder / "prepared"), told)
    trail = trail_of(lambda: replay(grown_stretch(seed), folder / "grown"))
    for i in range(3):
        at, killed_in = drawn(trail, rng), folder / str(i)
        assert killed(lambda: replay(grown_stretch(seed), killed_in), at)  # noqa: B023
        assert_the_same(played(grown_stretch(seed), killed_in), told)


def test_no_later_bar_changes_what_is_chosen() -> None:
    t = N_BARS - 12
    history, strategies = learning_world(0)
    whole, n = said_in_the_environment(history), t - FIRST + 1
    other = said_in_the_environment(learning_world(0, change_after=t)[0])
    assert_the_same(other, whole, n)
    assert all(other.said[name][n:] != said[n:] for name, said in whole.said.items())
    cut = history.market.until(t + 2)
    short = prepare(cut, collect(strategies, cut), history.rules, history.regime)
    assert_the_same(said_in_the_environment(short, t + 1), whole, n)


def test_a_policy_that_is_back_is_told_what_it_missed(folder: Path) -> None:
    told, own = said_in_the_environment(learning_world(0)[0]), grown_stretch(0)
    replay(replace(own, span=Span(FIRST, FIRST + 2)), folder)
    held = replace(grown_stretch(0), policy=Holding(), span=Span(FIRST, FIRST + 5))
    replay(held, folder)
    assert "held" in set(everything(held, folder)["events"]["kind"])
    back = replace(grown_stretch(0), span=Span(FIRST, FIRST + 7))
    assert_the_same(played(back, folder), told, 7)
