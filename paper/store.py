"""The paper store: everything an account needs to go on after a crash, and all that it did.

    with open_store("sqlite:///paper.db", "main", clock) as store:
        with store.change() as change:
            change.plan(intent)
            change.stand(standing)

A change is one transaction under the lease of the account: all of it is kept, or nothing. SQLite is
opened with a write-ahead log and synchronous FULL, so what was kept outlives a loss of power.
"""

import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.exc import SQLAlchemyError

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.paper import lease, throws
from benbot.paper.change import Change
from benbot.paper.heartbeat import Heartbeat
from benbot.paper.intents import Intent
from benbot.paper.ladder import KeptLadder
from benbot.paper.lease import AccountLock
from benbot.paper.schema import check_current, migrate
from benbot.paper.standing import Standing
from benbot.paper.store_rows import intent_from, standing_from
from benbot.paper.tables import (
    ACCOUNTS,
    DECISIONS,
    EVENTS,
    FILLS,
    INTENTS,
    LADDERS,
    ORDERS,
    STANDINGS,
)
from benbot.paper.tenure import SENDING, Tenure, Ticking
from benbot.paper.venue import Clock
from benbot.strategies.records.database import (
    PATIENCE,
    address_of,
    answering,
    check_intact,
    open_reader,
    open_writer,
)
from benbot.strategies.records.moments import microseconds

LOOKS = 2  # at the kill switch: a connection that is gone need not be a database that is
LONGEST_NAME = 12  # characters of an account's name


class Happened(NamedTuple):
    """An event of the chain; `moment` in microseconds since 1970."""

    moment: int
    kind: str
    subject: str
    reasons: dict[str, Any]


