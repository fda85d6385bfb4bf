"""What happened and why, as a chain: each event holds the hash of the one before.

Who changes, removes or inserts an event breaks the chain from there on; every change notes how long
the chain was and its last hash, so that an end that was cut off is seen too. Whoever can write the
database can also forge all of it anew, so a copy of the last hash kept elsewhere proves more.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, insert, select

from benbot.envs.errors import BadRecord, RecordsDamaged
from benbot.strategies.records.moments import times_of
from benbot.strategies.records.rows import Row
from benbot.strategies.records.tables import CHANGES, EVENTS

ORIGIN = "0" * 64  # before the first event
CHUNK = 1000  # events that are held in memory at a time

Json = Any  # what JSON can hold
Reasons = Mapping[str, Any] | Sequence[str] | str


@dataclass(frozen=True)
class Head:
    """How many events there are, and the hash of the last."""

    n_events: int = 0
    hash: str = ORIGIN


def canonical(what: str, document: object) -> str:
    """Return JSON that is the same for equal documents; refuse what JSON cannot hold."""
    try:
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadRecord(
            f"{what} must be plain JSON (null where a number is not known), was not: {error}"
        ) from None


def append(
    connection: Connection, head: Head, change: tuple[int, int], event: tuple[str, str, Reasons]
) -> Head:
    """Append (kind, subject, reasons) in the change (id, moment), and return the new head."""
    (change_id, moment), (kind, subject, reasons) = change, event
    content = (
        head.n_events + 1,
        moment,
        kind,
        subject,
        canonical(f"the reasons of {kind} {subject}", reasons),
        head.hash,
    )
    names = ("id", "moment", "kind", "subject", "reasons", "previous")
    digest = _hash(content)
    row = dict(zip(names, content, strict=True))
    connection.execute(insert(EVENTS).values(**row, hash=digest, change_id=change_id))
    return Head(head.n_events + 1, digest)


def verify(connection: Connection) -> Head:
    """Walk the whole chain and return its head; say at which event it is broken."""
    head = Head()
    columns = (EVENTS.c[name] for name in (*_CONTENT, "hash"))
    rows = connection.execution_options(yield_per=CHUNK).execute(
        select(*columns).order_by(EVENTS.c.id)
    )
    noted = _noted(connection)
    for row in rows:
        head = _next(head, row)
        if noted.get(head.n_events, head.hash) != head.hash:
            raise _broken(head.n_events, "it is not the one that was noted with its change")
    last = max(noted, default=0)
    if last != head.n_events:
        raise _broken(head.n_events + 1, f"{last} were noted, {head.n_events} are there")
    return head


_CONTENT = ("id", "moment", "kind", "subject", "reasons", "previous")


def read_events(connection: Connection, query: Select[Any], limit: int) -> pd.DataFrame:
    """Return the events that a query over the table finds, in their order."""
    rows = connection.execute(query.order_by(EVENTS.c.id).limit(limit)).all()
    frame = pd.DataFrame([row._mapping for row in rows], columns=[c.name for c in EVENTS.c])
    frame["moment"] = times_of(frame["moment"].to_numpy())
    frame["reasons"] = [json.loads(text) for text in frame["reasons"]]
    return frame.drop(columns=["previous", "change_id"])


def _noted(connection: Connection) -> dict[int, str]:
    rows = connection.execute(select(CHANGES.c.n_events, CHANGES.c.head)).all()
    return {row.n_events: row.head for row in rows}


def _next(head: Head, row: Row) -> Head:
    content = tuple(row)[:-1]
    if row.id != head.n_events + 1:
        raise _broken(head.n_events + 1, f"the next one has number {row.id}")
    if row.previous != head.hash:
        raise _broken(row.id, "it does not follow the one before")
    if row.hash != _hash(content):
        raise _broken(row.id, "its content is not what was written")
    return Head(row.id, row.hash)


def _hash(content: tuple[object, ...]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _broken(number: int, why: str) -> RecordsDamaged:
    return RecordsDamaged(
        f"every event must be as it was written, event {number} was not: {why}. Somebody changed "
        "the database; go back to a copy from before"
    )
