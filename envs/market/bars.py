"""Checking the bars of price files before anything is computed from them."""

from collections.abc import Iterable

import numpy as np

from benbot.envs.arrays import BoolArray
from benbot.envs.market.market import PRICES
from benbot.envs.market.table import NUMBERS, PriceTable

# How far high may lie below open and close, or low above, as a fraction of the price, before it
# is an error. Vendors round each adjusted price by itself; within this the range is widened.
RANGE_TOLERANCE = 0.001


FLAGS = {"0": False, "0.0": False, "false": False, "1": True, "1.0": True, "true": True}


def read_numbers(table: PriceTable) -> PriceTable:
    """Return the table with every column of numbers as float64, NaN where a cell is empty."""
    return to_numbers(table, [name for name in NUMBERS if name in table.frame])


def to_numbers(table: PriceTable, names: Iterable[str]) -> PriceTable:
    """Return the table with these columns as float64, NaN where a cell is empty."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    numbers = {}
    for name in names:
        written = table.frame[name]
        if is_bool_dtype(written) or not is_numeric_dtype(written):
            text = written.astype(str).str.strip()
            parsed = pd.to_numeric(text, errors="coerce")
            table.refuse(
                parsed.isna() & written.notna() & (text != ""),
                f"{name} must be a number, was {{{name}!r}}",
            )
            written = parsed
        numbers[name] = written.astype(np.float64)
    return table.assign(**numbers)


def read_halts(table: PriceTable) -> PriceTable:
    """Return the table with `halted` as bool, False where a cell is empty or there is no column."""
    if "halted" not in table.frame:
        return table
    written = table.frame["halted"]
    text = written.astype(str).str.strip().str.lower().where(written.notna(), "")
    said = text.map(FLAGS | {"": False})
    table.refuse(said.isna(), "halted must be 0, 1, true or false, was {halted!r}")
    return table.assign(halted=said.astype(np.bool_))


def check_order(table: PriceTable) -> None:
    """Refuse bars that go back in time within one symbol of one file."""
    previous = table.frame.groupby(["file", "symbol"], sort=False)["time"].shift()
    table.refuse(
        table.frame["time"] < previous,
        "bars must be in order of time, this one is earlier than the one before it. "
        "Sort the file by time",
    )


def check_unique(table: PriceTable) -> None:
    """Refuse a second bar of one symbol at one time, also when another file has the first."""
    table.refuse(
        table.frame.duplicated(["symbol", "time"]),
        "a symbol needs one bar at a time, this is the second. Remove the duplicate",
    )


def check_prices(table: PriceTable) -> None:
    """Refuse prices, volumes and spreads that cannot be; empty cells are none of them."""
    names = [name for name in PRICES if name in table.frame]
    for name in names:
        value = table.frame[name]
        table.refuse(
            (value <= 0.0) | np.isinf(value),
            f"{name} must be a positive number, was {{{name}}}. "
            "Correct it, or leave the cell empty where nothing was traded",
        )
    if len(names) == len(PRICES):
        _check_range(table)
    for name, low, high, needed in (
        ("volume", 0.0, np.inf, "finite and zero or more"),
        ("spread", 0.0, 1.0, "a fraction of the price in [0, 1)"),
    ):
        if name in table.frame:
            value = table.frame[name]
            outside = (value < low) | (value >= high)
            table.refuse(outside, f"{name} must be {needed}, was {{{name}}}")
    if "borrow_rate" in table.frame:
        table.refuse(
            table.frame["borrow_rate"] < 0.0,
            "borrow_rate must be a fraction a year, zero or more, was {borrow_rate}. "
            "Write inf where nobody lends the symbol",
        )
    if "iv" in table.frame:
        value = table.frame["iv"]
        table.refuse(
            (value <= 0.0) | np.isinf(value),
            "iv must be an implied volatility a year above zero, such as 0.2, was {iv}. "
            "Leave the cell empty where it is not known",
        )


def is_traded(table: PriceTable) -> BoolArray:
    """Say which bars have all the prices that the table has columns for.

    A bar with a close but no open could not be filled at its open, so it counts as not traded.
    """
    names = [name for name in PRICES if name in table.frame]
    traded: BoolArray = table.frame[names].notna().all(axis=1).to_numpy()
    return traded


def widen_range(table: PriceTable) -> PriceTable:
    """Return the table with the rounding mended: high and low reach the open and the close."""
    if not set(PRICES) <= set(table.frame.columns):
        return table
    prices = table.frame[list(PRICES)]
    return table.assign(high=prices.max(axis=1), low=prices.min(axis=1))


def _check_range(table: PriceTable) -> None:
    frame = table.frame
    slack = RANGE_TOLERANCE * frame["close"]
    table.refuse(
        frame["high"] < frame["low"] - slack,
        "high must not be below low, high was {high} and low {low}. Correct the bar",
    )
    table.refuse(
        frame["high"] < frame[["open", "close"]].max(axis=1) - slack,
        "high must not be below open or close, high was {high}, open {open} and close {close}. "
        "Correct the bar",
    )
    table.refuse(
        frame["low"] > frame[["open", "close"]].min(axis=1) + slack,
        "low must not be above open or close, low was {low}, open {open} and close {close}. "
        "Correct the bar",
    )
