"""News of an account since a cursor, read from its store; nothing is written there.

Orders are told in the order in which they were meant, each when its end is known. A day is told
when it is over in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select, tuple_

from benbot.paper.intents import IntentStatus
from benbot.paper.notify.cursor import Cursor
from benbot.paper.notify.news import News
from benbot.paper.notify.wording import (
    is_told,
    news_of_breaker,
    news_of_day,
    news_of_event,
    news_of_fill,
    news_of_switch,
    news_of_throw,
)
from benbot.paper.store import reading
from benbot.paper.tables import ACCOUNTS, EQUITY, EVENTS, INTENTS, SWITCHES, THROWS, TRADES
from benbot.strategies.records.moments import moment_of

MOST = 2000  # rows of a table that are read at once; more than a day of minutes has


@dataclass(frozen=True)
class Gathered:
    """News, the cursor behind them, and whether there may be more."""

    news: tuple[News, ...]
    cursor: Cursor
    has_more: bool


def gathered(url: str, account: str, cursor: Cursor, now: datetime) -> Gathered:
    """Return the news of an account after a cursor; one that has not begun has none."""
    with reading(url) as connection:
        began = connection.execute(
            select(ACCOUNTS.c.began).where(ACCOUNTS.c.account == account)
        ).scalar()
        if began is None:
            return Gathered((), cursor, has_more=False)
        if began != cursor.began:  # another account has its name
            cursor = Cursor(began=began, recent=cursor.recent, stale=cursor.stale)
        looking = _Looking(connection, account, cursor)
        news = [
            *looking.events(),
            *looking.fills(),
            *looking.breakers(),
            *looking.switches(),
            *looking.days(now),
        ]
    return Gathered(tuple(news), looking.cursor, looking.has_more)


class _Looking:
    """One look; `cursor` moves on with each question."""

    def __init__(self, connection: Connection, account: str, cursor: Cursor) -> None:
        self._connection, self._account = connection, account
        self.cursor, self.has_more = cursor, False

    def events(self) -> list[News]:
        own = EVENTS.c.account == self._account
        rows = self._rows(
            select(EVENTS).where(own, EVENTS.c.number > self.cursor.event).order_by(EVENTS.c.number)
        )
        if rows:
            self.cursor = replace(self.cursor, event=rows[-1]["number"])
        return [news_of_event(row) for row in rows if is_told(row)]

    def fills(self) -> list[News]:
        place = tuple_(INTENTS.c.bar, INTENTS.c.stage, INTENTS.c.sequence)
        own = INTENTS.c.account == self._account
        rows = self._rows(
            select(INTENTS).where(own, place > self.cursor.order).order_by(*place.clauses)
        )
        news = []
        for row in rows:
            if not IntentStatus(row["status"]).is_settled:
                break  # the next ones wait for it, too
            self.cursor = replace(self.cursor, order=(row["bar"], row["stage"], row["sequence"]))
            if row["filled"] and row["fill_price"] is not None:
                news.append(news_of_fill(row))
        return news

    def breakers(self) -> list[News]:
        news = []
        for row in self._marks(self.cursor.marked):
            self.cursor = replace(self.cursor, marked=row["bar"])
            if row["breaker"] != self.cursor.breaker:
                self.cursor = replace(self.cursor, breaker=row["breaker"])
                news.append(news_of_breaker(row["breaker"], moment_of(row["moment"])))
        return news[-1:]  # as it is now; what it was in between holds no more

    def switches(self) -> list[News]:
        """Tell who threw what, and of a switch of which nobody knows that, what it is now.

        Whoever is unknown is told of when the switch is: not again when the chain tells it.
        """
        own = (THROWS.c.account == self._account, THROWS.c.id > self.cursor.thrown)
        news: list[News] = []
        last = None  # moment of the last one that was told: one throw may set both
        for row in self._rows(select(THROWS).where(*own).order_by(THROWS.c.id)):
            if row["who"] or _switches(row) != self.cursor.switch or row["moment"] == last:
                news.append(news_of_throw(row))
                last = row["moment"]
            self.cursor = replace(self.cursor, thrown=row["id"], switch=_switches(row))
        for row in self._rows(select(SWITCHES).where(SWITCHES.c.account == self._account)):
            news += news_of_switch(self.cursor.switch, row)
            self.cursor = replace(self.cursor, switch=_switches(row))
        return news

    def days(self, now: datetime) -> list[News]:
        news = []
        rows = self._marks(self.cursor.summed)
        parts = [(day, list(part)) for day, part in groupby(rows, _day)]
        for i, (day, part) in enumerate(parts):
            is_over = i + 1 < len(parts) or day < now.date().isoformat()
            if not is_over:
                break
            first, last = part[0]["bar"], part[-1]["bar"]
            news.append(news_of_day(day, part, self._before(first), self._done(first, last)))
            self.cursor = replace(self.cursor, summed=last)
        return news

    def _marks(self, after: int) -> Sequence[RowMapping]:
        own = EQUITY.c.account == self._account
        return self._rows(select(EQUITY).where(own, EQUITY.c.bar > after).order_by(EQUITY.c.bar))

    def _before(self, bar: int) -> float:
        """Return the equity before a bar: at the mark before it, or the capital."""
        marks = self._of(EQUITY, EQUITY.c.equity, EQUITY.c.bar < bar).order_by(EQUITY.c.bar.desc())
        mark = self._connection.execute(marks).scalar()
        if mark is None:
            mark = self._connection.execute(self._of(ACCOUNTS, ACCOUNTS.c.capital)).scalar_one()
        return float(mark)

    def _done(self, first: int, last: int) -> tuple[int, float]:
        """Return how many round trips ended in some bars, and their profit."""
        done = TRADES.c.closed.between(first, last)
        query = self._of(TRADES, func.count(), done).add_columns(func.sum(TRADES.c.profit))
        count, profit = self._connection.execute(query).one()
        return int(count), float(profit or 0.0)

    def _of(self, table: Any, what: Any, *which: ColumnElement[bool]) -> Select[Any]:  # noqa: ANN401
        return select(what).where(table.c.account == self._account, *which)

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        rows = self._connection.execute(query.limit(MOST)).mappings().all()
        self.has_more = self.has_more or len(rows) == MOST
        return rows


def _switches(row: RowMapping) -> tuple[bool, bool]:
    return bool(row["is_halted"]), bool(row["must_stop"])


def _day(row: RowMapping) -> str:
    return moment_of(row["moment"]).date().isoformat()
