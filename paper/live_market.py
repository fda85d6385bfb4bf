"""A simulated market that goes on without an end, with quotes that move inside its bars.

Its bars are drawn (`paper.drawn`); inside a bar each symbol follows a path of its own from open to
close (`paper.price_path`). Shown of a bar that is on is what is quoted now, and nothing that comes
later. A market of closes has one price a bar, which is quoted through all of it: its orders fill
at the next close, as in training.

It is a `Playback` for the embedded broker, the source of quotes, and whoever knows the bars
(`paper.live_bars.LiveBars`).
"""

from datetime import datetime

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import ACTION
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.paper.drawn import DrawnMarket
from benbot.paper.hours import to_datetime, to_stamp
from benbot.paper.live_bars import BarOpening, BarTimes
from benbot.paper.price_path import paths_of, price_at
from benbot.paper.replay import Playback
from benbot.paper.venue import Clock
from benbot.strategies.records.moments import EPOCH

PATHS = 2  # what is drawn with a seed: see `paper.drawn.SESSIONS`


class LiveMarket(Playback):
    """A drawn market in motion."""

    name = "simulated"

    def __init__(self, drawn: DrawnMarket, rules: DeskRules, clock: Clock) -> None:
        super().__init__(drawn.market, rules, clock)
        self.identity = drawn.identity
        self.symbols = drawn.market.symbols
        self._drawn = drawn
        self._at = EPOCH
        self._known: tuple[int, Market] = (drawn.market.n_bars, drawn.market)
        self._paths: tuple[int, FloatArray] = (-1, np.zeros((0, 0)))
        self.show(drawn.market, drawn.hours)

    def now(self) -> datetime:
        now = super().now()
        self._drawn.reach_time(to_stamp(now))
        if self._drawn.market is not self.market:
            self.show(self._drawn.market, self._drawn.hours)
        self._at = now
        return now

    # Bars.

    def n_closed(self) -> int:
        stamp = to_stamp(self.now())
        return int(np.searchsorted(self.hours.ends, stamp, side="right"))

    def until(self, n_bars: int) -> Market:
        if not 1 <= n_bars <= self.n_closed():
            raise InvalidParameter(
                f"bars that have closed are known, the first {self.n_closed()}, was asked for "
                f"{n_bars}"
            )
        if self._known[0] != n_bars:
            self._known = n_bars, self.market.until(n_bars)
        return self._known[1]

    def times(self, t: int) -> BarTimes:
        self._reach(t)
        hours = self.hours
        return BarTimes(to_datetime(hours.starts[t]), to_datetime(hours.ends[t]))

    def time_of(self, moment: int) -> datetime:
        self._reach(moment // 2)
        return super().time_of(moment)

    def opening(self, t: int) -> BarOpening:
        self._reach(t)
        actions = np.zeros(self.market.n_symbols, ACTION)
        actions["split"], actions["dividend"] = self.market.split[t], self.market.dividend[t]
        return BarOpening(actions, int(self.market.session[t]))

    def _reach(self, t: int) -> None:
        if self._drawn.reach(t + 1):
            self.show(self._drawn.market, self._drawn.hours)

    # Prices inside a bar.

    def shown_bar(self, s: int, n_moments: int) -> int | None:
        """Return the last bar of which something of a symbol was shown after so many moments."""
        last = (n_moments - 1) // 2
        traded = np.flatnonzero(self.market.tradable[: max(last, -1) + 1, s])
        return int(traded[-1]) if traded.size else None

    def price(self, s: int, n_moments: int) -> float | None:
        """Return the price of a symbol after so many moments; inside a bar, as of now."""
        t = self.shown_bar(s, n_moments)
        if t is None:
            return None
        if n_moments >= 2 * t + 2:
            return float(self.bars[t, s]["close"])
        return price_at(self.path(t, s), self.share_of(t, self._at))

    def path(self, t: int, s: int) -> FloatArray:
        """Return the path of a symbol inside bar `t`, see `paper.price_path`."""
        if self._paths[0] != t:
            generator = np.random.default_rng([self._drawn.seed, PATHS, t])
            self._paths = t, paths_of(self.bars[t], generator)
        path: FloatArray = self._paths[1][s]
        return path

    def share_of(self, t: int, time: datetime) -> float:
        """Return how much of bar `t` has passed at a time, 0 to 1."""
        begins, ends = (to_datetime(each[t]) for each in (self.hours.starts, self.hours.ends))
        return min(max((time - begins) / (ends - begins), 0.0), 1.0)
