"""What each strategy did session by session, and what that adds up to.

    session    the day
    return     of the account, after costs
    equity     at the close, account currency
    n_trades   that closed
    breaches   of a limit of risk

Each account has one record a session, in the order of sessions. Cells hold, for all stages together
(`*`) and for each: sums (days, trades, breaches, powers of the returns) and a path (the highest and
the lowest equity, the deepest drawdown as a fraction of the equity before it, the first and the
last session). The equity before the first return counts as a height to fall from.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import BadRecord
from benbot.strategies.records.columns import (
    EVERY,
    Given,
    Shape,
    codes,
    counts,
    framed,
    members,
    numbers,
    texts,
)
from benbot.strategies.records.folding import Stretches, folded, runs_of, starts_of
from benbot.strategies.records.keeping import Key, Kind, kept_at, merge_kept
from benbot.strategies.records.moments import moment_of, written
from benbot.strategies.records.rows import Row, add, columns_of, found, listed, next_id, put
from benbot.strategies.records.stages import Source, Stage
from benbot.strategies.records.tables import DAY_CELLS, DAY_PATH, DAY_SUMS, DAYS

DAY = Shape(
    "days",
    ("strategy", "session", "source", "stage", "return", "equity", "n_trades", "breaches"),
)
PLACE = ("strategy_id", "source", "session")
FACTS = ("stage", "return", "equity", "n_trades", "breaches")
KEY = ("level", "strategy_id", "source", "stage")
NUMBERS = ("session", "return", "equity", "n_trades", "breaches")
LEVELS = (0, 1)  # all stages together, each stage


def read_given(given: Given, moment: int) -> pd.DataFrame:
    """Return days that may be recorded, by session; refuse any that may not."""
    frame = framed(given, DAY)
    days = pd.DataFrame(
        {
            "strategy": texts(frame, "strategy"),
            "source": members(frame, "source", Source),
            "session": pd.Series(_sessions(frame), dtype=object),
            "stage": members(frame, "stage", Stage),
            "return": numbers(frame, "return"),
            "equity": numbers(frame, "equity"),
            "n_trades": counts(frame, "n_trades"),
            "breaches": counts(frame, "breaches"),
        }
    )
    for name, low in (("return", -1.0), ("equity", 0.0)):
        wrong = np.flatnonzero(~(days[name] > low))
        if wrong.size:
            value = days.loc[wrong[0], name]
            raise BadRecord(f"{name} of a day must be above {low}, was {value} in row {wrong[0]}")
    today = moment_of(moment).date().isoformat()
    late = np.flatnonzero([session > today for session in days["session"]])
    if late.size:
        raise BadRecord(
            f"a session must be over by the moment at which it is recorded, {written(moment)}, "
            f"was {days.loc[late[0], 'session']} in row {late[0]}"
        )
    return days.sort_values(["session", "strategy", "source"], ignore_index=True)


def without_known(connection: Connection, days: pd.DataFrame) -> pd.DataFrame:
    """Return the days that are not recorded yet; refuse one whose record says something else."""
    told = _told(days)
    rows = found(connection, DAYS, PLACE, [place for place, _ in told])
    kept = {_part(row, PLACE): _part(row, FACTS) for row in rows}
    fresh = []
    for row, (place, facts) in enumerate(told):
        fresh.append(place not in kept)
        if kept.setdefault(place, facts) != facts:
            raise BadRecord(
                f"a day must be recorded as it was the first time, {days['strategy'][row]} "
                f"({place[1]}) on {place[2]} was not: {kept[place]} then, {facts} now "
                f"({', '.join(FACTS)})"
            )
    return days[np.array(fresh, bool)].reset_index(drop=True)


def write_days(connection: Connection, days: pd.DataFrame, change_id: int) -> None:
    """Write new days in their order."""
    first = next_id(connection, DAYS)
    columns = {str(name): days[name].tolist() for name in days if name != "strategy"}
    columns["id"] = list(range(first, first + len(days)))
    columns["change_id"] = [change_id] * len(days)
    rows = zip(*columns.values(), strict=True)
    add(connection, DAYS, [dict(zip(columns, row, strict=True)) for row in rows])


def read_days(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the days that a query finds; sessions as days without a zone."""
    frame = pd.DataFrame(columns_of(connection, query))
    return frame.assign(session=pd.to_datetime(frame["session"], format="%Y-%m-%d"))


