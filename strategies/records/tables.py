"""The tables of the store. `docs/records.md` says what each is for and how to ask it.

Moments are microseconds since 1970 in UTC, sessions days as 2020-01-31 (days
since 1970 where they are summed up). A number that is not known is NULL. Text that is JSON is
canonical: sorted keys, no spaces.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

NAMES = {
    "pk": "%(table_name)s_pk",
    "fk": "%(table_name)s_%(column_0_name)s_fk",
    "uq": "%(table_name)s_%(column_0_name)s_uq",
    "ck": "%(table_name)s_%(constraint_name)s_ck",
}
METADATA = MetaData(naming_convention=NAMES)
# SQLite numbers the rows of an INTEGER primary key by itself, and of no other.
ROW = BigInteger().with_variant(Integer, "sqlite")

# What a cell of trades and one of days are made of: what adds up, and what depends on the order.
SUMS = (
    "trades", "wins", "losses", "gains", "lost", "costs",
    "return_1", "return_2", "return_3", "return_4", "slippages", "slippage",
)  # fmt: skip
PATH = ("profit", "peak", "trough", "drawdown", "first", "last")
DAY_SUMS = ("days", "n_trades", "breaches", "return_1", "return_2", "return_3", "return_4")
DAY_PATH = ("peak", "trough", "drawdown", "first", "last")
WHOLE = {"trades", "wins", "losses", "slippages", "first", "last", "days", "n_trades", "breaches"}


def _summary(names: tuple[str, ...]) -> list[Column[Any]]:
    kinds: dict[str, TypeEngine[Any]] = {
        name: BigInteger() if name in WHOLE else Double() for name in names
    }
    return [Column(name, kind, nullable=False) for name, kind in kinds.items()]


def _change() -> Column[int]:
    return Column("change_id", ROW, ForeignKey("changes.id"), nullable=False)


def _strategy(*, primary_key: bool = False) -> Column[int]:
    return Column(
        "strategy_id",
        Integer,
        ForeignKey("strategies.id"),
        primary_key=primary_key,
        nullable=False,
    )


LEASE = Table(
    "lease",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("acquired", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

CHANGES = Table(
    "changes",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=False),
    Column("moment", BigInteger, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("owner", Text, nullable=False),
    Column("n_events", BigInteger, nullable=False),
    Column("head", String(64), nullable=False),
)

STRATEGIES = Table(
    "strategies",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("family", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("parents", Text, nullable=False),
    Column("stage", Text),
    Column("since", BigInteger),
    _change(),
)

TRADES = Table(
    "trades",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    _strategy(),
    Column("symbol", Text, nullable=False),
    Column("side", SmallInteger, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("closed", BigInteger, nullable=False),
    Column("entry_price", Double, nullable=False),
    Column("exit_price", Double, nullable=False),
    Column("units", Double, nullable=False),
    Column("profit", Double, nullable=False),
    Column("return", Double, nullable=False),
    Column("costs", Double, nullable=False),
    Column("slippage", Double),
    Column("reason", Text, nullable=False),
    Column("regime", Text, nullable=False),
    Column("news", Double),
    Column("spread", Double),
    Column("confidence", Double),
    Column("expected_value", Double),
    Column("stage", Text, nullable=False),
    Column("weight", Double),
    Column("source", Text, nullable=False),
    _change(),
    Index("trades_strategy_closed", "strategy_id", "closed"),
    Index("trades_strategy_id", "strategy_id", "id"),
    Index("trades_closed", "closed"),
)

CELLS = Table(
    "cells",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    _strategy(primary_key=True),
    Column("source", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    Column("regime", Text, primary_key=True),
    Column("symbol", Text, primary_key=True),
    *_summary((*SUMS, *PATH)),
    Column("sketch", LargeBinary, nullable=False),
    Column("packed", LargeBinary, nullable=False),  # sums and path again, as eight bytes each
    sqlite_with_rowid=False,
)

DAYS = Table(
    "days",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=False),
    _strategy(),
    Column("source", Text, nullable=False),
    Column("session", String(10), nullable=False),
    Column("stage", Text, nullable=False),
    Column("return", Double, nullable=False),
    Column("equity", Double, nullable=False),
    Column("n_trades", BigInteger, nullable=False),
    Column("breaches", BigInteger, nullable=False),
    _change(),
    UniqueConstraint("strategy_id", "source", "session"),
    Index("days_session", "session"),
)

DAY_CELLS = Table(
    "day_cells",
    METADATA,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    _strategy(primary_key=True),
    Column("source", Text, primary_key=True),
    Column("stage", Text, primary_key=True),
    *_summary((*DAY_SUMS, *DAY_PATH)),
    sqlite_with_rowid=False,
)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", ROW, primary_key=True, autoincrement=False),
    Column("moment", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    _change(),
    Index("events_subject", "subject", "id"),
    Index("events_kind", "kind", "id"),
)

STATES = Table(
    "states",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("document", Text, nullable=False),
    _change(),
)
