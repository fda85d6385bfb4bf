"""Indicators: TA-Lib's numbers over each symbol's own bars, and nothing where there are too few."""

from collections.abc import Callable

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market import indicators

NAN = np.nan
Prices = tuple[FloatArray, FloatArray, FloatArray]


def walk(seed: int, n_bars: int = 300, n_symbols: int = 3, gaps: float = 0.0) -> Prices:
    """Return high, low and close [T, S] of random walks that each lack a share of their bars."""
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(rng.normal(0.0, 0.02, (n_bars, n_symbols)).cumsum(axis=0))
    close[rng.random(close.shape) < gaps] = NAN
    high = close * (1.0 + rng.uniform(0.0, 0.02, close.shape))
    low = close * (1.0 - rng.uniform(0.0, 0.02, close.shape))
    return high, low, close


def column(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


INDICATORS: dict[str, tuple[Callable[..., FloatArray], Callable[..., FloatArray]]] = {
    "true_range": (indicators.true_range, talib.TRANGE),
    "mean_true_range": (
        lambda high, low, close: indicators.mean_true_range(high, low, close, 14),
        lambda high, low, close: talib.SMA(talib.TRANGE(high, low, close), 14),
    ),
    "moving_average": (
        lambda high, low, close: indicators.moving_average(close, 20),
        lambda high, low, close: talib.SMA(close, 20),
    ),
    "lower_band": (
        lambda high, low, close: indicators.bollinger_bands(close, 20, 2.5).lower,
        lambda high, low, close: talib.BBANDS(close, 20, 2.5, 2.5)[2],
    ),
    "upper_band": (
        lambda high, low, close: indicators.bollinger_bands(close, 20, 2.5).upper,
        lambda high, low, close: talib.BBANDS(close, 20, 2.5, 2.5)[0],
    ),
    "highest": (
        lambda high, low, close: indicators.highest(high, 10),
        lambda high, low, close: talib.MAX(high, 10),
    ),
    "lowest": (
        lambda high, low, close: indicators.lowest(low, 10),
        lambda high, low, close: talib.MIN(low, 10),
    ),
    "past_return": (
        lambda high, low, close: indicators.past_return(close, 30),
        lambda high, low, close: talib.ROCP(close, 30),
    ),
}


@pytest.mark.parametrize("name", INDICATORS)
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_each_column_is_what_talib_says_of_the_bars_the_symbol_traded(
    name: str, gaps: float
) -> None:
    ours, theirs = INDICATORS[name]
    prices = walk(seed=1, gaps=gaps)
    answer = ours(*prices)
    for s in range(answer.shape[1]):
        traded = np.isfinite(prices[2][:, s])
        expected = theirs(*(price[traded, s] for price in prices))
        assert np.isfinite(expected).sum() > 150
        np.testing.assert_allclose(answer[traded, s], expected, rtol=1e-12)
        assert np.isnan(answer[~traded, s]).all()


@given(seed=st.integers(0, 2**32 - 1), window=st.integers(2, 20), gaps=st.sampled_from([0.0, 0.1]))
def test_the_rsi_is_talibs_rsi_of_the_closes_in_its_memory(
    seed: int, window: int, gaps: float
) -> None:
    close = walk(seed, n_symbols=1, gaps=gaps)[2]
    own = close[np.isfinite(close)]
    strength = indicators.relative_strength_index(close, window)[np.isfinite(close)]
    memory = indicators.RSI_MEMORY * window
    assert np.isnan(strength[:memory]).all()
    for t in range(memory, own.size, 23):
        expected = talib.RSI(own[t - memory : t + 1], window)[-1]
        assert strength[t] == pytest.approx(expected, abs=1e-9)


def test_the_rsi_differs_from_that_of_the_whole_history_by_less_than_a_tenth_of_a_point() -> None:
    close = walk(seed=5, n_bars=3_000, n_symbols=1)[2]
    whole = talib.RSI(close[:, 0].copy(), 14)[:, np.newaxis]
    strength = indicators.relative_strength_index(close, 14)
    assert np.nanmax(np.abs(strength - whole)) < 0.1


def test_the_rsi_is_zero_while_falling_a_hundred_while_rising_and_unknown_while_nothing_moves() -> (
    None
):
    falling, rising, flat = np.linspace(200.0, 100.0, 60), np.linspace(100.0, 200.0, 60), 70.0
    strength = indicators.relative_strength_index(
        np.column_stack([falling, rising, np.full(60, flat)]), 5
    )
    np.testing.assert_allclose(strength[40:], np.tile([0.0, 100.0, NAN], (20, 1)), atol=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_rsi_stays_within_its_bounds_when_a_walk_ends_in_a_line(seed: int) -> None:
    walked = walk(seed, n_bars=80, n_symbols=1)[2]
    for step in (0.1, -0.1):
        line = walked[-1] + step * np.arange(1.0, 60.0)[:, np.newaxis]
        strength = indicators.relative_strength_index(np.concatenate([walked, line]), 5)[40:]
        assert strength.min() >= 0.0
        assert strength.max() <= 100.0


def test_the_rsi_forgets_a_crash_once_it_is_out_of_memory() -> None:
    still = np.full(80, 10.0)
    with np.errstate(invalid="raise"):
        strength = indicators.relative_strength_index(column(1_000.0, *still), 5)
    assert strength[40, 0] == 0.0  # the crash is the oldest of its 40 moves
    assert np.isnan(strength[41:]).all()


@given(seed=st.integers(0, 2**32 - 1), window=st.integers(2, 20), gaps=st.sampled_from([0.0, 0.1]))
def test_the_exponential_average_is_talibs_of_the_values_in_its_memory(
    seed: int, window: int, gaps: float
) -> None:
    close = walk(seed, n_symbols=1, gaps=gaps)[2]
    own = close[np.isfinite(close)]
    average = indicators.exponential_average(close, window)[np.isfinite(close)]
    memory = indicators.EMA_MEMORY * window
    assert np.isnan(average[: memory - 1]).all()
    for t in range(memory - 1, own.size, 17):
        expected = talib.EMA(own[t + 1 - memory : t + 1], window)[-1]
        assert average[t] == pytest.approx(expected, rel=1e-12)


def test_the_macd_of_exponential_averages_is_talibs_but_for_what_they_forget() -> None:
    close = walk(seed=5, n_bars=3_000, n_symbols=1)[2]
    fast, slow = (indicators.exponential_average(close, bars) for bars in (12, 26))
    signal = indicators.exponential_average(fast - slow, 9)
    macd, signal_line, _ = talib.MACD(close[:, 0].copy(), 12, 26, 9)
    assert np.isnan(signal[:138]).all()
    for ours, theirs in ((fast - slow, macd), (signal, signal_line)):
        assert np.nanmax(np.abs(ours[138:, 0] - theirs[138:])) < 0.02 * np.nanstd(theirs)


@pytest.mark.parametrize("window", [3, 14])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_the_adx_differs_from_talibs_of_the_whole_history_by_less_than_a_tenth_of_a_point(
    window: int, gaps: float
) -> None:
    high, low, close = walk(seed=6, n_bars=2_000, n_symbols=1, gaps=gaps)
    traded = np.isfinite(close[:, 0])
    strength = indicators.average_directional_index(high, low, window)
    whole = talib.ADX(high[traded, 0], low[traded, 0], close[traded, 0], window)
    assert np.isnan(strength[~traded]).all()
    memory = 2 * indicators.RSI_MEMORY * window - 1
    assert np.isnan(strength[traded, 0][:memory]).all()
    assert np.abs(strength[traded, 0] - whole)[memory:].max() < 0.1


@given(seed=st.integers(0, 2**32 - 1))
def test_the_adx_needs_no_bar_before_its_memory(seed: int) -> None:
    high, low, _ = walk(seed, n_bars=150, n_symbols=1)
    memory = 2 * indicators.RSI_MEMORY * 4 - 1
    whole = indicators.average_directional_index(high, low, 4)
    for t in (memory, 101, 149):
        recent = slice(t - memory, t + 1)
        short = indicators.average_directional_index(high[recent], low[recent], 4)
        assert short[-1, 0] == pytest.approx(whole[t, 0], abs=1e-9)


def test_the_adx_is_a_hundred_in_a_line_and_nothing_where_nothing_moves() -> None:
    line, flat = np.linspace(100.0, 200.0, 120), np.full(120, 10.0)
    prices = np.column_stack([line, 300.0 - line, flat])
    strength = indicators.average_directional_index(prices + 0.1, prices - 0.1, 5)
    np.testing.assert_allclose(strength[79:], np.tile([100.0, 100.0, 0.0], (41, 1)), atol=1e-9)


def test_relative_volume_is_the_volume_over_the_mean_of_the_bars_before_it() -> None:
    volume = column(1.0, 3.0, 6.0, NAN, 4.0, 8.0, 9.0, 0.0, 0.0, 5.0)
    relative = indicators.relative_volume(volume, np.ones(volume.shape, np.bool_), 2)
    expected = column(NAN, NAN, 3.0, NAN, NAN, NAN, 1.5, 0.0, 0.0, NAN)
    np.testing.assert_allclose(relative, expected)


def test_relative_volume_counts_a_symbols_own_bars() -> None:
    volume, tradable = column(1.0, 7.0, 3.0, 4.0), column(1.0, 0.0, 1.0, 1.0) > 0.0
    relative = indicators.relative_volume(volume, tradable, 2)
    np.testing.assert_allclose(relative[tradable], [NAN, NAN, 2.0])


def test_the_first_mean_true_range_is_where_talibs_smoothed_one_starts() -> None:
    high, low, close = walk(seed=2, n_symbols=1)
    mean = indicators.mean_true_range(high, low, close, 14)[:, 0]
    smoothed = talib.ATR(high[:, 0].copy(), low[:, 0].copy(), close[:, 0].copy(), 14)
    assert np.isnan(mean[:14]).all()
    assert mean[14] == pytest.approx(smoothed[14], rel=1e-12)


def test_true_range_counts_the_gap_from_the_last_close() -> None:
    high, low, close = column(11.0, 16.0), column(9.0, 15.0), column(10.0, 15.5)
    np.testing.assert_array_equal(indicators.true_range(high, low, close), column(NAN, 6.0))


def test_the_earlier_channel_leaves_out_the_present_bar() -> None:
    high, low = column(3.0, 5.0, 4.0, 9.0), column(2.0, 1.0, 3.0, 0.5)
    channel = indicators.earlier_channel(high, low, 2)
    np.testing.assert_array_equal(channel.upper, column(NAN, NAN, 5.0, 5.0))
    np.testing.assert_array_equal(channel.lower, column(NAN, NAN, 1.0, 1.0))
    np.testing.assert_array_equal(indicators.highest(high, 2), column(NAN, 5.0, 5.0, 9.0))


def test_lagging_counts_a_symbols_own_bars() -> None:
    values = column(1.0, NAN, 2.0, 3.0, NAN, 4.0)
    np.testing.assert_array_equal(
        indicators.lagged(values, 2), column(NAN, NAN, NAN, 1.0, NAN, 2.0)
    )
    np.testing.assert_array_equal(indicators.lagged(values, 9), np.full((6, 1), NAN))


def test_a_past_return_ends_as_many_bars_ago_as_are_skipped() -> None:
    close = column(100.0, 110.0, 121.0, 60.0)
    np.testing.assert_allclose(
        indicators.past_return(close, 3, skip=1), column(NAN, NAN, NAN, 0.21), rtol=1e-12
    )


def test_volatility_is_the_root_mean_square_of_log_returns() -> None:
    close = column(100.0, 100.0 * np.exp(0.03), 100.0 * np.exp(-0.01))
    expected = column(NAN, NAN, np.sqrt((0.03**2 + 0.04**2) / 2.0))
    np.testing.assert_allclose(indicators.volatility(close, 2), expected, rtol=1e-12)


def test_volatility_is_nothing_once_a_price_stands_still() -> None:
    close = np.concatenate([walk(seed=8, n_symbols=20)[2], np.full((50, 20), 10.0)])
    with np.errstate(invalid="raise"):
        assert indicators.volatility(close, 20)[-20:].max() < 1e-7


@pytest.mark.parametrize("n_bars", [0, 1, 2, 15])
def test_too_few_bars_are_no_error_and_no_answer(n_bars: int) -> None:
    high, low, close = (price[:n_bars] for price in walk(seed=3))
    for answer in (
        indicators.relative_strength_index(close, 14),
        indicators.bollinger_bands(close, 20, 2.0).upper,
        indicators.earlier_channel(high, low, 20).upper,
        indicators.past_return(close, 252, skip=21),
        indicators.volatility(close, 20),
        indicators.mean_true_range(high, low, close, 15),
    ):
        assert answer.shape == close.shape
        assert np.isnan(answer).all()


def test_a_symbol_that_never_traded_has_no_indicator_and_disturbs_nobody() -> None:
    close = walk(seed=4)[2]
    alone = indicators.moving_average(close[:, :1], 5)
    close[:, 1] = NAN
    averages = indicators.moving_average(close, 5)
    assert np.isnan(averages[:, 1]).all()
    np.testing.assert_array_equal(averages[:, :1], alone)


def test_a_window_that_means_nothing_is_refused() -> None:
    close = walk(seed=6)[2]
    with pytest.raises(InvalidParameter, match="window must be at least 2 bars, was 1"):
        indicators.relative_strength_index(close, 1)
    with pytest.raises(InvalidParameter, match="need 0 <= skip < window, was skip=5 window=5"):
        indicators.past_return(close, 5, skip=5)
