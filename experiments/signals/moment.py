"""Which bar a person means: by a day or a time, within one segment, where its symbol traded."""

from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.summary import iso_minute
from benbot.experiments.training.folds import SEGMENTS
from benbot.experiments.training.preparation import Prepared


class Moment(NamedTuple):
    """A bar at whose close decisions are made, and how many bars the day has that was named."""

    bar: int
    n_of_day: int = 1


def find_moment(prepared: Prepared, segment: str, when: str | None) -> Moment:
    """Return the bar of a segment that is meant; its last decision where nobody said.

    No decision is made at the last bar of a segment: it is only traded in. A day with several bars
    means the last of them.
    """
    span, market = prepared.span(segment), prepared.market
    if when is None:
        return Moment(span.last - 1)
    bars = _bars_of(market, when)
    inside = bars[(bars >= span.first) & (bars < span.last)]
    if not inside.size:
        raise InvalidParameter(
            f"date must be one at which {segment} decides, {written_bar(market, span.first)} to "
            f"{written_bar(market, span.last - 1)}, was {when}, {_place(prepared, int(bars[-1]))}"
        )
    return Moment(int(inside[-1]), bars.size)


def check_traded(market: Market, t: int, s: int) -> None:
    """Refuse a symbol that has no price at bar `t`, naming the nearest bars at which it has one."""
    if market.tradable[t, s]:
        return
    bars = np.flatnonzero(market.tradable[:, s])
    before, after = bars[bars < t][-1:], bars[bars > t][:1]
    near = [written_bar(market, int(bar)) for bar in (*before, *after)]
    raise InvalidParameter(
        f"the symbol must trade at the date, {market.symbols[s]} did not at "
        f"{written_bar(market, t)}; it did at {' and '.join(near) or 'none'}"
    )


def written_bar(market: Market, t: int) -> str:
    """Return when a bar closed: its day, and the time where days have several bars."""
    if is_daily(market):
        return str(market.days[t])
    return f"{iso_minute(market.timestamps[t])} UTC"


def several_bars(moment: Moment) -> str:
    """Say which bar was taken if the day that was named has several; nothing otherwise."""
    if moment.n_of_day == 1:
        return ""
    return f" {moment.n_of_day} bars closed that day; this is the last that is decided at."


def is_daily(market: Market) -> bool:
    """Return whether no session has more than one bar."""
    return bool((np.diff(market.session) > 0).all())


def _bars_of(market: Market, when: str) -> IntArray:
    """Return the bars of a day, or the one that closed at a time."""
    wanted, days = _parsed(when), market.days
    times = days if wanted.dtype == days.dtype else market.timestamps
    if not times[0] <= wanted <= times[-1]:
        raise InvalidParameter(
            f"date must lie within the market, {days[0]} to {days[-1]}, was {when}"
        )
    bars = np.flatnonzero(times == wanted)
    if not bars.size:
        after = int(np.searchsorted(times, wanted))
        raise InvalidParameter(
            f"date must be one with a bar, was {when}; the nearest are "
            f"{written_bar(market, after - 1)} and {written_bar(market, after)}"
        )
    return bars


def _parsed(when: str) -> np.datetime64:
    """Return a day in days, or a time in nanoseconds; one that names no zone is in UTC."""
    try:
        return np.datetime64(date.fromisoformat(when), "D")
    except ValueError:
        return np.datetime64(_time(when), "ns")


def _time(when: str) -> datetime:
    try:
        time = datetime.fromisoformat(when)
    except ValueError as error:
        raise InvalidParameter(
            f"date must be a day, as 2016-03-01, or a time in UTC, as 2016-03-01T14:45, was "
            f"{when!r}"
        ) from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def _place(prepared: Prepared, t: int) -> str:
    """Say in which segment a bar lies, and what to do about it."""
    for name in SEGMENTS:
        span: Span = prepared.spans[name]
        if t == span.last:
            return f"the last bar of {name}, which is only traded in"
        if span.first <= t < span.last:
            spent = "; who looks at test has no test any more" if name == "test" else ""
            return f"which lies in {name}. Say --segment {name}{spent}"
    return "which lies in none"
