"""Regimes, shocks, drifts and jumps of a synthetic market are distributed as planned."""

from functools import cache

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, Int8Array
from benbot.envs.market.synthetic_moves import Moves, draw_moves, draw_regimes, recur
from benbot.envs.market.synthetic_source import (
    REGIMES,
    HiddenRegime,
    SyntheticSource,
    draw_universe,
    open_streams,
)

ADVANCE, RANGE, DECLINE = range(3)
VARIANTS = ("planted", "no_edge")
SEEDS = (0, 1, 2, 3)


@cache
def drawn(variant: str, seed: int) -> tuple[Int8Array, Moves]:
    return draw(SyntheticSource(variant=variant, seed=seed))


def draw(source: SyntheticSource) -> tuple[Int8Array, Moves]:
    streams = open_streams(source.seed)
    universe, regime = draw_universe(source, streams), draw_regimes(source, streams)
    return regime, draw_moves(source, universe, regime, streams)


def returns(moves: Moves) -> FloatArray:
    whole: FloatArray = (1.0 + moves.overnight) * (1.0 + moves.intraday) - 1.0
    return whole


def test_regimes_last_and_follow_each_other_as_planned() -> None:
    source = SyntheticSource(seed=1, n_bars=50_000)
    path = draw_regimes(source, open_streams(source.seed))
    first = np.flatnonzero(np.diff(path, prepend=-1))
    spells, durations = path[first], np.diff(first, append=path.size)
    for k, regime in enumerate(source.regimes):
        lasted = durations[spells == k]
        assert abs(lasted.mean() / regime.mean_bars - 1.0) < 3.0 / np.sqrt(lasted.size)
        follower = np.bincount(spells[1:][spells[:-1] == k], minlength=3) / lasted.size
        np.testing.assert_allclose(follower, source.successors[k], atol=0.12)
    np.testing.assert_allclose(np.bincount(path) / path.size, source.stationary, atol=0.05)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_market_is_as_volatile_as_its_regime(variant: str) -> None:
    found = np.zeros(3)
    for seed in SEEDS:
        regime, moves = drawn(variant, seed)
        basket = returns(moves).mean(axis=1)
        found += [252 * basket[regime == k].var() / len(SEEDS) for k in range(3)]
    of_sectors_and_symbols = 0.06**2 / 6 + 0.21**2 / 30
    planned = [each.volatility**2 + of_sectors_and_symbols for each in REGIMES]
    np.testing.assert_allclose(np.sqrt(found), np.sqrt(planned), rtol=0.12)


def test_the_planted_market_rises_and_falls_with_its_regime() -> None:
    growth = np.zeros(3)
    for seed in SEEDS:
        regime, moves = drawn("planted", seed)
        basket = returns(moves).mean(axis=1)
        growth += [252 * basket[regime == k].mean() / len(SEEDS) for k in range(3)]
    assert growth[ADVANCE] == pytest.approx(0.26, abs=0.06)
    assert growth[RANGE] == pytest.approx(0.0, abs=0.06)
    assert growth[DECLINE] == pytest.approx(-0.50, abs=0.25)


def test_own_returns_have_the_planned_variance_fat_tails_and_clusters() -> None:
    quiet = (HiddenRegime(name="quiet", mean_bars=100, drift=0.0, volatility=1e-6),)
    source = SyntheticSource(
        variant="no_edge", seed=1, n_bars=8_000, regimes=quiet, sector_volatility=0, jump_size=0
    )
    _, moves = draw(source)
    universe = draw_universe(source, open_streams(source.seed))
    shock = (moves.overnight + moves.intraday) / universe.volatility
    assert np.mean(shock**2) == pytest.approx(1.0, abs=0.03)
    # A Student-t with 6 degrees of freedom has kurtosis 6, and GARCH multiplies it by E growth².
    memory = source.garch_shock + source.garch_memory
    growth = (1.0 - memory**2) / (1.0 - memory**2 - 5.0 * source.garch_shock**2)
    assert np.mean(shock**4) == pytest.approx(6.0 * growth, rel=0.15)
    tamed = np.minimum(shock**2, 9.0)  # else single days decide
    echo = [np.corrcoef(tamed[5:, s], tamed[:-5, s])[0, 1] for s in range(source.n_symbols)]
    assert np.mean(echo) > 0.05


def test_night_and_day_share_the_variance_as_planned() -> None:
    source = SyntheticSource(variant="no_edge", seed=1, overnight_share=0.3, jump_size=0)
    _, moves = draw(source)
    night, day = np.mean(moves.overnight**2), np.mean(moves.intraday**2)
    assert night / (night + day) == pytest.approx(0.3, abs=0.02)
    assert np.mean((moves.intraday / moves.deviation) ** 2) == pytest.approx(1.0, abs=0.02)


def test_a_trend_is_as_strong_as_planned_from_the_first_bar_on_and_fades_with_its_half_life() -> (
    None
):
    trending = HiddenRegime(name="trending", mean_bars=100, drift=0.0, volatility=0.1, trend=0.2)
    source = SyntheticSource(
        n_bars=500, n_symbols=600, regimes=(trending,), fast_half_life=10, slow_share=0
    )
    (_, planted), (_, fair) = (
        draw(source.model_copy(update={"variant": variant})) for variant in VARIANTS
    )
    volatility = draw_universe(source, open_streams(source.seed)).volatility
    drift = (planted.intraday - fair.intraday) / (0.8 * 0.2 * volatility)
    assert np.mean(drift**2) == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(np.mean(drift[:3] ** 2, axis=1), 1.0, atol=0.2)
    assert np.mean(drift[10:] * drift[:-10]) == pytest.approx(0.5, abs=0.03)


def test_jumps_come_overnight_as_often_and_as_large_as_planned() -> None:
    (_, jumpy), (_, smooth) = (
        draw(SyntheticSource(seed=1, jumps_per_year=10, jump_size=size)) for size in (0.05, 0.0)
    )
    jump = jumpy.overnight - smooth.overnight
    np.testing.assert_array_equal(jumpy.intraday, smooth.intraday)
    assert 252 * (jump != 0.0).mean() == pytest.approx(10.0, rel=0.05)
    assert jump[jump != 0.0].std() == pytest.approx(0.05, rel=0.05)


def test_both_variants_share_their_regimes_volatilities_and_shocks() -> None:
    (regime, planted), (same_regime, fair) = (drawn(variant, 0) for variant in VARIANTS)
    np.testing.assert_array_equal(regime, same_regime)
    np.testing.assert_array_equal(planted.deviation, fair.deviation)
    assert (planted.overnight != fair.overnight)[1:].all()
    agreement = np.corrcoef(planted.intraday.ravel(), fair.intraday.ravel())[0, 1]
    assert agreement > 0.97, "drifts are small beside the shocks"


def test_a_recursion_shows_what_was_known_before_each_bar() -> None:
    path = recur(np.full((4, 1), 0.5), np.array([[1.0], [2.0], [4.0], [8.0]]), np.array([10.0]))
    np.testing.assert_array_equal(path[:, 0], [10.0, 6.0, 5.0, 6.5])
