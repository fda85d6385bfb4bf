"""What the trades of each strategy add up to, by regime, symbol and stage, kept as they come in.

An *account* is a strategy with a source: its trades in the order in which they were recorded, those
of one change by closing time. Each account has a cell for each regime, symbol and stage, and cells
for all of them together (`*`); a *level* says which of the three a cell tells apart. A trade counts
in one cell of each of the eight levels, in the same transaction in which it is written.

sums   trades, wins, losses, gains and lost (sums of positive and of negative profits, without
       sign), costs, the first four powers of the returns, slippages that are known and their sum
path   profit; its highest and lowest running total, from 0 on, and the deepest fall below a height
       before (drawdown); the first and the last closing time
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from benbot.envs.arrays import AnyArray, FloatArray
from benbot.strategies.records import keeping
from benbot.strategies.records.columns import EVERY, codes
from benbot.strategies.records.folding import Stretches, folded, runs_of, starts_of
from benbot.strategies.records.keeping import Key, Kind, kept_at, merge_kept
from benbot.strategies.records.rows import listed, put
from benbot.strategies.records.sketches import (
    Sketches,
    joined,
    packed,
    sketches_of,
    unpacked,
)
from benbot.strategies.records.tables import CELLS, PATH, SUMS

TOLD = ("stage", "regime", "symbol")  # apart by a level, in the order of its bits
KEY = ("level", "strategy_id", "source", *TOLD)
BATCH = 50_000  # trades that are summed up at a time, which bounds the memory

NUMBERS = ("profit", "return", "costs", "slippage", "closed")
NEEDED = ("strategy_id", "source", *TOLD, *NUMBERS)
LEVELS = tuple(range(1 << len(TOLD)))

Columns = Mapping[str, Sequence[Any] | AnyArray]


def level_of(names: set[str]) -> int:
    """Return the level at which cells tell these apart."""
    return sum(1 << bit for bit, name in enumerate(TOLD) if name in names)


def follow(earlier: FloatArray, later: FloatArray) -> FloatArray:
    """Return the path of trades and of those after them; see `PATH` for the columns."""
    profit, peak, trough, drawdown, first, last = earlier.T
    end, top, bottom, fall, begun, ended = later.T
    return np.column_stack(
        [
            profit + end,
            np.maximum(peak, profit + top),
            np.minimum(trough, profit + bottom),
            np.maximum(np.maximum(drawdown, fall), peak - (profit + bottom)),
            np.minimum(first, begun),
            np.maximum(last, ended),
        ]
    )


TRADED = Kind(CELLS, KEY, SUMS, PATH, follow)


def single(trades: Columns) -> Stretches:
    """Return each trade as a stretch of its own."""
    profit, gain, costs, slippage, closed = (_numbers(trades[name]) for name in NUMBERS)
    up, down = np.where(profit > 0.0, profit, 0.0), np.where(profit < 0.0, -profit, 0.0)
    sums = [np.ones(profit.size), profit > 0.0, profit < 0.0, up, down, costs]
    sums += [gain, gain**2, gain**3, gain**4, np.isfinite(slippage), np.nan_to_num(slippage)]
    path = [profit, up, -down, down, closed, closed]
    return Stretches(np.column_stack(sums).astype(np.float64), np.column_stack(path))


def count_trades(connection: Connection, trades: pd.DataFrame) -> None:
    """Add new trades, in their order and with their `strategy_id`, to the cells."""
    for first in range(0, len(trades), BATCH):
        some = trades.iloc[first : first + BATCH]
        _store(connection, *summed({name: some[name].to_numpy() for name in NEEDED}))


def summed(
    trades: Columns, levels: Sequence[int] = LEVELS
) -> tuple[list[Key], Stretches, Sketches]:
    """Return the cells of trades that stand in their order: keys, summaries and sketches.

    `trades` are the columns `NEEDED`; of stage, regime and symbol those that a level tells apart.
    """
    n, accounts = len(trades["source"]), np.asarray(trades["strategy_id"], np.int64)
    numbered = {name: codes(trades[name]) for name in ("source", *TOLD) if name in trades}
    parts = [np.repeat(np.array(levels, np.int64), n), np.tile(accounts, len(levels))]
    parts.append(np.tile(numbered["source"][0], len(levels)))
    names = []
    for bit, name in enumerate(TOLD):
        # 0 stands for all of them
        place, known = numbered.get(name, (np.zeros(n, np.int64), []))
        parts.append(np.concatenate([(level >> bit & 1) * (place + 1) for level in levels]))
        names.append([EVERY, *known])
    order = np.lexsort(parts[::-1])
    columns = [part[order] for part in parts]
    group = runs_of(columns)
    begins = starts_of(group)
    rows = order % n
    stretches = folded(single(trades).at(rows), group, follow)
    sketches = sketches_of(group, _numbers(trades["slippage"])[rows])
    keys = [
        (level, account, numbered["source"][1][source], *(names[i][c] for i, c in enumerate(told)))
        for level, account, source, *told in zip(
            *(c[begins].tolist() for c in columns), strict=True
        )
    ]
    return keys, stretches, sketches


def _store(
    connection: Connection, keys: list[Key], stretches: Stretches, sketches: Sketches
) -> None:
    """Merge cells with those that are kept, and write them."""
    kept = kept_at(connection, TRADED, keys)
    merge_kept(TRADED, kept, stretches)
    if kept:
        earlier = unpacked([row.sketch for row in kept.values()])
        places = np.array(list(kept), np.int64)
        sketches = joined(earlier._replace(owner=places[earlier.owner]), sketches)
    names = (*KEY, *SUMS, *PATH, "sketch", "packed")
    columns = [*listed(SUMS, stretches.sums), *listed(PATH, stretches.path)]
    columns += [packed(sketches, len(keys)), keeping.packed(stretches)]
    content = zip(keys, zip(*columns, strict=True), strict=True)
    put(connection, CELLS, [dict(zip(names, (*key, *row), strict=True)) for key, row in content])


def _numbers(column: Sequence[Any] | AnyArray) -> FloatArray:
    """Return a column as numbers, NaN where it has none."""
    return np.asarray(column, np.float64)
