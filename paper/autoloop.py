"""The AutoLoop: every thirty seconds the six steps, one cycle after the other, never two at once.

1 health and breakers · 2 capital · 3 signals · 4 coordinate and gates · 5 execute · 6 exits

Strategies and policy decide at the close of a bar; exits and breakers act in every cycle. What
blocks a cycle blocks entries: exits go on as long as the venue answers and nobody has thrown the
kill switch. A cycle that takes too long gives up its entries before its exits.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import numpy as np

from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.reasons import Breaker, Verdict
from benbot.envs.errors import VenueUnavailable
from benbot.paper.desk import Traded
from benbot.paper.heartbeat import Heartbeat, beat
from benbot.paper.outage import Outage
from benbot.paper.outbox import Outbox
from benbot.paper.presence import note_switches
from benbot.paper.reconciliation import Reconciliation
from benbot.paper.staging import Leave
from benbot.paper.store import PaperStore
from benbot.paper.trader import Progress, Trader
from benbot.paper.venue import AccountFacts, Clock, Venue

PERIOD = 30.0  # seconds from the beginning of one cycle to that of the next
PATIENCE = 20.0  # seconds after which a cycle enters nothing more
SKEW = timedelta(seconds=30)  # between our clock and the venue's, beyond which nothing is entered


class Status(StrEnum):
    """What a cycle is doing, or why it did no more."""

    CIRCUIT_BREAKER = "BLOCKED: CIRCUIT_BREAKER"
    HEALTH = "BLOCKED: HEALTH"
    ALLOCATING = "ALLOCATING"
    SIGNALS = "GENERATING_SIGNALS"
    NO_SIGNALS = "IDLE: NO_SIGNALS"
    COORDINATING = "COORDINATING"
    VALIDATING = "VALIDATING_RISKS"
    RISK_GATES = "BLOCKED: RISK_GATES"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"


@dataclass
class Cycle:
    """What became of a cycle.

    statuses   in order; the last says how it ended
    skew       seconds between our clock and the venue's; None where it was not asked
    switched   what people switched since the cycle before, in words
    """

    number: int
    statuses: list[Status] = field(default_factory=list)
    progress: Progress = Progress.WAITING
    why: str = ""
    skew: float | None = None
    switched: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        path = " → ".join(self.statuses)
        return f"cycle {self.number}: {path}{f' ({self.why})' if self.why else ''}"


@dataclass(frozen=True)
class Clocks:
    """Where time comes from.

    now        the time of this machine, to compare with the venue's
    elapsed    seconds that only grow
    pause      waits so many seconds
    period     seconds from the beginning of one cycle to that of the next
    """

    now: Clock
    elapsed: Callable[[], float]
    pause: Callable[[float], None]
    period: float = PERIOD


class AutoLoop:
    """The loop of one account; `resume` once, then `cycle` or `run`.

    progress   of the last cycle
    """

    def __init__(
        self, venue: Venue, store: PaperStore, trader: Trader, outbox: Outbox, clocks: Clocks
    ) -> None:
        self._venue, self._store, self.trader, self._outbox = venue, store, trader, outbox
        self._clocks = clocks
        self._reconciliation = Reconciliation(venue, store, outbox, trader)
        self._outage = Outage(store, clocks.elapsed)
        self._n_cycles, self.progress = 0, Progress.WAITING
        self._must_end: Callable[[], bool] = lambda: False
        self.hear: Callable[[], None] = lambda: None  # news, which no order waits for

    def resume(self) -> None:
        """Begin the account, or go on where it stands."""
        self.trader.resume(lambda: self._venue.account().cash)

    def cycle(self) -> Cycle:
        """Take the six steps once, and keep what became of them."""
        began = self._clocks.elapsed()
        self.hear()
        cycle = self._take_steps()
        is_unwell = Status.HEALTH in cycle.statuses
        if is_unwell or cycle.skew is not None:  # a halted account was not asked how it is
            self._outage.note(cycle.why if is_unwell else "")
        if cycle.progress is Progress.ENDED:
            self._outage.ruin(cycle.why, len(self.trader.desk.positions))
        self._beat(cycle, self._clocks.elapsed() - began)
        self.progress, cycle.switched = cycle.progress, note_switches(self._store)
        return cycle

    def _take_steps(self) -> Cycle:
        self._n_cycles += 1
        cycle, began = Cycle(self._n_cycles), self._clocks.elapsed()
        self.trader.failures = self._outbox.failures
        try:
            self._outage.require_leave()
            blocked = self._check_health(cycle)
            if not blocked:
                cycle.statuses.append(Status.ALLOCATING)
            self._outbox.strays.ask()
            self._reconciliation.look()
        except VenueUnavailable as error:
            self._outbox.failures += 1
            cycle.statuses.append(Status.HEALTH)
            cycle.why = f"the venue does not answer: {error}"
            self._outage.refuse(error, rests=True)
            return cycle
        if not self.trader.standing.phase.is_stage:  # else the order that is under way has the word
            self._outbox.failures = 0
        leave = Leave(blocked, lambda: self._clocks.elapsed() - began > PATIENCE, self._must_end)
        self._trade(cycle, leave, is_blocked=bool(blocked))
        return cycle

    def run(
        self, report: Callable[[Cycle], None], must_end: Callable[[], bool] = lambda: False
    ) -> None:
        """Cycle until somebody asks the loop to stop, here or in the store, or all is lost."""
        period, self._must_end = self._clocks.period, must_end
        while not (must_end() or self._store.must_stop()):
            began = self._clocks.elapsed()
            cycle = self.cycle()
            self.trader.keep()
            report(cycle)
            if cycle.progress is Progress.ENDED:
                return
            late = (self._clocks.elapsed() - began) // period  # cycles that are left out
            left = began + (late + 1.0) * period - self._clocks.elapsed()
            self._clocks.pause(max(left, 0.0))
        self.trader.leave()

    def _beat(self, cycle: Cycle, duration: float) -> None:
        """Keep what a cycle did, for whoever looks on."""
        statuses = tuple(status.value for status in cycle.statuses)
        stale = int(self.trader.desk.account["stale_quotes"])  # at the last opening
        counts = (self._outbox.failures, stale, cycle.skew, duration)
        beat(
            self._store,
            Heartbeat(cycle.number, statuses, cycle.why, cycle.progress.value, *counts),
        )

    # The steps.

    def _check_health(self, cycle: Cycle) -> str:
        """Step 1: return why nothing may be entered, nothing where it may."""
        if self._store.is_halted():
            cycle.statuses.append(Status.CIRCUIT_BREAKER)
            cycle.why = "the kill switch is on"
            return cycle.why
        skew = abs(self._venue.clock().now - self._clocks.now())
        cycle.skew = skew.total_seconds()
        account = self._venue.account()
        cycle.why = _why_unhealthy(account, skew)
        if cycle.why:
            cycle.statuses.append(Status.HEALTH)
            return cycle.why
        if self.trader.trust.why_not:
            cycle.statuses.append(Status.CIRCUIT_BREAKER)
            cycle.why = self.trader.trust.why_not
            return cycle.why
        breaker = breaker_of(self.trader.desk.account)
        if breaker not in (Breaker.NORMAL, Breaker.RECOVERING):
            cycle.statuses.append(Status.CIRCUIT_BREAKER)
            cycle.why = breaker.name
        return ""  # the desk itself lets nothing in while a breaker is on

    def _trade(self, cycle: Cycle, leave: Leave, *, is_blocked: bool) -> None:
        """Take steps 3 to 6: the trader does what the market allows, exits before entries."""
        trader, bar = self.trader, self.trader.standing.bar
        trader.opened = []
        try:
            cycle.progress = trader.advance(leave)
        except VenueUnavailable as error:  # whoever knows the bars does not answer
            cycle.statuses.append(Status.HEALTH)
            cycle.why = f"the market is not known: {error}"
            self._outage.refuse(error, rests=False)
            return
        for traded, n_signals in trader.opened:
            cycle.statuses += _path(traded, n_signals)
        if trader.standing.bar > bar and not is_blocked:
            cycle.statuses.append(Status.SIGNALS)
        if cycle.progress is Progress.WORKING:
            cycle.statuses.append(Status.EXECUTING)
        elif cycle.progress is Progress.ENDED:
            cycle.statuses.append(Status.CIRCUIT_BREAKER)
            cycle.why = "the account is ruined"
        elif not is_blocked:
            cycle.statuses.append(Status.COMPLETED)


def _why_unhealthy(account: AccountFacts, skew: timedelta) -> str:
    if not account.may_trade:
        return f"the account may not trade: {account.note}"
    if not account.may_open:
        return f"the account may only close: {account.note}"
    if skew > SKEW:
        return f"our clock and the venue's are {skew.total_seconds():.0f} seconds apart"
    return ""


def _path(traded: Traded, n_signals: int) -> list[Status]:
    """Return what an opening went through."""
    if n_signals == 0 and not traded.fills.size:
        return [Status.SIGNALS, Status.NO_SIGNALS]
    path = [Status.SIGNALS, Status.COORDINATING, Status.VALIDATING]
    verdicts = traded.decisions["verdict"]
    if verdicts.size and np.all(verdicts > Verdict.CLIPPED):
        path.append(Status.RISK_GATES)
    if traded.fills.size:
        path.append(Status.EXECUTING)
    return path
