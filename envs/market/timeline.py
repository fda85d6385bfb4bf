"""Giving each bar the instant of its close, in UTC, and the number of its session."""

from typing import Literal

import numpy as np

from benbot.envs.arrays import TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.actions import keep_with_actions
from benbot.envs.market.calendar import NO_SESSION, Sessions
from benbot.envs.market.table import PriceTable

Stamp = Literal["start", "end"]
Hours = Literal["regular", "all"]


def local_days(table: PriceTable, is_daily: bool, sessions: Sessions) -> TimeArray:
    """Return the date of each bar where the exchange lives, datetime64[D]."""
    times = table.frame["time"]
    local = times if is_daily else times.dt.tz_convert(sessions.zone).dt.tz_localize(None)
    days: TimeArray = local.to_numpy().astype("datetime64[D]")
    return days


def place_days(table: PriceTable, sessions: Sessions) -> PriceTable:
    """Return daily bars with `time` as the close of their session, and its number."""
    number = sessions.of_days(table.frame["time"].to_numpy())
    table.refuse(
        number == NO_SESSION,
        f"the day must be a session of {sessions.calendar}, the exchange was closed. "
        "Remove the bar, or set calendar to the exchange of these symbols (24/7 has no holidays)",
    )
    return table.assign(time=sessions.closes[number], session=number)


def place_instants(
    table: PriceTable, sessions: Sessions, length: np.timedelta64, stamp: Stamp, hours: Hours
) -> tuple[PriceTable, tuple[str, ...]]:
    """Return bars within the day with `start`, `time` as their close and their session, and notes.

    length   of a bar, see `bar_length`
    stamp    whether a time in the file is the start or the end of its bar
    hours    "regular" leaves out what began before the opening or after the close
    """
    written = table.frame["time"].dt.tz_localize(None).to_numpy()
    start = written if stamp == "start" else written - length
    regular = sessions.of_times(start)
    inside = regular != NO_SESSION
    # The last bar of a session may be a short one.
    end = np.where(inside, np.minimum(start + length, sessions.closes[regular]), start + length)
    if hours == "all":
        number = np.where(inside, regular, sessions.of_days(local_days(table, False, sessions)))
        closed = f"the day must be a session of {sessions.calendar}. Remove the bar"
        table.refuse(number == NO_SESSION, closed)
        return table.assign(start=start, time=end, session=number), ()
    if not inside.any():
        raise BadMarketData(
            f"{table.paths[0]}: bars must lie in the regular hours of {sessions.calendar}, none "
            "does. Check timezone and stamp, or set hours: all"
        )
    left_out = int(np.count_nonzero(~inside))
    notes = (f"{left_out} bars outside regular hours left out",) if left_out else ()
    placed = table.assign(start=start, time=end, session=regular)
    table, moved = keep_with_actions(placed, inside)
    return table, notes + moved


def bar_length(table: PriceTable) -> np.timedelta64:
    """Return the most common step between two bars of a symbol."""
    steps = table.frame.groupby(["file", "symbol"], sort=False)["time"].diff()
    steps = steps[steps > np.timedelta64(0)]
    if steps.empty:
        raise BadMarketData(
            f"{table.paths[0]}: two bars of a symbol are needed to know how long a bar is, "
            "there is one of each"
        )
    return np.timedelta64(steps.mode().iloc[0].value, "ns")
