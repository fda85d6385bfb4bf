"""One account from bar to bar: what the policy decides, the desk orders, the venue fills.

The account stands at the beginning of a stage, and the stage is traded from the orders and answers
that are kept. So there is one path: whoever starts, whoever goes on after a crash and whoever is in
the middle of a day reads where the account stands and does what comes next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from benbot.agents.policy import Policy, checked_weights
from benbot.envs.arrays import Float32Array, Record
from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.reasons import Exit
from benbot.envs.errors import InvalidWeights, RunMismatch
from benbot.paper.change import Change, Decision
from benbot.paper.desk import Answer, PaperDesk, Traded
from benbot.paper.feed import Feed
from benbot.paper.intents import Intent, IntentStatus, intent_of
from benbot.paper.outbox import Outbox
from benbot.paper.pending import Pending
from benbot.paper.reel import Opening, with_opening
from benbot.paper.setting import Setting
from benbot.paper.standing import Phase, Standing, facts_of, opening_from
from benbot.paper.store import PaperStore
from benbot.paper.venue import OrderKind

STOPS = (Exit.STOP, Exit.TRAILING_STOP, Exit.BREAK_EVEN)
TARGETS = (Exit.TARGET, Exit.PARTIAL)
NOWHERE = -1  # bar of an account that has not begun


class Progress(Enum):
    """Why the trader stopped."""

    WAITING = "waiting"  # for the market
    WORKING = "working"  # for the venue
    ENDED = "ended"  # the account is ruined


@dataclass(frozen=True)
class Leave:
    """What may be sent in a cycle.

    entries    whether positions may be opened or enlarged; why not, where they may not
    is_late    whether the cycle has taken too long for entries
    """

    entries: str = ""
    is_late: Callable[[], bool] = lambda: False


class Trader:
    """The only account of a loop; `resume` first, then `advance` again and again."""

    def __init__(self, setting: Setting, store: PaperStore, feed: Feed, outbox: Outbox) -> None:
        self.setting, self._store, self._feed, self._outbox = setting, store, feed, outbox
        names = setting.names
        self.desk = PaperDesk(setting.rules, len(names.strategies), len(names.symbols))
        self._pending = Pending(names)
        self._intents: list[Intent] = []
        self._is_kept = False  # whether the standing is in the store
        self.standing = Standing(NOWHERE, Phase.DECIDED, 0, b"")
        self.health = (0, 0)  # calls of the venue that failed in a row, quotes that are too old
        self.opened: list[tuple[Traded, int]] = []  # openings, and the signals that they followed
        self.weights: Float32Array

    @property
    def policy(self) -> Policy:
        return self.setting.policy

    def resume(self, capital: Callable[[], float]) -> None:
        """Go on where the account stands; where there is none, begin it with this capital."""
        standing = self._store.standing()
        if standing is None:
            self._begin(capital())
            return
        self.setting.chronicle.restore(
            standing.sleeves, self._store.growth(len(self.setting.names.strategies))
        )
        self._show(standing.bar)
        self.desk.restore(standing.book)
        self._remember()
        self.standing, self._is_kept = standing, True
        if standing.phase.is_stage:
            self._intents = self._store.intents(standing.bar + 1, standing.stage)

    def advance(self, leave: Leave) -> Progress:
        """Do all that can be done now."""
        while True:
            if self.standing.phase.is_stage:
                if not self._trade_stage(leave):
                    return Progress.WORKING
            elif self.standing.phase is Phase.DECIDED and not self._is_solvent():
                return Progress.ENDED
            elif not self._begin_stage():
                return Progress.WAITING

    # Beginnings.

    def _begin(self, capital: float) -> None:
        t = self._feed.last_closed()
        self._show(t)
        self.desk.begin(t, capital)
        self.policy.reset()
        with self._store.change() as change:
            self.setting.begin(change, t, capital)
            self._decide(change, t)

    def _begin_stage(self) -> bool:
        """Begin what the market allows to begin; say whether anything did."""
        t, phase = self.standing.bar + 1, self.standing.phase
        if phase is Phase.DECIDED:
            opening = self._feed.opening(t)
            return opening is not None and self._stage(Phase.OPENING, opening)
        if phase is Phase.CLOSED:
            closed_at = self._feed.closed_at(t)
            return closed_at is not None and self._close(t, closed_at)
        ending = self._feed.ending(t)
        if ending is not None:
            return self._stage(Phase.CLOSING, ending)
        seen = self._feed.seen(t)
        return seen is not None and self._watch(t, seen)

    def _stage(self, phase: Phase, facts: Opening) -> bool:
        number = 0 if phase is Phase.OPENING else self.standing.stage
        if phase is Phase.OPENING:
            self.desk.note_health(*self.health)
        self._stand(
            replace(
                self.standing,
                phase=phase,
                stage=number,
                book=self.desk.image(),
                facts=facts_of(facts),
            )
        )
        self._intents = []
        return True

    def _watch(self, t: int, seen: Opening) -> bool:
        """Look at what was seen inside a bar; it is a stage only if somebody has to leave."""
        self._show_bar(seen, t)
        before = self.desk.image()
        missing = self.desk.missing()
        traded = self.desk.trade_inside(t, (), is_last=False)
        if traded.is_over:
            self.desk.put_missing(missing)
            if self.desk.image() != before:
                self._stand(replace(self.standing, book=self.desk.image()))
            return False
        return self._stage(Phase.WATCHING, seen)

    # Stages.

    def _trade_stage(self, leave: Leave) -> bool:
        """Trade the stage that is under way as far as it goes; say whether it is over."""
        standing, t = self.standing, self.standing.bar + 1
        self._show_bar(opening_from(standing.facts, len(self.setting.names.symbols)), t)
        missing = self.desk.missing()
        answers = [intent.answer() for intent in self._intents if intent.status.is_settled]
        while not (traded := self._trade(t, answers)).is_over:
            n = len(answers)
            is_new = n == len(self._intents)
            if is_new:
                self._intents.append(self._plan(traded.next, n, leave))
            self._intents[n] = intent = self._outbox.pursue(self._intents[n], is_new=is_new)
            if not intent.status.is_settled:
                return False
            answers.append(intent.answer())
        if standing.phase is Phase.WATCHING:
            self.desk.put_missing(missing)
        self._end_stage(traded)
        return True

    def _trade(self, t: int, answers: Sequence[Answer]) -> Traded:
        if self.standing.phase is Phase.OPENING:
            return self.desk.trade_opening(t, answers)
        return self.desk.trade_inside(t, answers, is_last=self.standing.phase is Phase.CLOSING)

    def _end_stage(self, traded: Traded) -> None:
        standing = self.standing
        after = Phase.CLOSED if standing.phase is Phase.CLOSING else Phase.INSIDE
        self._pending.add(traded, standing.stage)
        if standing.phase is Phase.OPENING:
            self.opened.append((traded, self._n_signals(standing.bar)))
        self._stand(
            replace(
                standing, phase=after, stage=standing.stage + 1, book=self.desk.image(), facts=b""
            )
        )

    def _plan(self, order: Record, sequence: int, leave: Leave) -> Intent:
        """Keep the next order of the stage, before anything is done about it."""
        place = (self.standing.bar + 1, self.standing.stage, sequence)
        ticker = self.setting.names.symbols[int(order["symbol"])]
        intent = intent_of(order, place, ticker, (self.setting.key, self._store.now()))
        intent = self._conditioned(intent)
        why_not = self._why_not(intent, leave)
        if intent.reason == Exit.DELISTED:
            cost = float(order["cost"])
            intent = replace(intent, status=IntentStatus.BOOKED, filled=intent.units, cost=cost)
        elif why_not:
            intent = intent.settled(IntentStatus.DROPPED, why_not)
        else:
            intent = replace(intent, attempts=1)
        with self._store.change() as change:
            self._keep(change)
            change.plan(intent, self.setting.names)
        self._is_kept = True
        return intent

    def _conditioned(self, intent: Intent) -> Intent:
        """Return an exit inside a bar as the venue is to be asked for it."""
        if not self.setting.conditions or self.standing.phase is Phase.OPENING:
            return intent
        if intent.reason in STOPS:
            return replace(intent, kind=OrderKind.STOP, limit=intent.price)
        if intent.reason in TARGETS:
            return replace(intent, kind=OrderKind.LIMIT, limit=intent.price)
        return intent

    def _why_not(self, intent: Intent, leave: Leave) -> str:
        """Return why an order is not to be sent, nothing where it is."""
        if self._feed.is_past(intent.bar):
            return "its bar is over"
        if not intent.is_entry:
            return ""
        return leave.entries or ("the cycle was too slow" if leave.is_late() else "")

    # Closes.

    def _close(self, t: int, closed_at: int) -> bool:
        """Mark the account at the close of bar `t`, and let the policy decide."""
        self._show(t)
        self.desk.close(t)
        with self._store.change() as change:
            self._decide(change, t, closed_at)
        return True

    def _decide(self, change: Change, t: int, closed_at: int | None = None) -> None:
        observation = self.desk.observe(t, self.setting.layout.size)
        moment = self._feed.closed_at(t) if closed_at is None else closed_at
        account = self.desk.account
        facts = {name: float(account[name]) for name in ("equity", "cash", "gross", "net")}
        facts |= {
            "n_positions": int(account["n_positions"]),
            "breaker": breaker_of(account).name,
        }
        change.equity(t, moment or 0, facts)
        self.weights = self._chosen(change, t, observation)
        self.desk.decide(self.weights)
        chronicle = self.setting.chronicle
        growth = chronicle.growth(t)
        change.decide(Decision(t, observation, self.weights, growth))
        foreign = self.standing.foreign
        book, sleeves = self.desk.image(), chronicle.image()
        self.standing = Standing(t, Phase.DECIDED, 0, book, b"", sleeves, foreign)
        self._keep(change)
        change.positions(self.desk.positions, foreign, self.setting.names)
        self._intents, self._is_kept = [], True

    def _chosen(self, change: Change, t: int, observation: Float32Array) -> Float32Array:
        """Ask the policy; nonsense keeps the weights that there are."""
        n_entries = len(self.setting.names.strategies) + 1
        try:
            return checked_weights(self.policy, self.policy.weights(observation), n_entries)
        except InvalidWeights as error:
            change.event("nonsense", f"bar {t}", why=str(error))
            return self.desk.weights()

    def _is_solvent(self) -> bool:
        return float(self.desk.account["equity"]) > self.setting.ruin

    # What is kept.

    def keep(self) -> None:
        """Keep where the account stands now, if it is not kept."""
        if not self._is_kept:
            with self._store.change() as change:
                self._keep(change)
            self._is_kept = True

    def stand_with(self, change: Change, standing: Standing) -> None:
        """Keep another standing, of the book as it is now, within a change."""
        self._stand(replace(standing, book=self.desk.image()))
        self._keep(change)
        change.positions(self.desk.positions, standing.foreign, self.setting.names)
        self._is_kept = True

    def _n_signals(self, t: int) -> int:
        return int(np.count_nonzero(self._tape.value[t]))

    def _stand(self, standing: Standing) -> None:
        self.standing, self._is_kept = standing, False

    def _keep(self, change: Change) -> None:
        if not self._is_kept:
            change.stand(self.standing)
        self._pending.write(change)

    def _show(self, t: int) -> None:
        tape, features = self.setting.chronicle.until(t)
        self._tape, self._features = tape, features
        for symbol in self.standing.foreign:
            number = self.setting.names.symbols.index(symbol)
            tape.facts["age"][t, number] = np.inf  # nobody opens it while it is a stranger's
        self.desk.show(tape, features)

    def _show_bar(self, facts: Opening, t: int) -> None:
        self._tape = with_opening(self._tape, facts, t)
        self.desk.show(self._tape, self._features)

    def _remember(self) -> None:
        """Let the policy live through all that it saw, and refuse one that chooses otherwise."""
        self.policy.reset()
        for observation, weights in self._store.observations():
            self.weights = weights
            try:
                chosen = self.policy.weights(observation)
                checked_weights(self.policy, chosen, weights.size)
            except InvalidWeights:
                continue  # it was asked in vain then, too
            if not np.array_equal(chosen, weights):
                raise RunMismatch(
                    "a policy must choose again what it chose before, was another or runs on "
                    "other code. Go on with the bundle that the account began with"
                )
