"""A change of the simulated account that is under way: all of it is kept, or none.

A turn begins as a copy of the account. When it is over, the account becomes what it is; where that
cannot be written down, the account stays what it was.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from benbot.paper.resting import Holding, Resting, State
from benbot.paper.venue import OrderIntent, OrderStatus, VenueFill


class Done(NamedTuple):
    """What a bar fills of an order."""

    units: float  # positive
    price: float
    cost: float
    bar: int


class Turn:
    """The account while it changes; `changed` and `fills` are what is new about it."""

    def __init__(self, state: State) -> None:
        self._before = state
        self.cash, self.moment = state.cash, state.moment
        self.holdings, self.orders = dict(state.holdings), dict(state.orders)
        self.n_orders, self.n_fills = state.n_orders, state.n_fills
        self.changed: dict[str, Resting] = {}
        self.fills: list[VenueFill] = []

    def state(self) -> State:
        """Return the account as it is now."""
        return State(
            self.cash, self.moment, self.holdings, self.orders, self.n_orders, self.n_fills
        )

    @property
    def must_be_written(self) -> bool:
        """Whether anything happened that living through the same bars again would not repeat."""
        return bool(self.changed or self.fills) or self.cash != self._before.cash

    def waiting(self) -> Iterator[Resting]:
        """Yield each order that may fill still, as it is when its turn comes."""
        for identifier in list(self.orders):
            if identifier in self.orders:
                yield self.orders[identifier]

    def take(self, intent: OrderIntent, now: datetime) -> Resting:
        """Take an order."""
        self.n_orders += 1
        order = Resting(intent, self.n_orders, self.moment, now, now)
        self.keep(order)
        return order

    def keep(self, order: Resting) -> None:
        """Keep an order as it has become."""
        identifier = order.intent.client_order_id
        self.changed[identifier] = order
        if order.status.is_terminal:
            self.orders.pop(identifier, None)
        else:
            self.orders[identifier] = order

    def end(self, order: Resting, status: OrderStatus, now: datetime, note: str = "") -> Resting:
        """End an order and return it; one that is over stays as it is."""
        if order.status.is_terminal:
            return order
        ended = order.ended(status, now, note or order.note)
        self.keep(ended)
        return ended

    def book(self, order: Resting, done: Done, now: datetime) -> Resting:
        """Book a fill, and return the order after it."""
        signed = order.intent.side.sign * done.units
        self.n_fills += 1
        self.fills.append(
            VenueFill(
                execution_id=f"simulated-fill-{self.n_fills}",
                venue_order_id=order.venue_order_id,
                client_order_id=order.intent.client_order_id,
                symbol=order.symbol,
                side=order.intent.side,
                units=done.units,
                price=done.price,
                time=now,
                cost=done.cost,
            )
        )
        self.cash -= signed * done.price + done.cost
        held = self.holdings.get(order.symbol)
        after = held.after(signed, done.price) if held else Holding(signed, done.price, done.price)
        if after is None:
            del self.holdings[order.symbol]
        else:
            self.holdings[order.symbol] = after
        filled = order.filled(done.units, done.price, done.bar, now)
        self.keep(filled)
        return filled
