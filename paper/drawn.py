"""A market without an end: a history, and after it what is drawn from it with a seed, bar by bar.

What comes next is made of the moves of the history's sessions in blocks, as in the stationary
bootstrap (`envs.market.block_bootstrap`), of which every market has some; so one way serves all,
files and data sets as well as markets of a known process. It is drawn in chunks of sessions, each
with a generator of its own, so that what was drawn never changes when more is. A block ends with
its chunk.

News are known in a history only after a while: its first bars have none that anybody knows. Those
are not drawn, where enough others are left: what comes next has the news of the session that it is
drawn from, as every later bar of the history has.
"""

import numpy as np

from benbot.envs.arrays import IntArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.block_bootstrap import continued, stationary_blocks
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import NEWS_FEATURES
from benbot.paper.hours import Hours, hours_of
from benbot.paper.schedule import Schedule, Sessions, bars_of_session

BLOCK = 20.0  # sessions of a block, in the mean: about a month
CHUNK = 128  # sessions that are drawn at once
SESSIONS = 1  # the first number after a seed says what is drawn with it
LEAST = 2  # sessions of a history
LEAST_TOLD = 60  # sessions with news, or all are drawn, those without them, too


class DrawnMarket:
    """A history and its continuation, as far as it is drawn.

    market   all bars so far; the first `n_known` are the history
    hours    when they are
    first    session from which on they are drawn
    origin   (T,) of which bar of the history each one is; those of the history of themselves
    """

    def __init__(self, history: Market, calendar: str | None, seed: int) -> None:
        if seed < 0:
            raise InvalidParameter(f"a market's seed must not be negative, was {seed}")
        self._history, self.seed = history, seed
        self.market, self.hours = history, hours_of(history)
        self.n_known = history.n_bars
        self._schedule = Schedule(history, calendar)
        self._begins = np.flatnonzero(self.hours.is_first)
        self._lengths = np.diff(self._begins, append=history.n_bars)
        if self._begins.size < LEAST:
            raise InvalidParameter(
                f"a market is drawn on from at least {LEAST} sessions, was {self._begins.size}"
            )
        self.origin: IntArray = np.arange(history.n_bars)
        self._n_chunks = 0
        self.first = first_drawn(history, self._begins)
        self.identity = f"market {history.digest} drawn on from seed {seed}{_since(self.first)}"

    def reach(self, n_bars: int) -> bool:
        """Draw until there are that many bars; say whether any was missing."""
        n = self.market.n_bars
        while self.market.n_bars < n_bars:
            self._draw()
        return self.market.n_bars > n

    def reach_time(self, time: np.datetime64) -> bool:
        """Draw until there are sessions after this time; say whether any was missing."""
        n = self.market.n_bars
        while self.hours.opens[-2] <= time:
            self._draw()
        return self.market.n_bars > n

    def _draw(self) -> None:
        generator = np.random.default_rng([self.seed, SESSIONS, self._n_chunks])
        n_sources = self._begins.size - self.first
        is_first = self._n_chunks == 0
        close = None if is_first else self.hours.closes[-1]
        hours, number = self._hours(self._schedule.after(close, CHUNK))
        counts = np.bincount(number)
        block = min(BLOCK, float(n_sources))
        rounds = range(-(-CHUNK // n_sources))
        blocks = [stationary_blocks(n_sources, block, generator) for _ in rounds]
        drawn = self.first + np.concatenate(blocks)[:CHUNK]
        lengths = self._lengths[self.first :]
        for i in np.flatnonzero(self._lengths[drawn] < counts):
            drawn[i] = generator.choice(self.first + np.flatnonzero(lengths >= counts[i]))
        within = np.arange(number.size) - np.repeat(np.cumsum(counts) - counts, counts)
        bars: IntArray = np.repeat(self._begins[drawn], counts) + within
        times = hours.ends.astype("datetime64[ns]"), self.market.session[-1] + 1 + number
        self.market = continued(self._history, bars, self.market, times)
        self.hours = _joined(self.hours, hours)
        self.origin = np.concatenate([self.origin, bars])
        self._n_chunks += 1

    def _hours(self, sessions: Sessions) -> tuple[Hours, IntArray]:
        """Return the hours of new sessions, and the number of each of their bars' session."""
        most = int(self._lengths[self.first :].max())
        parts = [self._ends(*each)[:most] for each in zip(*sessions, strict=True)]
        counts = [len(part) for part in parts]
        number: IntArray = np.repeat(np.arange(len(parts)), counts)
        ends: TimeArray = np.concatenate(parts)
        is_first = np.diff(number, prepend=-1) != 0
        starts = np.concatenate([ends[:1], ends[:-1]])
        starts[is_first] = sessions.opens
        return Hours(starts, ends, is_first, np.append(is_first[1:], True)), number

    def _ends(self, opens: np.datetime64, closes: np.datetime64) -> TimeArray:
        if self._schedule.length is None:
            return np.array([closes])
        return bars_of_session(opens, closes, self._schedule.length)


def first_drawn(history: Market, begins: IntArray) -> int:
    """Return the first session that is drawn: the first of all moves from nowhere.

    begins   (N,) first bar of each session
    """
    features = [history.features[name] for name in NEWS_FEATURES if name in history.features]
    if not features:
        return 1
    is_known = np.logical_and.reduce([np.isfinite(each).any(axis=1) for each in features])
    is_told = np.logical_and.reduceat(is_known, begins)
    first = max(1, int(is_told.argmax()))
    return first if is_told.any() and is_told.size - first >= LEAST_TOLD else 1


def market_drawn(history: Market, seed: int) -> str:
    """Return what an account notes of the market that is drawn from a history."""
    begins = np.flatnonzero(hours_of(history).is_first)
    return f"{history.digest}, drawn on from seed {seed}{_since(first_drawn(history, begins))}"


def _since(first: int) -> str:
    return f", sessions from {first} on" if first > 1 else ""


def _joined(first: Hours, second: Hours) -> Hours:
    names = ("starts", "ends", "is_first", "is_last")
    return Hours(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))
