"""An order of the simulated venue, from its arrival to its end, and what is held for it.

units    positive; the side says which way they go
moment   number of openings and closes of bars, see `paper.hours`
"""

from dataclasses import dataclass, replace
from datetime import datetime

from benbot.paper.boundary import ROUNDING
from benbot.paper.venue import OrderIntent, OrderStatus, VenueOrder

NO_BAR = -1


@dataclass(frozen=True, slots=True)
class Resting:
    """An order as the simulated venue keeps it."""

    intent: OrderIntent
    number: int  # in order of arrival, from 1
    moment: int  # how many there had been when it arrived
    submitted_at: datetime
    updated_at: datetime
    status: OrderStatus = OrderStatus.WORKING
    filled_units: float = 0.0
    paid: float = 0.0  # sum of units × price
    filled_bar: int = NO_BAR  # the last in which any of it filled
    sliced_bar: int = NO_BAR  # the one over which it is being sliced
    note: str = ""

    @property
    def symbol(self) -> str:
        return self.intent.symbol

    @property
    def left(self) -> float:
        """Units that have not filled."""
        return self.intent.units - self.filled_units

    @property
    def signed_left(self) -> float:
        """Units that have not filled, negative where they are to be sold."""
        return self.intent.side.sign * self.left

    @property
    def venue_order_id(self) -> str:
        return f"simulated-{self.number}"

    def ended(self, status: OrderStatus, now: datetime, note: str = "") -> "Resting":
        """Return the order as it ends; what filled of it stays filled."""
        return replace(self, status=status, updated_at=now, note=note)

    def filled(self, units: float, price: float, bar: int, now: datetime) -> "Resting":
        """Return the order after a fill; it ends when nothing is left."""
        total = self.filled_units + units
        is_all = self.intent.units - total <= ROUNDING * self.intent.units
        return replace(
            self,
            filled_units=self.intent.units if is_all else total,
            paid=self.paid + units * price,
            filled_bar=bar,
            sliced_bar=NO_BAR,
            status=OrderStatus.FILLED if is_all else OrderStatus.PARTIALLY_FILLED,
            updated_at=now,
        )

    def to_order(self) -> VenueOrder:
        """Return what the venue says of it."""
        intent = self.intent
        return VenueOrder(
            client_order_id=intent.client_order_id,
            venue_order_id=self.venue_order_id,
            symbol=intent.symbol,
            side=intent.side,
            units=intent.units,
            status=self.status,
            filled_units=self.filled_units,
            filled_price=self.paid / self.filled_units if self.filled_units else None,
            kind=intent.kind,
            limit=intent.limit,
            time_in_force=intent.time_in_force,
            submitted_at=self.submitted_at,
            updated_at=self.updated_at,
            note=self.note,
        )


@dataclass(frozen=True, slots=True)
class Holding:
    """What the simulated account holds of one symbol."""

    units: float  # signed
    entry_price: float
    last_price: float
    missing: int = 0  # bars in a row without a price

    def after(self, units: float, price: float) -> "Holding | None":
        """Return what is held after signed units were bought at a price; None where nothing is."""
        held = self.units + units
        if abs(held) <= ROUNDING * abs(units):
            return None
        if units * self.units > 0.0:
            entry = self.entry_price + (price - self.entry_price) * (units / held)
            return replace(self, units=held, entry_price=entry)
        return replace(self, units=held)


@dataclass(frozen=True, slots=True)
class State:
    """The whole simulated account; what is not changed is shared between two of them.

    `orders` are those that may fill still, by identifier, in order of arrival.
    """

    cash: float
    moment: int  # how many were lived through
    holdings: dict[str, Holding]
    orders: dict[str, Resting]
    n_orders: int = 0
    n_fills: int = 0

    @property
    def equity(self) -> float:
        """What the account is worth at the last prices shown."""
        return self.cash + sum(held.units * held.last_price for held in self.holdings.values())

    @property
    def gross(self) -> float:
        """Notional held, longs plus shorts."""
        return sum(abs(held.units) * held.last_price for held in self.holdings.values())
