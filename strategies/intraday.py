"""What rules within the day share: where a session begins, what was usual, and the way out.

A rule knows only closed bars, so it cannot tell from the market when a session will end. It is told
how long a regular one is. On a day with an early close it therefore does not leave by itself.

N bars of one symbol, J sessions in which it traded, both in order.
"""

from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, frozen
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.strategies.base import STILL, Strategy, parameter

MINUTE = np.timedelta64(1, "m")


class OwnSessions(NamedTuple):
    """The sessions of one symbol, by its own bars.

    rows    (N,)  where each bar is in the market
    number  (N,)  which of the J sessions it belongs to
    first   (J,)  first bar of each session, as an index of `rows`; so is `last`
    last    (J,)
    """

    rows: IntArray
    number: IntArray
    first: IntArray
    last: IntArray

    def before(self, sessions: int) -> IntArray:
        """Return for each bar the last bar of `sessions` + 1 sessions ago, -1 where there is none.

        What is made of the present session and `sessions` earlier ones, and of the close before
        them, needs this bar and no earlier one.
        """
        wanted = self.number - sessions - 1
        return np.where(wanted >= 0, self.last[np.maximum(wanted, 0)], -1)


_SESSIONS: WeakKeyDictionary[Market, dict[int, OwnSessions]] = WeakKeyDictionary()
WITHOUT_GAPS = -1  # all symbols that trade at every bar have the same sessions


def own_sessions(market: Market, s: int) -> OwnSessions:
    """Return the sessions in which symbol `s` traded; remembered for as long as the market is."""
    known = _SESSIONS.setdefault(market, {})
    key = WITHOUT_GAPS if market.tradable[:, s].all() else s
    if key not in known:
        known[key] = OwnSessions(*map(frozen, _own_sessions(market, s)))
    return known[key]


def _own_sessions(market: Market, s: int) -> OwnSessions:
    rows = np.flatnonzero(market.tradable[:, s])
    session = market.session[rows]
    begins = np.diff(session, prepend=session[:1] - 1) != 0
    first = np.flatnonzero(begins)
    return OwnSessions(rows, begins.cumsum() - 1, first, np.append(first, rows.size)[1:] - 1)


@dataclass(frozen=True, kw_only=True)
class Intraday(Strategy):
    """A rule about single sessions, which ends what it opened shortly before their regular close.

    It hears a bar only if everything that the rule needs lies within its declared memory, which is
    a number of sessions of `session_bars`. With bars shorter than `bar_minutes` a session has more
    of them, so later in the day it has no opinion rather than one it could not repeat.
    """

    bar_minutes: int = parameter(1, low=1, high=1440, meaning="length of a bar, in minutes")
    session_minutes: int = parameter(
        390, low=2, high=1440, meaning="length of a regular session, in minutes"
    )
    exit_minutes: int = parameter(
        5,
        low=0,
        high=390,
        meaning="minutes before the close at which positions end, a bar at least; 0: they stay",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("exit_minutes", "session_minutes")
        if not self.bar_minutes <= self.session_minutes:
            raise InvalidParameter(
                f"{self.rule} needs bar_minutes of at most session_minutes, was "
                f"bar_minutes={self.bar_minutes} session_minutes={self.session_minutes}"
            )

    @property
    def session_bars(self) -> int:
        """Most bars that a regular session has."""
        return -(-self.session_minutes // self.bar_minutes)

    @property
    def earlier_sessions(self) -> int:
        """Sessions before the present one that the evidence is made of."""
        return 0

    @property
    def lookback(self) -> int:
        return (self.earlier_sessions + 1) * self.session_bars

    def minutes(self, market: Market) -> IntArray:
        """Return how long the session had lasted at the close of each bar, (T,).

        A session begins with the first bar of any symbol: of one that nobody traded in its first
        minutes the count is late by as many.
        """
        first = np.searchsorted(market.session, market.session)
        since = market.timestamps - market.timestamps[first]
        minutes: IntArray = since // MINUTE + self.bar_minutes
        return minutes

    @property
    def last_minutes(self) -> int:
        """Minutes before the close from which on positions are ended.

        An order fills in the next bar, so it is given before the last bar begins.
        """
        return max(self.exit_minutes, self.bar_minutes)

    def is_closing(self, market: Market) -> BoolArray:
        """Return the bars at which positions end, (T,); none where a session is a single bar."""
        if self.session_bars == 1 or self.exit_minutes == 0:
            return np.zeros(market.n_bars, np.bool_)
        closing: BoolArray = self.minutes(market) >= self.session_minutes - self.last_minutes
        return closing

    def remembered(self, own: OwnSessions) -> BoolArray:
        """Return the bars of a symbol, (N,), for which the memory holds what they need."""
        start = own.before(self.earlier_sessions)
        held: BoolArray = (start >= 0) & (np.arange(start.size) - start <= self.lookback)
        return held

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        return super().opens(market, evidence) & ~self.is_closing(market)[:, np.newaxis]


def in_usual_sizes(values: FloatArray, sessions: int) -> FloatArray:
    """Return each session's value over the root mean square of those of the `sessions` before it.

    (J,) each; NaN where one of them is unknown.
    """
    answer: FloatArray = np.full(values.shape, np.nan)
    if values.size > sessions:
        earlier = np.lib.stride_tricks.sliding_window_view(values[:-1], sessions)
        usual = np.sqrt(np.mean(earlier**2, axis=1))
        answer[sessions:] = values[sessions:] / np.where(usual > STILL, usual, np.nan)
    return answer
