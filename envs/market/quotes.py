"""The spread of each bar from a second file that holds what was bid and asked.

Columns: a time and a symbol as bars have them, bid (or bid_close) and ask (or ask_close): the last
quote of a bar of the same length. It is known at the close of its bar and not before.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from benbot.envs.errors import BadMarketData
from benbot.envs.market.bars import check_unique, to_numbers
from benbot.envs.market.stamps import parse_times, settle_times
from benbot.envs.market.table import NAMES, PriceTable, find_files, join, read_table

SIDES = ("bid", "ask")
QUOTE_NAMES = {
    **{name: ours for name, ours in NAMES.items() if ours in ("time", "symbol")},
    **{name: side for side in SIDES for name in (side, f"{side}_close")},
}


def read_quotes(
    path: Path, symbols: Iterable[str], zone: str, timezone: str | None
) -> tuple[PriceTable, bool]:
    """Return the quotes of the symbols as one table, and whether they are those of days."""
    read = [read_table(file, QUOTE_NAMES, ("time", *SIDES)) for file in find_files(path)]
    kept = [table.keep(table.frame["symbol"].isin(set(symbols))) for table in read]
    settled = [
        settle_times(parse_times(table), zone, timezone) for table in kept if not table.frame.empty
    ]
    if len({is_daily for _, is_daily in settled}) != 1:
        needed = (
            "all days, or all times within the day" if settled else "of the symbols of the bars"
        )
        raise BadMarketData(f"{path}: quotes must be {needed}. Check the files")
    table = to_numbers(join([table for table, _ in settled]), SIDES)
    check_unique(table)
    return table, settled[0][1]


def with_spread(table: PriceTable, quotes: PriceTable) -> PriceTable:
    """Return the bars with `spread`, (ask − bid) / mid of the quote with the same time and symbol.

    NaN where there is none, where a side is empty or not positive, and where the two are crossed.
    """
    if "spread" in table.frame:
        raise BadMarketData(
            f"{table.paths[0]}: the spread must come from one place, was a column spread and "
            f"quotes from {quotes.paths[0]}. Remove one of them"
        )
    keys = ["symbol", "time"]
    sides = table.frame[keys].merge(quotes.frame[[*keys, *SIDES]], how="left", on=keys)
    bid, ask = (sides[side].to_numpy() for side in SIDES)
    usable = (bid > 0.0) & (ask >= bid) & np.isfinite(ask)
    if not usable.any():
        raise BadMarketData(
            f"{quotes.paths[0]}: quotes must be of the same times and symbols as the bars, none "
            f"fits one of {table.paths[0]}. Check timezone and stamp"
        )
    with np.errstate(invalid="ignore"):
        spread = np.where(usable, (ask - bid) / (0.5 * (ask + bid)), np.nan)
    return table.assign(spread=spread)
