"""Correcting prices for splits and dividends, so that a return is what a holder earned.

All four prices of a bar are multiplied by one ratio, and its volume is divided by it: price times
volume, the money traded, stays what it was, and with it every measure of liquidity. Returns are
right at every bar; the level of old prices is not the one that was quoted on the day. With
"actions" the market knows that level too, and the splits and dividends that lie between the two.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np

from benbot.envs.arrays import BoolArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.actions import with_actions
from benbot.envs.market.market import PRICES
from benbot.envs.market.table import ACTIONS, FACTORS, PriceTable

if TYPE_CHECKING:
    import pandas as pd

Adjustment = Literal["adj_close", "factors", "none", "actions"]
NEEDED = {
    "adj_close": "adj_close",
    "factors": " or ".join(FACTORS),
    "actions": " or ".join((*ACTIONS, *FACTORS)),
}


def choose_adjustment(table: PriceTable, wanted: str) -> Adjustment:
    """Return the adjustment that the columns allow; "auto" takes the first there is."""
    factors = [name for name in FACTORS if name in table.frame]
    offered: dict[str, Adjustment] = {}
    if "adj_close" in table.frame:
        offered["adj_close"] = "adj_close"
    if factors:
        offered["factors"] = "factors"
    offered["none"] = "none"
    if factors or set(ACTIONS) & set(table.frame):
        offered["actions"] = "actions"
    if wanted == "auto":
        return next(iter(offered.values()))
    if wanted not in offered:
        raise BadMarketData(
            f"{table.paths[0]}: adjust: {wanted} needs the column "
            f"{NEEDED[wanted]}, there is {', '.join(offered)}. Use adjust: auto or add the column"
        )
    return offered[wanted]


def adjust(table: PriceTable, adjustment: Adjustment) -> PriceTable:
    """Return the table with its prices and volume adjusted."""
    if adjustment == "none":
        return table
    if adjustment == "actions":
        _check_factors(table)
        table = with_actions(table)
    ratio = _ratio(table, adjustment)
    prices = {name: table.frame[name] * ratio for name in PRICES if name in table.frame}
    if "volume" in table.frame:
        prices["volume"] = table.frame["volume"] / ratio
    return table.assign(**prices)


def _ratio(table: PriceTable, adjustment: Adjustment) -> "pd.Series[float]":
    """Adjusted over raw price, one per row.

    With "actions" it is known by now. A factor row says by what to multiply the raw prices up to
    its day: `price_factor` for the dividends and `split_factor` for the splits that came later.
    """
    if adjustment == "actions":
        return 1.0 / table.frame["unadjusted"]
    if adjustment == "adj_close":
        table.refuse(
            ~_positive(table.frame["adj_close"]),
            "adj_close must be a positive number wherever close is, was {adj_close}. "
            "Complete it or set adjust: none",
        )
        return table.frame["adj_close"] / table.frame["close"]
    _check_factors(table)
    ratio = table.frame["close"] * 0.0 + 1.0
    for name in FACTORS:
        if name in table.frame:
            ratio = ratio * table.frame[name]
    return ratio


def _check_factors(table: PriceTable) -> None:
    for name in FACTORS:
        if name in table.frame:
            table.refuse(
                ~_positive(table.frame[name]),
                f"{name} must be a positive number, was {{{name}}}. "
                "Use 1 for a bar without correction",
            )


def _positive(values: "pd.Series[float]") -> BoolArray:
    number = values.to_numpy()
    positive: BoolArray = np.isfinite(number) & (number > 0.0)
    return positive
