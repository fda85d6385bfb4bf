"""Which records a question is about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from sqlalchemy import Select, Table

from benbot.strategies.records.moments import microseconds
from benbot.strategies.records.tables import DAYS, STRATEGIES


class Where(TypedDict, total=False):
    """Filters, as keywords; `since` is included, `until` is not."""

    strategy: str | None
    source: str | None
    stage: str | None
    regime: str | None
    symbol: str | None
    since: datetime | None
    until: datetime | None


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
        """Return the query over a table joined to strategies, with these filters."""
        for name in sorted(self.named):
            column = STRATEGIES.c.name if name == "strategy" else table.c[name]
            query = query.where(column == str(getattr(self, name)))
        if time is not None and self.since is not None:
            query = query.where(table.c[time] >= microseconds(self.since))
        if time is not None and self.until is not None:
            query = query.where(table.c[time] < microseconds(self.until))
        return query

    def applied_to_days(self, query: Select[Any]) -> Select[Any]:
        """Return the query over days joined to strategies: sessions on the days of the stretch."""
        query = self.applied(query, DAYS, None)
        if self.since is not None:
            query = query.where(DAYS.c.session >= _day(self.since))
        if self.until is not None:
            query = query.where(DAYS.c.session < _day(self.until))
        return query


def _day(moment: datetime) -> str:
    """Return the day of a moment in UTC."""
    return moment.astimezone(UTC).date().isoformat()
