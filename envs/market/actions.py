"""Splits and dividends as they happened, so that a desk can trade at the prices of the day.

split        units for each unit held before, from the open of the bar; 1 for none
dividend     money for each unit, counted after the split, in the prices of the day; 0 for none
unadjusted   price of the day over adjusted price

The adjusted prices are those of a holder who buys new units for each dividend at p − dividend,
where p is the last close before it, counted after the split. All earlier prices are multiplied by

    (1 − dividend / p) / split

which is the multiplier that Yahoo Finance gives for its adjusted close (help page SLN28256).
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.bars import to_numbers
from benbot.envs.market.table import ACTIONS, FACTORS, PriceTable

# Factors are written with about six digits, from which a split of 2 comes out as 1.9999955.
ROUNDING = 1e-5
LARGEST_DENOMINATOR = 100
# A price factor that falls by less than this fell by arithmetic.
SLACK = 1e-9


def read_actions(table: PriceTable) -> PriceTable:
    """Return the table with both its columns of actions as numbers; empty cells are no action.

    A table without either is left as it is.
    """
    given = [name for name in ACTIONS if name in table.frame]
    factors = [name for name in FACTORS if name in table.frame]
    if not given:
        return table
    if len(given) == 1 and factors:
        raise BadMarketData(
            f"{table.paths[0]}: adjust: actions needs split and dividend, or factors alone, was "
            f"{', '.join((*given, *factors))}. Add the one that is missing or remove the factors"
        )
    table = to_numbers(table, given)
    nothing = table.frame["close"].isna().to_numpy() * 0.0
    split = table.frame["split"].fillna(1.0) if "split" in given else nothing + 1.0
    dividend = table.frame["dividend"].fillna(0.0) if "dividend" in given else nothing
    table = table.assign(split=split, dividend=dividend)
    table.refuse(
        ~(np.isfinite(split) & (split > 0.0)),
        "split must be a positive number, was {split}. Use 1 for a bar without a split",
    )
    table.refuse(
        ~(np.isfinite(dividend) & (dividend >= 0.0)),
        "dividend must be zero or more, was {dividend}. Use 0 for a bar without a dividend",
    )
    return table


def keep_with_actions(table: PriceTable, kept: BoolArray) -> tuple[PriceTable, tuple[str, ...]]:
    """Return the bars to keep, and notes; actions of the others move to the symbol's next bar.

    Splits multiply. A dividend that a later split follows is counted in the units after it.
    """
    if "split" not in table.frame or kept.all():
        return table.keep(kept), ()
    frame = table.frame.assign(kept=kept).sort_values(["symbol", "time"], kind="stable")
    # Bars between two kept ones go with the later of the two.
    target = frame.groupby("symbol")["kept"].cumsum() - frame["kept"]
    moved = frame.groupby([frame["symbol"], target])
    so_far = moved["split"].cumprod()
    split = so_far.groupby([frame["symbol"], target]).transform("last")
    counted = frame["dividend"] * (so_far / split)
    dividend = counted.groupby([frame["symbol"], target]).transform("sum")
    orphaned = ~moved["kept"].transform("any")
    lost = int((orphaned & ((frame["split"] != 1.0) | (frame["dividend"] != 0.0))).sum())
    notes = (f"{lost} splits or dividends after the last bar of their symbol left out",)
    # Columns align with the table by its index, so that the order of its lines stays.
    return table.assign(split=split, dividend=dividend).keep(kept), notes if lost else ()


def with_actions(table: PriceTable) -> PriceTable:
    """Return traded bars with `split`, `dividend` and `unadjusted`; prices stay as traded."""
    table = replace(table, frame=table.frame.sort_values(["symbol", "time"], kind="stable"))
    before = table.frame.groupby("symbol")["close"].shift()
    table = table.assign(before=before)
    last = np.ones(len(before))
    if "split" not in table.frame:
        table, last = _from_factors(table)
    frame = table.frame
    share = frame["dividend"] * frame["split"] / before
    table.refuse(
        share >= 1.0,
        "dividend must be less than the last close, counted after the split, was {dividend} "
        "with a split of {split} after a close of {before}. Correct the one or the other",
    )
    step = ((1.0 - share) / frame["split"]).where(before.notna(), 1.0)
    symbol = frame["symbol"]
    until_end = step[::-1].groupby(symbol).cumprod()
    later = until_end.groupby(symbol).shift(fill_value=1.0)[::-1]
    return table.assign(unadjusted=1.0 / (later * last))


def _from_factors(table: PriceTable) -> tuple[PriceTable, FloatArray]:
    """Return the table with the actions that its factors tell of, and each symbol's last factor.

    The row with a new factor is that of the ex-date: `price_factor` rises by 1 / (1 − dividend / p)
    and `split_factor` by the split. The first bar of a symbol tells of nothing.
    """
    frame = table.frame
    grouped = frame.groupby("symbol")
    rise = {name: np.ones(len(frame)) for name in FACTORS}
    last = np.ones(len(frame))
    for name in FACTORS:
        if name in frame:
            rise[name] = (frame[name] / grouped[name].shift()).fillna(1.0).to_numpy()
            last = last * grouped[name].transform("last").to_numpy()
    table.refuse(
        rise["price_factor"] < 1.0 - SLACK,
        "price_factor must not fall, because no dividend is negative, this one is lower than "
        "the one before it. Correct it, or set adjust: factors",
    )
    split = np.ones(len(frame))
    for i in np.flatnonzero(rise["split_factor"] != 1.0):
        split[i] = _plain_ratio(rise["split_factor"][i])
    share = np.maximum(1.0 - 1.0 / rise["price_factor"], 0.0)
    dividend = share * frame["before"].fillna(0.0) / split
    return table.assign(split=split, dividend=dividend), last


def _plain_ratio(ratio: float) -> float:
    plain = float(Fraction(ratio).limit_denominator(LARGEST_DENOMINATOR))
    return plain if abs(plain / ratio - 1.0) < ROUNDING else ratio
