"""Engle and Granger's test of all pairs against statsmodels, one pair at a time."""

import numpy as np
import pytest
from statsmodels.api import OLS, add_constant
from statsmodels.tsa.stattools import coint

from benbot.envs.arrays import FloatArray
from benbot.strategies.cointegration import cointegration, disjoint, measured, p_value


def walks(seed: int, n_bars: int = 250, n_symbols: int = 6) -> FloatArray:
    """Return log prices of which the first two are tied to each other."""
    rng = np.random.default_rng(seed)
    moves = 0.01 * rng.standard_t(4, (n_bars, n_symbols))
    log_price = 3.0 + moves.cumsum(axis=0)
    spread = np.zeros(n_bars)
    for t in range(1, n_bars):
        spread[t] = 0.8 * spread[t - 1] + 0.005 * rng.normal()
    log_price[:, 1] = 0.5 + 1.4 * log_price[:, 0] + spread
    return log_price


@pytest.mark.parametrize("seed", range(3))
def test_hedge_statistic_and_p_value_are_those_of_statsmodels(seed: int) -> None:
    log_price = walks(seed)
    found = cointegration(log_price)
    for i in range(6):
        for j in set(range(6)) - {i}:
            regressed = OLS(log_price[:, i], add_constant(log_price[:, j])).fit()
            statistic, probability, _ = coint(
                log_price[:, i], log_price[:, j], trend="c", maxlag=1, autolag=None
            )
            np.testing.assert_allclose(found.hedge[i, j], regressed.params[1], rtol=1e-9)
            np.testing.assert_allclose(found.statistic[i, j], statistic, rtol=1e-7)
            np.testing.assert_allclose(p_value(found.statistic[i, j]), probability, rtol=1e-6)


def test_the_half_life_is_that_of_the_autoregression_of_the_residual() -> None:
    log_price = walks(1)
    found = cointegration(log_price)
    left = OLS(log_price[:, 1], add_constant(log_price[:, 0])).fit().resid
    slope = OLS(np.diff(left), left[:-1]).fit().params[0]
    np.testing.assert_allclose(found.half_life[1, 0], -np.log(2.0) / np.log1p(slope), rtol=1e-9)
    assert 1.0 < found.half_life[1, 0] < 8.0  # of 0.8 it is 3.1


def test_a_pair_is_measured_as_statsmodels_measures_it() -> None:
    log_price = walks(2)
    fit = OLS(log_price[:, 1], add_constant(log_price[:, 0])).fit()
    pair = measured(log_price, 1, 0, float(fit.params[1]))
    np.testing.assert_allclose(pair.intercept, fit.params[0], rtol=1e-9)
    np.testing.assert_allclose(pair.deviation, np.sqrt(fit.mse_resid), rtol=1e-9)


def test_what_does_not_move_and_what_is_the_same_is_tied_to_nothing() -> None:
    log_price = walks(3)
    log_price[:, 2] = 4.0
    log_price[:, 4] = log_price[:, 3] + 1.0
    statistic = cointegration(log_price).statistic
    assert np.isnan(np.diagonal(statistic)).all()
    assert np.isnan(statistic[2]).all()
    assert np.isnan(statistic[:, 2]).all()
    assert np.isnan(statistic[3, 4])
    assert np.isfinite(statistic[[0, 1, 3], [1, 0, 5]]).all()


def test_the_lowest_statistics_are_taken_and_no_symbol_twice() -> None:
    statistic = np.full((5, 5), np.nan)
    statistic[0, 1], statistic[1, 2], statistic[3, 4], statistic[2, 0] = -3.0, -9.0, -4.0, -8.0
    assert disjoint(statistic, 5).tolist() == [[1, 2], [3, 4]]
    assert disjoint(statistic, 1).tolist() == [[1, 2]]
    assert disjoint(np.full((5, 5), np.nan), 5).shape == (0, 2)
