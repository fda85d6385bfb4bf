"""When an exchange was open: the sessions of a calendar by name, such as XNYS or 24/7.

All times are UTC, datetime64[ns]; days are datetime64[D] in the exchange's own time zone.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.arrays import IntArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.selection import check_known

if TYPE_CHECKING:
    import pandas as pd

NO_SESSION = -1
# A span of nothing but holidays still needs a session before it, and a day in UTC may already
# be the next one where the exchange lives.
DAYS_BEFORE, DAYS_AFTER = np.timedelta64(10, "D"), np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Sessions:
    """The N sessions of one calendar around a span, numbered 0 to N - 1.

    days    (N,)  date of each session
    opens   (N,)  when regular trading begins
    closes  (N,)  when regular trading ends; early closes are the early ones
    """

    calendar: str
    zone: str
    days: TimeArray
    opens: TimeArray
    closes: TimeArray

    def of_days(self, days: TimeArray) -> IntArray:
        """Number the session of each day, NO_SESSION where the exchange was closed."""
        days = days.astype("datetime64[D]")
        found = np.searchsorted(self.days, days).clip(max=self.days.size - 1)
        number: IntArray = np.where(self.days[found] == days, found, NO_SESSION)
        return number

    def of_times(self, times: TimeArray) -> IntArray:
        """Number the session in whose regular hours [open, close) each time lies."""
        begun = np.searchsorted(self.opens, times, side="right") - 1
        inside = (begun >= 0) & (times < self.closes[begun.clip(min=0)])
        number: IntArray = np.where(inside, begun, NO_SESSION)
        return number


def load_sessions(calendar: str, first: np.datetime64, last: np.datetime64) -> Sessions:
    """Return the sessions of a calendar from a little before `first` to a little after `last`.

    Costs about a quarter of a second for XNYS, whatever the span; the same span again is free.
    """
    import exchange_calendars

    check_known("calendar", [calendar], exchange_calendars.get_calendar_names())
    start = first.astype("datetime64[D]") - DAYS_BEFORE
    end = last.astype("datetime64[D]") + DAYS_AFTER
    try:
        exchange = exchange_calendars.get_calendar(calendar, start=str(start), end=str(end))
    except ValueError as error:
        raise BadMarketData(f"calendar {calendar} must cover {start} to {end}: {error}") from error
    return Sessions(
        calendar=calendar,
        zone=str(exchange.tz),
        days=exchange.sessions.to_numpy().astype("datetime64[D]"),
        opens=_utc(exchange.opens),
        closes=_utc(exchange.closes),
    )


def _utc(times: "pd.Series[pd.Timestamp]") -> TimeArray:
    return times.dt.tz_convert(None).to_numpy().astype("datetime64[ns]")


def check_bars_per_day(days: TimeArray, declared: int, name: str) -> None:
    """Refuse days (T,) of more bars than were declared: a memory counted in days would be short."""
    day, n_bars = np.unique(days, return_counts=True)
    most = int(n_bars.max(initial=0))
    if most > declared:
        raise BadMarketData(
            f"{name} must be at least the bars of the fullest day, was {declared}, and "
            f"{day[n_bars.argmax()]} has {most}. Set it to {most} and what is counted in days to a "
            f"few, or use longer bars"
        )
