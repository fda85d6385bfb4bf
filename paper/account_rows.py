"""All that is kept of one account, read at once and in order, by whoever looks back at it."""

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from benbot.envs.errors import UnknownName
from benbot.paper.tables import (
    ACCOUNTS,
    DECISIONS,
    EQUITY,
    EVENTS,
    FILLS,
    INTENTS,
    STANDINGS,
    TRADES,
    VERDICTS,
)

StoreRow = dict[str, Any]
IN_ORDER = ("bar", "stage", "sequence")  # of intents


@dataclass(frozen=True, eq=False)
class AccountRows:
    """The rows of an account, each list in the order in which it came about.

    account    the only row of ACCOUNTS
    standing   that of STANDINGS; None before the first close
    """

    account: StoreRow
    standing: StoreRow | None
    equity: list[StoreRow]
    decisions: list[StoreRow]
    verdicts: list[StoreRow]
    intents: list[StoreRow]
    fills: list[StoreRow]
    trades: list[StoreRow]
    events: list[StoreRow]

    @property
    def first_bar(self) -> int:
        """The bar at whose close the account began."""
        return int(self.account["first_bar"])

    @property
    def last_closed(self) -> int:
        """The last bar at whose close it was marked."""
        return int(self.equity[-1]["bar"])


def key_of_account(rows: AccountRows) -> str:
    """Return sixteen hex digits of an account: its name, its beginning and what it trades."""
    parts = (rows.account[name] for name in ("account", "began", "capital", "identity"))
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


def rows_of(connection: Connection, account: str) -> AccountRows:
    """Return the rows of an account; refuse one that the store does not have."""
    begun = _all(connection, ACCOUNTS, account)
    if not begun:
        known = ", ".join(connection.execute(select(ACCOUNTS.c.account)).scalars()) or "none"
        raise UnknownName(f"the account must be one of the store, {known}, was {account!r}")
    standing = _all(connection, STANDINGS, account)
    return AccountRows(
        account=begun[0],
        standing=standing[0] if standing else None,
        equity=_all(connection, EQUITY, account, "bar"),
        decisions=_all(connection, DECISIONS, account, "bar"),
        verdicts=_all(connection, VERDICTS, account, "bar", "number"),
        intents=_all(connection, INTENTS, account, *IN_ORDER),
        fills=_all(connection, FILLS, account, "moment", "execution_id"),
        trades=_all(connection, TRADES, account, "closed", "number"),
        events=_all(connection, EVENTS, account, "number"),
    )


def _all(connection: Connection, table: Table, account: str, *order: str) -> list[StoreRow]:
    query = select(table).where(table.c.account == account)
    rows = connection.execute(query.order_by(*(table.c[name] for name in order))).mappings()
    return [dict(row) for row in rows]
