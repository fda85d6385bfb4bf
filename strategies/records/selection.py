"""Which records a question is about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from sqlalchemy import Select, Table, select

from benbot.envs.errors import UnknownName
from benbot.strategies.records.moments import microseconds
from benbot.strategies.records.tables import DAYS, STRATEGIES


class Period(TypedDict, total=False):
    """A stretch of time, as keywords; `since` is included, `until` is not."""

    since: datetime | None
    until: datetime | None


class Where(Period, total=False):
    """Filters, as keywords."""

    strategy: str | None
    source: str | None
    stage: str | None
    regime: str | None
    symbol: str | None


@dataclass(frozen=True)
class Selection:
    """The same, checked; None is no filter."""

    strategy: str | None = None
    source: str | None = None
    stage: str | None = None
    regime: str | None = None
    symbol: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def whole(self) -> bool:
        """Whether it is about all of the time."""
        return self.since is None and self.until is None

    @property
    def named(self) -> set[str]:
        """Return the names that are filtered by."""
        names = ("strategy", "source", "stage", "regime", "symbol")
        return {name for name in names if getattr(self, name) is not None}

    def applied(self, query: Select[Any], table: Table, time: str | None) -> Select[Any]:
        """Return the query over a table of what strategies did, with these filters."""
        for name in sorted(self.named - {"strategy"}):
            if name not in table.c:
                raise UnknownName(f"{table.name} are not told apart by {name}; leave it out")
            query = query.where(table.c[name] == str(getattr(self, name)))
        if self.strategy is not None:
            one = select(STRATEGIES.c.id).where(STRATEGIES.c.name == str(self.strategy))
            query = query.where(table.c.strategy_id == one.scalar_subquery())
        if time is not None and self.since is not None:
            query = query.where(table.c[time] >= microseconds(self.since))
        if time is not None and self.until is not None:
            query = query.where(table.c[time] < microseconds(self.until))
        return query

    def applied_to_days(self, query: Select[Any]) -> Select[Any]:
        """Return the query over days, with these filters: sessions on the days of the stretch."""
        query = self.applied(query, DAYS, None)
        if self.since is not None:
            query = query.where(DAYS.c.session >= _day(self.since))
        if self.until is not None:
            query = query.where(DAYS.c.session < _day(self.until))
        return query


def _day(moment: datetime) -> str:
    """Return the day of a moment in UTC."""
    return moment.astimezone(UTC).date().isoformat()