def follow(earlier: FloatArray, later: FloatArray) -> FloatArray:
    """Return the path of days and of those after them; see `DAY_PATH` for the columns."""
    peak, trough, drawdown, first, last = earlier.T
    top, bottom, fall, begun, ended = later.T
    return np.column_stack(
        [
            np.maximum(peak, top),
            np.minimum(trough, bottom),
            np.maximum(np.maximum(drawdown, fall), 1.0 - bottom / peak),
            np.minimum(first, begun),
            np.maximum(last, ended),
        ]
    )


LIVED = Kind(DAY_CELLS, KEY, DAY_SUMS, DAY_PATH, follow)


def single(days: pd.DataFrame) -> Stretches:
    """Return each day as a stretch of its own."""
    gain, equity = days["return"].to_numpy(), days["equity"].to_numpy()
    before = equity / (1.0 + gain)
    session = _day_numbers(days["session"]).astype(np.float64)
    sums = [np.ones(gain.size), days["n_trades"].to_numpy(), days["breaches"].to_numpy()]
    sums += [gain**power for power in (1, 2, 3, 4)]
    path = [np.maximum(equity, before), equity, np.maximum(-gain, 0.0), session, session]
    return Stretches(np.column_stack(sums).astype(np.float64), np.column_stack(path))


def count_days(connection: Connection, days: pd.DataFrame) -> None:
    """Add new days, in their order and with their `strategy_id`, to the cells."""
    keys, stretches = summed(days)
    merge_kept(LIVED, kept_at(connection, LIVED, keys), stretches)
    names = (*KEY, *DAY_SUMS, *DAY_PATH)
    columns = (*listed(DAY_SUMS, stretches.sums), *listed(DAY_PATH, stretches.path))
    content = zip(keys, zip(*columns, strict=True), strict=True)
    put(
        connection, DAY_CELLS, [dict(zip(names, (*key, *row), strict=True)) for key, row in content]
    )


def summed(days: pd.DataFrame, levels: Sequence[int] = LEVELS) -> tuple[list[Key], Stretches]:
    """Return the cells of days that stand in their order: keys and summaries."""
    source, sources = codes(days["source"].tolist())
    stage, stages = codes(days["stage"].tolist())
    account = np.tile(days["strategy_id"].to_numpy(np.int64), len(levels))
    level = np.repeat(np.array(levels, np.int64), len(days))
    told = np.concatenate([part * (stage + 1) for part in levels])  # 0 stands for all of them
    parts = [level, account, np.tile(source, len(levels)), told]
    order = np.lexsort(parts[::-1])
    columns = [part[order] for part in parts]
    group = runs_of(columns)
    stretches = folded(single(days).at(order % len(days)), group, follow)
    names = [EVERY, *stages]
    first = starts_of(group)
    keys = [
        (level, account, sources[source], names[stage])
        for level, account, source, stage in zip(*(c[first].tolist() for c in columns), strict=True)
    ]
    return keys, stretches


def _told(days: pd.DataFrame) -> list[tuple[Key, Key]]:
    """Return the place of each day, and what is recorded of it."""
    rows = days[[*PLACE, *FACTS]].itertuples(index=False, name=None)
    return [(row[: len(PLACE)], row[len(PLACE) :]) for row in rows]


def _part(row: Row, names: tuple[str, ...]) -> Key:
    return tuple(row._mapping[name] for name in names)


def _sessions(frame: pd.DataFrame) -> list[str]:
    try:
        times = pd.to_datetime(frame["session"])
    except (TypeError, ValueError) as error:
        raise BadRecord(f"session must be a day in every row, was not: {error}") from None
    if bool(times.isna().any()) or bool((times != times.dt.normalize()).any()):
        raise BadRecord("session must be a day, such as 2020-01-31, in every row")
    return [str(day) for day in times.dt.strftime("%Y-%m-%d")]


def _day_numbers(sessions: pd.Series) -> IntArray:
    """Return sessions as days since 1970."""
    return sessions.to_numpy(dtype="datetime64[D]").astype(np.int64)
