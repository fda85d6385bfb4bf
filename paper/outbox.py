"""Orders on their way: an intent is kept, then sent, then asked about until its end is known.

An intent that may have been sent is never sent again before the venue was asked for it, and if it
is sent again it carries the same identifier, which is one order at the venue. What nobody knows
stays unknown: it is asked for again in the next cycle.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.change import Names
from benbot.paper.intents import ROUNDING, Intent, IntentStatus, total_of
from benbot.paper.store import PaperStore
from benbot.paper.venue import OrderKind, Refusal, TimeInForce, Venue, VenueFill, VenueOrder

DELISTED = "delisted-"  # how the simulated venue calls an order of its own


@dataclass(frozen=True)
class Manners:
    """How a venue is dealt with; seconds.

    waits    how an order waits at the venue
    patience until what has not filled is cancelled
    looks    how often an order is looked for before it is believed not to be there
    pause    between two looks, for a venue shows a new order to some sooner than to others
    moment   that an order at the market takes, after which it is asked for in the same cycle
    """

    waits: TimeInForce = TimeInForce.DAY
    patience: float = 60.0
    looks: int = 3
    pause: float = 2.0
    moment: float = 0.5


class Outbox:
    """Whoever sends the orders of one account and follows them to their end."""

    def __init__(
        self,
        venue: Venue,
        store: PaperStore,
        names: Names,
        manners: Manners,
        pause: Callable[[float], None],
    ) -> None:
        self._venue, self._store, self._names = venue, store, names
        self._manners, self._pause = manners, pause
        self._booked = store.booked()
        self.failures = 0  # calls of the venue that failed, in a row

    def pursue(self, intent: Intent, *, is_new: bool) -> Intent:
        """Bring an intent as far as it can be brought now; a new one has not been sent."""
        if intent.status.is_settled:
            return intent
        try:
            order = None if is_new else self._look(intent)
            if order is None and intent.status is IntentStatus.WORKING:
                return intent  # the venue had it, so it is there, whatever is shown now
            return self._send(intent) if order is None else self._take(intent, order)
        except VenueUnavailable:
            self.failures += 1
            return intent

    def book_all(self, fills: list[VenueFill]) -> list[VenueFill]:
        """Book what is not booked yet; return what of it is nobody's here."""
        strangers = []
        for fill in fills:
            if fill.execution_id in self._booked:
                continue
            is_external = not self._is_ours(fill.client_order_id)
            with self._store.change() as change:
                change.fill(fill, is_external=is_external)
            self._booked.add(fill.execution_id)
            if is_external and not (fill.client_order_id or "").startswith(DELISTED):
                strangers.append(fill)
        return strangers

    def _send(self, intent: Intent) -> Intent:
        """Send an intent that the venue does not have; the switch is asked last."""
        if self._store.is_halted():
            return self._end(intent.settled(IntentStatus.DROPPED, "halted"))
        try:
            order = self._venue.submit(intent.order(self._manners.waits))
        except OrderRefused as error:
            if error.reason == Refusal.RATE_LIMITED:
                return intent  # later
            note = f"{error.reason}: {error}"
            return self._end(intent.settled(IntentStatus.REFUSED, note))
        except OutcomeUnknown:
            self.failures += 1
            found = self._look(intent)
            return intent if found is None else self._take(intent, found)
        self.failures = 0
        return self._take(intent, self._awaited(intent, order))

    def _awaited(self, intent: Intent, order: VenueOrder) -> VenueOrder:
        """Give an order at the market its moment: the next waits for it, and cycles are long."""
        for _ in range(self._manners.looks - 1):
            if not order.is_open or intent.kind is not OrderKind.MARKET:
                break
            self._pause(self._manners.moment)
            order = self._venue.order(intent.client_order_id) or order
        return order

    def _look(self, intent: Intent) -> VenueOrder | None:
        """Ask for the order of an intent, more than once before it is believed not to be there."""
        for i in range(self._manners.looks):
            if i:
                self._pause(self._manners.pause)
            order = self._venue.order(intent.client_order_id)
            if order is not None:
                return order
        return None

    def _take(self, intent: Intent, order: VenueOrder) -> Intent:
        """Note how an order stands, and book what of it has filled."""
        self.failures = 0
        meant = intent.order(self._manners.waits)
        if (order.symbol, order.side) != (meant.symbol, meant.side):
            note = f"its identifier is that of an order in {order.symbol}"
            return self._end(intent.settled(IntentStatus.REFUSED, note))
        order = self._hurry(intent, order)
        fills = self._fills_of(intent, order)
        units = abs(total_of(fills)[0]) if fills else 0.0
        is_whole = abs(units - order.filled_units) <= ROUNDING * max(units, order.filled_units)
        if order.status.is_terminal and is_whole:
            intent = intent.done(fills)
        else:
            intent = replace(intent, status=IntentStatus.WORKING)
        with self._store.change() as change:
            for fill in fills:
                if fill.execution_id not in self._booked:
                    change.fill(fill, is_external=False)
            change.order(order, is_external=False)
            change.note(intent, self._names)
        self._booked.update(fill.execution_id for fill in fills)
        return intent

    def _hurry(self, intent: Intent, order: VenueOrder) -> VenueOrder:
        """Ask for an order that has waited for too long to be cancelled."""
        waited = self._store.now() - intent.planned
        if not order.is_open or waited < timedelta(seconds=self._manners.patience):
            return order
        try:
            cancelled = self._venue.cancel(intent.client_order_id)
        except OutcomeUnknown:
            return order  # it is asked again
        return order if cancelled is None else cancelled

    def _fills_of(self, intent: Intent, order: VenueOrder) -> list[VenueFill]:
        if not order.filled_units > 0.0:
            return []
        identifiers = {intent.client_order_id, order.venue_order_id}
        once = {fill.execution_id: fill for fill in self._venue.fills(intent.planned)}
        return [
            fill
            for fill in once.values()
            if identifiers & {fill.client_order_id, fill.venue_order_id}
        ]

    def _end(self, intent: Intent) -> Intent:
        with self._store.change() as change:
            change.note(intent, self._names)
            change.event(
                intent.status.value,
                intent.client_order_id,
                symbol=intent.ticker,
                units=intent.units,
                why=intent.note,
            )
        return intent

    def _is_ours(self, identifier: str | None) -> bool:
        return identifier is not None and self._store.is_ours(identifier)
