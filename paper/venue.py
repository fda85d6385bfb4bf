"""What a venue is: whoever fills the orders, and where time comes from.

A venue is asked, and answers with the facts below; it keeps nothing of what the asker believes, and
its word is the truth. Every order carries an identifier of ours, and an identifier is one order:
to submit it again is to be told of the order that is there.

units    positive in orders and fills, whose side says which way they go; signed in positions
price    account currency per unit
money    account currency
times    with a zone, kept in UTC

What crosses is checked where these are made (`paper.boundary`): no NaN, no infinity, nothing that
is zero or negative where that means nothing, no time without a zone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from benbot.envs.errors import InvalidParameter
from benbot.paper.boundary import (
    SMALLEST_UNITS,
    identifier_of,
    money_of,
    price_of,
    symbol_of,
    time_of,
    units_of,
)

Clock = Callable[[], datetime]  # the time now, with a zone


class Side(StrEnum):
    """Which way units go."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> float:
        """+1 where units are bought, -1 where they are sold."""
        return 1.0 if self is Side.BUY else -1.0


class OrderKind(StrEnum):
    """At which price an order may fill."""

    MARKET = "market"
    LIMIT = "limit"  # at `limit` or better
    STOP = "stop"  # at any price, once one at `limit` or worse was seen


class TimeInForce(StrEnum):
    """How long an order may wait."""

    DAY = "day"  # to the end of the session; after it, of the next one
    GTC = "gtc"  # until it is cancelled
    IOC = "ioc"  # not at all: what does not fill at once is cancelled
    OPENING = "opg"  # for the next opening alone


class OrderStatus(StrEnum):
    """Where an order stands at the venue."""

    ACCEPTED = "accepted"  # received, cannot fill yet
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    SUSPENDED = "suspended"  # alive, and nothing fills for now
    CANCELLING = "cancelling"  # asked for, and it may fill still
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"
    UNKNOWN = "unknown"  # a word that we do not know: it may fill still, and nothing is done to it

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the order any more."""
        return self in TERMINAL


TERMINAL = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.REPLACED,
    }
)


class Refusal(StrEnum):
    """Why an order was refused, as `OrderRefused.reason` says it."""

    DUPLICATE = "duplicate"  # its identifier belongs to another order
    BUYING_POWER = "buying_power"
    NOT_HELD = "not_held"  # more than is held, or than is not promised to other orders
    NOT_SHORTABLE = "not_shortable"
    NOT_TRADABLE = "not_tradable"  # halted, delisted, or no such symbol
    WASH_TRADE = "wash_trade"  # an order of the opposite side rests in the same symbol
    RESTRICTED = "restricted"  # the account may not trade, or only close
    DAY_TRADING = "day_trading"
    MALFORMED = "malformed"  # a price, a size or a duration that the venue does not take
    RATE_LIMITED = "rate_limited"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class VenueClock:
    """The venue's own time, and its session; it is open where `next_close` comes first."""

    now: datetime
    is_open: bool
    next_open: datetime
    next_close: datetime

    def __post_init__(self) -> None:
        for name in ("now", "next_open", "next_close"):
            object.__setattr__(self, name, time_of(getattr(self, name), name))


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What the account is worth and may do; without `may_trade` no order is taken, whatever it is.

    `buying_power` is what orders that open or enlarge may still cost, orders at rest counted.
    """

    account_id: str
    equity: float
    cash: float
    buying_power: float
    may_trade: bool = True
    may_open: bool = True  # False: only what is held may be closed
    may_short: bool = True
    note: str = ""  # in the venue's words, what it may not

    def __post_init__(self) -> None:
        for name in ("equity", "cash", "buying_power"):
            object.__setattr__(self, name, money_of(getattr(self, name), name))


@dataclass(frozen=True, slots=True)
class VenuePosition:
    """What is held of one symbol."""

    symbol: str
    units: float  # signed, never 0
    entry_price: float  # mean
    last_price: float | None = None

    def __post_init__(self) -> None:
        symbol_of(self.symbol)
        units_of(abs(self.units))
        price_of(self.entry_price, "entry_price")
        if self.last_price is not None:
            price_of(self.last_price, "last_price")


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """An order that is to be: checked when it is made, so that what is made can be sent."""

    client_order_id: str
    symbol: str
    side: Side
    units: float
    kind: OrderKind = OrderKind.MARKET
    limit: float | None = None  # of LIMIT the worst price, of STOP the one that sets it off
    time_in_force: TimeInForce = TimeInForce.DAY

    def __post_init__(self) -> None:
        identifier_of(self.client_order_id)
        symbol_of(self.symbol)
        for name, kind in (("side", Side), ("kind", OrderKind), ("time_in_force", TimeInForce)):
            if not isinstance(getattr(self, name), kind):
                raise InvalidParameter(
                    f"{name} must be a {kind.__name__}, one of {', '.join(kind)}, "
                    f"was {getattr(self, name)!r}"
                )
        object.__setattr__(self, "units", units_of(self.units))
        if (self.limit is None) != (self.kind is OrderKind.MARKET):
            raise InvalidParameter(
                f"limit must be given for limit and stop orders and for no other, was {self.limit} "
                f"for a {self.kind} order"
            )
        if self.limit is not None:
            object.__setattr__(self, "limit", price_of(self.limit, "limit"))


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue knows it."""

    client_order_id: str  # as the venue has it, so not always one of ours
    venue_order_id: str
    symbol: str
    side: Side
    units: float | None  # None where it was asked for in money
    status: OrderStatus
    filled_units: float = 0.0
    filled_price: float | None = None  # mean
    kind: OrderKind | None = None  # None: not said, or of a kind that we never send
    limit: float | None = None
    time_in_force: TimeInForce | None = None
    submitted_at: datetime | None = None
    updated_at: datetime | None = None
    note: str = ""  # in the venue's words, its status or why it was rejected

    def __post_init__(self) -> None:
        symbol_of(self.symbol)
        if self.units is not None:
            units_of(self.units)
        if self.filled_units != 0.0:
            units_of(self.filled_units, "filled_units")
        if self.filled_price is not None:
            price_of(self.filled_price, "filled_price")
        for name in ("submitted_at", "updated_at"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, time_of(getattr(self, name), name))

    @property
    def is_open(self) -> bool:
        """Whether it may fill still."""
        return not self.status.is_terminal

    @property
    def signed_filled(self) -> float:
        """Units filled, negative where they were sold."""
        return self.side.sign * self.filled_units

    def is_of(self, intent: OrderIntent) -> bool:
        """Return whether this is what the intent asked for, as far as the venue says."""
        if (self.symbol, self.side) != (intent.symbol, intent.side):
            return False
        if self.units is None or abs(self.units - intent.units) > SMALLEST_UNITS:
            return False
        return self.kind in (None, intent.kind)


