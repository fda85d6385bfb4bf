"""What an account was told of its market, in a file of its own: SQLite, written once.

Nobody changes a row: what Alpaca corrects later is not what the account traded on. The file is
opened as the store is, so that what was kept outlives a loss of power.

moment   microseconds since 1970, UTC
day      in New York, as 2026-01-05
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    select,
)

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import RunMismatch
from benbot.paper.alpaca.assets import Asset
from benbot.paper.alpaca.bar_source import Action
from benbot.paper.alpaca.timeframe import ScheduledBar, Session
from benbot.paper.alpaca.told import FIELDS, Told
from benbot.strategies.records.database import (
    PATIENCE,
    address_of,
    answering,
    check_intact,
    open_writer,
)
from benbot.strategies.records.moments import microseconds, moment_of

METADATA = MetaData()
DAY = 10  # characters
ABOUT = Table("about", METADATA, Column("what", Text, nullable=False))  # one row, JSON
BARS = Table(
    "bars",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column("day", String(DAY), nullable=False),
)
PRICES = Table(
    "prices",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("symbol", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Float(53), nullable=False) for name in FIELDS),
)
DAYS = Table("days", METADATA, Column("day", String(DAY), primary_key=True))  # actions are known
ASSETS = Table(
    "assets",  # as they were when the account began
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("symbol", String(32), nullable=False),
    Column("is_fractionable", Boolean, nullable=False),
    Column("is_lent", Boolean, nullable=False),
)
ACTIONS = Table(
    "actions",
    METADATA,
    Column("day", String(DAY), primary_key=True),
    Column("symbol", String(32), primary_key=True),
    Column("split", Float(53), nullable=False),
    Column("dividend", Float(53), nullable=False),
)
SESSIONS = Table(
    "sessions",  # of which the venue said otherwise than the calendar; without hours: none
    METADATA,
    Column("day", String(DAY), primary_key=True),
    Column("opens", BigInteger),
    Column("closes", BigInteger),
)


class BarFile:
    """The file of one account's bars; `close` it at the end."""

    def __init__(self, path: Path, about: dict[str, object]) -> None:
        """Open or make the file; refuse one of other symbols, bars or sources."""
        self._url = address_of(f"sqlite:///{path}")
        with answering(self._url):
            self._engine = open_writer(self._url, PATIENCE)
        try:
            with answering(self._url), self._engine.begin() as connection:
                check_intact(connection, self._url)
                METADATA.create_all(connection)
                kept = connection.execute(select(ABOUT)).scalar()
                if kept is None:
                    connection.execute(ABOUT.insert().values(what=json.dumps(about)))
            if kept is not None:
                _require_same(json.loads(kept), about)
        except BaseException:
            self.close()  # or nobody else could open it
            raise

    def read(self, told: Told) -> None:
        """Tell all bars that are kept."""
        for row in self._all(ACTIONS):
            day = date.fromisoformat(row.day)
            told.note_action(Action(row.symbol, day, row.split, row.dividend))
        for row in self._all(DAYS):
            told.note_day(date.fromisoformat(row.day))
        bars = [
            ScheduledBar(moment_of(row.begins), moment_of(row.ends), date.fromisoformat(row.day))
            for row in self._all(BARS)
        ]
        prices = np.full((len(bars), len(told.symbols), len(FIELDS)), np.nan)
        for row in self._all(PRICES):
            prices[row.number, row.symbol] = row[2:]
        for bar, one in zip(bars, prices, strict=True):
            told.add(bar, one)

    def assets(self) -> list[Asset]:
        """Return what was said of each symbol, in order; none before the account began."""
        return [
            Asset(row.symbol, True, row.is_fractionable, row.is_lent) for row in self._all(ASSETS)
        ]

    def add_assets(self, assets: Sequence[Asset]) -> None:
        """Keep what is said of each symbol."""
        with answering(self._url), self._engine.begin() as connection:
            rows = [
                {"number": i, "symbol": one.symbol, "is_lent": one.is_lent}
                | {"is_fractionable": one.is_fractionable}
                for i, one in enumerate(assets)
            ]
            _insert(connection, ASSETS, rows)

    def sessions(self) -> dict[date, Session | None]:
        """Return what the venue said of sessions."""
        return {
            date.fromisoformat(row.day): (
                None if row.opens is None else Session(moment_of(row.opens), moment_of(row.closes))
            )
            for row in self._all(SESSIONS)
        }

    def add(self, first: int, bars: Sequence[tuple[ScheduledBar, FloatArray]]) -> None:
        """Keep bars from number `first` on, with their prices (S, 5), NaN where there are none."""
        rows, prices = [], []
        for number, (bar, one) in enumerate(bars, first):
            begins, ends = microseconds(bar.begins), microseconds(bar.ends)
            rows.append({"number": number, "begins": begins, "ends": ends, "day": str(bar.day)})
            prices += [
                {
                    "number": number,
                    "symbol": int(s),
                    **dict(zip(FIELDS, one[s].tolist(), strict=True)),
                }
                for s in np.flatnonzero(~np.isnan(one[:, 0]))
            ]
        with answering(self._url), self._engine.begin() as connection:
            _insert(connection, BARS, rows)
            _insert(connection, PRICES, prices)

    def add_days(self, days: Sequence[date], actions: Sequence[Action]) -> None:
        """Keep the actions of days, and that they are known."""
        rows = [
            {
                "day": str(one.day),
                "symbol": one.symbol,
                "split": one.split,
                "dividend": one.dividend,
            }
            for one in actions
        ]
        with answering(self._url), self._engine.begin() as connection:
            _insert(connection, DAYS, [{"day": str(day)} for day in days])
            _insert(connection, ACTIONS, rows)

    def put_session(self, day: date, session: Session | None) -> None:
        """Keep what the venue said last of a session."""
        times: tuple[datetime | None, datetime | None] = session or (None, None)
        opens, closes = (None if one is None else microseconds(one) for one in times)
        with answering(self._url), self._engine.begin() as connection:
            connection.execute(SESSIONS.delete().where(SESSIONS.c.day == str(day)))
            connection.execute(SESSIONS.insert().values(day=str(day), opens=opens, closes=closes))

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def _all(self, table: Table) -> list[Row[Any]]:
        with answering(self._url), self._engine.connect() as connection:
            return list(connection.execute(select(table).order_by(*table.primary_key.columns)))


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _require_same(kept: dict[str, object], about: dict[str, object]) -> None:
    for name, value in json.loads(json.dumps(about)).items():
        if kept.get(name) != value:
            raise RunMismatch(
                f"an account must go on with the {name} of its bars, {kept.get(name)}, was "
                f"{value}. Use the same configuration, or begin another account in another folder"
            )
