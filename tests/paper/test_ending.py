"""A process that is asked to end does: between two cycles at once, within one after some time."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from benbot.experiments.paper import ending
from benbot.experiments.paper.ending import Left, asked_to_end
from benbot.paper.autoloop import AutoLoop, Clocks
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.store import open_store
from benbot.paper.trader import Progress
from benbot.paper.venue import Clock, OrderIntent, Venue, VenueOrder
from benbot.strategies.records.moments import moment_of
from tests.paper.replays import everything, heard_stretch
from tests.paper.walks import N_BARS, Walk, Willing, is_exit, walking

LIMIT = 10.0  # seconds that whoever sends SIGTERM waits
SOON = 5.0


class Hanging(Willing):
    """A venue that does not come back from the order `after` so many, and says when that is."""

    after: int
    marker: Path

    def submit(self, intent: OrderIntent) -> VenueOrder:
        if len(self.sent) >= self.after:
            self.marker.touch()
            time.sleep(60.0)
        return super().submit(intent)


def trade(folder: Path, marker: Path, hangs_after: int) -> None:
    """Trade until somebody ends it."""

    def met(venue: Venue) -> Willing:
        hanging = Hanging(venue)
        hanging.after, hanging.marker = hangs_after, marker
        return hanging

    with asked_to_end() as asked, walking(folder, venue=met) as walk:

        def pause(seconds: float) -> None:
            walk.tick()
            if len(walk.venue.sent) > 4:
                marker.touch()
            asked.wait(seconds)

        own = walk.on.loop
        clocks = Clocks(walk.on.clock, time.monotonic, pause, 0.05)
        loop = AutoLoop(walk.venue, walk.on.store, own.trader, own._outbox, clocks)  # type: ignore[arg-type]
        loop.run(lambda cycle: None, asked.is_set)


def ended(
    folder: Path, hangs_after: int = 1_000, work: Callable[[], None] | None = None
) -> tuple[int, float]:
    """Trade in another process, end it once it trades; return its status and how long it took."""
    marker = folder / "trading"
    child = os.fork()
    if child == 0:
        try:
            if work is None:
                trade(folder, marker, hangs_after)
            else:
                work()
            os._exit(0)
        except SystemExit as left:
            os._exit(int(left.code or 0))
        finally:
            os._exit(99)
    deadline = time.monotonic() + 60.0
    while not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    began = time.monotonic()
    os.kill(child, signal.SIGTERM)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, time.monotonic() - began


def test_sigterm_ends_the_loop_between_two_cycles(folder: Path) -> None:
    status, seconds = ended(folder)
    assert (status, seconds < SOON) == (0, True)
    tables = everything(heard_stretch()[0], folder)
    assert len(tables["fills"]) > 0
    with open_store(heard_stretch()[0].url(folder), "replay", _now(folder)) as store:
        assert store.standing() is not None  # the lease was given back, and the account goes on


def test_a_cycle_that_does_not_end_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ending.GRACE + 1.0 < LIMIT
    monkeypatch.setattr(ending, "GRACE", 1)
    monkeypatch.setattr(ending, "FAREWELL", 60.0)
    status, seconds = ended(folder, hangs_after=3)
    assert (status, 0.5 < seconds < SOON) == (1, True)
    with walking(folder) as walk:
        walk.bars(3)
        ours = [one.client_order_id for one in walk.venue.sent]
        assert len(ours) == len(set(ours)) > 0
        assert set(walk.table("intents")["status"]) == {"done"}


def hold_up(folder: Path, how: str) -> tuple[int, float]:
    """Let another process be held up as nobody can interrupt it, and ask it to end."""

    def held() -> None:
        with asked_to_end():
            (folder / "trading").touch()
            if how == "a compiler":  # machine code that looks at no signal
                hashlib.pbkdf2_hmac("sha256", b"", b"", 20_000_000)
            for _ in range(20):  # a library that takes an end for an error of its own
                with suppress(SystemExit):
                    time.sleep(0.5)

    return ended(folder, work=held)


@pytest.mark.parametrize("how", ["a compiler", "a library"])
def test_a_process_that_cannot_be_interrupted_is_left_all_the_same(
    how: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ending.GRACE + ending.FAREWELL < LIMIT
    monkeypatch.setattr(ending, "GRACE", 0.2)
    monkeypatch.setattr(signal, "alarm", lambda seconds: signal.setitimer(0, seconds))
    monkeypatch.setattr(ending, "FAREWELL", 0.1)
    status, seconds = hold_up(folder, how)
    assert (status, 0.2 < seconds < SOON) == (ending.LEFT, True)


def test_who_was_left_is_told_so_whatever_a_library_makes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "GRACE", 0.05)
    monkeypatch.setattr(signal, "alarm", lambda seconds: signal.setitimer(0, seconds))
    with pytest.raises(Left), asked_to_end():
        _mistake_an_end()


def _mistake_an_end() -> None:
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SOON)
    finally:
        raise RuntimeError("no compiled object yet")


def test_nothing_is_left_of_whoever_waited_for_an_end_that_came() -> None:
    n_threads, n_open = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    with asked_to_end() as asked:
        assert threading.active_count() == n_threads + 1
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.wait(SOON)
    assert threading.active_count() == n_threads
    assert len(list(Path("/proc/self/fd").iterdir())) == n_open


@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [1.0, 10.0, 30.0])
def test_a_process_that_compiles_ends_in_time(seconds: float, folder: Path) -> None:
    words = [sys.executable, "-c", "from benbot.experiments.cli import main; main()", "paper"]
    words += ["--policy", "quickstart", "--folder", str(folder / "account")]
    cache = os.environ | {"BENBOT_CACHE": str(folder / "cache"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, env=cache, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        assert "the first time it compiles" in process.stdout.readline()
        time.sleep(seconds)
        began = time.monotonic()
        process.terminate()
        assert process.wait(60.0) == ending.LEFT
        assert time.monotonic() - began < LIMIT


def _now(folder: Path) -> Clock:
    moment = everything(heard_stretch()[0], folder)["equity"]["moment"].iloc[-1]
    return lambda: moment_of(int(moment))


def test_whoever_ends_leaves_what_it_would_enter_to_whoever_goes_on(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.venue.sent.clear()
        walk.on.loop._must_end = lambda: True
        while walk.on.loop.cycle().progress is not Progress.WORKING:
            walk.tick()
        assert all(is_exit(one) for one in walk.venue.sent)
        walk.on.loop._must_end = lambda: False
        walk.on.loop.cycle()
        assert not is_exit(walk.venue.sent[-1])
        assert set(walk.table("intents")["status"]) == {"done"}


def test_an_entry_that_waits_is_cancelled_by_who_leaves(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        staging = walk.on.loop.trader._staging
        entry = _last_entry(walk)
        staging._intents = [entry]
        pursued: list[bool] = []

        def pursue(intent: Intent, *, is_new: bool) -> Intent:
            pursued.append(staging._outbox.is_leaving)
            return intent

        staging._outbox.pursue = pursue  # type: ignore[method-assign,assignment]
        walk.on.loop.trader.leave()
        assert pursued == [True]


def _last_entry(walk: Walk) -> Intent:
    row = walk.table("intents").query("reason == 'NONE'").iloc[-1]
    stage = walk.on.store.intents(int(row["bar"]), int(row["stage"]))
    entry = next(one for one in stage if one.is_entry)
    return replace(entry, status=IntentStatus.WORKING)
