"""What pages read: one account of a store, or what is said where there is none.

Every page opens the store anew to read, sees one moment of it, and cannot write.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, func, select

from benbot.envs.errors import UnknownName
from benbot.experiments.dashboard.market import Place, place_of
from benbot.paper.overview.account import Overview, events, overview
from benbot.paper.overview.activity import closes, fills, judged, orders, trades
from benbot.paper.overview.health import Health, health
from benbot.paper.overview.memory import Memory
from benbot.paper.overview.press import headlines
from benbot.paper.overview.results import Marks, results
from benbot.paper.overview.rows import Row, begun, names_of, parsed
from benbot.paper.store import reading
from benbot.paper.tables import EVENTS, INTENTS, STANDINGS
from benbot.strategies.records.database import SQLITE, address_of
from benbot.strategies.records.moments import microseconds

SHOWN, LISTED = 15, 500  # rows of a section, and of a page of its own
LISTS: dict[str, Callable[[Connection, str, int], list[Any]]] = {
    "orders": orders,
    "fills": fills,
    "trades": trades,
    "candidates": judged,
    "events": events,
    "news": headlines,
}
BARS = ("bar", "opened", "closed")  # columns that are numbers of bars


@dataclass(frozen=True)
class Summary:
    """An account in a line; `moment` is of its last mark."""

    name: str
    equity: float
    profit: float
    profit_share: float
    moment: int
    health: Health
    place: Place


@dataclass(frozen=True)
class Looking:
    """Whoever reads a store for pages, and remembers what it has read; one page at a time.

    account   the only one that is shown; None: all of them
    """

    url: str
    account: str | None
    clock: Callable[[], datetime]
    _memory: Memory = field(default_factory=Memory)
    _turn: Lock = field(default_factory=Lock)

    def is_empty(self) -> bool:
        """Return whether nobody has made the store yet."""
        address = address_of(self.url)
        return address.get_backend_name() == SQLITE and not Path(str(address.database)).is_file()

    def names(self) -> list[str]:
        """Return the accounts that may be shown and have begun."""
        return [name for name in self._all() if self.account in (None, name)]

    def others(self) -> list[str]:
        """Return the accounts that have begun and may not be shown."""
        return [name for name in self._all() if self.account not in (None, name)]

    def lack(self) -> str:
        """Return why there is no account to show, in a sentence; empty where there is one."""
        if self.is_empty():
            return "Nobody has made this store yet, so no account has begun."
        if self.names():
            return ""
        if self.account is not None and self.others():
            return f"There is no account {self.account} in this store, which has others."
        return "The store is empty: no account has begun."

    def summaries(self) -> list[Summary]:
        """Return the accounts that may be shown, each in a line."""
        names, now = self.names(), microseconds(self.clock())
        if not names:
            return []
        with self._turn, reading(self.url) as connection:
            known = {name: self._memory.marks(connection, name) for name in names}
            return [_summary(connection, name, known[name], now) for name in names]

    def overview(self, account: str) -> Overview:
        """Return all that is told of an account."""
        self._check(account)
        with self._turn, reading(self.url) as connection:
            return overview(connection, account, self.clock(), SHOWN, self._memory)

    def listed(self, account: str, kind: str) -> tuple[list[Any], dict[int, int]]:
        """Return the last rows of a kind, and when the bars closed that they name."""
        self._check(account)
        with reading(self.url) as connection:
            begun(connection, account)
            rows = LISTS[kind](connection, account, LISTED)
            return rows, closes(connection, account, _bars(rows))

    def place(self, account: str) -> Place:
        """Return the market of an account."""
        self._check(account)
        with reading(self.url) as connection:
            return _place(connection, account)

    def require(self, account: str) -> None:
        """Refuse an account that has not begun, or is not shown."""
        self._check(account)
        with reading(self.url) as connection:
            begun(connection, account)

    def pulse(self, account: str) -> Row:
        """Return how old the last cycle is, and a stamp that changes whenever the page would."""
        self._check(account)
        with reading(self.url) as connection:
            begun(connection, account)
            how = health(connection, account, microseconds(self.clock()))
            seen = [
                connection.execute(select(column).where(table.c.account == account)).scalar()
                for table, column in (
                    (INTENTS, func.max(INTENTS.c.updated)),
                    (EVENTS, func.max(EVENTS.c.number)),
                    (STANDINGS, func.max(STANDINGS.c.moment)),
                )
            ]
        beat = how.beat
        facts = [how.life, how.standing, vars(how.switch), beat and (beat.cycle, beat.moment), seen]
        stamp = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        return {"stamp": stamp, "age": None if beat is None else round(beat.age)}

    def _all(self) -> list[str]:
        if self.is_empty():
            return []
        with reading(self.url) as connection:
            return names_of(connection)

    def _check(self, account: str) -> None:
        if self.account not in (None, account):
            raise UnknownName(
                f"the account must be {self.account}, which this dashboard shows, was {account!r}"
            )


def _summary(connection: Connection, name: str, marks: Marks, now: int) -> Summary:
    earned = results(connection, name, marks)
    return Summary(
        name,
        float(earned.last["equity"]),
        earned.profit,
        earned.profit_share,
        int(earned.last["moment"]),
        health(connection, name, now),
        _place(connection, name),
    )


def _place(connection: Connection, name: str) -> Place:
    identity = begun(connection, name)["identity"]
    return place_of(parsed(identity, "the identity of an account"))


def _bars(rows: list[Any]) -> set[int]:
    found = set()
    for row in rows:
        known = row if isinstance(row, dict) else vars(row)
        found |= {known[name] for name in BARS if name in known}
    return found
