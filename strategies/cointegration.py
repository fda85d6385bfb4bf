"""Which prices of a window move together: Engle and Granger's test of all pairs at once.

F bars, S symbols. The spread of a pair is `log p_i - intercept - hedge log p_j`.

Regressing every log price on every other needs the sums of their products alone, and so does the
test of what is left, because a spread is a sum of two series. So all pairs cost a few products of
matrices, [S, F] times [F, S].
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray

N_SERIES = 2
N_COEFFICIENTS = 2  # of a regression: of a log price on another, and of the test
LEAST_VARIANCE = 1e-10  # of a log price, or a spread; less is no movement but rounding


class Cointegration(NamedTuple):
    """The regression of each log price on each other one, [S, S]; NaN where it says nothing.

    hedge      slope of the row's log price on the column's: worth of the column to sell for one
    statistic  of the test that the residual has a unit root; the lower, the more it reverts
    half_life  bars in which half of a deviation is gone
    """

    hedge: FloatArray
    statistic: FloatArray
    half_life: FloatArray


class Pair(NamedTuple):
    """Two symbols whose spread reverts; what is needed to measure it."""

    first: int
    second: int
    hedge: float  # worth of the second against one of the first
    intercept: float
    deviation: float  # of the spread


def cointegration(log_price: FloatArray) -> Cointegration:
    """Test all pairs of the log prices (F, S), of which none is NaN.

    Engle and Granger (1987), Econometrica 55: ordinary least squares with a constant, then an
    augmented Dickey-Fuller test of the residual e with one lag and no constant,
    Δe_t = ρ e_{t-1} + γ Δe_{t-1}; the statistic is the t-value of ρ. The half-life is that of
    the autoregression of order one, -log 2 / log(1 + φ) with Δe_t = φ e_{t-1}.
    """
    centred = log_price - log_price.mean(axis=0)
    hedge = _slopes(centred)
    move = np.diff(centred, axis=0)
    before, earlier_move, now = centred[1:-1], move[:-1], move[1:]
    level = _spread_sum(before, before, hedge)
    mixed = _spread_sum(before, earlier_move, hedge)
    lagged = _spread_sum(earlier_move, earlier_move, hedge)
    pull = _spread_sum(before, now, hedge)
    echo = _spread_sum(earlier_move, now, hedge)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = level * lagged - mixed**2
        rho = (pull * lagged - echo * mixed) / determinant
        gamma = (echo * level - pull * mixed) / determinant
        left = _spread_sum(now, now, hedge) - rho * pull - gamma * echo
        variance = left / (len(now) - N_COEFFICIENTS) * lagged / determinant
        statistic = rho / np.sqrt(variance)
        kept = 1.0 + _spread_sum(centred[:-1], move, hedge) / _spread_sum(
            centred[:-1], centred[:-1], hedge
        )
        half_life = np.where(kept < 1.0, -np.log(2.0) / np.log(np.maximum(kept, 0.0)), np.nan)
    still = ~(level > LEAST_VARIANCE * len(before))  # the two are one
    statistic[still] = np.nan
    return Cointegration(hedge, statistic, half_life)


def measured(log_price: FloatArray, i: int, j: int, hedge: float) -> Pair:
    """Return the pair (i, j) with the mean and the deviation of its spread in the window."""
    spread = log_price[:, i] - hedge * log_price[:, j]
    intercept = float(spread.mean())
    degrees = len(spread) - N_COEFFICIENTS
    deviation = float(np.sqrt(((spread - intercept) ** 2).sum() / degrees))
    return Pair(i, j, hedge, intercept, deviation)


def p_value(statistic: float) -> float:
    """Return how often two unrelated random walks seem to revert as much (MacKinnon 1994, 2010)."""
    from statsmodels.tsa.adfvalues import mackinnonp

    return float(mackinnonp(statistic, regression="c", N=N_SERIES))


def disjoint(statistic: FloatArray, most: int) -> IntArray:
    """Return the places (N, 2) of the lowest statistics, at most so many and no symbol twice.

    NaN is none. Of equal ones the first counts.
    """
    rows, columns = np.nonzero(np.isfinite(statistic))
    order = np.argsort(statistic[rows, columns], kind="stable")
    taken: set[int] = set()
    found: list[tuple[int, int]] = []
    for place in order:
        pair = int(rows[place]), int(columns[place])
        if len(found) == most:
            break
        if taken.isdisjoint(pair):
            taken.update(pair)
            found.append(pair)
    return np.array(found, dtype=np.int64).reshape(-1, N_SERIES)


def _slopes(centred: FloatArray) -> FloatArray:
    """Return the slope of each series on each other, [S, S]; NaN on one that does not move."""
    products = centred.T @ centred
    own = np.diagonal(products)
    moves = own > LEAST_VARIANCE * len(centred)
    return np.where(moves[:, None] & moves, products / np.where(moves, own, 1.0), np.nan)


def _spread_sum(a: FloatArray, b: FloatArray, hedge: FloatArray) -> FloatArray:
    """Return Σ_t (a_ti - h_ij a_tj)(b_ti - h_ij b_tj) for all i, j, [S, S]."""
    products = a.T @ b
    own = np.diagonal(products)
    return own[:, None] - hedge * (products + products.T) + hedge**2 * own