class PaperStore:
    """The store of one account, open to write; see `open_store`."""

    def __init__(
        self,
        url: str,
        account: str,
        clock: Clock,
        machine: Ticking,
        growing: Ticking = time.monotonic_ns,
    ) -> None:
        """Open or make the store, bring it forward, and take the account's lease.

        `clock` is that of what is recorded, and may be simulated; the lease runs out by that of the
        `machine`, nanoseconds, which goes on between two starts; `growing` is never set back.
        """
        self._tenure = Tenure(machine, growing, lease.LASTS)
        self.account, self._clock, self._machine = _checked_name(account), clock, machine
        self._url = address_of(url)
        self._began = self._now()
        self._lock = AccountLock(self._url, account)
        try:
            with answering(self._url):
                self._writing = open_writer(self._url, PATIENCE)
        except BaseException:
            self._lock.close()
            raise
        try:
            with answering(self._url), self._writing.begin() as connection:
                check_intact(connection, self._url)
                migrate(connection, self._url)
                owner = f"{socket.gethostname()}:{os.getpid()}"
                who = (owner, self._lock.is_held)
                self._lease = lease.take(connection, self._url, account, who, self._now())
        except BaseException:
            self._writing.dispose()
            self._lock.close()
            raise

    def now(self) -> datetime:
        """Return the time of what is recorded."""
        return self._clock()

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Begin a change: committed at the end of the block, undone by any error in it."""
        since = self._tenure.reading()
        with answering(self._url), self._writing.begin() as connection:
            lease.renew(connection, self._url, self._lease, self._now())
            yield Change(connection, self._lease, microseconds(self._clock()))
        self._tenure.renewed(since)

    def may_send(self) -> bool:
        """Return whether the account is ours until an order has arrived; nobody is asked."""
        return self._lock.is_held or self._tenure.left() >= SENDING

    def hold(self) -> None:
        """Let the lease run on where it is nearly over; refuse a holder who was taken over."""
        if not self.may_send():
            with self.change():
                pass

    def beat(self, heartbeat: Heartbeat) -> None:
        """Keep what a cycle did, in place of the one before."""
        with self.change() as change:
            change.beat(heartbeat, self._began, self._now())

    def is_halted(self) -> bool:
        """Return whether no order may be sent; what cannot be read halts."""
        return self.kill_switch() is not False

    def kill_switch(self) -> bool | None:
        """Return whether the kill switch is on; None: that cannot be read, so nobody may send."""
        for _ in range(LOOKS):
            with suppress(SQLAlchemyError, OSError), self._writing.connect() as connection:
                row = throws.switch_row(connection, self.account)
                return row is not None and bool(row.is_halted)
        return None

    def must_stop(self) -> bool:
        """Return whether the loop was asked to end."""
        with answering(self._url), self._writing.connect() as connection:
            row = throws.switch_row(connection, self.account)
        return row is not None and bool(row.must_stop)

    def identity(self) -> Row[Any] | None:
        """Return the row of the account, None before it has begun."""
        return self._first(select(ACCOUNTS).where(ACCOUNTS.c.account == self.account))

    def standing(self) -> Standing | None:
        """Return where the account stands, None before it has begun."""
        row = self._first(select(STANDINGS).where(STANDINGS.c.account == self.account))
        return None if row is None else standing_from(row)

    def intents(self, bar: int, stage: int) -> list[Intent]:
        """Return the intents of a stage, in order."""
        ours = (INTENTS.c.account == self.account, INTENTS.c.bar == bar, INTENTS.c.stage == stage)
        rows = self._all(select(INTENTS).where(*ours).order_by(INTENTS.c.sequence))
        return [intent_from(row) for row in rows]

    def is_ours(self, client_order_id: str) -> bool:
        """Return whether an identifier is that of an intent of this account."""
        ours = (INTENTS.c.account == self.account, INTENTS.c.client_order_id == client_order_id)
        return self._first(select(INTENTS.c.client_order_id).where(*ours)) is not None

    def own_order(self, venue_order_id: str) -> str | None:
        """Return the identifier of our order of which the venue has another; None: not ours."""
        of_the_venue = (
            ORDERS.c.account == self.account,
            ORDERS.c.venue_order_id == venue_order_id,
            ORDERS.c.is_external.is_(False),
        )
        row = self._first(select(ORDERS.c.client_order_id).where(*of_the_venue))
        return None if row is None else str(row.client_order_id)

    def booked(self, execution_ids: Sequence[str]) -> set[str]:
        """Return which of these fills are booked."""
        if not execution_ids:
            return set()
        ours = (FILLS.c.account == self.account, FILLS.c.execution_id.in_(execution_ids))
        return {row.execution_id for row in self._all(select(FILLS.c.execution_id).where(*ours))}

    def intents_since(self, moment: int) -> list[Intent]:
        """Return the intents that were planned since a time, microseconds since 1970, in order."""
        ours = (INTENTS.c.account == self.account, INTENTS.c.planned >= moment)
        order = (INTENTS.c.bar, INTENTS.c.stage, INTENTS.c.sequence)
        return [
            intent_from(row) for row in self._all(select(INTENTS).where(*ours).order_by(*order))
        ]

    def rows(self, query: Select[Any]) -> list[Row[Any]]:
        """Return the rows of a query."""
        return self._all(query)

    def events(self, *kinds: str) -> list[Happened]:
        """Return the events of these kinds, in order."""
        columns = (EVENTS.c.moment, EVENTS.c.kind, EVENTS.c.subject, EVENTS.c.reasons)
        ours = (EVENTS.c.account == self.account, EVENTS.c.kind.in_(kinds))
        rows = self._all(select(*columns).where(*ours).order_by(EVENTS.c.number))
        return [
            Happened(row.moment, row.kind, row.subject, json.loads(row.reasons)) for row in rows
        ]

    def has_untold(self) -> bool:
        """Return whether a switch was thrown that the chain does not tell yet."""
        with answering(self._url), self._writing.connect() as connection:
            return throws.is_untold(connection, self.account)

    def switched(self) -> int:
        """Return when somebody let the account go on, microseconds; 0 where nobody had to."""
        with answering(self._url), self._writing.connect() as connection:
            row = throws.switch_row(connection, self.account)
        goes_on = row is not None and not (row.is_halted or row.must_stop)
        return int(row.moment) if row is not None and goes_on else 0

    def observations(self) -> list[tuple[int, Float32Array, Float32Array]]:
        """Return bar, what the policy saw and what it chose, for every decision, in order."""
        columns = (DECISIONS.c.bar, DECISIONS.c.observation, DECISIONS.c.weights)
        query = select(*columns).where(DECISIONS.c.account == self.account)
        return [
            (
                row.bar,
                np.frombuffer(row.observation, np.float32),
                np.frombuffer(row.weights, np.float32),
            )
            for row in self._all(query.order_by(DECISIONS.c.bar))
        ]

    def ladder(self) -> KeptLadder | None:
        """Return how the ladder stood at the last close at which it was kept; None: never."""
        row = self._first(select(LADDERS).where(LADDERS.c.account == self.account))
        return None if row is None else KeptLadder(json.loads(row.state), row.accounts)

    def growth(self, n_strategies: int) -> FloatArray:
        """Return what the sleeves have returned, (T, K)."""
        begun = self.identity()
        parts = [] if begun is None else [begun.growth]
        query = select(DECISIONS.c.growth).where(DECISIONS.c.account == self.account)
        parts += [row.growth for row in self._all(query.order_by(DECISIONS.c.bar))[1:]]
        return np.frombuffer(b"".join(parts), np.float64).reshape(-1, n_strategies).copy()

    def close(self) -> None:
        """Give the lease back and let go of the database."""
        try:
            with answering(self._url), self._writing.begin() as connection:
                lease.release(connection, self._lease)
        finally:
            self._writing.dispose()
            self._lock.close()

    def __enter__(self) -> "PaperStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _now(self) -> int:
        return self._machine() // 1000

    def _first(self, query: Select[Any]) -> Row[Any] | None:
        with answering(self._url), self._writing.connect() as connection:
            return connection.execute(query).first()

    def _all(self, query: Select[Any]) -> list[Row[Any]]:
        with answering(self._url), self._writing.connect() as connection:
            return list(connection.execute(query))


def open_store(url: str, account: str, clock: Clock, machine: Ticking = time.time_ns) -> PaperStore:
    """Open the store of an account to trade with it; another process that does is refused."""
    return PaperStore(url, account, clock, machine)


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """Open a store to read, whoever writes it; refuse none, and one of another version."""
    address = address_of(url)
    with answering(address):
        engine = open_reader(address, PATIENCE)
        try:
            with engine.connect() as connection:
                check_current(connection, address)
                yield connection
        finally:
            engine.dispose()


def set_switch(
    url: str, account: str, now: datetime, reason: str, who: str = "", **changed: bool
) -> None:
    """Set `is_halted` or `must_stop` of an account, whoever trades it; the other stays."""
    address = address_of(url)
    if set(changed) - {"is_halted", "must_stop"}:
        raise InvalidParameter(f"a switch has is_halted and must_stop, was {sorted(changed)}")
    with answering(address):
        engine = open_writer(address, PATIENCE)
        try:
            with engine.begin() as connection:
                migrate(connection, address)
                throws.throw(connection, account, (microseconds(now), who, reason), changed)
        finally:
            engine.dispose()


def _checked_name(account: str) -> str:
    if not (account.isalnum() and account.isascii() and len(account) <= LONGEST_NAME):
        raise InvalidParameter(
            f"an account's name must be 1 to {LONGEST_NAME} letters and digits, was {account!r}"
        )
    return account
