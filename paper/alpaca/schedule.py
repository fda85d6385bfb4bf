"""When the bars of a live market begin and end: the exchange's calendar, corrected by the venue.

Half days, holidays and changes of the clocks are those of `exchange_calendars`. What the venue's
own clock said otherwise of a day wins, and is kept with the bars.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np

from benbot.envs.market.calendar import load_sessions
from benbot.paper.alpaca.timeframe import NEW_YORK, ScheduledBar, Session, Timeframe
from benbot.strategies.records.moments import moment_at

CALENDAR = "XNYS"
DECADE = 10
DAY = timedelta(days=1)
LONGEST_BREAK = 31  # days in which there must be a session, or the calendar has ended


class Schedule:
    """The bars that are to be; `corrections` are sessions by day, None for a day without one."""

    def __init__(
        self, timeframe: Timeframe, corrections: Mapping[date, Session | None] | None = None
    ) -> None:
        self.timeframe = timeframe
        self._corrections = dict(corrections or {})

    def correct(self, day: date, session: Session | None) -> None:
        """Let a day have other hours from now on, or none."""
        self._corrections[day] = session

    def is_corrected(self, day: date) -> bool:
        """Return whether the venue said otherwise of a day."""
        return day in self._corrections

    def session(self, day: date) -> Session | None:
        """Return the hours of a day, None where it has none."""
        if day in self._corrections:
            return self._corrections[day]
        return _sessions(day.year // DECADE * DECADE).get(day)

    def session_at(self, now: datetime) -> tuple[date, Session] | None:
        """Return the day and the session in whose hours a time lies, None outside of all."""
        day = day_of(now)
        session = self.session(day)
        if session is None or not session.opens <= now < session.closes:
            return None
        return day, session

    def bars_from(self, moment: datetime) -> Iterator[ScheduledBar]:
        """Yield the bars that begin at a moment or later, in order; it ends with the calendar."""
        day, n_empty = day_of(moment), 0
        while n_empty < LONGEST_BREAK:
            bars = [bar for bar in self._bars(day) if bar.begins >= moment]
            yield from bars
            n_empty = 0 if bars else n_empty + 1
            day += DAY

    def last_bars(self, moment: datetime, n: int) -> list[ScheduledBar]:
        """Return the last `n` bars that had ended at a moment, in order."""
        found: list[ScheduledBar] = []
        day, n_empty = day_of(moment), 0
        while len(found) < n and n_empty < LONGEST_BREAK:
            bars = [bar for bar in self._bars(day) if bar.ends <= moment]
            found = bars + found
            n_empty = 0 if bars else n_empty + 1
            day -= DAY
        return found[-n:]

    def _bars(self, day: date) -> list[ScheduledBar]:
        session = self.session(day)
        return [] if session is None else list(self.timeframe.bars(day, session))


def day_of(now: datetime) -> date:
    """Return the day in New York."""
    return now.astimezone(NEW_YORK).date()


@cache
def _sessions(first: int) -> dict[date, Session]:
    """Return the sessions of ten years by day."""
    start, end = np.datetime64(f"{first}-01-01"), np.datetime64(f"{first + DECADE - 1}-12-31")
    found = load_sessions(CALENDAR, start, end)
    hours = (
        Session(moment_at(a), moment_at(b)) for a, b in zip(found.opens, found.closes, strict=True)
    )
    days = (day.item() for day in found.days)
    return {
        day: Session(*(time.astimezone(UTC) for time in session))
        for day, session in zip(days, hours, strict=True)
        if first <= day.year < first + DECADE
    }
