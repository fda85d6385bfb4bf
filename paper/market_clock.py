"""The time of a simulated market beside the time of this machine.

Either the market's time passes as ours does, or each of its bars lasts so many seconds of ours and
nobody waits for the hours in which it is closed. It goes on while nobody trades: when it began is
kept with the account, so that whoever starts again finds it where it has come to.
"""

from datetime import datetime, timedelta

from benbot.envs.errors import InvalidParameter
from benbot.paper.boundary import time_of
from benbot.paper.drawn import DrawnMarket
from benbot.paper.hours import to_datetime
from benbot.paper.live_bars import BarTimes
from benbot.paper.venue import Clock

NOTHING = timedelta(0)


class MarketClock:
    """The market's time as of the last tick; between two ticks the market stands still.

    So all that a cycle does happens at one time, however long it takes. It never goes back, even
    where the machine's clock does. Before it begins it stands where the first drawn bar begins.
    """

    def __init__(self, drawn: DrawnMarket, bar_seconds: float | None, machine: Clock) -> None:
        """`bar_seconds` is what a bar lasts on this machine; None: as long as in the market."""
        if bar_seconds is not None and not 0.0 < bar_seconds < float("inf"):
            raise InvalidParameter(f"a bar must last more than 0 seconds, was {bar_seconds}")
        self._drawn, self._bar_seconds, self._machine = drawn, bar_seconds, machine
        self._begun: datetime | None = None
        self._now = self.bar(drawn.n_known).begins

    def __call__(self) -> datetime:
        return self._now

    def begin(self, begun: datetime | None = None) -> datetime:
        """Let the first bar that is drawn begin at a time of the machine, or now; return that."""
        self._begun = time_of(self._machine() if begun is None else begun, "begun")
        self.tick()
        return self._begun

    def tick(self) -> None:
        """Let the market's time come to what it is."""
        self._now = max(self._now, self._market_time())

    def move(self, now: datetime) -> None:
        """Move on to a time, to which the machine's clock will come later."""
        self._now = max(self._now, now)

    @property
    def speed(self) -> float:
        """How many times as fast as ours its time passes, while its first bar is on."""
        if self._bar_seconds is None:
            return 1.0
        first = self.bar(self._drawn.n_known)
        return (first.ends - first.begins).total_seconds() / self._bar_seconds

    def bar(self, t: int) -> BarTimes:
        """Return when a bar begins and ends in the market."""
        self._drawn.reach(t + 1)
        hours = self._drawn.hours
        return BarTimes(to_datetime(hours.starts[t]), to_datetime(hours.ends[t]))

    def _market_time(self) -> datetime:
        if self._begun is None:
            return self._now
        first = self._drawn.n_known
        passed = max(time_of(self._machine(), "the machine's time") - self._begun, NOTHING)
        if self._bar_seconds is None:
            return self.bar(first).begins + passed
        n_bars, rest = divmod(passed, timedelta(seconds=self._bar_seconds))
        times = self.bar(first + n_bars)
        return times.begins + (times.ends - times.begins) * (
            rest.total_seconds() / self._bar_seconds
        )
