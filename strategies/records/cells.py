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

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select, tuple_

from benbot.envs.arrays import FloatArray
from benbot.strategies.records.columns import EVERY, codes
from benbot.strategies.records.folding import Stretches, folded, merged, runs_of, starts_of
from benbot.strategies.records.rows import Row, listed, put, slices
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
BATCH = 20_000  # trades that are summed up at a time, which bounds the memory

LEVELS = tuple(range(1 << len(TOLD)))

Key = tuple[Any, ...]


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


def single(trades: pd.DataFrame) -> Stretches:
    """Return each trade as a stretch of its own."""
    profit, gain = trades["profit"].to_numpy(), trades["return"].to_numpy()
    slippage, closed = trades["slippage"].to_numpy(), trades["closed"].to_numpy(np.float64)
    zero = np.zeros(profit.size)
    sums = [
        zero + 1.0,
        profit > 0.0,
        profit < 0.0,
        np.maximum(profit, 0.0),
        np.maximum(-profit, 0.0),
        trades["costs"].to_numpy(),
        gain,
        gain**2,
        gain**3,
        gain**4,
        np.isfinite(slippage),
        np.nan_to_num(slippage, nan=0.0),
    ]
    up, down = np.maximum(profit, 0.0), np.minimum(profit, 0.0)
    path = [profit, up, down, -down, closed, closed]
    return Stretches(np.column_stack(sums).astype(np.float64), np.column_stack(path))


def count_trades(connection: Connection, trades: pd.DataFrame) -> None:
    """Add new trades, in their order and with their `strategy_id`, to the cells."""
    for first in range(0, len(trades), BATCH):
        some = trades.iloc[first : first + BATCH]
        _store(connection, *summed(some))


def summed(
    trades: pd.DataFrame, levels: Sequence[int] = LEVELS
) -> tuple[list[Key], Stretches, Sketches]:
    """Return the cells of trades that stand in their order: keys, summaries and sketches."""
    numbered = {name: codes(trades[name].tolist()) for name in ("source", *TOLD)}
    strategy = trades["strategy_id"].to_numpy(np.int64)
    n = len(trades)
    parts = [np.repeat(np.array(levels, np.int64), n), np.tile(strategy, len(levels))]
    parts.append(np.tile(numbered["source"][0], len(levels)))
    for bit, name in enumerate(TOLD):
        # 0 stands for all of them
        told = [(level >> bit & 1) * (numbered[name][0] + 1) for level in levels]
        parts.append(np.concatenate(told))
    order = np.lexsort(parts[::-1])
    columns = [part[order] for part in parts]
    group = runs_of(columns)
    begins = starts_of(group)
    rows = order % n
    stretches = folded(single(trades).at(rows), group, follow)
    sketches = sketches_of(group, trades["slippage"].to_numpy()[rows])
    names = [[EVERY, *numbered[name][1]] for name in TOLD]
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
    kept = _kept(connection, keys)
    rows = np.array([row for row, key in enumerate(keys) if key in kept], np.int64)
    if rows.size:
        old = [kept[keys[row]] for row in rows]
        before = as_stretches(old)
        both = merged(before, stretches.at(rows), follow)
        stretches.sums[rows], stretches.path[rows] = both
        earlier = unpacked([row.sketch for row in old])
        sketches = joined(earlier._replace(owner=rows[earlier.owner]), sketches)
    names = (*KEY, *SUMS, *PATH, "sketch")
    columns = (*listed(SUMS, stretches.sums), *listed(PATH, stretches.path))
    content = zip(*columns, packed(sketches, len(keys)), strict=True)
    put(
        connection,
        CELLS,
        [
            dict(zip(names, (*key, *values), strict=True))
            for key, values in zip(keys, content, strict=True)
        ],
    )


def as_stretches(rows: list[Row]) -> Stretches:
    """Return rows of the table of cells as summaries."""
    sums = np.array([[getattr(row, name) for name in SUMS] for row in rows], np.float64)
    path = np.array([[getattr(row, name) for name in PATH] for row in rows], np.float64)
    return Stretches(sums, path)


def _kept(connection: Connection, keys: list[Key]) -> dict[Key, Row]:
    place = tuple_(*(CELLS.c[name] for name in KEY))
    found = {}
    for some in slices(keys):
        for row in connection.execute(select(CELLS).where(place.in_(some))):
            found[tuple(row)[: len(KEY)]] = row
    return found
