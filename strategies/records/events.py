"""What happened and why, as a chain: each event holds the hash of the one before.

Who changes, removes or inserts an event breaks the chain from there on; every change notes how long
the chain was and its last hash, so that an end that was cut off is seen too. Whoever can write the
database can also forge all of it anew, so a copy of the last hash kept elsewhere proves more.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Select, select

from benbot.envs.errors import BadRecord
from benbot.strategies.records.chain import Chain, Event, Head
from benbot.strategies.records.moments import times_of
from benbot.strategies.records.tables import CHANGES, EVENTS

CHAIN = Chain(
    EVENTS,
    number="id",
    refusal="every event must be as it was written, event {number} was not: {why}. Somebody "
    "changed the database; go back to a copy from before",
)

Json = Any  # what JSON can hold
Reasons = Mapping[str, Any] | Sequence[str] | str


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
    text = canonical(f"the reasons of {kind} {subject}", reasons)
    told = Event(moment, kind, subject, text)
    return CHAIN.append(connection, head, told, change_id=change_id)


def verify(connection: Connection) -> Head:
    """Walk the whole chain and return its head; say at which event it is broken."""
    head, noted = Head(), _noted(connection)
    for head in CHAIN.walk(connection):
        if noted.get(head.n_events, head.hash) != head.hash:
            why = "it is not the one that was noted with its change"
            raise CHAIN.broken(head.n_events, why)
    last = max(noted, default=0)
    if last != head.n_events:
        why = f"{last} were noted, {head.n_events} are there"
        raise CHAIN.broken(head.n_events + 1, why)
    return head


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
