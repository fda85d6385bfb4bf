"""What the trades and the days of a selection come to, group by group.

Over all of the time they are read from cells, which hold what every group adds up to; over a
stretch of it they are summed up from the trades that closed in it, which takes the longer the more
there are. Both ways end in the same code.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import Connection, select

from benbot.envs.arrays import AnyArray, IntArray
from benbot.envs.errors import UnknownName
from benbot.strategies.records import cells, days, keeping
from benbot.strategies.records.columns import codes
from benbot.strategies.records.folding import Stretches, starts_of
from benbot.strategies.records.moments import times_of
from benbot.strategies.records.ratios import ratio_of
from benbot.strategies.records.rows import columns_of
from benbot.strategies.records.selection import Selection
from benbot.strategies.records.sketches import Sketches, combined, quantiles, unpacked
from benbot.strategies.records.tables import (
    CELLS,
    DAY_CELLS,
    DAY_PATH,
    DAY_SUMS,
    DAYS,
    PATH,
    STRATEGIES,
    SUMS,
    TRADES,
)

GROUPS = ("strategy", "source", "stage", "regime", "symbol")
OF_DAYS = ("strategy", "source", "stage")  # by which days can be told apart
TAIL = 0.95
RETURNS = ("return_1", "return_2", "return_3", "return_4")


NO_SKETCHES = unpacked([])


Named = dict[str, list[Any]]


class Parts(NamedTuple):
    """Summaries of accounts, with what they are of; many may belong to one group."""

    names: Named  # by column of `GROUPS`
    stretches: Stretches
    sketches: Sketches = NO_SKETCHES


def summary(connection: Connection, by: Sequence[str], chosen: Selection) -> pd.DataFrame:
    """Return one row a group, sorted by its names; see `Reader.summary`."""
    unknown = [name for name in by if name not in GROUPS]
    if unknown or len(set(by)) != len(by):
        raise UnknownName(
            f"a summary is by {', '.join(GROUPS)}, each once at most, was by {', '.join(by)}"
        )
    frame = _of_trades(_trade_parts(connection, by, chosen), by)
    if set(by) <= set(OF_DAYS) and chosen.named <= set(OF_DAYS):
        daily = _of_days(_day_parts(connection, by, chosen), by)
        frame = (
            frame.merge(daily, how="outer", on=list(by)) if by else frame.join(daily, how="outer")
        )
        counted = ["trades", "days", "breaches"]
        frame[counted] = frame[counted].fillna(0).astype(np.int64)
    return frame.sort_values(list(by), ignore_index=True) if by else frame


def _trade_parts(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    if not chosen.whole:
        return _from_trades(connection, by, chosen)
    level = cells.level_of({*by, *chosen.named})
    names = ["strategy_id", *(name for name in by if name != "strategy"), "sketch", "packed"]
    query = select(*(CELLS.c[name] for name in names)).where(CELLS.c.level == level)
    kept = columns_of(connection, chosen.applied(query, CELLS, None))
    stretches = keeping.unpacked(kept.pop("packed"), cells.TRADED)
    sketches = unpacked(kept.pop("sketch"))
    return Parts(_with_strategies(connection, kept), stretches, sketches)


def _from_trades(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    """Return the summaries of the trades that closed in a stretch of time."""
    apart = [name for name in cells.TOLD if name in by]
    names = ("id", "strategy_id", "source", *apart, *cells.NUMBERS)
    query = select(*(TRADES.c[name] for name in names))
    found = columns_of(connection, chosen.applied(query, TRADES, "closed"))
    # The index that found them gives them by closing time, and the order is that of recording.
    order = np.argsort(np.array(found["id"], np.int64), kind="stable")
    trades: dict[str, AnyArray] = {
        name: np.asarray(found[name], _kind(name))[order] for name in names
    }
    keys, stretches, sketches = cells.summed(trades, (cells.level_of(set(by)),))
    return Parts(_with_strategies(connection, _told(keys, cells.KEY)), stretches, sketches)


def _day_parts(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    if not chosen.whole:
        return _from_days(connection, by, chosen)
    level = int("stage" in {*by, *chosen.named})
    names = ("strategy_id", "source", "stage", *DAY_SUMS, *DAY_PATH)
    query = select(*(DAY_CELLS.c[name] for name in names)).where(DAY_CELLS.c.level == level)
    kept = columns_of(connection, chosen.applied(query, DAY_CELLS, None))
    return Parts(_with_strategies(connection, kept), _stretches(kept, DAY_SUMS, DAY_PATH))


def _from_days(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    """Return the summaries of the sessions of a stretch of time."""
    names = ("strategy_id", "source", "stage", *days.NUMBERS)
    query = select(*(DAYS.c[name] for name in names)).order_by(DAYS.c.id)
    found = columns_of(connection, chosen.applied_to_days(query))
    keys, stretches = days.summed(pd.DataFrame(found), (int("stage" in by),))
    return Parts(_with_strategies(connection, _told(keys, days.KEY)), stretches)


def _with_strategies(connection: Connection, columns: Named) -> Named:
    """Return columns with the names of strategies beside their numbers."""
    rows = connection.execute(select(STRATEGIES.c.id, STRATEGIES.c.name)).all()
    names = {int(row.id): str(row.name) for row in rows}
    return {**columns, "strategy": [names[number] for number in columns["strategy_id"]]}


def _told(keys: Sequence[tuple[Any, ...]], names: Sequence[str]) -> Named:
    columns = [list(column) for column in zip(*keys, strict=True)] or [[] for _ in names]
    return dict(zip(names, columns, strict=True))


def _kind(name: str) -> type:
    return object if name in {"source", *cells.TOLD} else np.float64


def _of_trades(parts: Parts, by: Sequence[str]) -> pd.DataFrame:
    group, frame = _groups(parts.names, by)
    n_groups = len(frame)
    total = _added(parts.stretches, group, n_groups)
    sums = dict(zip(SUMS, total.sums.T, strict=True))
    path = dict(zip(PATH, total.path.T, strict=True))
    ratio = ratio_of(sums["trades"], np.column_stack([sums[name] for name in RETURNS]))
    tails = parts.sketches._replace(owner=group[parts.sketches.owner])
    with np.errstate(divide="ignore", invalid="ignore"):
        return frame.assign(
            trades=sums["trades"].astype(np.int64),
            win_rate=sums["wins"] / sums["trades"],
            profit_factor=sums["gains"] / sums["lost"],
            profit=sums["gains"] - sums["lost"],
            costs=sums["costs"],
            mean=ratio.mean,
            deviation=ratio.deviation,
            sharpe=ratio.sharpe,
            sharpe_error=ratio.error,
            drawdown=path["drawdown"],
            slippage_mean=sums["slippage"] / sums["slippages"],
            slippage_p95=quantiles(combined(tails), n_groups, TAIL),
            first=times_of(path["first"].astype(np.int64)),
            last=times_of(path["last"].astype(np.int64)),
        )


def _of_days(parts: Parts, by: Sequence[str]) -> pd.DataFrame:
    group, frame = _groups(parts.names, by)
    total = _added(parts.stretches, group, len(frame))
    sums = dict(zip(DAY_SUMS, total.sums.T, strict=True))
    ratio = ratio_of(sums["days"], np.column_stack([sums[name] for name in RETURNS]))
    return frame.assign(
        days=sums["days"].astype(np.int64),
        breaches=sums["breaches"].astype(np.int64),
        daily_mean=ratio.mean,
        daily_deviation=ratio.deviation,
        daily_sharpe=ratio.sharpe,
        daily_sharpe_error=ratio.error,
        equity_drawdown=total.path[:, DAY_PATH.index("drawdown")],
    )


def _groups(names: Named, by: Sequence[str]) -> tuple[IntArray, pd.DataFrame]:
    """Return the group of each part, and the names of the groups."""
    n_parts = len(names["strategy"])
    group = np.zeros(n_parts, np.int64)
    for name in by:
        numbered, known = codes(names[name])
        group = group * max(len(known), 1) + numbered
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    told = {name: pd.Series([names[name][k] for k in first], dtype="str") for name in by}
    return group, pd.DataFrame(told, index=pd.RangeIndex(first.size))


def _added(parts: Stretches, group: IntArray, n_groups: int) -> Stretches:
    """Return what the accounts of each group come to; their drawdown is that of the worst."""
    order = np.argsort(group, kind="stable")
    begins = starts_of(group[order])
    if not begins.size:
        return Stretches(
            np.zeros((n_groups, parts.sums.shape[1])), np.zeros((n_groups, parts.path.shape[1]))
        )
    sums = np.add.reduceat(parts.sums[order], begins)
    path = np.maximum.reduceat(parts.path[order], begins)
    # Of a path only the drawdown and the two ends are told.
    path[:, -2] = np.minimum.reduceat(parts.path[order, -2], begins)
    return Stretches(sums, path)


def _stretches(columns: Named, sums: Sequence[str], path: Sequence[str]) -> Stretches:
    """Return columns of numbers as summaries."""
    parts = (np.array([columns[name] for name in names], np.float64).T for names in (sums, path))
    return Stretches(*parts)
