"""The kill switch stands apart from all that may fail: while it is on, nothing is sent."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from benbot.envs.errors import OutcomeUnknown, VenueUnavailable
from benbot.paper.intents import IntentStatus
from benbot.paper.staging import Leave
from benbot.paper.store import PaperStore, set_switch
from tests.paper.conftest import in_memory
from tests.paper.replays import heard_stretch
from tests.paper.test_distrust import Odd
from tests.paper.walks import N_BARS, Walk, walking

QUESTIONS = ("clock", "account", "positions", "open_orders", "order", "fills", "submit")
ERRORS = (VenueUnavailable("down"), OutcomeUnknown("lost"))
TURNS = st.sampled_from(["halt", "resume", "fail", "heal", "unreadable", "readable"])
STEPS = st.lists(st.tuples(TURNS, st.sampled_from(QUESTIONS), st.integers(1, 4)), max_size=8)


class Fragile:
    """A store of which the switch can become unreadable."""

    def __init__(self, store: PaperStore) -> None:
        self._store, self._engine = store, store._writing

    def break_switch(self) -> None:
        self._store._writing = _Broken(self._engine)  # type: ignore[assignment]

    def mend(self) -> None:
        self._store._writing = self._engine


class _Broken:
    """An engine that writes and reads anything but what is read without a transaction."""

    def __init__(self, engine: object) -> None:
        self._engine = engine

    def connect(self) -> object:
        raise OperationalError("SELECT", {}, Exception("gone"))

    def __getattr__(self, name: str) -> object:
        return getattr(self._engine, name)


def let_pass(walk: Walk, n_ticks: int) -> None:
    """Let time pass, whatever the loop raises: whoever starts it again does the same."""
    for _ in range(n_ticks):
        walk.tick()
        for _ in range(2):
            try:
                walk.on.loop.cycle()
            except (VenueUnavailable, OutcomeUnknown, OSError):
                continue


def live(steps: list[tuple[str, str, int]], folder: Path) -> tuple[int, int]:
    """Take the steps; return how many orders left while it was on, and how many while not."""
    script = heard_stretch()[0].policy.script  # type: ignore[attr-defined]
    stretch = replace(heard_stretch()[0], policy=Odd(script, odd=tuple(range(0, 40, 3)), says=None))
    sent = {True: 0, False: 0}
    with walking(folder, stretch) as walk:
        fragile = Fragile(walk.on.store)
        let_pass(walk, 3 * N_BARS)
        is_on = is_broken = False
        for turn, question, n_ticks in steps:
            if turn in ("halt", "resume"):
                is_on = turn == "halt"
                set_switch(walk.url, "replay", walk.on.clock(), "test", is_halted=is_on)
            elif turn in ("unreadable", "readable"):
                is_broken = turn == "unreadable"
                (fragile.break_switch if is_broken else fragile.mend)()
            elif turn == "fail":
                walk.venue.raises[question] = ERRORS[n_ticks % 2]
            else:
                walk.venue.raises.clear()
            n_before = len(walk.venue.sent)
            let_pass(walk, n_ticks)
            sent[is_on or is_broken] += len(walk.venue.sent) - n_before
        fragile.mend()
        walk.venue.raises.clear()
    return sent[True], sent[False]


@settings(max_examples=1)
@example([("heal", "clock", 4)] * 4)
@given(STEPS)
def test_after_halt_nothing_is_sent_whatever_raises(steps: list[tuple[str, str, int]]) -> None:
    with in_memory() as folder:
        assert live([("halt", "clock", 2), *steps], folder)[0] == 0


@pytest.mark.nightly
@settings(max_examples=300)
@given(STEPS)
def test_in_hundreds_of_stories_nothing_is_sent_after_halt(
    steps: list[tuple[str, str, int]],
) -> None:
    with in_memory() as folder:
        assert live(steps, folder)[0] == 0


@pytest.mark.nightly
def test_what_the_law_looks_at_does_send_orders(folder: Path) -> None:
    steps = [("halt", "clock", 2), ("resume", "clock", 4), ("unreadable", "clock", 3)]
    on, off = live([*steps, ("readable", "clock", 4)], folder)
    assert (on, off > 0) == (0, True)


def test_a_switch_that_cannot_be_read_drops_nothing_and_sends_nothing(folder: Path) -> None:
    """Nobody threw it, so what was decided waits; when it can be read again it leaves."""
    with walking(folder) as walk:
        let_pass(walk, 3 * N_BARS)
        row = walk.table("intents").iloc[0]
        intent = walk.on.store.intents(int(row["bar"]), int(row["stage"]))[0]
        intent = replace(intent, client_order_id="bb-new-0-0-0-E-S0", status=IntentStatus.SENT)
        fragile, n_sent = Fragile(walk.on.store), len(walk.venue.sent)
        fragile.break_switch()
        assert walk.on.store.kill_switch() is None
        assert walk.on.store.is_halted()
        assert walk.on.loop._outbox.pursue(intent, is_new=True) is intent
        walk.tick()
        walk.on.loop.trader.advance(Leave())
        assert len(walk.venue.sent) == n_sent
        fragile.mend()
        walk.on.loop.cycle()
        assert np.count_nonzero(walk.table("intents")["note"] == "halted") == 0
