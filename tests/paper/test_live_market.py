"""A market that is drawn as it goes: its bars, its hours, its prices inside a bar, its broker."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.desk.tape import BAR
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.calendar import load_sessions
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.drawn import CHUNK, DrawnMarket
from benbot.paper.hours import to_datetime, to_stamp
from benbot.paper.live_market import LiveMarket
from benbot.paper.live_venue import LiveVenue
from benbot.paper.market_clock import MarketClock
from benbot.paper.price_path import KNOTS, N_PIECES, first_touch, paths_of, price_at
from benbot.paper.simulated import SimulatedAccount
from benbot.paper.venue import OrderStatus, TimeInForce
from tests.envs.market.test_block_bootstrap import eventful_market
from tests.paper.emulator.calendar import VirtualClock
from tests.paper.scenes import FREE, buy, limit, sell, stop

MINUTE = timedelta(minutes=1)
N_KNOWN = 130
CAPITAL = 1e7


def minutes_of(calendar: str, first: date, n: int, length: int) -> Market:
    """Return sessions of bars of so many minutes from a calendar, with a walk of two symbols."""
    found = load_sessions(calendar, np.datetime64(first), np.datetime64(first) + 3 * n)
    ends, numbers = [], []
    begins = int(np.searchsorted(found.days, np.datetime64(first)))
    for i in range(begins, begins + n):
        end = found.opens[i]
        while end < found.closes[i]:
            end = min(end + np.timedelta64(length, "m"), found.closes[i])
            ends.append(end)
            numbers.append(i)
    rng = np.random.default_rng(1)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.002, (len(ends), 2)), axis=0))
    opened = close * np.exp(rng.normal(0.0, 0.001, close.shape))
    prices = {"open": opened, "close": close, "volume": rng.uniform(1e5, 1e6, close.shape)}
    prices["high"] = np.maximum(opened, close) * 1.001
    prices["low"] = np.minimum(opened, close) * 0.999
    return market_from_prices(
        np.array(ends), ("A", "B"), prices, session=np.array(numbers, np.int64)
    )


@cache
def days() -> Market:
    """Return days of the American exchange until Christmas Eve of 2025."""
    source = eventful_market(n_bars=N_KNOWN)
    found = load_sessions("XNYS", np.datetime64("2025-06-01"), np.datetime64("2025-12-31"))
    last = int(np.searchsorted(found.days, np.datetime64("2025-12-24")))
    stamps = found.closes[last - N_KNOWN + 1 : last + 1]
    return replace(source, timestamps=stamps, session=np.arange(N_KNOWN))


@given(first=st.integers(1, 300), second=st.integers(1, 300), seed=st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_what_was_drawn_does_not_change_when_more_is(first: int, second: int, seed: int) -> None:
    short, long = (DrawnMarket(days(), "XNYS", seed) for _ in range(2))
    fewer, more = sorted((first, second))
    short.reach(N_KNOWN + fewer)
    for n in range(N_KNOWN, N_KNOWN + more + 1, 7):
        long.reach(n)
    long.reach(N_KNOWN + more)
    n = min(short.market.n_bars, long.market.n_bars)
    assert n >= N_KNOWN + fewer
    assert short.market.until(n).digest == long.market.until(n).digest
    np.testing.assert_array_equal(short.hours.starts[:n], long.hours.starts[:n])


def test_the_history_stays_what_it_was_and_another_seed_draws_another_future() -> None:
    drawn, other = (DrawnMarket(days(), "XNYS", seed) for seed in (0, 1))
    for each in (drawn, other):
        each.reach(N_KNOWN + 50)
        assert each.market.until(N_KNOWN).digest == days().digest
    assert (drawn.market.close[N_KNOWN:] != other.market.close[N_KNOWN:]).any()


def test_a_bar_that_is_drawn_moves_as_one_of_the_history_did() -> None:
    market = minutes_of("XNYS", date(2025, 3, 3), 5, 195)
    drawn = DrawnMarket(market, "XNYS", 0)
    drawn.reach(market.n_bars + 8)
    moves = {tuple(np.round(row, 9)) for row in market.close[1:] / market.close[:-1]}
    close = drawn.market.close[market.n_bars - 1 :]
    assert {tuple(np.round(row, 9)) for row in close[1:] / close[:-1]} <= moves
    shapes = {tuple(np.round(row, 9)) for row in (market.high / market.close)}
    new = (drawn.market.high / drawn.market.close)[market.n_bars :]
    assert {tuple(np.round(row, 9)) for row in new} <= shapes


def test_days_go_on_by_the_calendar_with_holidays_and_early_closes() -> None:
    drawn = DrawnMarket(days(), "XNYS", 0)
    drawn.reach(N_KNOWN + 240)
    new = slice(N_KNOWN, N_KNOWN + 240)
    found = load_sessions("XNYS", np.datetime64("2025-12-25"), np.datetime64("2026-12-31"))
    expected = found.days > np.datetime64("2025-12-24")
    np.testing.assert_array_equal(drawn.hours.starts[new], found.opens[expected][:240])
    np.testing.assert_array_equal(drawn.hours.ends[new], found.closes[expected][:240])
    day_after_thanksgiving = datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert to_stamp(day_after_thanksgiving) in drawn.hours.ends  # one in the afternoon


def test_a_session_within_the_day_ends_when_its_exchange_does() -> None:
    market = minutes_of("XNYS", date(2026, 11, 2), 18, 60)  # until the day before Thanksgiving
    drawn = DrawnMarket(market, "XNYS", 0)
    drawn.reach(market.n_bars + 12)
    ends = [to_datetime(end) for end in drawn.hours.ends[market.n_bars :]]
    early = [end for end in ends if end.date() == date(2026, 11, 27)]
    assert early == [
        datetime(2026, 11, 27, 15, 30, tzinfo=UTC) + i * timedelta(hours=1) for i in range(3)
    ] + [datetime(2026, 11, 27, 18, tzinfo=UTC)]
    assert (np.diff(drawn.market.session) >= 0).all()


def test_hours_follow_the_clocks_of_the_exchange() -> None:
    market = minutes_of("XNYS", date(2026, 2, 23), 9, 390)  # until Thursday before they change
    drawn = DrawnMarket(market, "XNYS", 0)
    drawn.reach(market.n_bars + 2)
    assert str(market.days[-1]) == "2026-03-05"
    friday, monday = drawn.hours.starts[market.n_bars : market.n_bars + 2]
    assert (to_datetime(friday).hour, to_datetime(monday).hour) == (14, 13)


def test_without_a_calendar_days_go_on_as_they_have_been() -> None:
    stamps = np.datetime64("2000-01-03T21", "h") + 24 * np.arange(5)  # Monday to Friday
    close = 100.0 + np.arange(5.0)[:, None]
    drawn = DrawnMarket(market_from_prices(stamps, ("A",), {"close": close}), None, 0)
    drawn.reach(11)
    written = [str(each) for each in drawn.market.timestamps[5:11].astype("datetime64[h]")]
    assert written == [f"2000-01-{day}T21" for day in ("10", "11", "12", "13", "14", "17")]


@pytest.mark.parametrize(
    ("n_bars", "seed", "message"),
    [
        (1, 0, "a market is drawn on from at least 2 sessions, was 1"),
        (9, -1, "a market's seed must not be negative, was -1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(n_bars: int, seed: int, message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        DrawnMarket(days().until(n_bars), "XNYS", seed)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf")])
def test_a_bar_that_lasts_no_time_is_refused(seconds: float) -> None:
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidParameter, match="a bar must last more than 0 seconds"):
        MarketClock(DrawnMarket(days(), "XNYS", 0), seconds, clock)


# Prices inside a bar.


@given(
    prices=st.tuples(*[st.floats(0.01, 1e4)] * 4),
    seed=st.integers(0, 1000),
    shares=st.lists(st.floats(0.0, 1.0), max_size=20),
)
@settings(deadline=None)
def test_a_path_stays_in_the_range_and_touches_both_ends(
    prices: tuple[float, ...], seed: int, shares: list[float]
) -> None:
    low, *within, high = sorted(prices)
    bar = np.zeros(1, BAR)
    bar["low"], bar["high"] = low, high
    bar["open"], bar["close"] = within if seed % 2 else within[::-1]
    (path,) = paths_of(bar, np.random.default_rng(seed))
    assert path.size == N_PIECES + 1
    assert (path.min(), path.max()) == (low, high)
    assert (path[0], path[-1]) == (bar["open"][0], bar["close"][0])
    assert price_at(path, 0.0) == path[0]
    assert price_at(path, 1.0) == path[-1]
    assert all(low <= price_at(path, share) <= high for share in shares)


@given(seed=st.integers(0, 500), place=st.floats(0.0, 1.0), towards=st.sampled_from([1.0, -1.0]))
@settings(deadline=None)
def test_a_level_is_touched_when_the_path_is_there_first(
    seed: int, place: float, towards: float
) -> None:
    bar = np.zeros(1, BAR)
    for name, price in (("open", 100.0), ("low", 90.0), ("high", 110.0), ("close", 104.0)):
        bar[name] = price
    (path,) = paths_of(bar, np.random.default_rng(seed))
    level = 90.0 + 20.0 * place
    touch = first_touch(path, (0.0, 1.0), level, towards)
    assert touch is not None
    before = np.linspace(0.0, touch.share, 50)[:-1]
    gaps = [towards * (price_at(path, share) - level) for share in before]
    assert all(gap < 1e-6 for gap in gaps[:-1]) or touch.share == 0.0
    assert price_at(path, touch.share) == pytest.approx(touch.price)
    assert first_touch(path, (0.0, 1.0), 110.1, 1.0) is None


def test_a_level_is_looked_for_within_a_span_alone() -> None:
    path = np.interp(KNOTS, [0.0, N_PIECES / 2, N_PIECES], [100.0, 110.0, 100.0])
    touch = first_touch(path, (0.0, 1.0), 105.0, 1.0)
    assert touch == pytest.approx((0.25, 105.0))
    assert first_touch(path, (0.0, 0.2), 105.0, 1.0) is None
    assert first_touch(path, (0.6, 1.0), 105.0, 1.0) == pytest.approx((0.6, 108.0))
    assert first_touch(path, (0.6, 1.0), 105.0, -1.0) == pytest.approx((0.75, 105.0))


class World:
    """A drawn market in motion, its broker, and a clock at the opening of its first drawn bar."""

    def __init__(
        self, rules: DeskRules = FREE, history: Market | None = None, path: Path | None = None
    ) -> None:
        self.history = history or minutes_of("XNYS", date(2025, 3, 3), 5, 195)
        self.drawn = DrawnMarket(self.history, "XNYS", 0)
        self.t = self.history.n_bars
        self.drawn.reach(self.t + 1)
        self.clock = VirtualClock(to_datetime(self.drawn.hours.starts[self.t]))
        self.market = LiveMarket(self.drawn, rules, self.clock)
        self.venue = LiveVenue(self.market, SimulatedAccount(capital=CAPITAL), path)

    def at(self, share: float, t: int | None = None) -> None:
        times = self.market.times(self.t if t is None else t)
        self.clock.now = times.begins + share * (times.ends - times.begins)

    def mid(self, symbol: str = "A") -> float:
        mid = self.market.quotes([symbol])[symbol].mid
        assert mid is not None
        return mid

    def price(self, share: float, s: int = 0) -> float:
        return price_at(self.market.path(self.t, s), share)

    def filled(self, identifier: str) -> tuple[OrderStatus, float | None]:
        order = self.venue.order(identifier)
        assert order is not None
        return order.status, order.filled_price


def test_quotes_follow_the_path_from_open_to_close() -> None:
    world = World()
    for share in (0.0, 0.3, 0.7):
        world.at(share)
        assert world.mid() == pytest.approx(world.price(share))
        assert world.market.quotes(["A"])["A"].time == world.clock.now
    bar = world.market.bars[world.t, 0]
    world.at(0.0)
    assert world.mid() == pytest.approx(float(bar["open"]))
    world.at(1.0)
    assert world.market.n_closed() == world.t + 1
    world.at(0.0, world.t + 1)
    world.clock.now -= timedelta(microseconds=1)
    assert world.market.price(0, world.market.hours.n_moments(world.clock.now)) == float(
        world.market.bars[world.t, 0]["close"]
    )


def test_nothing_that_is_shown_depends_on_what_comes_later() -> None:
    """Another future: every bar after the one that is on is drawn from others of the history."""
    shown = []
    for changed in (False, True):
        world = World()
        if changed:
            drawn, t = world.drawn, world.t
            facts = {}
            for name in ("open", "high", "low", "close"):
                facts[name] = np.array(getattr(drawn.market, name))
                facts[name][t + 1 :] *= 3.0
            drawn.market = replace(drawn.market, **facts)
        seen = []
        for share in np.linspace(0.0, 0.99, 12):
            world.at(float(share))
            seen.append(world.market.quotes(("A", "B")))
        seen.append(world.market.until(world.t).digest)
        seen.append(world.market.opening(world.t).actions.tobytes())
        shown.append(seen)
    assert shown[0] == shown[1]


def test_what_has_not_closed_is_not_told() -> None:
    world = World()
    world.at(0.99)
    with pytest.raises(InvalidParameter, match=f"the first {world.t}, was asked for {world.t + 1}"):
        world.market.until(world.t + 1)


def test_a_market_of_closes_has_one_price_a_bar() -> None:
    whole = minutes_of("XNYS", date(2025, 3, 3), 5, 195)
    closes = market_from_prices(
        whole.timestamps, whole.symbols, {"close": whole.close}, session=whole.session
    )
    world = World(history=closes)
    close = float(world.drawn.market.close[world.t, 0])
    for share in (0.0, 0.5, 0.99):
        world.at(share)
        assert world.mid() == pytest.approx(close)
    world.venue.submit(buy("now", "A", time_in_force=TimeInForce.IOC))
    assert world.filled("now") == (OrderStatus.FILLED, pytest.approx(close))


# Its broker.


def test_a_market_order_fills_at_what_is_quoted_and_pays_what_the_environment_takes() -> None:
    costs = Costs(half_spread=0.001, commission_per_order=1.0, commission_rate=0.0, impact=0.0)
    world = World(DeskRules(costs=costs))
    world.at(0.4)
    price = world.price(0.4)
    world.venue.submit(buy("now", "A", 10.0, time_in_force=TimeInForce.IOC))
    assert world.filled("now") == (OrderStatus.FILLED, price)
    (fill,) = world.venue.fills(world.clock.now)
    assert fill.cost == pytest.approx(10.0 * price * 0.001 + 1.0)
    assert world.venue.account().cash == pytest.approx(CAPITAL - 10.0 * price - fill.cost)


def test_an_order_takes_no_more_than_its_bar_has_room_for() -> None:
    world = World(DeskRules(costs=Costs(participation=0.01)))
    world.at(0.4)
    room = float(world.market.bars[world.t, 0]["room"])
    units = 3.0 * room / world.price(0.4)
    world.venue.submit(buy("large", "A", units, time_in_force=TimeInForce.IOC))
    order = world.venue.order("large")
    assert order is not None
    assert order.status is OrderStatus.CANCELLED
    assert order.filled_units * world.price(0.4) == pytest.approx(room)


@pytest.mark.parametrize("often", [False, True], ids=["asked once", "asked often"])
def test_what_waits_fills_where_the_path_meets_it_however_often_anybody_looks(often: bool) -> None:
    world = World()
    bar = world.market.bars[world.t, 0]
    low, high = float(bar["low"]), float(bar["high"])
    world.at(0.0)
    world.venue.submit(buy("in", "A", 10.0, time_in_force=TimeInForce.IOC))
    world.venue.submit(sell("target", "A", 5.0, **limit(high - 1e-9)))  # type: ignore[arg-type]
    world.venue.submit(sell("stop", "A", 5.0, **stop(low + 1e-9)))  # type: ignore[arg-type]
    for share in np.linspace(0.01, 0.99, 40) if often else ():
        world.at(float(share))
        world.venue.positions()
    world.at(1.0)
    assert world.filled("target") == (OrderStatus.FILLED, high - 1e-9)
    assert world.filled("stop") == (OrderStatus.FILLED, low + 1e-9)
    path, begins = world.market.path(world.t, 0), world.market.times(world.t).begins
    for identifier, level, towards in (("target", high - 1e-9, 1.0), ("stop", low + 1e-9, -1.0)):
        touch = first_touch(path, (0.0, 1.0), level, towards)
        assert touch is not None
        (fill,) = (f for f in world.venue.fills(begins) if f.client_order_id == identifier)
        length = world.market.times(world.t).ends - begins
        assert abs(fill.time - (begins + touch.share * length)) < timedelta(milliseconds=1)


def test_an_order_that_comes_later_knows_nothing_of_what_the_path_met_before() -> None:
    world = World()
    world.at(0.0)
    world.venue.submit(buy("in", "A", 10.0, time_in_force=TimeInForce.IOC))
    path = np.interp(KNOTS, [0.0, 16.0, 32.0, N_PIECES], [100.0, 90.0, 100.0, 95.0])
    world.market._paths = world.t, np.stack([path, path])
    world.at(0.5)
    world.venue.submit(sell("met", "A", 4.0, **stop(96.0)))  # type: ignore[arg-type]
    world.venue.submit(sell("late", "A", 6.0, **stop(94.0)))  # type: ignore[arg-type]
    world.at(1.0)
    assert world.filled("met") == (OrderStatus.FILLED, 96.0)
    assert world.filled("late")[0] is OrderStatus.WORKING


def test_an_order_for_the_opening_fills_at_the_open() -> None:
    world = World()
    world.at(1.0, world.t + 1)  # after the session, whose bars are two
    world.venue.submit(buy("opening", "A", 10.0, time_in_force=TimeInForce.OPENING))
    assert world.filled("opening")[0] is OrderStatus.WORKING
    world.at(0.2, world.t + 2)
    opened = float(world.market.bars[world.t + 2, 0]["open"])
    assert world.filled("opening") == (OrderStatus.FILLED, opened)


def test_a_broker_goes_on_with_its_account_however_far_its_market_is_drawn(tmp_path: Path) -> None:
    world = World(path=tmp_path / "venue.db")
    world.at(0.5)
    world.venue.submit(buy("in", "A", 10.0))
    cash = world.venue.account().cash
    world.venue.close()
    again = World(path=tmp_path / "venue.db")
    again.drawn.reach(again.t + 3 * CHUNK)
    again.at(0.6)
    assert again.venue.account().cash == cash
    assert [(p.symbol, p.units) for p in again.venue.positions()] == [("A", 10.0)]
