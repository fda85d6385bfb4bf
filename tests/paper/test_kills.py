"""Whoever is killed at any line and started again ends where nobody was killed."""

from pathlib import Path

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from benbot.envs.history import Span
from benbot.paper.replayed import STORE, Stretch, replay
from tests.paper.kills import finished, killed, lines_of
from tests.paper.replays import Scripted, everything, random_stretch, venue_of

EVENTFUL = 2  # a seed in which positions open, grow, shrink and hit their stops
N_BARS = 12
N_KILLS, N_DOUBLE, N_NIGHTLY = 20, 5, 1_000


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


@pytest.fixture(scope="module")
def quiet(stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """The folder of a run that nobody killed, and how many lines it took."""
    folder = tmp_path_factory.mktemp("quiet")
    return folder, lines_of(lambda: replay(stretch, folder))


def assert_same_end(stretch: Stretch, folder: Path, quiet: Path) -> None:
    own, other = everything(stretch, folder), everything(stretch, quiet)
    for name in other:
        assert_frame_equal(own[name], other[name], obj=name)
    assert venue_of(folder) == venue_of(quiet)


def test_the_run_that_is_killed_has_something_to_lose(
    stretch: Stretch, quiet: tuple[Path, int]
) -> None:
    tables = everything(stretch, quiet[0])
    assert len(tables["fills"]) > 15
    assert {"NONE", "STOP"} < set(tables["intents"]["reason"])


@pytest.mark.parametrize("seed", range(N_KILLS))
def test_one_kill_changes_nothing(
    seed: int, stretch: Stretch, quiet: tuple[Path, int], folder: Path
) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([1, seed]), 1)


@pytest.mark.parametrize("seed", range(N_DOUBLE))
def test_nor_do_several_in_a_row(
    seed: int, stretch: Stretch, quiet: tuple[Path, int], folder: Path
) -> None:
    kill_and_compare(stretch, quiet, folder, np.random.default_rng([2, seed]), 3)


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(10))
def test_a_thousand_kills_change_nothing(
    block: int, stretch: Stretch, quiet: tuple[Path, int], folder: Path
) -> None:
    for i in range(N_NIGHTLY // 10):
        home = folder / str(i)
        rng = np.random.default_rng([3, block, i])
        kill_and_compare(stretch, quiet, home, rng, 1 + i % 3)


def kill_and_compare(
    stretch: Stretch,
    quiet: tuple[Path, int],
    folder: Path,
    rng: np.random.Generator,
    n_kills: int,
) -> None:
    """Kill the run so many times, each time after it was started again, and let it end."""

    def work() -> None:
        replay(stretch, folder)

    n_lines = quiet[1]
    assert killed(work, int(rng.integers(1, n_lines)))
    for _ in range(n_kills - 1):
        # Most of a start is going on: half of these kills fall into the first lines of it.
        killed(work, int(rng.integers(1, rng.choice([400, n_lines]))))
    finished(work)
    assert (folder / STORE).is_file()
    assert_same_end(stretch, folder, quiet[0])
