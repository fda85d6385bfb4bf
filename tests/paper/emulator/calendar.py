"""The emulator's virtual clock and its sessions: weekdays, 9:30 to 16:00 in New York."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPEN, CLOSE = time(9, 30), time(16)
SATURDAY = 5


@dataclass
class VirtualClock:
    """A clock that moves when it is told to."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Sessions:
    """When the exchange is open; `early` closes some days sooner, `closed` does not open others."""

    early: dict[date, time] = field(default_factory=dict)
    closed: set[date] = field(default_factory=set)

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """Return open and close of a day, None where it has none."""
        if day.weekday() >= SATURDAY or day in self.closed:
            return None
        close = self.early.get(day, CLOSE)
        return (
            datetime.combine(day, OPEN, NEW_YORK),
            datetime.combine(day, close, NEW_YORK),
        )

    def is_open(self, now: datetime) -> bool:
        session = self.on(now.astimezone(NEW_YORK).date())
        return session is not None and session[0] <= now < session[1]

    def next(self, now: datetime, i: int) -> datetime:
        """Return the next open (0) or close (1) after now."""
        day = now.astimezone(NEW_YORK).date()
        while True:
            session = self.on(day)
            if session is not None and session[i] > now:
                return session[i]
            day += timedelta(days=1)

    def as_json(self, now: datetime) -> Mapping[str, object]:
        return {
            "timestamp": now.astimezone(NEW_YORK).isoformat(),
            "is_open": self.is_open(now),
            "next_open": self.next(now, 0).isoformat(),
            "next_close": self.next(now, 1).isoformat(),
        }
