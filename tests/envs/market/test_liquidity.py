"""The spread that prices give away is about the one they were made with, and knows no future."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.liquidity import estimated_half_spread
from benbot.envs.market.market import Market, market_from_prices

TICKS = 390


def days(n_bars: int) -> TimeArray:
    return np.arange(n_bars).astype("datetime64[D]").astype("datetime64[ns]")


def from_logs(bars: FloatArray) -> Market:
    """Return a market of one symbol from logs of open, high, low and close, [T, 4]."""
    prices = np.exp(bars)[:, :, np.newaxis]
    names = ("open", "high", "low", "close")
    return market_from_prices(
        days(len(bars)), ("A",), {name: prices[:, i] for i, name in enumerate(names)}
    )


def simulated(half_spreads: list[float], n_bars: int, seed: int = 5) -> Market:
    """Return days of trades at the bid or the ask of a random walk, 1 % of volatility a day."""
    rng = np.random.default_rng(seed)
    shape = (n_bars, TICKS, len(half_spreads))
    steps = rng.normal(0.0, 0.01 / np.sqrt(TICKS), shape)
    mid = np.cumsum(steps.reshape(-1, len(half_spreads)), axis=0).reshape(shape)
    trades = np.exp(mid) * (1.0 + rng.choice([-1.0, 1.0], shape) * half_spreads)
    prices = {
        "open": trades[:, 0],
        "high": trades.max(axis=1),
        "low": trades.min(axis=1),
        "close": trades[:, -1],
    }
    return market_from_prices(days(n_bars), tuple(f"S{s}" for s in range(shape[2])), prices)


def test_a_price_that_bounces_around_a_constant_has_the_spread_of_the_bounce() -> None:
    # In logs: mid 0, range -2d to 2d, opens and closes at d to either side, evenly mixed. Opens and
    # closes are no extremes, so the formula's shares are 2 and its first part is
    # -2 E[(m - o)(o - m')] - 2 E[(m - c')(c' - m')] = 2 d² + 2 d² = (2 d)² without any variance.
    d = 0.005
    opens = np.array([1.0, 1.0, -1.0, 1.0, -1.0])
    closes = np.array([1.0, 1.0, -1.0, -1.0, 1.0])
    bars = d * np.stack([opens, np.full(5, 2.0), np.full(5, -2.0), closes], axis=1)
    half_spread = estimated_half_spread(from_logs(bars), window=5)
    np.testing.assert_allclose(half_spread[:, 0], [np.nan] * 4 + [d], rtol=1e-9)


def test_a_simulated_spread_is_found_over_many_days() -> None:
    true = [0.0025, 0.005, 0.01]
    estimate = estimated_half_spread(simulated(true, 1_000), window=1_000)[-1]
    np.testing.assert_allclose(estimate, true, rtol=0.1)


def test_a_month_gives_the_order_of_magnitude() -> None:
    true = np.array([0.005, 0.01])
    estimate = estimated_half_spread(simulated(list(true), 1_000))
    assert np.isnan(estimate[:20]).all()
    assert np.isfinite(estimate[20:]).all()
    np.testing.assert_allclose(np.median(estimate[20:], axis=0), true, rtol=0.15)


def with_gaps() -> Market:
    market = simulated([0.002, 0.005], 80)
    gone = np.zeros((80, 2), dtype=np.bool_)
    gone[:7, 0] = gone[30:40, 0] = gone[45, 1] = True
    prices = {
        name: np.where(gone, np.nan, getattr(market, name))
        for name in ("open", "high", "low", "close")
    }
    return market_from_prices(market.timestamps, market.symbols, prices)


def test_the_estimate_knows_no_future() -> None:
    market = with_gaps()
    whole = estimated_half_spread(market)
    for n_bars in (1, 20, 21, 28, 35, 60, 79):
        np.testing.assert_array_equal(estimated_half_spread(market.until(n_bars)), whole[:n_bars])
    prices = {name: getattr(market, name).copy() for name in ("open", "high", "low", "close")}
    for price in prices.values():
        price[60:] *= 3.0
    other = estimated_half_spread(replace(market, **prices))
    np.testing.assert_array_equal(other[:60], whole[:60])
    assert (other[60] != whole[60]).all()


def test_bars_without_trading_have_no_estimate_and_do_not_count() -> None:
    market = with_gaps()
    estimate = estimated_half_spread(market)
    for s in range(2):
        traded = np.flatnonzero(market.tradable[:, s])
        known = np.flatnonzero(np.isfinite(estimate[:, s]))
        np.testing.assert_array_equal(known, traded[20:])
        alone = market_from_prices(
            market.timestamps[traded],
            ("A",),
            {n: getattr(market, n)[traded][:, [s]] for n in ("open", "high", "low", "close")},
        )
        np.testing.assert_array_equal(estimated_half_spread(alone)[:, 0], estimate[traded, s])


def test_nothing_is_known_of_closes_alone_and_of_prices_that_stand_still() -> None:
    closes = market_from_prices(days(40), ("A",), {"close": np.linspace(1.0, 2.0, 40)[:, None]})
    assert np.isnan(estimated_half_spread(closes)).all()
    still = from_logs(np.zeros((40, 4)))
    assert np.isnan(estimated_half_spread(still)).all()


def test_a_window_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="window must be 3 bars or more, was 2"):
        estimated_half_spread(from_logs(np.zeros((4, 4))), window=2)
