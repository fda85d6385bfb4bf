"""Whoever is killed at any line and started again ends where nobody was killed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from benbot.envs.history import Span
from benbot.paper.replayed import STORE, Stretch, replay
from tests.paper.kills import (
    BLOCKS,
    N_NIGHTLY,
    Line,
    drawn,
    finished,
    killed,
    killed_after,
    trail_of,
)
from tests.paper.replays import Scripted, everything, random_stretch, venue_of

EVENTFUL = 2  # a seed in which positions open, grow, shrink and hit their stops
N_BARS = 8
N_KILLS, N_DOUBLE = 6, 2


def short_stretch() -> Stretch:
    """Return the most eventful bars of a random world."""
    whole = random_stretch(EVENTFUL)
    first = whole.span.first + 20
    script = np.roll(np.asarray(whole.policy.script), -20, axis=0)  # type: ignore[attr-defined]
    span = Span(first, first + N_BARS)
    return Stretch(whole.history, span, Scripted(script), whole.ruin)


@pytest.fixture(scope="module")
def stretch() -> Stretch:
    return short_stretch()


@dataclass(frozen=True, eq=False)
class Quiet:
    """A run that nobody killed: the lines that it took, and all that is left of it."""

    trail: list[Line]
    tables: dict[str, pd.DataFrame]
    venue: dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def quiet(stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    folder = tmp_path_factory.mktemp("quiet")
    trail = trail_of(lambda: replay(stretch, folder))
    return Quiet(trail, everything(stretch, folder), venue_of(folder))


def assert_same_end(stretch: Stretch, folder: Path, quiet: Quiet) -> None:
    own = everything(stretch, folder)
    for name, table in quiet.tables.items():
        assert_frame_equal(own[name], table, obj=name)
    assert venue_of(folder) == quiet.venue


def test_the_run_that_is_killed_has_something_to_lose(stretch: Stretch, quiet: Quiet) -> None:
    tables = quiet.tables
    assert len(tables["fills"]) > 15
    assert {"NONE", "STOP"} < set(tables["intents"]["reason"])


@pytest.mark.parametrize("seed", range(N_KILLS))
def test_one_kill_changes_nothing(seed: int, stretch: Stretch, quiet: Quiet, folder: Path) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([1, seed]), 1)


@pytest.mark.parametrize("seed", range(N_DOUBLE))
def test_nor_do_several_in_a_row(seed: int, stretch: Stretch, quiet: Quiet, folder: Path) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([2, seed]), 3)


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_thousand_kills_change_nothing(
    block: int, stretch: Stretch, quiet: Quiet, folder: Path
) -> None:
    for i in range(N_NIGHTLY // BLOCKS):
        home = folder / str(i)
        rng = np.random.default_rng([3, block, i])
        kill_and_compare(stretch, quiet, home, rng, 1 + i % 3)


@pytest.mark.nightly
def test_nor_do_hundreds_at_any_instant(stretch: Stretch, quiet: Quiet, folder: Path) -> None:
    """Not between two lines alone; and killed again until it has come to the end."""
    n_killed, longest = 0, cost_of(lambda: replay(stretch, folder / "cost"))
    for i in range(N_NIGHTLY // 5):
        home, rng = folder / str(i), np.random.default_rng([13, i])

        def work(home: Path = home) -> None:
            replay(stretch, home)

        while killed_after(work, float(rng.uniform(0.0, longest))):
            n_killed += 1
        finished(work)
        assert_same_end(stretch, home, quiet)
    assert n_killed > N_NIGHTLY // 10


def cost_of(work: Callable[[], None]) -> float:
    """Return the seconds of processor time that a work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def kill_and_compare(
    stretch: Stretch,
    quiet: Quiet,
    folder: Path,
    rng: np.random.Generator,
    n_kills: int,
) -> None:
    """Kill the run so many times, each time after it was started again, and let it end."""

    def work() -> None:
        replay(stretch, folder)

    n_lines = len(quiet.trail)
    assert killed(work, drawn(quiet.trail, rng))
    for _ in range(n_kills - 1):
        # Most of a start is going on: half of these kills fall into the first lines of it.
        killed(work, int(rng.integers(1, rng.choice([400, n_lines]))))
    finished(work)
    assert (folder / STORE).is_file()
    assert_same_end(stretch, folder, quiet)
