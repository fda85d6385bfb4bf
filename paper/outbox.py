"""Orders on their way: an intent is kept, then sent, then asked about until its end is known.

An intent that may have been sent is never sent again before the venue was asked for it, and if it
is sent again it carries the same identifier, which is one order at the venue. What nobody knows
stays unknown: it is asked for again in the next cycle.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.boundary import ROUNDING
from benbot.paper.change import Names
from benbot.paper.intents import Intent, IntentStatus, total_of
from benbot.paper.overfills import Overfills
from benbot.paper.store import PaperStore
from benbot.paper.venue import OrderKind, Refusal, TimeInForce, Venue, VenueFill, VenueOrder

TOO_LATE = "its bar is over"
UNSAID = timedelta(hours=1)  # by which our clock may be ahead where a venue names no time
DELISTED = "delisted-"  # how the simulated venue calls an order of its own


@dataclass(frozen=True)
class Manners:
    """How a venue is dealt with; seconds.

    waits      how an order waits at the venue
    patience   until what has not filled is cancelled
    endurance  the same of an emergency: what comes after it has to wait as long
    looks      how often an order is looked for before it is believed not to be there
    pause      between two looks, for a venue shows a new order to some sooner than to others
    moment     that an order at the market takes, after which it is asked for in the same cycle
    """

    waits: TimeInForce = TimeInForce.DAY
    patience: float = 60.0
    endurance: float = 600.0
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
        self.overfills = Overfills(store)
        self.failures = 0  # calls of the venue that failed, in a row
        self.is_leaving = False  # whether nobody will follow an order that waits

    def pursue(self, intent: Intent, *, is_new: bool, is_past: bool = False) -> Intent:
        """Bring an intent as far as it can be brought now; a new one has not been sent.

        What the venue does not have is not sent any more when its bar `is_past`.
        """
        if intent.status.is_settled:
            return intent
        try:
            order = None if is_new else self._look(intent)
            if order is None and intent.status is IntentStatus.WORKING:
                return intent  # the venue had it, so it is there, whatever is shown now
            if order is None and is_past:
                return self._end(intent.settled(IntentStatus.DROPPED, TOO_LATE))
            return self._send(intent) if order is None else self._take(intent, order)
        except VenueUnavailable:
            self.failures += 1
            return intent

    def book_all(self, fills: list[VenueFill]) -> list[VenueFill]:
        """Book what is not booked yet; return what of it is nobody's here."""
        strangers = []
        booked = self._store.booked([fill.execution_id for fill in fills])
        for fill in fills:
            if fill.execution_id in booked:
                continue
            own = self._own(fill)
            if own is not None:
                self._book_late(replace(fill, client_order_id=own))
            else:
                with self._store.change() as change:
                    change.fill(fill, is_external=True)
                if not (fill.client_order_id or "").startswith(DELISTED):
                    strangers.append(fill)
            booked.add(fill.execution_id)
        return strangers

    def _book_late(self, fill: VenueFill) -> None:
        """Book a fill of an order that was over: the venue had said that there was no more."""
        self.overfills.meet(fill.symbol)
        with self._store.change() as change:
            change.fill(fill, is_external=False)
            order, units = fill.client_order_id, fill.signed_units
            self.overfills.alarm(change, fill.symbol, order=order, late=units)

    def _send(self, intent: Intent) -> Intent:
        """Send an intent that the venue does not have; the switch is asked last."""
        if intent.is_emergency and not self._store.is_halted():
            self._clear(intent)
        is_halted = self._store.kill_switch()
        if is_halted is None:
            return intent  # nobody can say whether it may leave: later, if at all
        if is_halted:
            return self._end(intent.settled(IntentStatus.DROPPED, "halted"))
        try:
            order = self._venue.submit(intent.order(self._manners.waits))
        except OrderRefused as error:
            return self._refused(intent, error)
        except OutcomeUnknown:
            self.failures += 1
            found = self._look(intent)
            return intent if found is None else self._take(intent, found)
        self.failures = 0
        return self._take(intent, self._awaited(intent, order))

    def _refused(self, intent: Intent, error: OrderRefused) -> Intent:
        """Note a refusal; an identifier that was given away is ours, so its order is this one."""
        if error.reason == Refusal.RATE_LIMITED:
            return intent  # later
        found = self._look(intent) if error.reason == Refusal.DUPLICATE else None
        if found is not None:
            return self._take(intent, found)
        return self._end(intent.settled(IntentStatus.REFUSED, f"{error.reason}: {error}"))

    def _awaited(self, intent: Intent, order: VenueOrder) -> VenueOrder:
        """Give an order at the market its moment: the next waits for it, and cycles are long."""
        for _ in range(self._manners.looks - 1):
            if not order.is_open or intent.kind is not OrderKind.MARKET:
                break
            self._pause(self._manners.moment)
            order = self._venue.order(intent.client_order_id) or order
        return order

    def _clear(self, intent: Intent) -> None:
        """Cancel whatever else rests in the symbol of an emergency, whoever sent it."""
        for order in self._venue.open_orders():
            if order.symbol == intent.ticker and order.client_order_id != intent.client_order_id:
                with suppress(OutcomeUnknown):  # the venue says at the latest when it refuses
                    self._venue.cancel(order.client_order_id)

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
        booked = self._store.booked([fill.execution_id for fill in fills])
        if intent.is_overfilled:
            self.overfills.meet(intent.ticker)
        with self._store.change() as change:
            for fill in fills:
                if fill.execution_id not in booked:
                    change.fill(fill, is_external=False)
            change.order(order, is_external=False)
            change.note(intent, self._names)
            if intent.is_overfilled:
                units, filled = intent.units, intent.filled
                self.overfills.alarm(change, intent.ticker, units=units, filled=filled)
        return intent

    def _hurry(self, intent: Intent, order: VenueOrder) -> VenueOrder:
        """Ask for an order that has waited for too long to be cancelled."""
        waited = self._store.now() - intent.planned
        patience = self._manners.endurance if intent.is_emergency else self._manners.patience
        if self.is_leaving and intent.is_entry:
            patience = 0.0
        if not order.is_open or waited < timedelta(seconds=patience):
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
        # By the venue's clock, which ours may be ahead of: no fill is older than its order there.
        since = min(intent.planned, order.submitted_at or intent.planned - UNSAID)
        once = {fill.execution_id: fill for fill in self._venue.fills(since)}
        ours = [
            replace(fill, client_order_id=intent.client_order_id)  # not every venue says so
            for fill in once.values()
            if identifiers & {fill.client_order_id, fill.venue_order_id}
        ]
        # Sums depend on the order of what is added, so it must not be that of the listing.
        return sorted(ours, key=lambda fill: (fill.time, fill.execution_id))

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

    def _own(self, fill: VenueFill) -> str | None:
        """Return our identifier of the order of a fill, None where it is not ours."""
        name = fill.client_order_id
        if name is None:  # not every venue says so
            return self._store.own_order(fill.venue_order_id)
        return name if self._store.is_ours(name) else None
