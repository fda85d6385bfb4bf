"""How long a bar is: as a configuration's market has it, and as Alpaca names it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from benbot.envs.errors import BadConfig
from benbot.envs.market.market import Market

NEW_YORK = ZoneInfo("America/New_York")
HALF_HOUR = 30  # minutes; Alpaca cuts bars at the full hour, a session begins half an hour later
DAYS_OF_WEEK = 7


class Session(NamedTuple):
    """When the regular hours of a day begin and end, UTC."""

    opens: datetime
    closes: datetime


class ScheduledBar(NamedTuple):
    """A bar that is to be: when it begins and ends, UTC, and the day in New York it belongs to."""

    begins: datetime
    ends: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A session, or so many `minutes` of one, counted from its opening."""

    minutes: int | None = None

    @property
    def name(self) -> str:
        """What Alpaca calls it."""
        return "1Day" if self.minutes is None else f"{self.minutes}Min"

    def bars(self, day: date, session: Session) -> Iterator[ScheduledBar]:
        """Yield the bars of a session; the last one ends with it."""
        begins = session.opens
        while begins < session.closes:
            length = session.closes - begins
            if self.minutes is not None:
                length = min(length, timedelta(minutes=self.minutes))
            yield ScheduledBar(begins, begins + length, day)
            begins += length

    def stamp(self, bar: ScheduledBar) -> datetime:
        """Return the time that Alpaca gives a bar: when it begins, of a day its midnight."""
        if self.minutes is None:
            return datetime.combine(bar.day, time(), NEW_YORK)
        return bar.begins


def timeframe_of(market: Market) -> Timeframe:
    """Return how long the bars of a market are; refuse what Alpaca has no such bars of."""
    days_of_week = np.unique(market.timestamps.astype("datetime64[D]").astype(np.int64) % 7)
    if days_of_week.size == DAYS_OF_WEEK:
        raise BadConfig(
            "bars at Alpaca must be of shares, which trade on weekdays, was a market that trades "
            "on all days of the week. Use a configuration of US shares"
        )
    steps = np.diff(market.timestamps)[np.diff(market.session) == 0]
    if not steps.size:
        return Timeframe()
    lengths, counts = np.unique(steps, return_counts=True)
    minutes = float(lengths[counts.argmax()] / np.timedelta64(1, "m"))
    if not (minutes >= 1.0 and HALF_HOUR % minutes == 0.0):
        raise BadConfig(
            f"bars at Alpaca must be days, or minutes of which {HALF_HOUR} is a multiple, because "
            f"it cuts them at the full hour and sessions begin at half past nine, was "
            f"{minutes:g} minutes. Use resample: 30min or shorter"
        )
    return Timeframe(int(minutes))
