"""Orders that do not end: after a time they are left, told of, and asked about in every cycle.

An order of which nobody knows the end holds back all that comes after it in its stage, exits too.
So after ten minutes of asking in vain it is left: what the venue had said of it by then is booked,
nothing is guessed, and the stage goes on. Until its end is known nothing is opened in its symbol,
and where it leaves a position no other order leaves that, for both might fill. What fills of it
afterwards is booked and an alarm, and the venue's position is believed as always. Who was left is
known from the store, so that no restart forgets it.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import copysign

from sqlalchemy import select

from benbot.envs.errors import OutcomeUnknown, VenueUnavailable
from benbot.paper.boundary import ROUNDING
from benbot.paper.change import Change, Names
from benbot.paper.filled import fills_of, is_told
from benbot.paper.intents import Intent, IntentStatus, total_of
from benbot.paper.overfills import Overfills
from benbot.paper.store import PaperStore
from benbot.paper.store_rows import fill_from, intent_from
from benbot.paper.tables import FILLS, INTENTS
from benbot.paper.venue import Venue, VenueFill, VenueOrder

SUBJECT = "orders"  # of the alarm
ASKED = 10  # times in vain, at the least: a machine that slept has asked once
SETTLED = "settled"  # kind of the event that says what became of it
WHY = "nobody knows the end of {}"
FORGOTTEN = "the venue does not know it any more"


class Strays:
    """The orders that were left, and those that may have to be."""

    def __init__(
        self, venue: Venue, store: PaperStore, names: Names, overfills: Overfills, patience: float
    ) -> None:
        """`patience` are the seconds of asking in vain after which an order is left."""
        self._venue, self._store, self._names = venue, store, names
        self._overfills, self._patience = overfills, timedelta(seconds=patience)
        self._vain: dict[str, tuple[datetime, int]] = {}  # since when, and how often
        self._left = {one.client_order_id: one for one in _left_in(store)}
        self._over: set[str] = set()  # of those that were left: only the listing is missing

    def __contains__(self, client_order_id: str | None) -> bool:
        return client_order_id in self._left

    def is_lost(self, intent: Intent) -> bool:
        """Note that an order was asked for in vain; say whether it is to be left now."""
        now = self._store.now()
        since, n = self._vain.get(intent.client_order_id, (now, 0))
        self._vain[intent.client_order_id] = since, n + 1
        return n + 1 >= ASKED and now - since >= self._patience

    def found(self, intent: Intent) -> None:
        """Note that an order is where it should be."""
        self._vain.pop(intent.client_order_id, None)

    def why_not(self, intent: Intent) -> str:
        """Return why an order may not be sent while others are unresolved, nothing where it may."""
        for other in self._left.values():
            is_over = other.client_order_id in self._over
            if other.ticker == intent.ticker and (
                intent.is_entry or not (other.is_entry or is_over)
            ):
                return WHY.format(other.client_order_id)
        return ""

    def leave(self, intent: Intent, order: VenueOrder | None, why: str) -> Intent:
        """Leave an order: book what was said of it so far, raise an alarm, and go on without it."""
        left = _as_said(intent, order, _fills_in(self._store, intent))
        left = replace(left, status=IntentStatus.LEFT, note=why)
        if left.is_overfilled:
            self._overfills.meet(left.ticker)
        with self._store.change() as change:
            change.note(left, self._names)
            self._alarm(change, left, why)
        self._left[left.client_order_id] = left
        self.found(left)
        if order is not None and order.status.is_terminal:
            self._over.add(left.client_order_id)
        return left

    def ask(self) -> None:
        """Ask once for each order that was left; what has ended is told and forgotten."""
        for intent in list(self._left.values()):
            with suppress(VenueUnavailable):  # then in the next cycle
                self._ask(intent)

    def _ask(self, intent: Intent) -> None:
        order = self._venue.order(intent.client_order_id)
        if order is None:
            if self.is_lost(intent):
                self._end(intent, [], None)
            return
        self.found(intent)
        if order.is_open:
            with suppress(OutcomeUnknown):
                order = self._venue.cancel(intent.client_order_id) or order
        fills = fills_of(self._venue, intent, order)
        if order.status.is_terminal:
            self._over.add(intent.client_order_id)
        if is_told(order, fills):
            self._end(intent, fills, order)

    def _end(self, intent: Intent, fills: list[VenueFill], order: VenueOrder | None) -> None:
        """Book what nobody had said when it was left; the stage keeps the answer that it had."""
        id_, total = intent.client_order_id, total_of(fills)[0] if fills else intent.filled
        late = total - intent.filled if abs(total - intent.filled) > _least(intent) else 0.0
        if late:
            self._overfills.meet(intent.ticker)
        status = FORGOTTEN if order is None else order.status.value
        booked = self._store.booked([fill.execution_id for fill in fills])
        with self._store.change() as change:
            for fill in fills:
                if fill.execution_id not in booked:
                    change.fill(fill, is_external=False)
            if order is not None:
                change.order(order, is_external=False)
            note = f"{intent.note}; later: {status}"
            change.note(replace(intent, status=IntentStatus.DONE, note=note), self._names)
            change.event(SETTLED, id_, symbol=intent.ticker, status=status, filled=total, late=late)
            if late:
                self._overfills.alarm(change, intent.ticker, order=id_, late=late)
        del self._left[id_]
        self._over.discard(id_)
        self.found(intent)

    def _alarm(self, change: Change, left: Intent, why: str) -> None:
        about = {"order": left.client_order_id, "symbol": left.ticker, "filled": left.filled}
        change.alarm(SUBJECT, why=why, **about)
        if left.is_overfilled:
            self._overfills.alarm(change, left.ticker, units=left.units, filled=left.filled)


def _as_said(intent: Intent, order: VenueOrder | None, fills: list[VenueFill]) -> Intent:
    """Return an order with what filled of it, by its fills or by itself, whichever says more."""
    done = intent.done(fills)
    if order is None or order.filled_price is None:
        return done
    if not order.filled_units > abs(done.filled) + _least(intent):
        return done
    units = copysign(order.filled_units, intent.units)
    if abs(units - intent.units) <= _least(intent):
        units = intent.units
    return replace(done, filled=units, fill_price=order.filled_price)


def _left_in(store: PaperStore) -> list[Intent]:
    own = (INTENTS.c.account == store.account, INTENTS.c.status == IntentStatus.LEFT.value)
    return [intent_from(row) for row in store.rows(select(INTENTS).where(*own))]


def _fills_in(store: PaperStore, intent: Intent) -> list[VenueFill]:
    """Return the fills of an order that are booked, in the order in which they are added up."""
    order_id = intent.client_order_id
    own = (FILLS.c.account == store.account, FILLS.c.client_order_id == order_id)
    query = select(FILLS).where(*own).order_by(FILLS.c.moment, FILLS.c.execution_id)
    return [fill_from(row) for row in store.rows(query)]


def _least(intent: Intent) -> float:
    return ROUNDING * abs(intent.units)
