"""What numbers, times and names must be before they may cross between the desk and a venue.

Each function returns what it was given, in the one form in which it is used from then on.

units    positive; a side says which way they go
price    account currency per unit
money    account currency
"""

import re
from datetime import UTC, datetime

from benbot.envs.errors import InvalidParameter

SMALLEST_UNITS = 1e-9  # brokers count in nine decimals; less than one of them is rounding
ROUNDING = 1e-9  # of an order: what a venue that counts in decimals, or a sum of parts, may lose
LARGEST_UNITS = 1e12
LARGEST_PRICE = 1e9
LARGEST_MONEY = 1e15

IDENTIFIER = re.compile(r"[A-Za-z0-9-]{1,48}", re.ASCII)  # what every broker we know can store
SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9^._/=-]{0,31}", re.ASCII)
SHOWN = 60  # characters of a refused text that a message repeats


def units_of(value: float, name: str = "units") -> float:
    """Return a number of units that can be traded."""
    return _between(value, name, SMALLEST_UNITS, LARGEST_UNITS)


def price_of(value: float, name: str = "price") -> float:
    """Return a price that something can cost."""
    if not value > 0.0:  # nor where it is not a number
        raise InvalidParameter(f"{name} must be above 0, was {value!r}. Do not trade on it")
    return _between(value, name, 0.0, LARGEST_PRICE)


def money_of(value: float, name: str) -> float:
    """Return an amount of money, of either sign."""
    return _between(value, name, -LARGEST_MONEY, LARGEST_MONEY)


def _between(value: float, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParameter(f"{name} must be a number, was {_shown(value)}")
    if not low <= value <= high:
        raise InvalidParameter(
            f"{name} must be finite and between {low:g} and {high:g}, was {value!r}. Check what it "
            "was computed from"
        )
    return float(value)


def time_of(value: datetime, name: str = "time") -> datetime:
    """Return a time in UTC; a time of no zone is refused, because it could be any."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidParameter(
            f"{name} must be a time with a zone, was {_shown(value)}. Give it one, such as UTC"
        )
    return value.astimezone(UTC)


def identifier_of(value: str, name: str = "client_order_id") -> str:
    """Return an identifier of ours that every venue can store."""
    if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
        raise InvalidParameter(
            f"{name} must be 1 to 48 letters, digits and hyphens, was {_shown(value)}"
        )
    return value


def symbol_of(value: str) -> str:
    """Return a ticker: 1 to 32 characters, none of which could be taken for anything else."""
    if not isinstance(value, str) or not SYMBOL.fullmatch(value):
        raise InvalidParameter(
            "symbol must be 1 to 32 letters, digits and ^._/=-, and begin with one of the first "
            f"three, was {_shown(value)}"
        )
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
