"""The venues, each in its scene."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.paper.scenes import BARS_A_DAY, COSTLY, FREE, Emulated, Played, Scene, emulated

ALPACA = "needs alpaca-py; install benbot[alpaca]"


@pytest.fixture(params=["simulated", "replay", "alpaca"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Every venue: half-hour bars with an account on disk, days with one in memory, an Alpaca."""
    if request.param == "alpaca":
        yield request.getfixturevalue("alpaca")
        return
    is_simulated = request.param == "simulated"
    bars_a_day, rules = (BARS_A_DAY, FREE) if is_simulated else (1, COSTLY)
    played = Played(tmp_path / "account.db" if is_simulated else None, bars_a_day, rules)
    yield played
    played.venue.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder, in memory where that can be: a process that is killed loses no file."""
    memory = Path("/dev/shm")  # noqa: S108
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def alpaca() -> Iterator[Emulated]:
    """Alpaca at the emulator, which fills all of an order."""
    pytest.importorskip("alpaca", reason=ALPACA)
    with emulated() as one:
        yield one
