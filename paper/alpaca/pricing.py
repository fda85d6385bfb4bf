"""How orders are written for Alpaca: in decimals, and in the ticks that exchanges take.

Prices of a dollar and more are whole cents, lower ones hundredths of a cent (SEC rule 612).
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from benbot.envs.errors import OrderRefused
from benbot.paper.venue import OrderIntent, OrderKind, Refusal, Side, TimeInForce

CENT, HUNDREDTH = Decimal("0.01"), Decimal("0.0001")
FINEST_UNITS = Decimal("0.000000001")
ROUND = {Side.BUY: ROUND_FLOOR, Side.SELL: ROUND_CEILING}


def price_text(intent: OrderIntent) -> str:
    """Return the limit in whole ticks, never worse than was asked for; a stop in the nearest."""
    price = Decimal(repr(intent.limit))
    tick = CENT if price >= 1 else HUNDREDTH
    way = ROUND_HALF_EVEN if intent.kind is OrderKind.STOP else ROUND[intent.side]
    rounded = price.quantize(tick, way)
    if not rounded > 0:
        raise OrderRefused(f"limit must be at least {tick}, was {intent.limit}", Refusal.MALFORMED)
    return f"{rounded:f}"


def units_text(intent: OrderIntent) -> str:
    """Return the units in nine decimals; parts of one unit are good for the day alone."""
    units = Decimal(repr(intent.units)).quantize(FINEST_UNITS, ROUND_HALF_EVEN).normalize()
    if units % 1 and intent.time_in_force is not TimeInForce.DAY:
        raise OrderRefused(
            f"fractional orders must be DAY orders, was {units:f} units, {intent.time_in_force}. "
            "Round the units, or send it for the day",
            Refusal.MALFORMED,
        )
    return f"{units:f}"


def order_fields(intent: OrderIntent) -> dict[str, str]:
    """Return the fields of an order as Alpaca takes them."""
    fields = {
        "client_order_id": intent.client_order_id,
        "symbol": intent.symbol,
        "qty": units_text(intent),
        "side": intent.side.value,
        "type": intent.kind.value,
        "time_in_force": intent.time_in_force.value,
    }
    if intent.limit is not None:
        name = "stop_price" if intent.kind is OrderKind.STOP else "limit_price"
        fields[name] = price_text(intent)
    return fields
