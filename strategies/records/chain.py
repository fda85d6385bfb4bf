"""Events as a chain: each holds the hash of the one before, so that none is changed unseen."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from benbot.envs.errors import RecordsDamaged

ORIGIN = "0" * 64  # before the first event
CHUNK = 1000  # events that are held in memory at a time


@dataclass(frozen=True)
class Head:
    """How many events there are, and the hash of the last."""

    n_events: int = 0
    hash: str = ORIGIN


ORIGINAL = Head()


@dataclass(frozen=True)
class Event:
    """What happened to whom, at a moment in microseconds, and why, as JSON."""

    moment: int
    kind: str
    subject: str
    reasons: str


@dataclass(frozen=True, eq=False)
class Chain:
    """Events of a table, in which no number is left out.

    table    with the columns moment, kind, subject, reasons, previous and hash
    number   the column that numbers them from 1
    refusal  what is said of a chain that is broken: at {number}, and {why}
    own      values of columns that all of them have, where the table holds several chains
    """

    table: Table
    number: str
    refusal: str
    own: Mapping[str, object] = field(default_factory=dict)

    def append(self, connection: Connection, head: Head, event: Event, **more: object) -> Head:
        """Append an event behind the head, with `more` columns, and return the new head."""
        told = (event.moment, event.kind, event.subject, event.reasons)
        content = (head.n_events + 1, *told, head.hash)
        digest = _hash(content)
        row = dict(zip(self._content, content, strict=True))
        connection.execute(insert(self.table).values(**row, **self.own, **more, hash=digest))
        return Head(head.n_events + 1, digest)

    def head(self, connection: Connection) -> Head:
        """Return the head as the last event tells it."""
        number, digest = self.table.c[self.number], self.table.c.hash
        query = select(number, digest).where(*self._ours).order_by(number.desc()).limit(1)
        row = connection.execute(query).first()
        return Head() if row is None else Head(*row)

    def walk(self, connection: Connection, head: Head = ORIGINAL) -> Iterator[Head]:
        """Yield the head after each event behind `head`; refuse the first that was changed."""
        number = self.table.c[self.number]
        columns = [self.table.c[name] for name in (*self._content, "hash")]
        query = select(*columns).where(*self._ours, number > head.n_events).order_by(number)
        for row in connection.execute(query.execution_options(yield_per=CHUNK)):
            head = self._next(head, tuple(row))
            yield head

    def has(self, connection: Connection, head: Head) -> bool:
        """Return whether an event is where it was when it was the last; that of none is."""
        own = (*self._ours, self.table.c[self.number] == head.n_events)
        row = connection.execute(select(self.table.c.hash).where(*own)).first()
        return head == ORIGINAL if row is None else bool(row.hash == head.hash)

    def broken(self, number: int, why: str) -> RecordsDamaged:
        """Return the error that says at which event it is broken."""
        return RecordsDamaged(self.refusal.format(number=number, why=why))

    def _next(self, head: Head, row: tuple[Any, ...]) -> Head:
        *content, digest = row
        number, previous = content[0], content[-1]
        if number != head.n_events + 1:
            raise self.broken(head.n_events + 1, f"the next one has number {number}")
        if previous != head.hash:
            raise self.broken(number, "it does not follow the one before")
        if digest != _hash(tuple(content)):
            raise self.broken(number, "its content is not what was written")
        return Head(number, digest)

    @property
    def _content(self) -> tuple[str, ...]:
        return (self.number, "moment", "kind", "subject", "reasons", "previous")

    @property
    def _ours(self) -> list[Any]:
        return [self.table.c[name] == value for name, value in self.own.items()]


def _hash(content: tuple[object, ...]) -> str:
    text = json.dumps(content, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
