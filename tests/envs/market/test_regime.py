"""The regime is known from the past alone, from few enough bars, and means what it says."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benbot.envs.arrays import FloatArray, Int8Array
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import (
    REGIMES,
    UNKNOWN,
    RegimeSettings,
    detect_regime,
    market_return,
    market_trend,
    market_volatility,
)

SHORT = RegimeSettings(trend_window=8, volatility_window=4, volatility_history=12)
BEAR, NEUTRAL, BULL = 0, 3, 6
LOW, NORMAL, HIGH = 0, 1, 2
NAN = np.nan
INPUTS: tuple[Callable[[Market, RegimeSettings], FloatArray], ...] = (
    market_trend,
    market_volatility,
)


def market_of(close: FloatArray) -> Market:
    close = close if close.ndim == 2 else close[:, None]
    days = np.arange(len(close)).astype("datetime64[D]")
    symbols = tuple(f"S{s}" for s in range(close.shape[1]))
    return market_from_prices(days.astype("datetime64[ns]"), symbols, {"close": close})


def wandering(seed: int, n_bars: int = 120, n_symbols: int = 3, missing: float = 0.1) -> Market:
    """Draw prices with changing volatility, of which some are missing."""
    rng = np.random.default_rng(seed)
    level = 0.01 * np.exp(np.cumsum(rng.normal(0.0, 0.2, (n_bars, 1)), axis=0)).clip(0.2, 5.0)
    close = 50.0 * np.exp(np.cumsum(level * rng.normal(0.0, 1.0, (n_bars, n_symbols)), axis=0))
    close[rng.random(close.shape) < missing] = NAN
    return market_of(close)


def rising(by: float, n_bars: int = 60) -> FloatArray:
    return 100.0 * np.exp(by * np.arange(n_bars))


seeds = st.integers(0, 2**32 - 1)


# Examples


def test_the_return_is_the_mean_over_symbols_that_traded_twice_in_a_row() -> None:
    close = np.array([[100.0, 50.0], [110.0, 50.0], [NAN, 55.0], [120.0, NAN], [NAN, 60.0]])
    expected = [NAN, np.log(1.1) / 2, np.log(1.1), NAN, NAN]
    np.testing.assert_allclose(market_return(market_of(close)), expected, atol=1e-15)


@pytest.mark.parametrize(("by", "trend"), [(0.001, BULL), (-0.001, BEAR), (0.0, NEUTRAL)])
def test_a_steady_market_is_named_by_its_direction_and_normal(by: float, trend: int) -> None:
    market = market_of(rising(by))
    code = detect_regime(market, SHORT)
    assert (code[: SHORT.warmup - 1] == UNKNOWN).all()
    assert (code[SHORT.warmup - 1 :] == trend + NORMAL).all()


def test_a_market_that_goes_up_and_down_has_no_trend() -> None:
    swinging = 100.0 * np.exp(0.01 * (np.arange(60) % 2))
    assert (detect_regime(market_of(swinging), SHORT)[SHORT.warmup :] == NEUTRAL + NORMAL).all()


@pytest.mark.parametrize(("factor", "level"), [(2.0, HIGH), (0.5, LOW), (1.1, NORMAL)])
def test_a_change_of_size_is_high_or_low_until_it_is_usual(factor: float, level: int) -> None:
    steps = np.where(np.arange(60) % 2 == 0, 0.01, -0.01)
    steps[30:] *= factor
    market = market_of(100.0 * np.exp(np.cumsum(steps)))
    code = detect_regime(market, SHORT)
    assert code[29] == NEUTRAL + NORMAL
    assert code[33] % 3 == level  # four bars of the new size are the present
    assert code[59] % 3 == NORMAL  # and twelve such the usual


def test_the_trend_is_a_t_statistic() -> None:
    steps = np.array([0.0, 0.01, 0.02, -0.01, 0.03])
    market = market_of(100.0 * np.exp(np.cumsum(steps)))
    trend = market_trend(market, RegimeSettings(trend_window=4))
    assert np.isnan(trend[:4]).all()
    assert trend[4] == pytest.approx(0.05 / np.sqrt(0.0015))


def test_the_volatility_is_the_log_of_present_over_median() -> None:
    steps = np.array([0.0, 0.01, 0.01, 0.02, 0.02, 0.04, 0.04])
    market = market_of(100.0 * np.exp(np.cumsum(steps)))
    rules = RegimeSettings(trend_window=2, volatility_window=2, volatility_history=4)
    present = np.sqrt([0.00025, 0.0004, 0.001, 0.0016])
    expected = np.log(present[-1] / np.median(present))
    assert market_volatility(market, rules)[6] == pytest.approx(expected)
    assert np.isnan(market_volatility(market, rules)[:5]).all()


def test_a_market_that_wakes_up_or_falls_asleep_stays_finite() -> None:
    still = np.full(40, 100.0)
    awake = np.concatenate([still, 100.0 * np.exp(0.01 * (np.arange(40) % 2))])
    for close in (awake, awake[::-1]):
        level = market_volatility(market_of(close.copy()), SHORT)[SHORT.warmup :]
        assert np.isfinite(level).all()
        assert np.abs(level).max() == pytest.approx(np.log(10.0))


def test_the_names_follow_the_codes() -> None:
    assert REGIMES[BEAR + LOW] == "bear, low volatility"
    assert REGIMES[NEUTRAL + NORMAL] == "neutral, normal volatility"
    assert REGIMES[BULL + HIGH] == "bull, high volatility"


@pytest.mark.parametrize("n_bars", [1, 2, SHORT.warmup - 1])
def test_a_market_shorter_than_the_warmup_is_unknown(n_bars: int) -> None:
    market = wandering(1, n_bars=n_bars, missing=0.0)
    assert detect_regime(market, SHORT).tolist() == [UNKNOWN] * n_bars


@pytest.mark.parametrize("rules", [SHORT, RegimeSettings(), RegimeSettings(trend_window=300)])
def test_the_warmup_is_the_number_of_bars_before_the_first_regime(rules: RegimeSettings) -> None:
    code = detect_regime(wandering(2, n_bars=400, missing=0.0), rules)
    assert np.flatnonzero(code != UNKNOWN)[0] == rules.warmup - 1


def test_bars_without_any_return_are_skipped_and_poison_nothing() -> None:
    close = rising(0.001, 80)
    close[40:43] = NAN
    code = detect_regime(market_of(close), SHORT)
    assert (code[SHORT.warmup - 1 :] == UNKNOWN).any()  # fewer than half of four bars are known
    assert (code[48:] == BULL + NORMAL).all()
    assert (
        detect_regime(
            market_of(close),
            RegimeSettings(trend_window=8, volatility_window=8, volatility_history=12),
        )[20:]
        == BULL + NORMAL
    ).all()


def test_settings_that_could_never_see_a_trend_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"below the square root of trend_window, 3\.00"):
        RegimeSettings(trend_window=9, trend_threshold=3.0)
    with pytest.raises(ValidationError, match="low_volatility"):
        RegimeSettings(low_volatility=1.5)


# Laws


@given(seed=seeds, n_bars=st.integers(1, 119))
def test_a_prefix_of_the_market_has_a_prefix_of_the_regimes(seed: int, n_bars: int) -> None:
    market = wandering(seed)
    known = market.until(n_bars)
    np.testing.assert_array_equal(
        detect_regime(known, SHORT), detect_regime(market, SHORT)[:n_bars]
    )
    for number in INPUTS:
        np.testing.assert_array_equal(number(known, SHORT), number(market, SHORT)[:n_bars])


@given(seed=seeds, bar=st.integers(1, 118))
def test_another_future_changes_nothing(seed: int, bar: int) -> None:
    market = wandering(seed)
    close = market.close.copy()
    close[bar + 1 :] = 1.0 + np.random.default_rng(seed).random(close[bar + 1 :].shape)
    other = market_of(close)
    assert not np.array_equal(other.close, market.close, equal_nan=True)
    for number in INPUTS:
        np.testing.assert_array_equal(
            number(other, SHORT)[: bar + 1], number(market, SHORT)[: bar + 1]
        )


@given(seed=seeds, bar=st.integers(SHORT.warmup - 1, 119))
def test_so_many_bars_as_the_warmup_are_enough(seed: int, bar: int) -> None:
    market = wandering(seed)
    recent = market.between(bar + 1 - SHORT.warmup, bar + 1)
    assert detect_regime(recent, SHORT)[-1] == detect_regime(market, SHORT)[bar]
    for number in INPUTS:
        np.testing.assert_allclose(
            number(recent, SHORT)[-1], number(market, SHORT)[bar], rtol=0, atol=1e-9
        )


@settings(max_examples=30)
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_neither_the_order_of_symbols_nor_the_unit_of_price_matters(
    seed: int, scale: float
) -> None:
    market = wandering(seed)
    for close in (market.close[:, ::-1], market.close * scale):
        other = market_of(close)
        for number in INPUTS:
            np.testing.assert_allclose(number(other, SHORT), number(market, SHORT), atol=1e-9)
        np.testing.assert_array_equal(detect_regime(other, SHORT), detect_regime(market, SHORT))


@settings(max_examples=30)
@given(seed=seeds, missing=st.floats(0.0, 1.0))
def test_numbers_stay_in_their_bounds_whatever_is_missing(seed: int, missing: float) -> None:
    market = wandering(seed, missing=missing)
    trend, level = market_trend(market, SHORT), market_volatility(market, SHORT)
    code: Int8Array = detect_regime(market, SHORT)
    assert code.dtype == np.int8
    assert code.min() >= UNKNOWN
    assert code.max() < len(REGIMES)
    np.testing.assert_array_equal(code == UNKNOWN, np.isnan(trend) | np.isnan(level))
    assert np.nanmax(np.abs(trend), initial=0.0) <= np.sqrt(SHORT.trend_window) + 1e-12
    assert not np.isinf(level).any()


@pytest.mark.shared_data
def test_real_markets_visit_most_regimes(shared_data: Path) -> None:
    path = shared_data / "us_stocks_88_daily_2012_2017.parquet"
    market = load_files(FilesSource(path=path))
    code = detect_regime(market)
    assert (code[RegimeSettings().warmup - 1 :] != UNKNOWN).all()
    assert len(np.unique(code)) == 10
    without = replace(market, sectors=("x",) * market.n_symbols)
    np.testing.assert_array_equal(detect_regime(without), code)
