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

from benbot.envs.arrays import IntArray
from benbot.envs.errors import UnknownName
from benbot.strategies.records import cells, days
from benbot.strategies.records.columns import codes
from benbot.strategies.records.folding import Stretches, starts_of
from benbot.strategies.records.moments import times_of
from benbot.strategies.records.ratios import ratio_of
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


class Parts(NamedTuple):
    """Summaries of accounts, with what they are of; many may belong to one group."""

    names: dict[str, list[str]]  # by column of `GROUPS`
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
    names = ("source", *cells.TOLD)
    columns = (STRATEGIES.c.name, *(CELLS.c[n] for n in (*names, *SUMS, *PATH, "sketch")))
    query = select(*columns).select_from(CELLS.join(STRATEGIES)).where(CELLS.c.level == level)
    result = connection.execute(chosen.applied(query, CELLS, None))
    content = _columns(result.all(), len(columns))
    return Parts(
        dict(zip(("strategy", *names), content, strict=False)),
        _stretches(content[len(GROUPS) : -1], len(SUMS)),
        unpacked(content[-1]),
    )


def _from_trades(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    """Return the summaries of the trades that closed in a stretch of time."""
    wanted = (
        "strategy_id",
        "source",
        *cells.TOLD,
        "profit",
        "return",
        "costs",
        "slippage",
        "closed",
    )
    columns = (*(TRADES.c[name] for name in wanted), STRATEGIES.c.name)
    query = select(*columns).select_from(TRADES.join(STRATEGIES)).order_by(TRADES.c.id)
    content = _columns(
        connection.execute(chosen.applied(query, TRADES, "closed")).all(), len(columns)
    )
    trades = pd.DataFrame(dict(zip(wanted, content, strict=False)))
    trades["slippage"] = trades["slippage"].astype(np.float64)
    names = dict(zip(content[0], content[-1], strict=True))
    keys, stretches, sketches = cells.summed(trades, (cells.level_of(set(by)),))
    told = dict(zip(cells.KEY, _columns(keys, len(cells.KEY)), strict=True))
    told["strategy"] = [names[number] for number in told["strategy_id"]]
    return Parts({name: told[name] for name in GROUPS}, stretches, sketches)


def _day_parts(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    if not chosen.whole:
        return _from_days(connection, by, chosen)
    level = int("stage" in {*by, *chosen.named})
    columns = (
        STRATEGIES.c.name,
        *(DAY_CELLS.c[n] for n in ("source", "stage", *DAY_SUMS, *DAY_PATH)),
    )
    query = select(*columns).select_from(DAY_CELLS.join(STRATEGIES))
    query = query.where(DAY_CELLS.c.level == level)
    content = _columns(
        connection.execute(chosen.applied(query, DAY_CELLS, None)).all(), len(columns)
    )
    names = dict(zip(OF_DAYS, content, strict=False))
    return Parts(names, _stretches(content[len(OF_DAYS) :], len(DAY_SUMS)))


def _from_days(connection: Connection, by: Sequence[str], chosen: Selection) -> Parts:
    """Return the summaries of the sessions of a stretch of time."""
    wanted = (
        "strategy_id",
        "source",
        "stage",
        "session",
        "return",
        "equity",
        "n_trades",
        "breaches",
    )
    columns = (*(DAYS.c[name] for name in wanted), STRATEGIES.c.name)
    query = select(*columns).select_from(DAYS.join(STRATEGIES)).order_by(DAYS.c.id)
    content = _columns(connection.execute(chosen.applied_to_days(query)).all(), len(columns))
    frame = pd.DataFrame(dict(zip(wanted, content, strict=False)))
    names = dict(zip(content[0], content[-1], strict=True))
    keys, stretches = days.summed(frame, (int("stage" in by),))
    told = dict(zip(days.KEY, _columns(keys, len(days.KEY)), strict=True))
    told["strategy"] = [names[number] for number in told["strategy_id"]]
    return Parts({name: told[name] for name in OF_DAYS}, stretches)


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


def _groups(names: dict[str, list[str]], by: Sequence[str]) -> tuple[IntArray, pd.DataFrame]:
    """Return the group of each part, and the names of the groups."""
    n_parts = len(next(iter(names.values())))
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


def _columns(rows: Sequence[Any], n_columns: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(n_columns)]


def _stretches(columns: list[list[Any]], n_sums: int) -> Stretches:
    """Return columns of numbers as summaries: first the sums, then the path."""
    values = np.array(columns, np.float64).reshape(len(columns), -1).T
    return Stretches(values[:, :n_sums], values[:, n_sums:])
