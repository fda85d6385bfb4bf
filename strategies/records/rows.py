"""Rows in and out of tables, the same for both databases."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Insert, Select, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from benbot.envs.arrays import FloatArray
from benbot.strategies.records.database import AS_BYTES, POSTGRESQL, SQLITE
from benbot.strategies.records.tables import WHOLE

MANY = 500  # values that one query asks for; SQLite takes 32,766 parameters

Row = Any  # of a result: its columns by name
Keys = Sequence[tuple[Any, ...]]
Rows = Sequence[Mapping[str, Any]]
Item = TypeVar("Item")


def slices(items: Sequence[Item], size: int = MANY) -> Iterator[Sequence[Item]]:
    """Yield the items in order, so many at a time."""
    yield from (items[k : k + size] for k in range(0, len(items), size))


def next_id(connection: Connection, table: Table) -> int:
    """Return the number of the next row. The lease makes sure that nobody else takes it."""
    return int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()) + 1


def add(connection: Connection, table: Table, rows: Rows) -> None:
    """Write new rows."""
    if rows:
        connection.execute(insert(table), rows)


def put(connection: Connection, table: Table, rows: Rows) -> None:
    """Write rows in place of those with the same primary key."""
    if rows:
        connection.execute(_putting(table, connection.dialect.name), rows)


@cache
def _putting(table: Table, dialect: str) -> Insert:
    """Return what puts rows into a table; to write it takes as long as to carry it out."""
    make = postgresql.insert if dialect == POSTGRESQL else sqlite.insert
    statement = make(table)
    kept = {column.name for column in table.primary_key}
    changed = {c.name: statement.excluded[c.name] for c in table.c if c.name not in kept}
    return statement.on_conflict_do_update(index_elements=sorted(kept), set_=changed)


def found(connection: Connection, table: Table, names: Sequence[str], keys: Keys) -> list[Row]:
    """Return the rows of a table in which these columns have one of these values.

    It is a join, for SQLite reads the whole table where it is asked for (a, b) in a list; and it is
    plain SQL, for a thousand values take longer to be written by SQLAlchemy than to be found.
    """
    mark = "?" if connection.dialect.name == SQLITE else "%s"
    one = f"({', '.join([mark] * len(names))})"
    same = " AND ".join(f"{table.name}.{name} = wanted.{name}" for name in names)
    rows: list[Row] = []
    for some in slices(keys):
        query = (
            f"WITH wanted ({', '.join(names)}) AS (VALUES {', '.join([one] * len(some))}) "  # noqa: S608
            f"SELECT {table.name}.* FROM wanted CROSS JOIN {table.name} WHERE {same}"
        )
        values = tuple(value for key in some for value in key)
        rows += connection.exec_driver_sql(query, values).all()
    return rows


def columns_of(connection: Connection, query: Select[Any]) -> dict[str, list[Any]]:
    """Return what a query finds, column by column, as the driver gives it.

    Of many rows SQLAlchemy's own take as long to make as the driver takes to read them.
    """
    with connection.execute(query.execution_options(**AS_BYTES)) as result:
        names = list(result.keys())
        rows = result.cursor.fetchall() if result.cursor is not None else []
    # Not by zip(*rows), whose iterators, one a row, send the garbage collector round.
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def listed(names: Sequence[str], values: FloatArray) -> list[list[Any]]:
    """Return the columns of summaries as lists, counts and moments as whole numbers."""
    return [
        (values[:, k].astype(np.int64) if name in WHOLE else values[:, k]).tolist()
        for k, name in enumerate(names)
    ]
