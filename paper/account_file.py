"""The simulated account on disk: what was committed survives a crash and a loss of power.

One SQLite file, for its owner's eyes alone (0600), of one writer at a time. Every call of the venue
that changes anything is one transaction; `synchronous = FULL` means that it is on the disk when the
call returns. Numbers are stored in the 64 bits that they are computed in.
"""

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from benbot.envs.errors import RunMismatch, VenueUnavailable
from benbot.paper.resting import Holding, Resting, State
from benbot.paper.venue import (
    OrderIntent,
    OrderKind,
    OrderStatus,
    Side,
    TimeInForce,
    VenueFill,
)
from benbot.strategies.records.private import make_private

VERSION = 1
WAIT = 5.0  # seconds that another writer is waited for
OWNER_ONLY = 0o600
WAITING = (OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED)  # here, no order has another one
SCHEMA = """
CREATE TABLE account (id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL,
    cash REAL NOT NULL, moment INTEGER NOT NULL, n_orders INTEGER NOT NULL,
    n_fills INTEGER NOT NULL);
CREATE TABLE holdings (symbol TEXT PRIMARY KEY, units REAL NOT NULL, entry_price REAL NOT NULL,
    last_price REAL NOT NULL, missing INTEGER NOT NULL);
CREATE TABLE orders (client_order_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, side TEXT NOT NULL,
    units REAL NOT NULL, kind TEXT NOT NULL, limit_price REAL, time_in_force TEXT NOT NULL,
    number INTEGER NOT NULL UNIQUE, moment INTEGER NOT NULL, submitted_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, status TEXT NOT NULL, filled_units REAL NOT NULL, paid REAL NOT NULL,
    filled_bar INTEGER NOT NULL, sliced_bar INTEGER NOT NULL, note TEXT NOT NULL);
CREATE TABLE fills (execution_id TEXT PRIMARY KEY, venue_order_id TEXT NOT NULL,
    client_order_id TEXT, symbol TEXT NOT NULL, side TEXT NOT NULL, units REAL NOT NULL,
    price REAL NOT NULL, time TEXT NOT NULL, cost REAL NOT NULL);
CREATE INDEX fills_by_time ON fills (time);
CREATE INDEX orders_by_status ON orders (status);
"""
INSERT_ORDER = (
    "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class AccountFile:
    """A simulated account, in a file or (path None) for as long as this object lives."""

    def __init__(self, path: Path | None, identity: str, fresh: State) -> None:
        """Open the account, or begin it as `fresh`; `identity` says what it trades in."""
        self._path = path
        if path is not None:
            _make_private(path)
        self._connection = sqlite3.connect(path or ":memory:", timeout=WAIT, isolation_level=None)
        is_ours = False
        try:
            self._set_up(identity, fresh)
            is_ours = True
        except sqlite3.OperationalError as error:
            raise VenueUnavailable(
                f"the account {path} must be free and readable, was not: {error}. End whatever "
                "else trades with it"
            ) from error
        except sqlite3.DatabaseError as error:
            raise RunMismatch(
                f"the account {path} must be a sound SQLite file, was not: {error}. Restore a "
                "copy, or move it away to begin anew"
            ) from error
        finally:
            if not is_ours:
                self._connection.close()  # or nobody else could open it

    def _set_up(self, identity: str, fresh: State) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")  # held until closed, or until the process ends
        run("PRAGMA synchronous = FULL")
        run("BEGIN EXCLUSIVE")
        version = run("PRAGMA user_version").fetchone()[0]
        if not version and not run("SELECT name FROM sqlite_master").fetchall():
            for statement in SCHEMA.split(";"):
                run(statement)
            run(f"PRAGMA user_version = {VERSION}")
            run("INSERT INTO account VALUES (1, ?, ?, ?, 0, 0)", (identity, fresh.cash, 0))
            self._write(fresh, (), ())
        elif version != VERSION:
            raise RunMismatch(
                f"the account {self._path} must have version {VERSION}, was {version}. Open it "
                "with the program that wrote it, or move it away to begin anew"
            )
        run("COMMIT")
        (fault,) = run("PRAGMA quick_check(1)").fetchone()
        if fault != "ok":
            raise sqlite3.DatabaseError(fault)
        (found,) = run("SELECT identity FROM account").fetchone()
        if found != identity:
            raise RunMismatch(
                f"the account {self._path} must be one of {identity}, was one of {found}. Give "
                "each market a file of its own"
            )

    def load(self) -> State:
        """Return the account as it was last committed."""
        run = self._connection.execute
        cash, moment, n_orders, n_fills = run(
            "SELECT cash, moment, n_orders, n_fills FROM account"
        ).fetchone()
        held = run("SELECT symbol, units, entry_price, last_price, missing FROM holdings")
        resting = run("SELECT * FROM orders WHERE status IN (?, ?) ORDER BY number", WAITING)
        return State(
            cash=cash,
            moment=moment,
            holdings={symbol: Holding(*numbers) for symbol, *numbers in held},
            orders={row[0]: _order(row) for row in resting},
            n_orders=n_orders,
            n_fills=n_fills,
        )

    def commit(self, state: State, orders: Iterable[Resting], fills: Iterable[VenueFill]) -> None:
        """Write the account, and the orders and fills that are new or changed, all or nothing."""
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        try:
            self._write(state, orders, fills)
            run("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                run("ROLLBACK")
            raise

    def _write(self, state: State, orders: Iterable[Resting], fills: Iterable[VenueFill]) -> None:
        run, many = self._connection.execute, self._connection.executemany
        run(
            "UPDATE account SET cash = ?, moment = ?, n_orders = ?, n_fills = ?",
            (state.cash, state.moment, state.n_orders, state.n_fills),
        )
        run("DELETE FROM holdings")
        many(
            "INSERT INTO holdings VALUES (?, ?, ?, ?, ?)",
            [
                (symbol, held.units, held.entry_price, held.last_price, held.missing)
                for symbol, held in state.holdings.items()
            ],
        )
        many(INSERT_ORDER, map(_order_row, orders))
        many("INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_fill_row, fills))

    def order(self, client_order_id: str) -> Resting | None:
        """Return an order that was committed, None where there is none."""
        row = self._connection.execute(
            "SELECT * FROM orders WHERE client_order_id = ?", (client_order_id,)
        ).fetchone()
        return None if row is None else _order(row)

    def fills(self, since: datetime) -> list[VenueFill]:
        """Return the fills at a time or later, in the order in which they happened."""
        rows = self._connection.execute(
            "SELECT * FROM fills WHERE time >= ? ORDER BY rowid", (_text(since),)
        )
        return [_fill(row) for row in rows]

    def close(self) -> None:
        """Close the file, so that another may open it."""
        self._connection.close()


def _make_private(path: Path) -> None:
    try:
        make_private(path)
    except OSError as error:
        raise VenueUnavailable(
            f"the account {path} must be a file that can be written, was not: {error.strerror}. "
            "Check the folder and its owner"
        ) from error


def _text(time: datetime) -> str:
    return time.isoformat(timespec="microseconds")  # all in UTC, so that text sorts like time


def _order_row(order: Resting) -> tuple[Any, ...]:
    intent = order.intent
    return (
        intent.client_order_id,
        intent.symbol,
        intent.side,
        intent.units,
        intent.kind,
        intent.limit,
        intent.time_in_force,
        order.number,
        order.moment,
        _text(order.submitted_at),
        _text(order.updated_at),
        order.status,
        order.filled_units,
        order.paid,
        order.filled_bar,
        order.sliced_bar,
        order.note,
    )


def _order(row: tuple[Any, ...]) -> Resting:
    identifier, symbol, side, units, kind, limit, time_in_force = row[:7]
    number, moment, submitted, updated, status = row[7:12]
    intent = OrderIntent(
        identifier, symbol, Side(side), units, OrderKind(kind), limit, TimeInForce(time_in_force)
    )
    times = datetime.fromisoformat(submitted), datetime.fromisoformat(updated)
    return Resting(intent, number, moment, *times, OrderStatus(status), *row[12:])


def _fill_row(fill: VenueFill) -> tuple[Any, ...]:
    return (
        fill.execution_id,
        fill.venue_order_id,
        fill.client_order_id,
        fill.symbol,
        fill.side,
        fill.units,
        fill.price,
        _text(fill.time),
        fill.cost,
    )


def _fill(row: tuple[Any, ...]) -> VenueFill:
    identifier, order, ours, symbol, side, units, price, time, cost = row
    at = datetime.fromisoformat(time)
    return VenueFill(identifier, order, ours, symbol, Side(side), units, price, at, cost)
