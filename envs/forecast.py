"""What each strategy is expected to earn over the next bar, as the state of the market says.

What a strategy earned after every close so far is regressed on the state of the market at that
close, recursively, so that each forecast is made of closes and growths up to its own. A record by
regime knows nine states; this one knows all between them, and it says of any strategy, known or
new, what it is good for now. In form it is the estimate of a contextual bandit with linear payoffs
(Li et al. 2010, WWW, algorithm 1) that sees what every arm has paid:

    A_t = λ I + Σ_s keep^(t-s) x_(s-1) x_(s-1)'       b_t = Σ_s keep^(t-s) x_(s-1) growth_s
    raw_t = x_t' A_t⁻¹ b_t                            x is the state with a 1 behind it

The ridge λ counts like bars after which nothing was earned. A regression finds something in any
noise, so that what is told is

    forecast_t = trust_t × raw_t

where the trust is how much of what earlier raw forecasts said has come true (`_trust`). Where
nothing can be foreseen it is zero nearly always.
"""

import numpy as np

from benbot.envs.arrays import FloatArray

HALF_LIFE = 2520.0  # bars after which one counts for half: kinds of strategies change slowly
KEEP = 0.5 ** (1.0 / HALF_LIFE)
RIDGE = 400.0  # bars; one bar in a hundred of what a sleeve does can be foreseen
LARGEST_GROWTH = 0.2  # of a sleeve over a bar; a ruin must not be all that is remembered
LEAST_DEVIATION = 1e-4
BARS_PER_YEAR = 252.0
BLOCK = 1024  # bars whose regressions are solved at once


def forecasts(state: FloatArray, growth: FloatArray) -> FloatArray:
    """Return the expected growth of each strategy over the bar after each close, [T, K].

    state    [T, C]  of the market at each close, finite and of order one
    growth   [T, K]  log growth of each sleeve over the bar that ends with this close

    The unit is a Sharpe ratio of 252 bars, at the usual deviation of all sleeves together, so that
    the strategy with the highest forecast is the one that is expected to grow most.
    """
    earned = np.clip(growth, -LARGEST_GROWTH, LARGEST_GROWTH)
    raw = _regressed(np.column_stack([state, np.ones(len(state))]), earned)
    square = _sums(np.square(earned).mean(axis=1)) / _sums(np.ones(len(earned)))
    unit = np.maximum(np.sqrt(square), LEAST_DEVIATION) / np.sqrt(BARS_PER_YEAR)
    forecast: FloatArray = raw * (_trust(raw, earned) / unit)[:, None]
    return forecast


def _regressed(seen: FloatArray, earned: FloatArray) -> FloatArray:
    """Return what the regression of each close expects of the next bar, [T, K]."""
    size, n_strategies = seen.shape[1], earned.shape[1]
    ridge, expected = RIDGE * np.eye(size), np.zeros_like(earned)
    products, answers = np.zeros((1, size, size)), np.zeros((1, size, n_strategies))
    for first in range(1, len(earned), BLOCK):
        bars = np.arange(first, min(first + BLOCK, len(earned)))
        before = seen[bars - 1, :, None]
        products = _sums(before * seen[bars - 1, None], products[-1])
        answers = _sums(before * earned[bars, None], answers[-1])
        slopes = np.linalg.solve(products + ridge, answers)
        expected[bars] = np.einsum("tc,tck->tk", seen[bars], slopes)
    return expected


def _trust(raw: FloatArray, earned: FloatArray) -> FloatArray:
    """Return the share of what raw forecasts said that has come true up to each bar, in [0, 1].

    It is the slope of a regression of growth on forecast, all strategies together (Mincer and
    Zarnowitz 1969), times 1 - 1 / t², as in James and Stein (1961), where t is its t-statistic. A
    bar is one observation, for strategies earn and lose together. 0 where the slope is negative.
    """
    told = np.vstack([np.zeros_like(raw[:1]), raw[:-1]])
    met = (told * earned).sum(axis=1)
    total, square = _sums(met), _sums(np.square(met))
    size = _sums(np.square(told).sum(axis=1))
    one_over = np.where(size > 0.0, size, 1.0)
    slope = np.clip(total / one_over, 0.0, 1.0)
    at_most = np.where(slope > 0.0, np.maximum(np.square(total), square), 1.0)
    trust: FloatArray = slope * (1.0 - square / at_most)
    return trust


def _sums(values: FloatArray, start: FloatArray | float = 0.0) -> FloatArray:
    """Return the sum of values [T, ...] up to each bar, older ones counting less."""
    sums = values.copy()
    sums[0] += KEEP * start
    for t in range(1, len(sums)):
        sums[t] += KEEP * sums[t - 1]
    return sums
