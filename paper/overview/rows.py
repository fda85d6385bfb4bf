"""Rows of one account, as its tables have them; every query says how many it wants."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from benbot.envs.errors import RecordsDamaged, UnknownName
from benbot.paper.tables import ACCOUNTS

Row = dict[str, Any]


def names_of(connection: Connection) -> list[str]:
    """Return the names of all accounts of a store, in order."""
    query = select(ACCOUNTS.c.account).order_by(ACCOUNTS.c.account)
    return list(connection.execute(query).scalars())


def begun(connection: Connection, account: str) -> Row:
    """Return the row of an account; refuse one that has not begun."""
    row = only(connection, ACCOUNTS, account)
    if row is None:
        known = ", ".join(names_of(connection)) or "none"
        raise UnknownName(f"the account must be one of the store, {known}, was {account!r}")
    return row


def only(connection: Connection, table: Table, account: str) -> Row | None:
    """Return the row of an account in a table that has one for each; None where there is none."""
    query = select(table).where(table.c.account == account)
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def newest(
    connection: Connection, table: Table, account: str, by: tuple[ColumnElement[Any], ...], n: int
) -> list[Row]:
    """Return the last `n` rows by these columns, the newest first."""
    query = select(table).where(table.c.account == account)
    query = query.order_by(*(column.desc() for column in by)).limit(n)
    return [dict(row) for row in connection.execute(query).mappings()]


def count(connection: Connection, table: Table, *where: ColumnElement[bool]) -> int:
    """Return how many rows there are."""
    return int(
        connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
    )


def parsed(text: str, what: str) -> Any:  # noqa: ANN401
    """Return what a column of JSON says; refuse what is none, for we wrote it."""
    try:
        return json.loads(text)
    except ValueError:
        raise RecordsDamaged(
            f"{what} must be JSON, as it was written, was something else. Somebody changed the "
            "database; go back to a copy from before"
        ) from None
