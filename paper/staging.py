"""The orders of a stage, one after the other: each is sent when the one before it has its answer.

So exits that are filled make room for entries, and what is not filled leaves its room to the next,
as in training. An order that is not to be sent is kept all the same, with the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benbot.envs.arrays import Record
from benbot.envs.desk.reasons import Exit
from benbot.paper.caps import SUBJECT, Meter
from benbot.paper.change import Change
from benbot.paper.desk import Answer, PaperDesk, Traded
from benbot.paper.feed import Feed
from benbot.paper.intents import Intent, IntentStatus, intent_of
from benbot.paper.limits import NONE
from benbot.paper.outbox import TOO_LATE, Outbox
from benbot.paper.setting import Setting
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import PaperStore
from benbot.paper.urgency import Urgency
from benbot.paper.venue import OrderKind

STOPS = (Exit.STOP, Exit.TRAILING_STOP, Exit.BREAK_EVEN)
TARGETS = (Exit.TARGET, Exit.PARTIAL)
TOO_SLOW = "the cycle was too slow"


@dataclass(frozen=True)
class Leave:
    """What may be sent in a cycle.

    blocked    why nothing may be opened or enlarged; empty where it may
    is_late    whether the cycle has taken too long for that
    is_over    whether the process is to end: then it is left for whoever goes on
    """

    blocked: str = ""
    is_late: Callable[[], bool] = lambda: False
    is_over: Callable[[], bool] = lambda: False


class Staging:
    """Whoever brings a stage to its end, order by order."""

    def __init__(
        self, setting: Setting, store: PaperStore, feed: Feed, outbox: Outbox, desk: PaperDesk
    ) -> None:
        self._setting, self._store, self._feed = setting, store, feed
        self._outbox, self._desk = outbox, desk
        self._intents: list[Intent] = []
        self.limits = NONE
        self.meter, self._urgency = Meter(store), Urgency(store)

    def begin(self) -> None:
        """Begin a stage that has no orders yet."""
        self._intents = []

    def resume(self, standing: Standing) -> None:
        """Go on with the stage that is under way, if one is."""
        is_under_way = standing.phase.is_stage
        self._intents = (
            self._store.intents(standing.bar + 1, standing.stage) if is_under_way else []
        )

    def trade(
        self, standing: Standing, leave: Leave, keep: Callable[[Change], None]
    ) -> Traded | None:
        """Trade the stage as far as it goes; None: an order is under way.

        `keep` writes where the account stands, in the same change as the next order.
        """
        answers = [intent.answer() for intent in self._intents if intent.status.is_settled]
        while not (traded := self._trade(standing, answers)).is_over:
            n = len(answers)
            is_new = n == len(self._intents)
            if is_new and leave.is_over() and _enters(traded.next):
                return None
            if is_new:
                self._intents.append(self._plan(standing, traded.next, leave, keep))
            intent, is_past = self._intents[n], self._feed.is_past(standing.bar + 1)
            intent = self._outbox.pursue(intent, is_new=is_new, is_past=is_past)
            self._intents[n] = intent
            self._urgency.note(intent)
            if not intent.status.is_settled:
                return None
            answers.append(intent.answer())
        return traded

    def leave(self) -> None:
        """Cancel the entry that waits at the venue, if one does: nobody will follow it."""
        for i, intent in enumerate(self._intents):
            if intent.is_entry and intent.status is IntentStatus.WORKING:
                self._outbox.is_leaving = True
                self._intents[i] = self._outbox.pursue(intent, is_new=False)

    def _trade(self, standing: Standing, answers: Sequence[Answer]) -> Traded:
        if standing.phase is Phase.OPENING:
            return self._desk.trade_opening(standing.bar + 1, answers)
        is_last = standing.phase is Phase.CLOSING
        return self._desk.trade_inside(standing.bar + 1, answers, is_last=is_last)

    def _plan(
        self, standing: Standing, order: Record, leave: Leave, keep: Callable[[Change], None]
    ) -> Intent:
        """Keep the next order of the stage, before anything is done about it."""
        place = (standing.bar + 1, standing.stage, len(self._intents))
        names = self._setting.names
        ticker = names.symbols[int(order["symbol"])]
        intent = intent_of(order, place, ticker, (self._setting.key, self._store.now()))
        why_not = self._why_not(intent, leave)
        capped = "" if why_not else self._beyond(intent)
        if intent.reason == Exit.DELISTED:
            cost = float(order["cost"])
            intent = replace(intent, status=IntentStatus.BOOKED, filled=intent.units, cost=cost)
            capped = ""
        elif why_not or capped:
            intent = intent.settled(IntentStatus.DROPPED, why_not or capped)
        else:
            pressed = self._urgency.pressed(self._conditioned(intent, standing))
            intent = replace(pressed, attempts=1)
            self.meter.count(intent)
        is_news = bool(capped) and self.meter.is_news(capped)
        with self._store.change() as change:
            keep(change)
            change.plan(intent, names)
            self._urgency.alarm(change, intent)
            if is_news:
                change.alarm(SUBJECT, why=capped)
        return intent

    def _beyond(self, intent: Intent) -> str:
        """Return which cap an order would exceed, nothing where it may leave."""
        equity = float(self._desk.account["equity"])
        return self.meter.why_not(intent, self.limits.caps, equity)

    def _conditioned(self, intent: Intent, standing: Standing) -> Intent:
        """Return an exit inside a bar as the venue is to be asked for it."""
        if not self._setting.conditions or standing.phase is Phase.OPENING:
            return intent
        if intent.reason in STOPS:
            return replace(intent, kind=OrderKind.STOP, limit=intent.price)
        if intent.reason in TARGETS:
            return replace(intent, kind=OrderKind.LIMIT, limit=intent.price)
        return intent

    def _why_not(self, intent: Intent, leave: Leave) -> str:
        """Return why an order is not to be sent, nothing where it is."""
        if self._feed.is_past(intent.bar):
            return TOO_LATE
        unresolved = self._outbox.strays.why_not(intent)
        if unresolved or not intent.is_entry:
            return unresolved
        too_slow = TOO_SLOW if leave.is_late() else ""
        overfilled = self._outbox.overfills.why_not(intent.ticker)
        return leave.blocked or too_slow or overfilled or self._crowded(intent)

    def _crowded(self, intent: Intent) -> str:
        """Return why the account may hold no further position, nothing where it may."""
        names, most = self._setting.names.symbols, self.limits.max_positions
        if most is None:
            return ""
        held = {names[row["symbol"]] for row in self._desk.positions}
        held |= {one.ticker for one in self._intents if one.is_entry and one.filled}
        is_full = len(held) >= most and intent.ticker not in held
        return f"the limit of the account is {most} positions" if is_full else ""


def _enters(order: Record | None) -> bool:
    return order is not None and order["reason"] == Exit.NONE
