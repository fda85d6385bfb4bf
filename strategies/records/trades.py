"""Round trips with their context: what was traded, what came of it, and what was known beforehand.

    opened, closed     when it filled, UTC
    side               +1 long, -1 short
    entry_price, exit_price   as they were filled
    units              of the position, not negative
    profit             after costs, account currency
    return             profit as a fraction of the notional at entry
    costs              account currency
    slippage           of the fills against the cost model, basis points; positive is dearer
    reason             of the exit
    regime, news, spread, confidence, expected_value, weight   as they were known at the decision
    stage, source      where the strategy stood, and who filled the orders

Slippage, news, spread, confidence, expected value and weight may be unknown, as NaN. A `key` names
a trade; where none is given it is made of source, stage, strategy, symbol, side, opened and closed.
"""

import hashlib
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Select, select

from benbot.envs.errors import BadRecord
from benbot.strategies.records.columns import (
    Given,
    Shape,
    framed,
    members,
    numbers,
    sides,
    texts,
)
from benbot.strategies.records.moments import many_microseconds, times_of, written
from benbot.strategies.records.rows import Row, add, next_id, slices
from benbot.strategies.records.stages import Source, Stage
from benbot.strategies.records.tables import STRATEGIES, TRADES

KNOWN = ("entry_price", "exit_price", "units", "profit", "return", "costs")
MAYBE = ("slippage", "news", "spread", "confidence", "expected_value", "weight")
NAMES = ("strategy", "symbol", "reason", "regime")
TRADE = Shape(
    "trades", (*NAMES, "side", "opened", "closed", *KNOWN, *MAYBE, "stage", "source"), ("key",)
)
# What two records of one trade must agree on.
FACTS = ("symbol", "side", "opened", "closed", *KNOWN)
IDENTITY = ("source", "stage", "strategy", "symbol", "side", "opened", "closed")


def read_given(given: Given, moment: int) -> pd.DataFrame:
    """Return trades that may be recorded at a moment, by closing time; refuse any that may not."""
    frame = framed(given, TRADE)
    checked: dict[str, Any] = {name: texts(frame, name) for name in NAMES}
    checked |= {"stage": members(frame, "stage", Stage), "source": members(frame, "source", Source)}
    checked |= {name: numbers(frame, name) for name in KNOWN}
    checked |= {name: numbers(frame, name, unknown=True) for name in MAYBE}
    checked |= {name: many_microseconds(name, frame[name]) for name in ("opened", "closed")}
    checked["side"] = sides(frame)
    trades = pd.DataFrame(checked)
    _check_times(trades, moment)
    _check_positive(trades)
    trades["key"] = texts(frame, "key") if "key" in frame else _keys(trades)
    return trades.sort_values(["closed", "opened", "key"], ignore_index=True)


def without_known(connection: Connection, trades: pd.DataFrame) -> pd.DataFrame:
    """Return the trades that are not recorded yet; refuse one whose record says something else."""
    once = trades.drop_duplicates("key", ignore_index=True)
    kept = _kept(connection, once["key"].tolist())
    facts = {row.key: tuple(row)[1:] for row in kept}
    twice = trades[trades["key"].isin(list(facts)) | trades.duplicated("key", keep=False)]
    for key, *said in twice[["key", "strategy", *FACTS]].itertuples(index=False, name=None):
        if facts.setdefault(key, tuple(said)) != tuple(said):
            raise BadRecord(
                f"a trade must be recorded as it was the first time, {key} was not: "
                f"{_difference(facts[key], tuple(said))}. Another trade needs another key"
            )
    known = {row.key for row in kept}
    return once[~once["key"].isin(list(known))].reset_index(drop=True)


def write_trades(connection: Connection, trades: pd.DataFrame, change_id: int) -> None:
    """Write new trades in their order."""
    first = next_id(connection, TRADES)
    plain = (name for name in trades if name not in {"strategy", *MAYBE})
    columns = {str(name): trades[name].tolist() for name in plain}
    for name in MAYBE:
        columns[name] = [None if isnan(value) else value for value in trades[name].tolist()]
    columns["id"] = list(range(first, first + len(trades)))
    columns["change_id"] = [change_id] * len(trades)
    rows = zip(*columns.values(), strict=True)
    add(connection, TRADES, [dict(zip(columns, row, strict=True)) for row in rows])


def read_trades(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    """Return the trades that a query finds, with the names of their strategies."""
    result = connection.execute(query)
    frame = pd.DataFrame(result.all(), columns=list(result.keys()))
    for name in ("opened", "closed"):
        frame[name] = times_of(frame[name].to_numpy())
    for name in (*KNOWN, *MAYBE):
        frame[name] = frame[name].astype(np.float64)
    return frame


def _kept(connection: Connection, keys: list[str]) -> list[Row]:
    """Return (key, strategy, facts) of the trades with these keys that are recorded."""
    columns = (TRADES.c.key, STRATEGIES.c.name, *(TRADES.c[name] for name in FACTS))
    query = select(*columns).join(STRATEGIES)
    found: list[Row] = []
    for some in slices(keys):
        found += connection.execute(query.where(TRADES.c.key.in_(some))).all()
    return found


def _keys(trades: pd.DataFrame) -> list[str]:
    rows = zip(*(trades[name].tolist() for name in IDENTITY), strict=True)
    return [_digest("\x1f".join(map(str, row))) for row in rows]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _difference(kept: tuple[Any, ...], said: tuple[Any, ...]) -> str:
    names = ("strategy", *FACTS)
    pairs = zip(names, kept, said, strict=True)
    return ", ".join(f"{name} {old!r} is {new!r} now" for name, old, new in pairs if old != new)


def _check_times(trades: pd.DataFrame, moment: int) -> None:
    """Refuse a trade that ends before it begins, or after the moment at which it is recorded."""
    backward = np.flatnonzero(trades["opened"] > trades["closed"])
    if backward.size:
        opened, closed = trades.loc[backward[0], ["opened", "closed"]]
        raise BadRecord(
            f"a trade must close when it opened or later, was opened at {written(int(opened))} "
            f"and closed at {written(int(closed))} in row {backward[0]}"
        )
    early = np.flatnonzero(trades["closed"] > moment)
    if early.size:
        raise BadRecord(
            f"a trade must have closed by the moment at which it is recorded, {written(moment)}, "
            f"was {written(int(trades.loc[early[0], 'closed']))} in row {early[0]}"
        )


def _check_positive(trades: pd.DataFrame) -> None:
    for name in ("entry_price", "exit_price", "units"):
        wrong = np.flatnonzero(~(trades[name] >= 0.0))
        if wrong.size:
            value = trades.loc[wrong[0], name]
            raise BadRecord(
                f"{name} must not be negative (a short has side -1), was {value} in row {wrong[0]}"
            )
