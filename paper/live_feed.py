"""How a live market becomes known to the trader: bars from whoever knows them, prices from quotes.

    board = QuoteBoard(sources, QuoteLimits(), clock)
    feed = LiveFeed(bars, board, clock, Looks())
    trader = Trader(setting, store, feed, outbox)        # with setting.conditions = False

`bars` (`paper.live_bars.LiveBars`) says when a bar begins and ends and what it was once it has
closed; between the two nobody knows more of it than what is quoted. `clock` is the market's, and
the one by which the board tells how old a quote is. A bar in four moments:

opening   once it has begun and every symbol has a good quote, or after some patience: the mid of
          what is good. What is not good may be left at the last price that is believed and is
          marked as doubtful, so that nothing is opened there
seen      the prices that are believed at this look: an exit may act on one whose quote is old or
          doubtful, which is the last good one. Looks are what moves trailing stops
ending    the same shortly before the close, so that the last exits of the bar can still fill
closed    when `bars` has it

A bar that passed while nobody looked is told from the closed one: it opened at its open, and of its
range nothing is known but the close. It is past, so that no order of it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.paper.live_bars import LiveBars
from benbot.paper.quote_board import QuoteBoard
from benbot.paper.reel import Opening, opening_of
from benbot.paper.venue import Clock
from benbot.strategies.records.moments import microseconds

NO_BAR = -1
NOTHING = timedelta(0)
PATIENT_SHARE = 0.25  # of a bar, for which its opening waits at most


@dataclass(frozen=True, slots=True)
class Looks:
    """When quotes are looked at, in the time of the feed's clock.

    apart      least time between two readings of the quotes
    patience   how long after its beginning a bar waits for quotes that are not good yet; at most a
               quarter of the bar
    ending     how long before its close the last exits of a bar are sent: longer than a cycle of
               the loop, or a bar may close between two of them
    """

    apart: timedelta = timedelta(seconds=1)
    patience: timedelta = timedelta(seconds=60)
    ending: timedelta = timedelta(seconds=45)

    def __post_init__(self) -> None:
        for name in ("apart", "patience", "ending"):
            if not getattr(self, name) >= NOTHING:
                raise InvalidParameter(f"{name} must not be negative, was {getattr(self, name)}")


class LiveFeed:
    """A market that goes on, as the trader sees it (`paper.feed.Feed`)."""

    def __init__(
        self, bars: LiveBars, board: QuoteBoard, clock: Clock, looks: Looks | None = None
    ) -> None:
        self._bars, self._board, self._clock = bars, board, clock
        self._looks = looks or Looks()
        n_symbols = len(bars.symbols)
        self._prices: FloatArray = np.full(n_symbols, np.nan)
        self._is_fresh: BoolArray = np.ones(n_symbols, np.bool_)
        self._was_fresh: BoolArray = np.zeros(n_symbols, np.bool_)  # at any time in this bar
        self._bar = NO_BAR  # whose quotes are read
        self._read_at: datetime | None = None
        self._is_new = False  # whether what was read last has not been told yet

    def last_closed(self) -> int:
        return self._bars.n_closed() - 1

    def opening(self, t: int) -> Opening | None:
        if self._bars.n_closed() > t:
            return self._passed_opening(t)
        times, now = self._bars.times(t), self._clock()
        if not times.begins <= now < times.ends:
            return None
        self._read(t, now)
        patience = min(self._looks.patience, PATIENT_SHARE * (times.ends - times.begins))
        if now < times.begins + patience and not self._is_fresh.all():
            return None
        doubtful = tuple(np.flatnonzero(~self._is_fresh).tolist())
        return replace(self._opened(t, self._believed(t)), doubtful=doubtful)

    def seen(self, t: int) -> Opening | None:
        times, now = self._bars.times(t), self._clock()
        if not times.begins <= now < times.ends:
            return None
        self._read(t, now)
        if not self._is_new:
            return None
        self._is_new = False
        return self._opened(t, self._prices)

    def ending(self, t: int) -> Opening | None:
        if self._bars.n_closed() > t:
            return self._passed_ending(t)
        times, now = self._bars.times(t), self._clock()
        if not max(times.begins, times.ends - self._looks.ending) <= now < times.ends:
            return None
        self._read(t, now)
        return self._opened(t, self._believed(t))

    def closed_at(self, t: int) -> int | None:
        if self._bars.n_closed() <= t:
            return None
        return microseconds(self._bars.times(t).ends)

    def is_past(self, t: int) -> bool:
        return self._clock() >= self._bars.times(t).ends

    def stale(self, symbols: Sequence[int]) -> int:
        """Return how many of these symbols had no good quote when quotes were read last."""
        return int(np.count_nonzero(~self._is_fresh[list(symbols)]))

    # What is quoted.

    def _read(self, t: int, now: datetime) -> None:
        """Read the quotes of bar `t`, unless that was done just now."""
        if t != self._bar:
            self._begin(t)
        if self._read_at is not None and NOTHING <= now - self._read_at < self._looks.apart:
            return
        readings = self._board.read(self._bars.symbols)
        inorder = [readings[symbol] for symbol in self._bars.symbols]
        prices = [np.nan if one.price is None else one.price for one in inorder]
        self._prices, self._read_at = np.array(prices), now
        self._is_fresh = np.array([one.may_enter for one in inorder])
        self._was_fresh = self._was_fresh | self._is_fresh
        self._is_new = True

    def _believed(self, t: int) -> FloatArray:
        """Return what was read, but NaN for what nobody quoted in this bar or traded before it."""
        is_gone = ~self._was_fresh & ~self._bars.until(t).tradable[-1]
        return np.where(is_gone, np.nan, self._prices)

    def _begin(self, t: int) -> None:
        """Let the board expect the last closes, after the splits and dividends of bar `t`."""
        self._bar, self._read_at = t, None
        self._was_fresh = np.zeros_like(self._was_fresh)
        actions = self._bars.opening(t).actions
        expected = _last_closes(self._bars.until(t)) / actions["split"] - actions["dividend"]
        for symbol, price in zip(self._bars.symbols, expected, strict=True):
            if price > 0.0:
                self._board.expect(symbol, float(price))

    # What has passed.

    def _passed_opening(self, t: int) -> Opening:
        self._is_fresh = np.ones_like(self._is_fresh)
        return self._opened(t, _traded(self._bars.until(t + 1), "open"))

    def _passed_ending(self, t: int) -> Opening:
        return self._opened(t, _traded(self._bars.until(t + 1), "close"))

    def _opened(self, t: int, prices: FloatArray) -> Opening:
        """Return bar `t` as one price of each symbol, of whose room nothing is known."""
        known = self._bars.opening(t)
        room = np.full(prices.size, np.inf)
        return opening_of(prices, room, known.actions, known.session)


def _traded(market: Market, name: str) -> FloatArray:
    """Return a price of the last bar as it was traded, (S,)."""
    price: FloatArray = getattr(market, name)[-1] * market.unadjusted[-1]
    return price


def _last_closes(market: Market) -> FloatArray:
    """Return the last close of each symbol as it was traded, (S,); NaN before its first."""
    last = market.n_bars - 1 - np.argmax(market.tradable[::-1], axis=0)
    columns = np.arange(market.n_symbols)
    closes: FloatArray = market.close[last, columns] * market.unadjusted[last, columns]
    return closes
