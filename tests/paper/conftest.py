"""The venues, each in its scene."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benbot.agents.bundle import Expectations
from benbot.paper.account_rows import AccountRows, rows_of
from benbot.paper.replayed import Stretch, replay
from benbot.paper.setting import identity_of
from benbot.paper.store import reading
from tests.paper.replays import heard_stretch
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


@dataclass(frozen=True, eq=False)
class Traded:
    """A stretch that was replayed, in a folder that nobody may write: copy it."""

    stretch: Stretch
    folder: Path

    @property
    def rows(self) -> AccountRows:
        with reading(self.stretch.url(self.folder)) as connection:
            return rows_of(connection, self.stretch.account)


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Traded:
    """Rules of the catalogue on a small market, traded for a month and a half."""
    stretch, rules = heard_stretch()
    choices = [{"name": rule.rule, "label": "", "parameters": {}} for rule in rules]
    known = Expectations.of(stretch.history, choices, "of a test")
    symbols = stretch.history.market.symbols
    stretch = replace(stretch, identity=identity_of(known, "scripted", symbols))
    one = Traded(stretch, tmp_path_factory.mktemp("traded"))
    replay(stretch, one.folder)
    return one


@contextmanager
def in_memory() -> Iterator[Path]:
    """Yield a folder, in memory where that can be: a process that is killed loses no file."""
    memory = Path("/dev/shm")  # noqa: S108
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder, in memory where that can be."""
    with in_memory() as one:
        yield one


@pytest.fixture
def alpaca() -> Iterator[Emulated]:
    """Alpaca at the emulator, which fills all of an order."""
    pytest.importorskip("alpaca", reason=ALPACA)
    with emulated() as one:
        yield one