@dataclass(frozen=True, slots=True)
class VenueFill:
    """A part of an order that was done; `execution_id` is unique, so it can be booked once."""

    execution_id: str
    venue_order_id: str
    client_order_id: str | None  # None where the venue does not say
    symbol: str
    side: Side
    units: float
    price: float
    time: datetime
    cost: float = 0.0  # what was paid beyond units × price

    def __post_init__(self) -> None:
        if not self.execution_id:
            raise InvalidParameter("execution_id must not be empty, or it could be booked twice")
        symbol_of(self.symbol)
        units_of(self.units)
        price_of(self.price)
        money_of(self.cost, "cost")
        object.__setattr__(self, "time", time_of(self.time))

    @property
    def signed_units(self) -> float:
        """Units filled, negative where they were sold."""
        return self.side.sign * self.units


class Venue(Protocol):
    """Whoever fills orders.

    What only asks raises `VenueUnavailable` when there is no answer that can be read, and
    `NotAuthorised`, which is one, when the keys are of no use.
    """

    name: str

    def clock(self) -> VenueClock:
        """Return the venue's time and session, which win over any calendar of ours."""

    def account(self) -> AccountFacts:
        """Return what the account is worth and may do."""

    def positions(self) -> Sequence[VenuePosition]:
        """Return what is held, one of each symbol, in order of symbols."""

    def open_orders(self) -> Sequence[VenueOrder]:
        """Return all orders that may fill still, whoever sent them, the oldest first."""

    def order(self, client_order_id: str) -> VenueOrder | None:
        """Return an order by our identifier, whatever became of it.

        None: the venue does not show one. Right after a lost answer it may do so only later.
        """

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order, or find the one that carries its identifier already.

        Raises `OrderRefused` when there is none and will be none, for the venue's reason;
        `NotAuthorised` likewise, when the keys are of no use; and `OutcomeUnknown` when nobody
        knows: then ask with `order` before sending the same again.
        """

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        """Ask for an order to be cancelled and return how it stands; None where there is none.

        It may fill before it is cancelled, so the status says what happened. Raises
        `OutcomeUnknown` when nobody knows whether the wish arrived, and `VenueUnavailable` when it
        was not even sent.
        """

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        """Return the fills at `since` or later, the oldest first; each may be returned again."""

    def close(self) -> None:
        """Let go of files and connections; nothing may be asked afterwards."""
