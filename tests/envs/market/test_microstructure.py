"""What a book and its trades say, on books small enough to check by hand and on a real one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.book_bars import BookBars, bars_from_book
from benbot.envs.market.microstructure import (
    book_imbalance,
    effective_spread,
    fit_slope,
    flow_between,
    interval_edges,
    kyle_lambda,
    microprice,
    quoted_spread,
    realised_spread,
)
from benbot.envs.market.order_book import Depth, Trades
from benbot.envs.market.order_book_files import read_depth, read_trades

NAN = np.nan
SECOND = np.timedelta64(1, "s")


def at(*seconds: float) -> TimeArray:
    """Return times of an afternoon, in seconds after noon."""
    noon = np.datetime64("2024-08-08T12:00", "ns")
    return noon + np.round(np.array(seconds) * 1e9).astype("timedelta64[ns]")


def book() -> Depth:
    """Return a book whose mids are 100, 102, 101, 104 and 105."""
    return Depth(
        time=at(0.2, 1.0, 1.5, 2.2, 3.0),
        bid_price=np.array([[99, 98], [101, 98], [100, 98], [103, 98], [104, 98]]),
        bid_size=np.array([[3, 1], [1, 1], [0, 2], [2, 2], [2, 2]]),
        ask_price=np.array([[101, 102], [103, NAN], [102, 105], [105, 106], [106, 107]]),
        ask_size=np.array([[1, 3], [1, 0], [4, 2], [2, 2], [6, 2]]),
    )


def deals() -> Trades:
    """Return trades: one before the book is known, one at the time of an update, three others."""
    return Trades(
        time=at(0.1, 0.5, 1.0, 1.8, 2.5),
        price=np.array([100.0, 101, 100, 102, 103]),
        size=np.array([9.0, 2, 1, 4, 2]),
        buyer_is_maker=np.array([False, False, True, False, True]),
    )


def test_imbalance_microprice_and_spread_of_a_book() -> None:
    depth = book()
    np.testing.assert_allclose(book_imbalance(depth), [0.5, 0, -1, 0, -0.5])
    np.testing.assert_allclose(book_imbalance(depth, 2), [0, 1 / 3, -0.5, 0, -1 / 3])
    np.testing.assert_allclose(microprice(depth), [100.5, 102, 100, 104, 104.5])
    np.testing.assert_allclose(quoted_spread(depth), 2 / np.array([100, 102, 101, 104, 105]))


def test_nothing_is_known_of_a_book_without_size() -> None:
    depth = replace(book(), bid_size=np.zeros((5, 2)), ask_size=np.zeros((5, 2)))
    assert np.isnan(book_imbalance(depth, 2)).all()
    assert np.isnan(microprice(depth)).all()


def test_levels_that_the_book_does_not_have_are_refused() -> None:
    for levels in (0, 3):
        with pytest.raises(InvalidParameter, match=f"between 1 and 2, was {levels}"):
            book_imbalance(book(), levels)


def test_the_effective_spread_compares_with_the_mid_just_before_the_trade() -> None:
    # The second seller met a mid of 100, not the 102 of the update at the same time.
    expected = [NAN, 2 / 100, 0, 2 / 101, 2 / 104]
    np.testing.assert_allclose(effective_spread(book(), deals()), expected, atol=1e-12)


def test_the_realised_spread_compares_with_the_mid_after_the_delay() -> None:
    # Mids a second later: 102, 101, 101, 104, and for the last trade the book ends before.
    expected = [NAN, 0, 2 / 100, -4 / 101, NAN]
    np.testing.assert_allclose(realised_spread(book(), deals(), SECOND), expected, atol=1e-12)
    with pytest.raises(InvalidParameter, match="delay must be zero or more, was -1 seconds"):
        realised_spread(book(), deals(), -SECOND)


def test_what_happens_between_edges() -> None:
    edges = interval_edges(book(), SECOND)
    np.testing.assert_array_equal(edges, at(1, 2, 3))
    flow = flow_between(book(), deals(), edges)
    np.testing.assert_array_equal(flow.mid_change, [101 - 102, 105 - 101])
    np.testing.assert_array_equal(flow.signed_volume, [4, -2])


def test_intervals_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadMarketData, match=r"a whole interval of 5 seconds is needed.* Shorten"):
        interval_edges(book(), np.timedelta64(5, "s"))
    with pytest.raises(InvalidParameter, match="interval must be more than zero, was 0 seconds"):
        interval_edges(book(), np.timedelta64(0, "s"))


def test_a_slope_and_its_error_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(3)
    x, noise = rng.normal(size=(2, 40))
    slope = fit_slope(x, 1.0 - 0.3 * x + noise)
    known = stats.linregress(x, 1.0 - 0.3 * x + noise)
    np.testing.assert_allclose(slope, (known.slope, known.stderr, 40), rtol=1e-12)
    by_hand = fit_slope(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0, 1.0]))
    np.testing.assert_allclose(by_hand, (0.5, np.sqrt(1.5 / 2), 3))
    for x in (np.zeros(5), np.arange(2.0)):
        assert np.isnan(fit_slope(x, x)[:2]).all()


def random_events(
    seed: int = 7, n_updates: int = 4_000, impact: float = 0.02
) -> tuple[Depth, Trades]:
    """Return a book that moves by `impact` a unit, with pauses of several seconds in between."""
    rng = np.random.default_rng(seed)
    wait = np.where(rng.random(n_updates) < 0.01, 4.0, rng.exponential(0.1, n_updates))
    seconds = np.cumsum(wait)
    buys = rng.random(n_updates) < 0.5
    size = rng.exponential(1.0, n_updates)
    steps = impact * np.where(buys, size, -size) + rng.normal(0.0, 0.01, n_updates)
    mid = 1_000.0 + np.cumsum(steps)
    half = rng.choice([0.05, 0.1], n_updates)
    depth = Depth(
        at(*seconds),
        (mid - half)[:, None],
        rng.integers(1, 9, (n_updates, 1)),
        (mid + half)[:, None],
        rng.integers(1, 9, (n_updates, 1)),
    )
    before = np.append(1_000.0, mid[:-1])
    trades = Trades(at(*(seconds - 0.001)), before + np.where(buys, 0.05, -0.05), size, ~buys)
    return depth, trades


def test_the_impact_that_was_put_in_is_found() -> None:
    slope = kyle_lambda(*random_events(), SECOND)
    assert slope.n > 400
    assert slope.value == pytest.approx(0.02, abs=4 * slope.standard_error)
    assert slope.standard_error < 0.001


RULES = BookBars(symbol="COIN", levels=2, delay=SECOND, window=3)


def test_bars_of_a_book_by_hand() -> None:
    market = bars_from_book(book(), deals(), SECOND, RULES)
    np.testing.assert_array_equal(market.timestamps, at(2, 3))
    assert market.symbols == ("COIN",)
    np.testing.assert_array_equal(market.open[:, 0], [101, 104])
    np.testing.assert_array_equal(market.high[:, 0], [101, 105])
    np.testing.assert_array_equal(market.low[:, 0], [101, 104])
    np.testing.assert_array_equal(market.close[:, 0], [101, 105])
    np.testing.assert_array_equal(market.volume[:, 0], [4, 2])
    np.testing.assert_allclose(market.spread[:, 0], [2 / 101, (2 / 104 + 2 / 105) / 2])
    features = {name: feature[:, 0] for name, feature in market.features.items()}
    np.testing.assert_allclose(features["book_imbalance"], [-0.5, -1 / 3])
    np.testing.assert_allclose(features["microprice_gap"], [-1 / 101, -0.5 / 105])
    # The trades of 0.5 and 1.0 are a second old in the first bar, that of 1.8 in the second.
    np.testing.assert_allclose(features["realised_spread"], [0.02 / 3, -4 / 101])
    np.testing.assert_array_equal(features["kyle_lambda"], [NAN, NAN])


def test_bars_of_trades_have_no_price_where_there_was_none() -> None:
    market = bars_from_book(
        book(), deals().until(at(2.0)[0]), SECOND, replace(RULES, prices="trades")
    )
    np.testing.assert_array_equal(market.close[:, 0], [102, NAN])
    np.testing.assert_array_equal(market.tradable[:, 0], [True, False])
    np.testing.assert_array_equal(market.volume[:, 0], [4, 0])
    silent = deals().until(at(0.0)[0])
    assert not bars_from_book(
        book(), silent, SECOND, replace(RULES, prices="trades")
    ).tradable.any()


def test_a_bar_without_an_update_is_not_tradable() -> None:
    depth, trades = random_events()
    market = bars_from_book(depth, trades, SECOND)
    assert 0.5 < market.tradable.mean() < 0.95
    assert (np.diff(market.timestamps) == SECOND).all()


def test_the_impact_of_a_bar_is_that_of_the_last_bars() -> None:
    depth, trades = random_events()
    market = bars_from_book(depth, trades, SECOND, BookBars(window=30))
    flow = flow_between(depth, trades, interval_edges(depth, SECOND))
    rolling = market.features["kyle_lambda"][:, 0]
    assert np.isnan(rolling[:29]).all()
    for t in (29, 30, 200, market.n_bars - 1):
        last = slice(t - 29, t + 1)
        expected = fit_slope(flow.signed_volume[last], flow.mid_change[last]).value
        assert rolling[t] == pytest.approx(expected, rel=1e-9)


def _same(first: FloatArray, second: FloatArray) -> None:
    np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("prices", ["mid", "trades"])
def test_no_bar_knows_an_event_after_its_close(prices: Any) -> None:  # noqa: ANN401
    depth, trades = random_events(n_updates=1_500)
    rules = BookBars(prices=prices, delay=np.timedelta64(1_500, "ms"), window=10)
    whole = bars_from_book(depth, trades, SECOND, rules)
    for t in (12, 13, 40, 41, 42, 43, 100, 101):
        known = whole.timestamps[t]
        cut = bars_from_book(depth.until(known), trades.until(known), SECOND, rules)
        past = whole.until(cut.n_bars)
        assert cut.n_bars in range(1, t + 2)
        assert cut.digest != whole.digest
        for name in ("open", "high", "low", "close", "volume", "spread"):
            _same(getattr(cut, name), getattr(past, name))
        for name, feature in cut.features.items():
            _same(feature, past.features[name])
        after = depth.time > known
        other = replace(
            depth,
            bid_price=depth.bid_price - 3.0 * after[:, None],
            bid_size=depth.bid_size + 5.0 * after[:, None],
        )
        changed = bars_from_book(other, trades, SECOND, rules)
        for name in ("close", "spread"):
            _same(getattr(changed, name)[: t + 1], getattr(whole, name)[: t + 1])
        for name, feature in changed.features.items():
            _same(feature[: t + 1], whole.features[name][: t + 1])
            later = whole.features[name][t + 1 :]
            assert not np.array_equal(feature[t + 1 :], later, equal_nan=True)


def test_rules_that_cannot_be_are_refused() -> None:
    wrong: Any = "last"
    with pytest.raises(InvalidParameter, match="prices must be mid or trades, was 'last'"):
        BookBars(prices=wrong)
    with pytest.raises(InvalidParameter, match="window must be 3 bars or more, was 2"):
        BookBars(window=2)


@pytest.mark.shared_data
def test_six_minutes_of_a_real_book(shared_data: Path) -> None:
    depth = read_depth(shared_data / "btcusdt_depth10.parquet")
    trades = read_trades(shared_data / "btcusdt_trades.parquet")
    assert depth.bid_price.shape == (6_551, 10)
    assert len(trades.time) == 21_313
    imbalance = book_imbalance(depth)
    foretold = {
        n: np.corrcoef(imbalance[:-n], depth.mid[n:] - depth.mid[:-n])[0, 1] for n in (20, 50)
    }
    assert foretold == pytest.approx({20: 0.2057, 50: 0.1387}, abs=1e-3)
    assert (quoted_spread(depth) > 0.0).all()
    effective = effective_spread(depth, trades)
    assert np.average(effective[np.isfinite(effective)]) > np.median(quoted_spread(depth))
    slope = kyle_lambda(depth, trades, SECOND)
    assert slope.value > 10 * slope.standard_error
    market = bars_from_book(depth, trades, SECOND, BookBars(symbol="BTCUSDT"))
    assert market.n_bars == 343
    assert market.tradable.all()
    assert (market.spread > 0.0).all()
    bars = (trades.time > market.timestamps[0] - SECOND) & (trades.time <= market.timestamps[-1])
    assert market.volume.sum() == pytest.approx(trades.size[bars].sum())
    assert np.isfinite(market.features["kyle_lambda"][59:]).all()
    assert set(market.features) == {
        "book_imbalance",
        "microprice_gap",
        "realised_spread",
        "kyle_lambda",
    }
