"""One account from bar to bar: what the policy decides, the desk orders, the venue fills.

The account stands at the beginning of a stage, and the stage is traded from the orders and answers
that are kept. So there is one path: whoever starts, whoever goes on after a crash and whoever is in
the middle of a day reads where the account stands and does what comes next.
"""

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

import numpy as np

from benbot.envs.desk.breakers import breaker_of
from benbot.paper.change import Change, Decision
from benbot.paper.desk import PaperDesk, Traded
from benbot.paper.feed import Feed
from benbot.paper.limits import NONE, AccountLimits, Tightening, tightening
from benbot.paper.outbox import Outbox
from benbot.paper.pending import Pending
from benbot.paper.reel import Opening, with_opening
from benbot.paper.setting import Setting
from benbot.paper.stage_moves import keep_stages
from benbot.paper.staging import Leave, Staging
from benbot.paper.standing import Phase, Standing, facts_of, opening_from
from benbot.paper.store import PaperStore
from benbot.paper.trust import Trust

NOWHERE = -1  # bar of an account that has not begun


class Progress(Enum):
    """Why the trader stopped."""

    WAITING = "waiting"  # for the market
    WORKING = "working"  # for the venue
    ENDED = "ended"  # the account is ruined


class Trader:
    """The only account of a loop; `resume` first, then `advance` again and again.

    failures  calls of the venue that failed in a row
    opened    openings that were traded, and how many signals they followed; for whoever reports
    """

    def __init__(self, setting: Setting, store: PaperStore, feed: Feed, outbox: Outbox) -> None:
        self.setting, self._store, self._feed = setting, store, feed
        names = setting.names
        self.desk = PaperDesk(setting.rules, len(names.strategies), len(names.symbols))
        self.standing = Standing(NOWHERE, Phase.DECIDED, 0, b"")
        self.failures = 0
        self.opened: list[tuple[Traded, int]] = []
        self._staging = Staging(setting, store, feed, outbox, self.desk)
        self._pending = Pending(names)
        self.trust = Trust(setting, store)
        self._limits, self._obeyed = Tightening(NONE, NONE, NONE), NONE
        self._is_kept = False  # whether the standing is in the store

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the account by number."""
        return self.setting.names.symbols

    def resume(self, capital: Callable[[], float]) -> None:
        """Go on where the account stands; where there is none, begin it with this capital."""
        standing = self._store.standing()
        if standing is None:
            self._begin(capital())
            return
        self._limits = self._tightening(standing.bar)
        is_opening = standing.phase is Phase.OPENING  # under the limits with which it began
        self._obey(self._limits.now if is_opening else self._limits.next)
        self.trust.listen(standing.bar)
        n_strategies = len(self.setting.names.strategies)
        self.setting.chronicle.restore(standing.sleeves, self._store.growth(n_strategies))
        if self.setting.ladder is not None:
            self.setting.ladder.recall(self._store.ladder(), standing.bar)
        self.standing, self._is_kept = standing, True
        self._show(standing.bar)
        self.desk.restore(standing.book)
        self.trust.remember()
        self._staging.resume(standing)
        with self._store.change() as change:
            self.trust.say(change)
            self._limits = self._limits.written(change, standing.bar + is_opening)

    def advance(self, leave: Leave) -> Progress:
        """Do all that can be done now."""
        self._staging.meter.begin_cycle()
        while True:
            if self.standing.phase.is_stage:
                if not self._trade_stage(leave):
                    return Progress.WORKING
            elif self.standing.phase is Phase.DECIDED and not self._is_solvent():
                return Progress.ENDED
            elif not self._begin_next():
                return Progress.WAITING

    def leave(self) -> None:
        """Cancel the entry that waits, if one does, and keep where the account stands."""
        self._staging.leave()
        self.keep()

    # What begins.

    def _begin(self, capital: float) -> None:
        self.trust.require_policy()
        t = self._feed.last_closed()
        self._limits = self._tightening(t)
        self._obey(self._limits.next)
        self._show(t)
        self.desk.begin(t, capital)
        self.setting.policy.reset()
        with self._store.change() as change:
            self.setting.begin(change, t, capital)
            self._decide(change, t, self._feed.closed_at(t) or 0)

    def _begin_next(self) -> bool:
        """Begin what the market allows to begin; say whether anything did."""
        t, phase = self.standing.bar + 1, self.standing.phase
        if phase is Phase.DECIDED:
            opening = self._feed.opening(t)
            return opening is not None and self._begin_stage(Phase.OPENING, opening)
        if phase is Phase.CLOSED:
            closed_at = self._feed.closed_at(t)
            return closed_at is not None and self._close(t, closed_at)
        ending = self._feed.ending(t)
        if ending is not None:
            return self._begin_stage(Phase.CLOSING, ending)
        if self._store.is_halted():  # or what is seen would be meant and dropped in every cycle
            return False
        seen = self._feed.seen(t)
        return seen is not None and self._watch(t, seen)

    def _begin_stage(self, phase: Phase, facts: Opening) -> bool:
        if phase is Phase.OPENING:
            self.desk.note_health(self.failures, self._feed.stale(self._followed()))
        book, stage = self.desk.image(), self.standing.stage
        self._stand(
            Standing(
                self.standing.bar,
                phase,
                stage,
                book,
                facts_of(facts),
                self.standing.sleeves,
                self.standing.foreign,
            )
        )
        self._staging.begin()
        return True

    def _followed(self) -> list[int]:
        """Return the symbols that are held or wanted."""
        wanted = np.flatnonzero(self._tape.value[self.standing.bar].any(axis=0))
        return sorted({*wanted.tolist(), *self.desk.positions["symbol"].tolist()})

    def _watch(self, t: int, seen: Opening) -> bool:
        """Look at what was seen inside a bar; it is a stage only if somebody has to leave."""
        self._show_bar(seen, t)
        before, missing = self.desk.image(), self.desk.missing()
        traded = self.desk.trade_inside(t, (), is_last=False)
        if not traded.is_over:
            return self._begin_stage(Phase.WATCHING, seen)
        self.desk.put_missing(missing)
        if self.desk.image() != before:
            self._stand(replace(self.standing, book=self.desk.image()))
        return False

    # Stages.

    def _trade_stage(self, leave: Leave) -> bool:
        """Trade the stage that is under way as far as it goes; say whether it is over."""
        standing = self.standing
        facts = opening_from(standing.facts, len(self.setting.names.symbols))
        self._show_bar(facts, standing.bar + 1)
        missing = self.desk.missing()
        leave = replace(leave, blocked=leave.blocked or self.trust.why_not)
        traded = self._staging.trade(standing, leave, self._keep)
        if traded is None:
            return False
        if standing.phase is Phase.WATCHING:
            self.desk.put_missing(missing)
        if standing.phase is Phase.OPENING:
            n_signals = int(np.count_nonzero(self._tape.value[standing.bar]))
            self.opened.append((traded, n_signals))
        self._pending.add(traded, standing.stage)
        after = Phase.CLOSED if standing.phase is Phase.CLOSING else Phase.INSIDE
        book, stage = self.desk.image(), standing.stage + 1
        self._stand(replace(standing, phase=after, stage=stage, book=book, facts=b""))
        return True

    # Closes.

    def _close(self, t: int, closed_at: int) -> bool:
        """Mark the account at the close of bar `t`, and let the policy decide."""
        self._obey(self._limits.next)
        self.trust.attend()
        self._show(t)
        self.desk.close(t)
        with self._store.change() as change:
            self._decide(change, t, closed_at)
        return True

    def _decide(self, change: Change, t: int, closed_at: int) -> None:
        """Let the policy look and choose, and keep all of it with the account."""
        setting, account = self.setting, self.desk.account
        observation = self.desk.observe(t, setting.layout.size)
        facts = {name: float(account[name]) for name in ("equity", "cash", "gross", "net")}
        breaker = breaker_of(account).name
        n_positions = int(account["n_positions"])
        change.equity(t, closed_at, {**facts, "n_positions": n_positions, "breaker": breaker})
        self.trust.note(change, t)
        weights = self.trust.chosen(change, t, observation, self.desk.weights())
        self.desk.decide(t, weights)
        self._limits = self._limits.written(change, t)
        regime, stages = int(self._tape.regime[t]), keep_stages(change, setting.ladder, t)
        growth = setting.chronicle.growth(t)
        change.decide(Decision(t, observation, weights, growth, regime, stages))
        self._stand(
            Standing(
                t,
                Phase.DECIDED,
                0,
                self.desk.image(),
                b"",
                setting.chronicle.image(),
                self.standing.foreign,
            )
        )
        self._keep(change)

    def _is_solvent(self) -> bool:
        return float(self.desk.account["equity"]) > self.setting.ruin

    # What is kept.

    def keep(self) -> None:
        """Keep where the account stands now, if it is not kept."""
        if not self._is_kept:
            with self._store.change() as change:
                self._keep(change)

    def stand_with(self, change: Change, foreign: dict[str, float]) -> None:
        """Keep the book as it is now, and what the desk does not own, within a change."""
        self._stand(replace(self.standing, book=self.desk.image(), foreign=foreign))
        self._keep(change)

    def _stand(self, standing: Standing) -> None:
        self.standing, self._is_kept = standing, False

    def _keep(self, change: Change) -> None:
        if not self._is_kept:
            change.stand(self.standing)
            names, foreign = self.setting.names, self.standing.foreign
            change.positions(self.desk.positions, foreign, names)  # as they are in that book
        self._pending.write(change)
        self._is_kept = True

    def _tightening(self, last: int) -> Tightening:
        return tightening(self._store, self.setting.limits, self.symbols, last)

    def _obey(self, limits: AccountLimits) -> None:
        """Let these limits hold for openings from now on."""
        self._obeyed = self._staging.limits = limits
        self.desk.restrain(limits.within(self.setting.rules))

    def _show(self, t: int) -> None:
        self._tape, self._features = self.setting.chronicle.until(t)
        left_alone = {*self.standing.foreign, *self._obeyed.closed}
        for number, symbol in enumerate(self.setting.names.symbols):
            if symbol in left_alone:  # nobody opens what a stranger holds, or what is closed
                self._tape.facts["age"][t, number] = np.inf
        self.desk.show(self._tape, self._features)

    def _show_bar(self, facts: Opening, t: int) -> None:
        self._tape = with_opening(self._tape, facts, t)
        self.desk.show(self._tape, self._features)
