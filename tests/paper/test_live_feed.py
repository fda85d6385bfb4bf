"""A live market as the trader sees it: what is quoted inside a bar, what is told of the past."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.tape import ACTION
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.live_bars import BarOpening, BarTimes
from benbot.paper.live_feed import LiveFeed, Looks
from benbot.paper.quote_board import QuoteBoard, QuoteLimits
from benbot.paper.quotes import Quote
from benbot.strategies.records.moments import microseconds
from tests.paper.emulator.calendar import VirtualClock
from tests.paper.scenes import HALF_HOUR, MINUTE, market_of, step_times

TIMES = step_times(13)
STORY = market_of(TIMES)  # FLAT 50, UP 100 + k, DOWN 100 - k / 2
SYMBOLS = STORY.symbols
NOW = 5  # the bar that is on: its prices are 50, 105, 97.5, and of the one before 50, 104, 98


class Told:
    """Bars as a test tells them, closed up to its clock."""

    symbols = SYMBOLS

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.market = STORY
        self.delay = timedelta(0)  # by which a bar is known after its close
        self.actions = np.zeros(len(SYMBOLS), ACTION)
        self.actions["split"] = 1.0

    def n_closed(self) -> int:
        return sum(end + self.delay <= self._clock.now for _, end in TIMES)

    def until(self, n_bars: int) -> Market:
        assert n_bars <= self.n_closed()
        return self.market.until(n_bars)

    def times(self, t: int) -> BarTimes:
        return BarTimes(*TIMES[t])

    def opening(self, t: int) -> BarOpening:
        return BarOpening(self.actions, int(STORY.session[t]))


class Scene:
    """A feed, its clock, and what is quoted."""

    name = "scene"

    def __init__(self, **looks: timedelta) -> None:
        self.clock = VirtualClock(TIMES[NOW][0] + MINUTE)
        self.bars = Told(self.clock)
        self.shown: dict[str, Quote] = {}
        self.board = QuoteBoard([self], QuoteLimits(), self.clock)
        self.feed = LiveFeed(self.bars, self.board, self.clock, Looks(**looks))

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {symbol: self.shown[symbol] for symbol in symbols if symbol in self.shown}

    def quote(self, *mids: float, old: float = 0.0) -> None:
        """Quote each symbol a cent wide, half a minute later; NaN: it is not quoted anew."""
        self.clock.advance(seconds=30.0)
        time = self.clock.now - timedelta(seconds=old)
        for symbol, mid in zip(SYMBOLS, mids, strict=True):
            if mid > 0.0:
                self.shown[symbol] = Quote(symbol, mid - 0.01, mid + 0.01, time, self.name)


def prices(bars: FloatArray, name: str = "open") -> list[float]:
    return [round(float(price), 9) for price in bars[name]]


def test_a_bar_opens_at_the_mid_of_good_quotes() -> None:
    scene = Scene()
    scene.quote(50.0, 105.0, 97.5)
    opening = scene.feed.opening(NOW)
    assert opening is not None
    assert prices(opening.bars) == prices(opening.bars, "close") == [50.0, 105.0, 97.5]
    assert np.isinf(opening.bars["room"]).all()
    assert opening.session == STORY.session[NOW]
    assert opening.doubtful == ()
    assert scene.feed.stale([0, 1, 2]) == 0


def test_before_it_begins_nothing_is_known_of_a_bar() -> None:
    scene = Scene()
    scene.quote(50.0, 105.0, 97.5)
    for t in (NOW + 1, NOW + 7):
        assert scene.feed.opening(t) is None
        assert scene.feed.seen(t) is None
        assert scene.feed.ending(t) is None
        assert scene.feed.closed_at(t) is None
        assert not scene.feed.is_past(t)


def test_an_opening_waits_for_quotes_a_while_and_leaves_out_what_has_none() -> None:
    scene = Scene(patience=timedelta(minutes=3))
    scene.bars.market = without(STORY, 2, NOW - 1)
    scene.quote(50.0, 105.0, float("nan"))  # a minute and a half into the bar
    assert scene.feed.opening(NOW) is None
    assert scene.feed.stale([0, 2]) == 1
    scene.quote(50.0, 105.0, float("nan"))
    assert scene.feed.opening(NOW) is None
    scene.quote(50.0, 106.0, float("nan"))
    scene.quote(50.0, 106.0, float("nan"))
    opening = scene.feed.opening(NOW)
    assert opening is not None
    np.testing.assert_array_equal(opening.bars["open"], [50.0, 106.0, np.nan])
    assert opening.doubtful == (2,)
    assert scene.feed.stale([0, 1]) == 0
    assert scene.feed.stale([0, 1, 2]) == 1


@pytest.mark.parametrize(
    "wrong", [{"old": 61.0}, {"mid": 140.0}], ids=["too old", "too far from the last close"]
)
def test_what_is_quoted_wrongly_opens_nothing_and_may_be_left_at_its_last_price(
    wrong: dict[str, float],
) -> None:
    scene = Scene(patience=timedelta(0))
    scene.quote(50.0, wrong.get("mid", 105.0), 97.5, old=wrong.get("old", 0.0))
    opening = scene.feed.opening(NOW)
    assert opening is not None
    assert 1 in opening.doubtful
    assert prices(opening.bars)[1] == 104.0
    seen = (scene.quote(50.0, float("nan"), 97.5), scene.feed.seen(NOW))[1]
    assert seen is not None
    assert prices(seen.bars, "close") == [50.0, 104.0, 97.5]  # the last close


def test_what_is_seen_is_told_once() -> None:
    scene = Scene()
    scene.quote(50.0, 105.0, 97.5)
    scene.feed.opening(NOW)
    seen = scene.feed.seen(NOW)  # at which what was filled is marked
    assert seen is not None
    assert prices(seen.bars, "close") == [50.0, 105.0, 97.5]
    assert scene.feed.seen(NOW) is None  # nothing since it opened
    scene.quote(50.5, 104.0, 97.5)
    seen = scene.feed.seen(NOW)
    assert seen is not None
    for name in ("open", "high", "low", "close"):
        assert prices(seen.bars, name) == [50.5, 104.0, 97.5]
    assert scene.feed.seen(NOW) is None


def test_a_bar_ends_a_little_before_its_close() -> None:
    scene = Scene(ending=timedelta(minutes=2))
    scene.quote(50.0, 105.0, 97.5)
    scene.feed.opening(NOW)
    assert scene.feed.ending(NOW) is None
    scene.clock.now = TIMES[NOW][1] - timedelta(minutes=2)
    scene.quote(50.0, 107.0, 97.0)
    ending = scene.feed.ending(NOW)
    assert ending is not None
    assert prices(ending.bars, "close") == [50.0, 107.0, 97.0]
    assert not scene.feed.is_past(NOW)
    again = scene.feed.ending(NOW)
    assert again is not None
    assert prices(again.bars, "low") == [50.0, 107.0, 97.0]


def test_a_bar_is_over_at_its_close_and_known_when_its_source_has_it() -> None:
    scene = Scene()
    scene.bars.delay = timedelta(seconds=20)
    scene.clock.now = TIMES[NOW][1] + timedelta(seconds=10)
    feed = scene.feed
    assert feed.is_past(NOW)
    assert (feed.closed_at(NOW), feed.opening(NOW), feed.ending(NOW)) == (None, None, None)
    assert feed.seen(NOW) is None
    assert feed.last_closed() == NOW - 1
    scene.clock.advance(seconds=10.0)
    assert feed.last_closed() == NOW
    assert feed.closed_at(NOW) == microseconds(TIMES[NOW][1])


def test_a_bar_that_passed_unwatched_is_told_by_its_open_and_its_close() -> None:
    scene = Scene()
    opened = np.array(STORY.open)
    opened[NOW] -= 0.25
    prices_of = {"open": opened, "close": STORY.close, "high": STORY.high + 9.0}
    prices_of["low"] = np.minimum(opened, STORY.low) - 9.0
    scene.bars.market = market_from_prices(
        STORY.timestamps, SYMBOLS, prices_of, session=STORY.session
    )
    scene.clock.now = TIMES[NOW + 3][0]
    opening, ending = scene.feed.opening(NOW), scene.feed.ending(NOW)
    assert opening is not None
    assert ending is not None
    assert prices(opening.bars) == [49.75, 104.75, 97.25]
    for name in ("open", "high", "low", "close"):
        assert prices(ending.bars, name) == [50.0, 105.0, 97.5]
    assert scene.feed.is_past(NOW)
    assert scene.feed.stale([0, 1, 2]) == 0


def test_a_split_is_expected_by_who_reads_quotes() -> None:
    scene = Scene(patience=timedelta(0))
    scene.bars.actions["split"][1] = 4.0
    scene.bars.actions["dividend"][1] = 1.0
    scene.quote(50.0, 25.0, 97.5)  # 104 / 4 - 1
    opening = scene.feed.opening(NOW)
    assert opening is not None
    assert opening.has_action
    assert prices(opening.bars) == [50.0, 25.0, 97.5]


def test_what_is_neither_quoted_nor_traded_any_more_has_no_price_when_a_bar_ends() -> None:
    scene = Scene(ending=HALF_HOUR, patience=timedelta(0))
    nan = float("nan")
    scene.quote(50.0, nan, 97.5)
    ending = scene.feed.ending(NOW)
    assert ending is not None
    assert prices(ending.bars, "close") == [50.0, 104.0, 97.5]  # its source had it in the last bar
    scene = Scene(ending=HALF_HOUR, patience=timedelta(0))
    scene.bars.market = without(STORY, 1, NOW - 1)
    scene.quote(50.0, nan, 97.5)
    ending = scene.feed.ending(NOW)
    assert ending is not None
    np.testing.assert_array_equal(ending.bars["close"], [50.0, nan, 97.5])


def without(market: Market, s: int, t: int) -> Market:
    changed = {}
    for name in ("open", "high", "low", "close"):
        changed[name] = np.array(getattr(market, name))
        changed[name][t, s] = np.nan
    return market_from_prices(market.timestamps, market.symbols, changed, session=market.session)


def test_quotes_are_not_asked_for_again_within_a_moment() -> None:
    scene = Scene(patience=timedelta(0))
    scene.quote(50.0, 105.0, 97.5)
    scene.feed.opening(NOW)
    n_read = sum(scene.board.counts.values())
    scene.feed.seen(NOW)
    scene.clock.advance(seconds=0.5)
    scene.feed.seen(NOW)
    assert sum(scene.board.counts.values()) == n_read
    scene.clock.advance(seconds=0.5)
    scene.feed.seen(NOW)
    assert sum(scene.board.counts.values()) == 2 * n_read


def test_looks_in_the_past_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="ending must not be negative, was -1 day"):
        Looks(ending=timedelta(days=-1))
