"""When the sessions of a market will be: by an exchange's calendar, or as its days have been."""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.calendar import load_sessions
from benbot.envs.market.market import Market
from benbot.paper.hours import DAY, SESSION, hours_of

DAYS_A_SESSION = 3  # at most, over some weeks: weekends and holidays included
FEW_DAYS = 14  # that a holiday or two never fill
WEEKDAYS = 5


class Sessions(NamedTuple):
    """N sessions; datetime64[us], UTC."""

    opens: TimeArray
    closes: TimeArray


class Schedule:
    """The sessions after those of a market, and how long its bars are.

    With the name of a calendar of `exchange_calendars` there are holidays, early closes and
    daylight saving. Without one a session ends at the hour of the last one, on weekdays alone if
    the market knows no others.

    length   of a bar within a session; None: a session is one bar
    """

    def __init__(self, market: Market, calendar: str | None) -> None:
        self._calendar = calendar
        hours = hours_of(market)
        self._last = hours.closes[-1]
        days = hours.closes.astype("datetime64[D]").astype(np.int64)
        self._is_weekly = np.unique(days % 7).size <= WEEKDAYS
        self.length = _most_common(np.diff(hours.ends)[~hours.is_first[1:]])

    def after(self, close: np.datetime64 | None, n: int) -> Sessions:
        """Return the `n` sessions after a close; None: after those of the market."""
        close = self._last if close is None else close
        if self._calendar is None:
            return self._as_before(close, n)
        until = close + (n * DAYS_A_SESSION + FEW_DAYS) * DAY
        found = load_sessions(self._calendar, close, until)
        later = np.flatnonzero(found.opens >= close)[:n]
        if later.size < n:
            raise BadMarketData(
                f"calendar {self._calendar} must have {n} sessions after {close}, was {later.size}"
            )
        opens, closes = found.opens[later], found.closes[later]
        return Sessions(opens.astype("datetime64[us]"), closes.astype("datetime64[us]"))

    def _as_before(self, close: np.datetime64, n: int) -> Sessions:
        day = close.astype("datetime64[D]")
        number = np.arange(1, n + 1)
        days = np.busday_offset(day, number, roll="backward") if self._is_weekly else day + number
        closes = days + (close - day)
        return Sessions(closes - (SESSION if self._is_weekly else DAY), closes)


def bars_of_session(
    opens: np.datetime64, closes: np.datetime64, length: np.timedelta64
) -> TimeArray:
    """Return when the bars of a session end; the last one may be shorter."""
    n = -(-(closes - opens) // length)
    ends: TimeArray = opens + length * np.arange(1, n + 1)
    return np.minimum(ends, closes)


def _most_common(steps: AnyArray) -> np.timedelta64 | None:
    if not steps.size:
        return None
    lengths, counts = np.unique(steps, return_counts=True)
    return np.timedelta64(lengths[counts.argmax()])
