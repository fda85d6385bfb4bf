"""What Alpaca's answers say, read with tolerance for what changes and none for what matters.

A field that nothing depends on may be missing, null or of a new form. One without which a fact
would be a guess must be there, or the whole answer counts as unread: a position that cannot be read
is unknown, and unknown is not the same as flat. A status that we do not know is UNKNOWN.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from benbot.envs.errors import InvalidParameter
from benbot.paper.boundary import SMALLEST_UNITS
from benbot.paper.venue import (
    AccountFacts,
    OrderKind,
    OrderStatus,
    Side,
    TimeInForce,
    VenueClock,
    VenueFill,
    VenueOrder,
    VenuePosition,
)

Fields = Mapping[str, Any]
T = TypeVar("T")

STATUSES = {
    "pending_new": OrderStatus.ACCEPTED,
    "accepted": OrderStatus.ACCEPTED,
    "accepted_for_bidding": OrderStatus.ACCEPTED,
    "pending_review": OrderStatus.ACCEPTED,
    "held": OrderStatus.ACCEPTED,
    "new": OrderStatus.WORKING,
    "pending_replace": OrderStatus.WORKING,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "done_for_day": OrderStatus.SUSPENDED,
    "stopped": OrderStatus.SUSPENDED,
    "suspended": OrderStatus.SUSPENDED,
    "calculated": OrderStatus.SUSPENDED,
    "pending_cancel": OrderStatus.CANCELLING,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
    "replaced": OrderStatus.REPLACED,
}
TRADING = ("ACTIVE", "PAPER_ONLY")  # of an account; in any other state it may only close
LONGEST_NAME, LONGEST_NOTE = 128, 200  # characters
VENUE_IDENTIFIER = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
KINDS = {kind.value: kind for kind in OrderKind}
DURATIONS = {duration.value: duration for duration in TimeInForce}


def rows_of(answer: object, read: Callable[[Fields], T]) -> list[T]:
    """Return what each row of a list says; one that cannot be read makes all of it unread."""
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise InvalidParameter(f"a list was needed, was {type(answer).__name__}")
    return [read(row) for row in answer]


def clock_of(answer: object) -> VenueClock:
    """Return the venue's time and session."""
    row = _object(answer)
    is_open = row.get("is_open")
    if not isinstance(is_open, bool):
        raise InvalidParameter(f"is_open must be true or false, was {is_open!r}")
    names = ("timestamp", "next_open", "next_close")
    now, next_open, next_close = (_time(row, name) for name in names)
    return VenueClock(now, is_open, next_open, next_close)


def account_of(answer: object) -> AccountFacts:
    """Return what the account is worth and may do; equity and cash must be there."""
    row = _object(answer)
    blocks = ("trading_blocked", "account_blocked", "trade_suspended_by_user")
    blocked = [name for name in blocks if row.get(name) not in (False, None)]
    status = _word(row, "status").upper()
    said = status[:LONGEST_NOTE] or "unknown"
    return AccountFacts(
        account_id=_word(row, "account_number") or _word(row, "id"),
        equity=_number(row, "equity"),
        cash=_number(row, "cash"),
        buying_power=_number(row, "buying_power") if _is_said(row, "buying_power") else 0.0,
        may_trade=not blocked,
        may_open=status in TRADING,
        may_short=row.get("shorting_enabled") is True,
        note=", ".join(blocked or ([] if status in TRADING else [f"status {said}"])),
    )


def position_of(answer: object) -> VenuePosition:
    """Return what is held; the side says which way, because the sign of `qty` varies."""
    row = _object(answer)
    units, side = _number(row, "qty"), _word(row, "side")
    if side not in ("long", "short"):
        raise InvalidParameter(f"a position's side must be long or short, was {side!r}")
    last = _number(row, "current_price") if _is_said(row, "current_price") else None
    return VenuePosition(
        symbol=_word(row, "symbol"),
        units=-abs(units) if side == "short" else abs(units),
        entry_price=_number(row, "avg_entry_price"),
        last_price=last if last else None,
    )


