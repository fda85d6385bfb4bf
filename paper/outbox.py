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
from benbot.paper.change import Names
from benbot.paper.filled import fills_of, is_told
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.overfills import Overfills
from benbot.paper.store import PaperStore
from benbot.paper.strays import Strays
from benbot.paper.venue import OrderKind, Refusal, TimeInForce, Venue, VenueFill, VenueOrder

TOO_LATE = "its bar is over"
UNSEEN = "the venue does not show it"
DELISTED = "delisted-"  # how the simulated venue calls an order of its own


@dataclass(frozen=True)
class Manners:
    """How a venue is dealt with; seconds.

    waits      how an order waits at the venue
    patience   until what has not filled is cancelled
    endurance  the same of an emergency: what comes after it has to wait as long
    resigns    of asking in vain for what should have ended, after which it is left
    looks      how often an order is looked for before it is believed not to be there
    pause      between two looks, for a venue shows a new order to some sooner than to others
    moment     that an order at the market takes, after which it is asked for in the same cycle
    """

    waits: TimeInForce = TimeInForce.DAY
    patience: float = 60.0
    endurance: float = 600.0
    resigns: float = 600.0
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
        self.strays = Strays(venue, store, names, self.overfills, manners.resigns)
        self._order: VenueOrder | None = None  # as the venue showed it last
        self.failures = 0  # calls of the venue that failed, in a row
        self.is_leaving = False  # whether nobody will follow an order that waits

    def pursue(self, intent: Intent, *, is_new: bool, is_past: bool = False) -> Intent:
        """Bring an intent as far as it can be brought now; a new one has not been sent.

        What the venue does not have is not sent any more when its bar `is_past`.
        """
        if intent.status.is_settled:
            return intent
        self._order, why = None, UNSEEN
        try:
            intent = self._brought(intent, is_new=is_new, is_past=is_past)
        except VenueUnavailable as error:
            self.failures += 1
            why = str(error)
        if intent.status.is_settled or self._waited(intent) < self._patience(intent):
            self.strays.found(intent)
        elif self.strays.is_lost(intent):
            if self._order is not None:
                why = f"the venue says {self._order.note or self._order.status}, and no more"
            return self.strays.leave(intent, self._order, why)
        return intent

    def _brought(self, intent: Intent, *, is_new: bool, is_past: bool) -> Intent:
        order = None if is_new else self._look(intent)
        if order is None and intent.status is IntentStatus.WORKING:
            return intent  # the venue had it, so it is there, whatever is shown now
        if order is None and is_past:
            return self._end(intent.settled(IntentStatus.DROPPED, TOO_LATE))
        return self._send(intent) if order is None else self._take(intent, order)

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
        is_stray = fill.client_order_id in self.strays  # what it comes to is known when it ends
        if not is_stray:
            self.overfills.meet(fill.symbol)
        with self._store.change() as change:
            change.fill(fill, is_external=False)
            if is_stray:
                return
            order, units = fill.client_order_id, fill.signed_units
            self.overfills.alarm(change, fill.symbol, order=order, late=units)

    def _send(self, intent: Intent) -> Intent:
        """Send an intent that the venue does not have; the switch is asked last."""
        if intent.is_emergency and not self._store.is_halted():
            self._clear(intent)
        self._store.hold()
        is_halted = self._store.kill_switch()
        if is_halted is None:
            return intent  # nobody can say whether it may leave: later, if at all
        if is_halted:
            return self._end(intent.settled(IntentStatus.DROPPED, "halted"))
        if not self._store.may_send():  # this process was stopped for long, just now
            return intent
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
        self._order = order = self._hurry(intent, order)
        fills = fills_of(self._venue, intent, order)
        if is_told(order, fills):
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
        if not order.is_open or self._waited(intent) < self._patience(intent):
            return order
        try:
            cancelled = self._venue.cancel(intent.client_order_id)
        except OutcomeUnknown:
            return order  # it is asked again
        return order if cancelled is None else cancelled

    def _waited(self, intent: Intent) -> timedelta:
        return self._store.now() - intent.planned

    def _patience(self, intent: Intent) -> timedelta:
        """Return how long an order may wait until somebody wants its end."""
        if self.is_leaving and intent.is_entry:
            return timedelta()
        manners = self._manners
        return timedelta(seconds=manners.endurance if intent.is_emergency else manners.patience)

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
