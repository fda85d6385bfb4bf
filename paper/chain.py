"""What happened to an account and why, as a chain: each event holds the hash of the one before."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from benbot.envs.errors import RecordsDamaged
from benbot.paper.tables import EVENTS

ORIGIN = "0" * 64  # before the first event
CONTENT = ("number", "moment", "kind", "subject", "reasons", "previous")


def append(
    connection: Connection, account: str, moment: int, event: tuple[str, str, Mapping[str, Any]]
) -> None:
    """Append (kind, subject, reasons)."""
    kind, subject, reasons = event
    number, previous = _head(connection, account)
    text = json.dumps(reasons, sort_keys=True, separators=(",", ":"), default=str)
    content = (number + 1, moment, kind, subject[:64], text, previous)
    row = dict(zip(CONTENT, content, strict=True))
    connection.execute(insert(EVENTS).values(**row, account=account, hash=_hash(content)))


def verify(connection: Connection, account: str) -> int:
    """Walk the chain and return how many events it has; say at which it is broken."""
    columns = [EVENTS.c[name] for name in (*CONTENT, "hash")]
    rows = connection.execute(
        select(*columns).where(EVENTS.c.account == account).order_by(EVENTS.c.number)
    )
    number, previous = 0, ORIGIN
    for row in rows:
        content = tuple(row)[:-1]
        number += 1
        if (row.number, row.previous, row.hash) != (number, previous, _hash(content)):
            raise RecordsDamaged(
                f"every event of {account} must be as it was written, event {number} was not. "
                "Somebody changed the database; go back to a copy from before"
            )
        previous = row.hash
    return number


def _head(connection: Connection, account: str) -> tuple[int, str]:
    last = select(func.max(EVENTS.c.number)).where(EVENTS.c.account == account).scalar_subquery()
    row = connection.execute(
        select(EVENTS.c.number, EVENTS.c.hash).where(
            EVENTS.c.account == account, EVENTS.c.number == last
        )
    ).first()
    return (0, ORIGIN) if row is None else (row.number, row.hash)


def _hash(content: tuple[object, ...]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
