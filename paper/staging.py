"""The orders of a stage, one after the other: each is sent when the one before it has its answer.

So exits that are filled make room for entries, and what is not filled leaves its room to the next,
as in training. An order that is not to be sent is kept all the same, with the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benbot.envs.arrays import Record
from benbot.envs.desk.reasons import Exit
from benbot.paper.change import Change
from benbot.paper.desk import Answer, PaperDesk, Traded
from benbot.paper.feed import Feed
from benbot.paper.intents import Intent, IntentStatus, intent_of
from benbot.paper.outbox import Outbox
from benbot.paper.setting import Setting
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import PaperStore
from benbot.paper.venue import OrderKind

STOPS = (Exit.STOP, Exit.TRAILING_STOP, Exit.BREAK_EVEN)
TARGETS = (Exit.TARGET, Exit.PARTIAL)
TOO_SLOW, TOO_LATE = "the cycle was too slow", "its bar is over"


@dataclass(frozen=True)
class Leave:
    """What may be sent in a cycle.

    blocked    why nothing may be opened or enlarged; empty where it may
    is_late    whether the cycle has taken too long for that
    """

    blocked: str = ""
    is_late: Callable[[], bool] = lambda: False


class Staging:
    """Whoever brings a stage to its end, order by order."""

    def __init__(
        self, setting: Setting, store: PaperStore, feed: Feed, outbox: Outbox, desk: PaperDesk
    ) -> None:
        self._setting, self._store, self._feed = setting, store, feed
        self._outbox, self._desk = outbox, desk
        self._intents: list[Intent] = []

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
            if is_new:
                self._intents.append(self._plan(standing, traded.next, leave, keep))
            self._intents[n] = intent = self._outbox.pursue(self._intents[n], is_new=is_new)
            if not intent.status.is_settled:
                return None
            answers.append(intent.answer())
        return traded

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
        if intent.reason == Exit.DELISTED:
            cost = float(order["cost"])
            intent = replace(intent, status=IntentStatus.BOOKED, filled=intent.units, cost=cost)
        elif why_not:
            intent = intent.settled(IntentStatus.DROPPED, why_not)
        else:
            intent = replace(self._conditioned(intent, standing), attempts=1)
        with self._store.change() as change:
            keep(change)
            change.plan(intent, names)
        return intent

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
        if not intent.is_entry:
            return ""
        return leave.blocked or (TOO_SLOW if leave.is_late() else "")
