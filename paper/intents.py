"""Orders that were meant: written down before they are sent, so that none is sent twice.

units, filled   signed: bought, negative is sold
price           account currency per unit
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from benbot.envs.arrays import Record
from benbot.envs.desk.reasons import Exit
from benbot.paper.boundary import ROUNDING, SMALLEST_UNITS
from benbot.paper.desk import Answer
from benbot.paper.venue import OrderIntent, OrderKind, Side, TimeInForce, VenueFill

SHORT = 12  # characters of a symbol in an identifier
NOT_PLAIN = re.compile(r"[^A-Za-z0-9]")
EMERGENCY = "emergency"  # how the note of an exit begins that has failed too often
PURPOSES = {Exit.NONE: "E"}  # of orders by reason: E enters, X leaves


class IntentStatus(StrEnum):
    """What is known of an intent."""

    SENT = "sent"  # it may have arrived: the venue is asked before anything else
    WORKING = "working"  # the venue has it
    DONE = "done"  # over, and what filled of it is booked
    REFUSED = "refused"  # the venue did not take it
    DROPPED = "dropped"  # never sent
    LEFT = "left"  # its end is not known: booked is what was said of it, see `paper.strays`
    BOOKED = "booked"  # nothing to send: the desk books it at its own price

    @property
    def is_settled(self) -> bool:
        """Whether the desk has its answer."""
        return self not in (IntentStatus.SENT, IntentStatus.WORKING)


@dataclass(frozen=True)
class Intent:
    """An order of a stage, and what became of it.

    bar, stage, sequence   where it stands: the `sequence`-th order of a stage of a bar
    symbol, strategy       numbers; the names are in the store
    reason                 `Exit`; NONE opens or enlarges a position
    limit                  of a stop the price that sets it off, of a limit the worst; None: market
    attempts               times that it may have been sent
    """

    client_order_id: str
    bar: int
    stage: int
    sequence: int
    symbol: int
    ticker: str
    strategy: int
    reason: int
    units: float
    price: float
    planned: datetime
    kind: OrderKind = OrderKind.MARKET
    limit: float | None = None
    status: IntentStatus = IntentStatus.SENT
    attempts: int = 0
    filled: float = 0.0
    fill_price: float | None = None
    cost: float = 0.0
    note: str = ""

    @property
    def is_entry(self) -> bool:
        """Whether it opens or enlarges a position."""
        return self.reason == Exit.NONE

    @property
    def is_emergency(self) -> bool:
        """Whether it has to come off, at any price."""
        return self.note.startswith(EMERGENCY)

    @property
    def is_overfilled(self) -> bool:
        """Whether the venue filled more than it was asked to."""
        return abs(self.filled) > abs(self.units) * (1.0 + ROUNDING) + SMALLEST_UNITS

    def order(self, time_in_force: TimeInForce) -> OrderIntent:
        """Return it as a venue takes it."""
        side = Side.BUY if self.units > 0.0 else Side.SELL
        return OrderIntent(
            self.client_order_id,
            self.ticker,
            side,
            abs(self.units),
            self.kind,
            self.limit,
            time_in_force,
        )

    def settled(self, status: IntentStatus, note: str = "") -> "Intent":
        """Return it as it ends without a fill."""
        return replace(self, status=status, note=note or self.note)

    def done(self, fills: Iterable[VenueFill]) -> "Intent":
        """Return it as it ends with these fills."""
        units, price, cost = total_of(fills)
        if abs(units - self.units) <= ROUNDING * abs(self.units):
            units = self.units
        return replace(
            self,
            status=IntentStatus.DONE,
            filled=units,
            fill_price=price if units else None,
            cost=cost,
        )

    def answer(self) -> Answer:
        """Return what the desk has to know of it."""
        price = self.price if self.fill_price is None else self.fill_price
        return Answer(self.symbol, self.reason, self.units, self.filled, price, self.cost)


def intent_of(
    order: Record, place: tuple[int, int, int], ticker: str, who: tuple[str, datetime]
) -> Intent:
    """Return the intent of a record of ORDER at (bar, stage, sequence), of (account's key, now)."""
    bar, stage, sequence = place
    key, now = who
    reason = int(order["reason"])
    name = NOT_PLAIN.sub("", ticker)[:SHORT]
    purpose = PURPOSES.get(Exit(reason), "X")
    return Intent(
        client_order_id=f"bb-{key}-{bar}-{stage}-{sequence}-{purpose}-{name}",
        bar=bar,
        stage=stage,
        sequence=sequence,
        symbol=int(order["symbol"]),
        ticker=ticker,
        strategy=int(order["strategy"]),
        reason=reason,
        units=float(order["units"]),
        price=float(order["price"]),
        planned=now,
        cost=0.0,
    )


def key_of(account: str, began: datetime) -> str:
    """Return eight hex digits of an account and of when it began.

    A venue never forgets an identifier, so an account that begins anew must have others.
    """
    text = f"{account} {began.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def total_of(fills: Iterable[VenueFill]) -> tuple[float, float, float]:
    """Return signed units, mean price and cost of fills; of a single one exactly its own."""
    parts = list(fills)
    if len(parts) == 1:
        return parts[0].signed_units, parts[0].price, parts[0].cost
    units = sum(part.signed_units for part in parts)
    money = sum(part.signed_units * part.price for part in parts)
    return units, money / units if units else 0.0, sum(part.cost for part in parts)
