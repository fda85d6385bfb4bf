"""Rows in and out of tables, the same for both databases."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from benbot.envs.arrays import FloatArray
from benbot.strategies.records.database import POSTGRESQL
from benbot.strategies.records.tables import WHOLE

MANY = 500  # values that one query asks for; SQLite takes 32,766 parameters

Row = Any  # of a result: its columns by name
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
    if not rows:
        return
    make = postgresql.insert if connection.dialect.name == POSTGRESQL else sqlite.insert
    statement = make(table)
    kept = {column.name for column in table.primary_key}
    changed = {c.name: statement.excluded[c.name] for c in table.c if c.name not in kept}
    connection.execute(
        statement.on_conflict_do_update(index_elements=sorted(kept), set_=changed), rows
    )


def listed(names: Sequence[str], values: FloatArray) -> list[list[Any]]:
    """Return the columns of summaries as lists, counts and moments as whole numbers."""
    return [
        (values[:, k].astype(np.int64) if name in WHOLE else values[:, k]).tolist()
        for k, name in enumerate(names)
    ]
