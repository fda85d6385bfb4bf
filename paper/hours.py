"""When each bar of a market began, and what happens when: opens and closes, in order of time.

A market says when its bars closed. A bar began when the one before it in its session closed; the
first of a session began one bar earlier, a day's only bar as much earlier as a session lasts.

moment   2 k is the opening of bar k, 2 k + 1 its close; where they are at one time, in this order
         the close of a bar and the opening of the next
times    datetime64[us], UTC
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from benbot.envs.arrays import BoolArray, TimeArray
from benbot.envs.market.market import CALENDAR_DAYS_PER_YEAR, Market

SESSION = np.timedelta64(390, "m")  # half past nine to four
DAY = np.timedelta64(1, "D")
NEVER = datetime(9999, 12, 31, tzinfo=UTC)  # when a market opens that has ended


@dataclass(frozen=True, eq=False)
class Hours:
    """The T bars of a market in time.

    starts     (T,)  when each bar began
    ends       (T,)  when it closed
    is_first   (T,)  whether it is the first of its session
    is_last    (T,)  whether it is the last
    """

    starts: TimeArray
    ends: TimeArray
    is_first: BoolArray
    is_last: BoolArray

    @cached_property
    def opens(self) -> TimeArray:
        """When each session begins, (N,)."""
        return self.starts[self.is_first]

    @cached_property
    def closes(self) -> TimeArray:
        """When each session ends, (N,)."""
        return self.ends[self.is_last]

    def n_moments(self, now: datetime) -> int:
        """Return how many openings and closes there were up to and at this time."""
        time = to_stamp(now)
        opened = np.searchsorted(self.starts, time, side="right")
        return int(opened + np.searchsorted(self.ends, time, side="right"))

    def time_of(self, moment: int) -> datetime:
        """Return when a moment is."""
        return to_datetime((self.ends if moment % 2 else self.starts)[moment // 2])

    def is_open(self, now: datetime) -> bool:
        """Return whether a session has begun and not ended."""
        time = to_stamp(now)
        begun = np.searchsorted(self.opens, time, side="right")
        return bool(begun > np.searchsorted(self.closes, time, side="right"))

    def next_open(self, now: datetime) -> datetime:
        """Return when the next session begins, NEVER after the last."""
        return _next(self.opens, now)

    def next_close(self, now: datetime) -> datetime:
        """Return when this session ends, or else the next one; NEVER after the last."""
        return _next(self.closes, now)


def hours_of(market: Market) -> Hours:
    """Return when the bars of a market began and ended."""
    ends = market.timestamps.astype("datetime64[us]")
    is_first = np.diff(market.session, prepend=market.session[0] - 1) != 0
    before = np.concatenate([ends[:1] - DAY, ends[:-1]])
    starts = np.where(is_first, np.maximum(before, ends - _length(market, ends, is_first)), before)
    is_last = np.append(is_first[1:], True)
    return Hours(starts, ends, is_first, is_last)


def to_stamp(time: datetime) -> np.datetime64:
    """Return a time with a zone as numpy writes it: in UTC, without saying so."""
    return np.datetime64(time.astimezone(UTC).replace(tzinfo=None), "us")


def to_datetime(stamp: np.datetime64) -> datetime:
    """Return a numpy time as one that says that it is in UTC."""
    plain: datetime = stamp.astype("datetime64[us]").item()
    return plain.replace(tzinfo=UTC)


def _length(market: Market, ends: TimeArray, is_first: BoolArray) -> np.timedelta64:
    steps = np.diff(ends)[~is_first[1:]]
    if steps.size:
        lengths, counts = np.unique(steps, return_counts=True)
        return np.timedelta64(lengths[counts.argmax()])
    never_closed = market.n_bars > 1 and market.bars_per_year == CALENDAR_DAYS_PER_YEAR
    return DAY if never_closed else SESSION


def _next(times: TimeArray, now: datetime) -> datetime:
    i = int(np.searchsorted(times, to_stamp(now), side="right"))
    return to_datetime(times[i]) if i < times.size else NEVER
