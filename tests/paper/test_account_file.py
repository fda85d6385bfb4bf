"""The simulated account on disk: private, sound, of one owner, and whole whatever happens."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from benbot.envs.errors import OutcomeUnknown, RunMismatch, VenueUnavailable
from benbot.paper.account_file import AccountFile
from benbot.paper.replay import Playback
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from tests.paper.scenes import FREE, MINUTE, MONDAY, Played, buy, done, limit, market_of, step_times


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "account.db"


def opened(path: Path, **fields: int) -> SimulatedVenue:
    playback = Playback(market_of(step_times(13)), FREE, lambda: MONDAY + MINUTE)
    return SimulatedVenue(playback, SimulatedAccount(**fields), path)


def test_only_its_owner_can_read_it(path: Path) -> None:
    path.touch(0o644)
    opened(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_answered_is_on_the_disk(path: Path) -> None:
    venue = opened(path)
    run = venue._file._connection.execute
    assert run("PRAGMA synchronous").fetchone() == (2,)  # FULL
    venue.close()


def test_a_second_owner_is_refused(path: Path) -> None:
    first = opened(path)
    first.submit(buy("b-1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benbot.paper.account_file.WAIT", 0.01)
        with pytest.raises(VenueUnavailable, match="End whatever else trades with it"):
            opened(path)
    first.close()
    opened(path).close()


def test_an_account_of_another_market_is_refused(path: Path) -> None:
    opened(path).close()
    with pytest.raises(RunMismatch, match="Give each market a file of its own") as refusal:
        opened(path, seed=1)
    opened(path).close()  # and it is not kept from its owner
    assert "seed 1" in str(refusal.value)


def test_an_account_of_another_version_is_refused(path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(RunMismatch, match="must have version 1, was 7"):
        opened(path)


def test_a_file_that_is_no_account_is_refused_and_kept(path: Path) -> None:
    path.write_bytes(b"not a database, and somebody's own" * 100)
    before = path.read_bytes()
    with pytest.raises(RunMismatch, match="must be a sound SQLite file"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("page", [1, -1])
def test_a_damaged_account_is_refused(path: Path, page: int) -> None:
    venue = opened(path)
    for i in range(30):
        venue.submit(buy(f"b-{i}", **limit(40.0)))
    venue.close()
    whole = bytearray(path.read_bytes())
    begin = page * 4096 % len(whole)
    whole[begin : begin + 64] = bytes(range(7, 71))
    path.write_bytes(whole)
    with pytest.raises(RunMismatch, match="Restore a copy"):
        opened(path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VenueUnavailable, match="must be a file that can be written"):
        opened(tmp_path / "nowhere" / "account.db")


def broken(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_an_order_that_cannot_be_written_down_does_not_exist(path: Path) -> None:
    venue = opened(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountFile, "_write", broken)
        with pytest.raises(OutcomeUnknown, match="cannot be written: database or disk is full"):
            venue.submit(buy("b-1"))
    assert venue.order("b-1") is None
    assert list(venue.positions()) == []
    venue.submit(buy("b-1"))
    assert [one.units for one in venue.positions()] == [10.0]
    venue.close()


def test_what_a_bar_brought_is_not_lost_when_it_cannot_be_written_at_once(path: Path) -> None:
    scene = Played(path, 13, FREE)
    scene.venue.submit(buy("b-1", "DOWN", **limit(99.0)))
    scene.step(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountFile, "_write", broken)
        with pytest.raises(VenueUnavailable, match="the account cannot be read"):
            scene.venue.positions()
    assert [one.units for one in scene.venue.positions()] == [10.0]
    scene.venue.close()


@pytest.mark.parametrize("n", range(1, 16))
def test_an_account_is_whole_wherever_writing_stops(path: Path, n: int) -> None:
    """Let the n-th statement of an order that fills fail, for every n that there is."""
    scene = Played(path, 13, FREE)
    done(scene, buy("before"))
    venue = scene.venue
    connection = venue._file._connection  # type: ignore[attr-defined]
    failing = Failing(connection, n)
    venue._file._connection = failing  # type: ignore[attr-defined]
    try:
        venue.submit(buy("during", "UP"))
        arrived = True
    except OutcomeUnknown:
        arrived = False
    venue._file._connection = connection  # type: ignore[attr-defined]
    scene.restart()
    held = {one.symbol: one.units for one in scene.venue.positions()}
    assert held == ({"FLAT": 10.0, "UP": 10.0} if arrived else {"FLAT": 10.0})
    assert (scene.venue.order("during") is not None) == arrived
    assert failing.n > 0 or not arrived  # there are fewer than fifteen
    scene.venue.close()


def test_an_order_that_was_written_though_that_failed_is_there(path: Path) -> None:
    venue = opened(path)
    connection = venue._file._connection
    venue._file._connection = Mute(connection)  # type: ignore[assignment]
    with pytest.raises(OutcomeUnknown, match="disk I/O error"):
        venue.submit(buy("b-1"))
    venue._file._connection = connection
    assert [one.units for one in venue.positions()] == [10.0]
    assert venue.account().cash == 99_500.0
    venue.close()


class Mute:
    """A connection that commits, and says that it did not."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, *arguments: object) -> object:
        answer = self._connection.execute(*arguments)  # type: ignore[arg-type]
        if arguments[0] == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return answer


class Failing:
    """A connection whose n-th statement fails."""

    def __init__(self, connection: sqlite3.Connection, n: int) -> None:
        self._connection, self.n = connection, n

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, *arguments: object) -> object:
        self.count()
        return self._connection.execute(*arguments)  # type: ignore[arg-type]

    def executemany(self, *arguments: object) -> object:
        self.count()
        return self._connection.executemany(*arguments)  # type: ignore[arg-type]

    def count(self) -> None:
        self.n -= 1
        if self.n == 0:
            raise sqlite3.OperationalError("disk I/O error")


CHILD = """
import sys
from pathlib import Path
from tests.paper.scenes import FREE, Played, buy
scene = Played(Path(sys.argv[1]), 13, FREE)
for i in range(10_000):
    scene.venue.submit(buy(f"b-{i}", units=1.0))
    print(i, flush=True)
"""


def test_what_was_answered_before_the_process_was_killed_is_there(path: Path) -> None:
    root = Path(__file__).parents[2]
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", CHILD, str(path)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    assert child.stdout is not None
    answered = [int(child.stdout.readline()) for _ in range(5)]
    child.send_signal(signal.SIGKILL)
    answered += [int(line) for line in child.stdout.read().splitlines()]
    child.wait()
    venue = opened(path)
    (position,) = venue.positions()
    assert position.units in (len(answered), len(answered) + 1)  # one may have had no answer
    for i in answered:
        order = venue.order(f"b-{i}")
        assert order is not None
        assert order.filled_units == 1.0
    venue.close()
