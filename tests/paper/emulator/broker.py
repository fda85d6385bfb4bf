"""The emulated broker: its own orders, fills, positions and cash, by which adapters are judged.

It shares no code with what it judges. Orders fill when the broker looks at the market, which it
does before each request: a market order at the far side of the quote, a limit where it is
marketable, a stop where its price was touched; one in ten fills is partial (Alpaca's rules for
paper accounts).
"""

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tests.paper.emulator.calendar import Sessions

ZERO = Decimal(0)
ENDED = ("filled", "canceled", "expired", "replaced", "rejected")


class Refused(Exception):
    """An error as Alpaca answers it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Nbbo:
    """What is bid and asked; 0 where nobody does, as Alpaca writes it."""

    bid: float
    ask: float
    time: datetime


@dataclass
class Order:
    id: str
    client_order_id: str
    symbol: str
    side: str
    qty: Decimal
    type: str
    time_in_force: str
    limit: Decimal | None
    stop: Decimal | None
    submitted: datetime
    updated: datetime
    status: str = "accepted"
    filled: Decimal = ZERO
    paid: Decimal = ZERO
    looked: int = 0  # at the market, since it came

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1

    @property
    def left(self) -> Decimal:
        return self.qty - self.filled

    @property
    def is_open(self) -> bool:
        return self.status not in ENDED


@dataclass
class Fill:
    id: str
    order: Order
    qty: Decimal
    price: Decimal
    time: datetime


@dataclass
class Held:
    qty: Decimal = ZERO  # signed
    cost: Decimal = ZERO  # signed


@dataclass
class Broker:
    """The account and the market, as they truly are."""

    clock: Callable[[], datetime]
    seed: int = 0
    cash: Decimal = Decimal(100_000)
    multiplier: Decimal = Decimal(2)
    partials: float = 0.1
    sessions: Sessions = field(default_factory=Sessions)
    quotes: dict[str, Nbbo] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    inactive: set[str] = field(default_factory=set)
    flags: dict[str, object] = field(default_factory=dict)  # of the account, over the usual ones
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    positions: dict[str, Held] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311

    def quote(self, symbol: str, bid: float, ask: float) -> None:
        self.quotes[symbol] = Nbbo(bid, ask, self.clock())

    def by_client_id(self, identifier: str) -> Order | None:
        return next((one for one in self.orders if one.client_order_id == identifier), None)

    def submit(self, fields: dict[str, object]) -> Order:
        """Take an order or raise `Refused`."""
        identifier = str(
            fields.get("client_order_id") or uuid.UUID(int=self.random.getrandbits(128))
        )
        qty = self._number(fields, "qty")
        limit, stop = (self._price(fields, name) for name in ("limit_price", "stop_price"))
        now = self.clock()
        order = Order(
            str(uuid.UUID(int=self.random.getrandbits(128))),
            identifier,
            str(fields.get("symbol")),
            str(fields.get("side")),
            qty,
            str(fields.get("type")),
            str(fields.get("time_in_force")),
            limit,
            stop,
            now,
            now,
        )
        self._check(order)
        self.orders.append(order)
        return order

    def cancel(self, identifier: str) -> None:
        order = next((one for one in self.orders if one.id == identifier), None)
        if order is None:
            raise Refused(404, 40410000, f"order not found for {identifier}")
        if not order.is_open:
            raise Refused(422, 42210000, "order is not cancelable")
        self._end(order, "canceled")

    def look(self) -> None:
        """Let the market meet the orders that wait."""
        now = self.clock()
        for order in self.orders:
            if not order.is_open:
                continue
            opened = self.sessions.is_open(now)
            order.looked += 1
            if opened and order.symbol not in self.halted | self.inactive:
                self._meet(order)
            if order.is_open and self._is_over(order, now):
                self._end(order, "expired" if order.time_in_force != "ioc" else "canceled")

    def split(self, symbol: str, ratio: int) -> None:
        """Split a symbol: more units at lower prices; what waits for an old price is cancelled."""
        held, quote = self.positions.get(symbol), self.quotes[symbol]
        if held is not None:
            held.qty *= ratio
        self.quote(symbol, quote.bid / ratio, quote.ask / ratio)
        for order in self.orders:
            if order.is_open and order.symbol == symbol and order.type != "market":
                self._end(order, "canceled")

    def price(self, symbol: str) -> Decimal:
        quote = self.quotes[symbol]
        return Decimal(str(quote.bid or quote.ask))

    @property
    def equity(self) -> Decimal:
        return self.cash + sum(
            (held.qty * self.price(symbol) for symbol, held in self.positions.items()), ZERO
        )

    @property
    def buying_power(self) -> Decimal:
        gross = sum((abs(h.qty) * self.price(s) for s, h in self.positions.items()), ZERO)
        waiting = (one for one in self.orders if one.is_open and self._enlarges(one))
        promised = sum((one.left * self._counted_at(one) for one in waiting), ZERO)
        return max(ZERO, self.multiplier * self.equity - gross - promised)

    def _meet(self, order: Order) -> None:
        quote = self.quotes[order.symbol]
        far = Decimal(str(quote.ask if order.side == "buy" else quote.bid))
        if not far > 0 or (order.time_in_force == "opg" and order.looked > 1 and order.filled):
            return
        if order.type == "stop" and order.stop is not None:
            if order.sign * (far - order.stop) < 0:
                return
        elif order.limit is not None and order.sign * (far - order.limit) > 0:
            return
        qty = order.left
        if self.random.random() < self.partials and qty > 1:
            qty = Decimal(self.random.randint(1, int(qty)))
        self.fill(order, qty, far)
        if order.is_open and order.time_in_force in ("ioc", "opg"):
            self._end(order, "canceled")

    def fill(self, order: Order, qty: Decimal, price: Decimal) -> None:
        """Book a fill."""
        now = self.clock()
        stamp = now.strftime("%Y%m%d%H%M%S") + f"{now.microsecond // 1000:03d}"
        # The sequence makes an identifier sort like its time, as Alpaca's do.
        unique = f"{stamp}{len(self.fills):06d}::{uuid.UUID(int=self.random.getrandbits(128))}"
        self.fills.append(Fill(unique, order, qty, price, now))
        order.filled += qty
        order.paid += qty * price
        order.updated = now
        order.status = "filled" if order.left <= 0 else "partially_filled"
        signed = order.sign * qty
        self.cash -= signed * price
        held = self.positions.setdefault(order.symbol, Held())
        before = held.qty
        held.qty += signed
        if before * signed >= 0:
            held.cost += signed * price
        elif before:
            held.cost *= held.qty / before
        if held.qty == 0:
            del self.positions[order.symbol]

    def _end(self, order: Order, status: str) -> None:
        order.status, order.updated = status, self.clock()

    def _is_over(self, order: Order, now: datetime) -> bool:
        if order.time_in_force == "ioc":
            return True
        if order.time_in_force == "gtc":
            return False
        if order.time_in_force == "opg":
            return self.sessions.is_open(now)
        return now >= self.sessions.next(order.submitted, 1)

    def _check(self, order: Order) -> None:
        if self.by_client_id(order.client_order_id):
            raise Refused(422, 40010001, "client_order_id must be unique")
        if self.flags.get("trade_suspended_by_user"):
            raise Refused(403, 40310000, "new orders are rejected by user request")
        if order.symbol not in self.quotes:
            raise Refused(422, 42210000, f'asset "{order.symbol}" not found')
        if order.symbol in self.inactive:
            raise Refused(422, 42210000, f'asset "{order.symbol}" is not active')
        if (order.type == "limit") != (order.limit is not None):
            raise Refused(422, 40010001, "limit orders require a limit price")
        if order.qty % 1 and order.time_in_force != "day":
            raise Refused(422, 42210000, "fractional orders must be DAY orders")
        self._check_wash(order)
        if self._enlarges(order):
            self._check_opening(order)
        else:
            self._check_closing(order)

    def _check_wash(self, order: Order) -> None:
        for other in self.orders:
            opposite = other.is_open and other.symbol == order.symbol and other.side != order.side
            if not opposite:
                continue
            limits = {one.side: one.limit for one in (order, other)}
            if None in limits.values() or limits["buy"] >= limits["sell"]:
                raise Refused(403, 40310000, "potential wash trade detected. use complex orders")

    def _check_opening(self, order: Order) -> None:
        if self.flags.get("liquidation_only"):
            raise Refused(403, 40310000, "account is restricted to liquidation only")
        if order.side == "sell" and (order.qty % 1 or self.multiplier == 1):
            raise Refused(422, 42210000, f'asset "{order.symbol}" cannot be sold short')
        if order.qty * self._counted_at(order) > self.buying_power:
            raise Refused(403, 40310000, "insufficient buying power")

    def _check_closing(self, order: Order) -> None:
        held = abs(self.positions[order.symbol].qty)
        waiting = (one for one in self.orders if one.is_open and one.symbol == order.symbol)
        promised = sum((one.left for one in waiting if one.side == order.side), ZERO)
        if order.qty > held - promised:
            raise Refused(
                403,
                40310000,
                f"insufficient qty available for order (requested: {order.qty}, "
                f"available: {held - promised})",
            )

    def _enlarges(self, order: Order) -> bool:
        held = self.positions.get(order.symbol)
        return held is None or held.qty * order.sign > 0

    def _counted_at(self, order: Order) -> Decimal:
        quote = self.quotes[order.symbol]
        far = Decimal(str(max(quote.ask, quote.bid)))
        return order.limit or order.stop or far

    def _number(self, fields: dict[str, object], name: str) -> Decimal:
        text = str(fields.get(name, ""))
        if not re.fullmatch(r"\d+(\.\d{1,9})?", text) or not Decimal(text) > 0:
            raise Refused(422, 40010001, f"{name} must be > 0")
        return Decimal(text)

    def _price(self, fields: dict[str, object], name: str) -> Decimal | None:
        if fields.get(name) is None:
            return None
        price = self._number(fields, name)
        if price % (Decimal("0.01") if price >= 1 else Decimal("0.0001")):
            raise Refused(
                422,
                42210000,
                f"invalid {name} {price}. sub-penny increment does not fulfill minimum pricing "
                "criteria",
            )
        return price