def order_of(answer: object) -> VenueOrder:
    """Return an order; identifier, symbol and side must be there."""
    row = _object(answer)
    status = STATUSES.get(_word(row, "status"), OrderStatus.UNKNOWN)
    filled = _number(row, "filled_qty") if _is_said(row, "filled_qty") else None
    if filled is None and status is not OrderStatus.ACCEPTED:
        status = OrderStatus.UNKNOWN  # whether any of it filled is what matters most
    price = _number(row, "filled_avg_price") if _is_said(row, "filled_avg_price") else 0.0
    kind = _word(row, "type") or _word(row, "order_type")
    return VenueOrder(
        client_order_id=_needed(row, "client_order_id"),
        venue_order_id=_identifier(row, "id"),
        symbol=_needed(row, "symbol"),
        side=_side(row),
        units=_number(row, "qty") if _is_said(row, "qty") else None,
        status=status,
        filled_units=filled if filled and filled >= SMALLEST_UNITS else 0.0,
        filled_price=price or None,
        kind=KINDS.get(kind),
        limit=_limit(row, kind),
        time_in_force=DURATIONS.get(_word(row, "time_in_force")),
        submitted_at=_time_if_said(row, "submitted_at"),
        updated_at=_time_if_said(row, "updated_at"),
        note=_word(row, "status")[:LONGEST_NOTE],
    )


def fill_of(answer: object) -> VenueFill:
    """Return an activity of kind FILL; all of it must be there."""
    row = _object(answer)
    return VenueFill(
        execution_id=_needed(row, "id"),
        venue_order_id=_identifier(row, "order_id"),
        client_order_id=None,
        symbol=_needed(row, "symbol"),
        side=_side(row),
        units=_number(row, "qty"),
        price=_number(row, "price"),
        time=_time(row, "transaction_time"),
    )


def _object(answer: object) -> Fields:
    if not isinstance(answer, Mapping):
        raise InvalidParameter(f"an object was needed, was {type(answer).__name__}")
    return answer


def _is_said(row: Fields, name: str) -> bool:
    return row.get(name) not in (None, "")


def _word(row: Fields, name: str) -> str:
    """Return a text that can be kept and shown, nothing where there is none."""
    value = row.get(name)
    return value if isinstance(value, str) and value.isprintable() else ""


def _needed(row: Fields, name: str) -> str:
    value = _word(row, name)
    if not (0 < len(value) <= LONGEST_NAME and value.isprintable()):
        raise InvalidParameter(f"{name} must be one line of at most {LONGEST_NAME} characters")
    return value


def _identifier(row: Fields, name: str) -> str:
    """Return an identifier that may become a part of an address."""
    value = _needed(row, name)
    if not VENUE_IDENTIFIER.fullmatch(value):
        raise InvalidParameter(f"{name} must be letters, digits and hyphens")
    return value


def _number(row: Fields, name: str) -> float:
    """Return a number, written as one or as text; whether it makes sense is for others to say."""
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise InvalidParameter(f"{name} must be a number, was {type(value).__name__}")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(f"{name} must be a number, was {str(value)[:20]!r}") from error


def _time(row: Fields, name: str) -> datetime:
    """Return a time; more digits than microseconds are cut."""
    try:
        return datetime.fromisoformat(_needed(row, name))
    except (ValueError, OverflowError) as error:
        raise InvalidParameter(f"{name} must be a time") from error


def _time_if_said(row: Fields, name: str) -> datetime | None:
    try:
        time = _time(row, name)
    except InvalidParameter:
        return None
    return None if time.utcoffset() is None else time


def _side(row: Fields) -> Side:
    side = _word(row, "side")
    if side in ("sell", "sell_short"):
        return Side.SELL
    if side == "buy":
        return Side.BUY
    raise InvalidParameter(f"side must be buy or sell, was {side!r}")


def _limit(row: Fields, kind: str) -> float | None:
    name = "stop_price" if kind == OrderKind.STOP else "limit_price"
    return _number(row, name) if _is_said(row, name) else None
