"""A cycle takes the six steps, says what blocked it, and gives up entries before exits."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benbot.envs.errors import VenueUnavailable
from benbot.envs.history import History
from benbot.paper.autoloop import PERIOD, AutoLoop, Clocks, Cycle, Status
from benbot.paper.bar_replay import ticks
from benbot.paper.replayed import Opened, Stretch, opened
from benbot.paper.store import set_switch
from benbot.paper.venue import AccountFacts, Venue, VenueClock
from tests.paper.replays import everything, heard_stretch

N_BARS = 8  # after which something is held


class Odd:
    """A venue of which the account and the clock can be what a test says."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.is_down, self.may_trade = False, True

    def clock(self) -> VenueClock:
        if self.is_down:
            raise VenueUnavailable("connection refused")
        return self._venue.clock()

    def account(self) -> AccountFacts:
        return replace(self._venue.account(), may_trade=self.may_trade, note="frozen")

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


class Walk:
    """A stretch that is walked through, tick by tick."""

    def __init__(self, stretch: Stretch, on: Opened, odd: Odd) -> None:
        self.on, self.odd = on, odd
        self._ticks = ticks(on.playback.hours, stretch.span)

    def cycle(self) -> Cycle:
        self.on.clock.move(next(self._ticks))
        return self.on.loop.cycle()

    def bars(self, n_bars: int) -> list[Cycle]:
        return [self.cycle() for _ in range(3 * n_bars)]


class Watch:
    """Seconds that only a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.seconds += self.step
        return self.seconds


@contextmanager
def walking(folder: Path, watch: Watch | None = None) -> Iterator[Walk]:
    stretch, _ = heard_stretch()
    odd: list[Odd] = []

    def wrapped(venue: Venue) -> Venue:
        odd.append(Odd(venue))
        return odd[-1]  # type: ignore[return-value]

    stretch = replace(stretch, wrapped=wrapped)
    with opened(stretch, folder, watch or (lambda: 0.0)) as on:
        yield Walk(stretch, on, odd[-1])


def intents(folder: Path) -> pd.DataFrame:
    return everything(heard_stretch()[0], folder)["intents"]


def test_a_bar_goes_through_all_steps(folder: Path) -> None:
    with walking(folder) as walk:
        cycles = walk.bars(N_BARS)
    opening = next(cycle for cycle in cycles if Status.EXECUTING in cycle.statuses)
    expected = "ALLOCATING → GENERATING_SIGNALS → COORDINATING → VALIDATING_RISKS → EXECUTING"
    assert expected in str(opening)
    assert cycles[-1].statuses[-1] is Status.COMPLETED


def test_the_kill_switch_lets_nothing_out_until_it_is_taken_back(folder: Path) -> None:
    url = f"sqlite:///{folder / 'paper.db'}"
    with walking(folder) as walk:
        walk.bars(N_BARS)
        n_sent = len(intents(folder))
        set_switch(url, "replay", walk.on.clock(), "test", is_halted=True)
        halted = walk.bars(10)
        after = intents(folder).iloc[n_sent:]
        assert len(after) > 0
        assert set(after["status"]) == {"dropped"}
        assert {cycle.statuses[0] for cycle in halted} == {Status.CIRCUIT_BREAKER}
        set_switch(url, "replay", walk.on.clock(), "test", is_halted=False)
        walk.bars(10)
        assert intents(folder)["status"].iloc[-1] == "done"


def test_a_venue_that_does_not_answer_blocks_the_cycle_and_nothing_else(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.odd.is_down = True
        cycle = walk.cycle()
        assert cycle.statuses == [Status.HEALTH]
        assert "connection refused" in cycle.why
        walk.odd.is_down = False
        assert walk.cycle().statuses[-1] is Status.COMPLETED


@pytest.mark.parametrize("reason", ["slow", "frozen"])
def test_entries_are_given_up_before_exits(reason: str, folder: Path) -> None:
    watch = Watch()
    with walking(folder, watch) as walk:
        walk.bars(N_BARS)
        n_sent = len(intents(folder))
        if reason == "slow":
            watch.step = 21.0
        else:
            walk.odd.may_trade = False
        cycles = walk.bars(15)
    after = intents(folder).iloc[n_sent:]
    entries = after["reason"] == "NONE"
    assert set(after[entries]["status"]) == {"dropped"}
    assert set(after[~entries]["status"]) == {"done"}
    assert ("too slow" if reason == "slow" else "frozen") in after[entries]["note"].iloc[0]
    if reason == "frozen":
        assert cycles[0].statuses[0] is Status.HEALTH


def test_without_signals_a_cycle_is_idle(folder: Path) -> None:
    stretch, _ = heard_stretch()
    stretch = replace(stretch, history=silent(stretch.history))
    with opened(stretch, folder) as on:
        walk = Walk(stretch, on, Odd(None))  # type: ignore[arg-type]
        cycles = walk.bars(2)
    assert any(cycle.statuses[1:3] == [Status.SIGNALS, Status.NO_SIGNALS] for cycle in cycles)


def silent(history: History) -> History:
    return replace(history, tape=history.tape._replace(value=np.zeros_like(history.tape.value)))


def test_a_cycle_never_overlaps_the_next_and_late_ones_are_left_out(folder: Path) -> None:
    watch, began = Watch(), []

    def pause(seconds: float) -> None:
        watch.seconds += seconds

    class Long(AutoLoop):
        def cycle(self) -> Cycle:
            began.append(watch.seconds)
            watch.seconds += 70.0 if len(began) == 2 else 1.0
            if len(began) == 4:
                set_switch(f"sqlite:///{folder / 'paper.db'}", "replay", now(), "", must_stop=True)
            return Cycle(len(began), [Status.COMPLETED])

    with walking(folder) as walk:
        now = walk.on.clock
        trader, store = walk.on.loop.trader, walk.on.store
        loop = Long(walk.odd, store, trader, None, Clocks(now, watch, pause))  # type: ignore[arg-type]
        loop.run(lambda cycle: None)
    assert began == [0.0, PERIOD, 4 * PERIOD, 5 * PERIOD]


def test_failures_end_with_an_answer_and_not_with_an_order(folder: Path) -> None:
    """Who holds nothing sends nothing: it would wait forever for an order to go well."""
    with walking(folder) as walk:
        walk.odd.is_down = True
        walk.bars(2)
        walk.odd.is_down = False
        walk.bars(3 * N_BARS)
    assert "done" in set(intents(folder)["status"])
