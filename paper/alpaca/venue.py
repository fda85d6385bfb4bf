"""Alpaca's paper account as a venue (`paper.venue.Venue`), through its client library alpaca-py.

Every call is made once: whether to make it again is for whoever trades to decide, who knows what
was meant. No answer is believed that cannot be read.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from benbot.envs.errors import (
    InvalidParameter,
    NotAuthorised,
    OrderRefused,
    OutcomeUnknown,
    VenueUnavailable,
)
from benbot.paper.alpaca.pricing import order_fields
from benbot.paper.alpaca.reading import (
    account_of,
    clock_of,
    fill_of,
    order_of,
    position_of,
    rows_of,
)
from benbot.paper.alpaca.refusals import as_order_error, refusal_of
from benbot.paper.alpaca.wire import CallFailed, Wire
from benbot.paper.boundary import identifier_of, time_of
from benbot.paper.venue import (
    AccountFacts,
    OrderIntent,
    OrderStatus,
    Refusal,
    VenueClock,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

T = TypeVar("T")
NOT_FOUND = 404
MOST_ORDERS = 500  # a page; more at once would be a mistake, and is refused to be read
FILLS_PER_PAGE = 100
MOST_PAGES = 50
INSTANT = timedelta(microseconds=1)


class AlpacaVenue:
    """An account at Alpaca, or at whoever speaks as it does."""

    name = "alpaca"

    def __init__(self, wire: Wire) -> None:
        """Use a wire of `trading_wire`."""
        self._wire = wire

    def clock(self) -> VenueClock:
        """Return Alpaca's time and session."""
        return self._asked(clock_of, "/clock")

    def account(self) -> AccountFacts:
        """Return what the account is worth and may do."""
        return self._asked(account_of, "/account")

    def positions(self) -> Sequence[VenuePosition]:
        """Return what is held."""
        rows = self._asked(lambda answer: rows_of(answer, position_of), "/positions")
        return sorted(rows, key=lambda position: position.symbol)

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return the orders that may fill still."""
        found = self._asked(
            lambda answer: rows_of(answer, order_of),
            "/orders",
            {"status": "open", "limit": MOST_ORDERS, "direction": "asc", "nested": False},
        )
        if len(found) >= MOST_ORDERS:
            raise VenueUnavailable(
                f"fewer than {MOST_ORDERS} open orders can be read, there are more. Cancel some"
            )
        return [order for order in found if order.is_open]

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return an order by our identifier."""
        identifier_of(client_order_id)
        fields = {"client_order_id": client_order_id}
        try:
            answer = self._wire.call("get", "/orders:by_client_order_id", fields)
        except CallFailed as failure:
            if failure.status == NOT_FOUND and failure.is_json:
                return None
            raise failure.as_unread() from failure
        found = _read(order_of, answer)
        if found.client_order_id != client_order_id:
            raise VenueUnavailable(f"asked for {client_order_id}, was told of another order")
        return found

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order once."""
        fields = order_fields(intent)
        try:
            answer = self._wire.call("post", "/orders", fields)
        except CallFailed as failure:
            if refusal_of(failure.message) is Refusal.DUPLICATE:
                return self._adopted(intent)
            raise as_order_error(failure) from failure
        try:
            order = order_of(answer)
        except InvalidParameter as error:
            raise OutcomeUnknown(
                f"the answer to an order cannot be read: {error}. Ask for it"
            ) from error
        if order.client_order_id != intent.client_order_id:
            raise OutcomeUnknown(
                f"sent {intent.client_order_id}, was told of {order.client_order_id}. Ask for it"
            )
        return order

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        """Ask once for an order to be cancelled."""
        order = self.order(client_order_id)
        if order is None or order.status.is_terminal:
            return order
        try:
            self._wire.call("delete", f"/orders/{order.venue_order_id}")
        except CallFailed as failure:
            if failure.is_unauthorised or not failure.was_sent:
                raise failure.as_unread() from failure
            if failure.status not in (NOT_FOUND, 422):  # filled, or cancelled, meanwhile
                raise OutcomeUnknown(
                    f"nobody knows whether the cancellation of {client_order_id} arrived "
                    f"({failure}). Ask for the order"
                ) from failure
        try:
            return self.order(client_order_id) or order
        except NotAuthorised:
            raise
        except VenueUnavailable:
            return replace(order, status=OrderStatus.CANCELLING)

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        """Return the fills since a time, from the account's activities."""
        since = time_of(since, "since")
        found = {fill.execution_id: fill for fill in self._activities(since - INSTANT)}
        recent = (fill for fill in found.values() if fill.time >= since)
        return sorted(recent, key=lambda fill: (fill.time, fill.execution_id))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _activities(self, after: datetime) -> Iterator[VenueFill]:
        fields: dict[str, Any] = {
            "after": after.isoformat(),
            "direction": "asc",
            "page_size": FILLS_PER_PAGE,
        }
        for _ in range(MOST_PAGES):
            page = self._asked(
                lambda answer: rows_of(answer, fill_of), "/account/activities/FILL", fields
            )
            yield from page
            if len(page) < FILLS_PER_PAGE:
                return
            fields["page_token"] = page[-1].execution_id
        raise VenueUnavailable(
            f"at most {MOST_PAGES * FILLS_PER_PAGE} fills can be read at once, there are more. Ask "
            "from a later time on"
        )

    def _asked(
        self, read: Callable[[object], T], path: str, fields: dict[str, Any] | None = None
    ) -> T:
        return _read(read, self._wire.get(path, fields))

    def _adopted(self, intent: OrderIntent) -> VenueOrder:
        """Return the order that carries an identifier already, if it is the one that was meant."""
        try:
            order = self.order(intent.client_order_id)
        except NotAuthorised:
            raise
        except VenueUnavailable as error:
            raise OutcomeUnknown(f"the order is there, and was not shown: {error}") from error
        if order is None:
            raise OutcomeUnknown(f"{intent.client_order_id} is there, and is not shown yet")
        if not order.is_of(intent):
            raise OrderRefused(
                f"client_order_id must be unique, {intent.client_order_id} was given to another "
                "order",
                Refusal.DUPLICATE,
            )
        return order


def _read(read: Callable[[object], T], answer: object) -> T:
    try:
        return read(answer)
    except InvalidParameter as error:
        raise VenueUnavailable(f"Alpaca's answer cannot be read: {error}") from error
