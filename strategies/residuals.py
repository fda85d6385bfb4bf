"""What a symbol's price did that others did not do with it, and how far that has strayed.

W or N bars, S symbols, F factors. A return is a log return from one bar of the market to the next,
NaN where the symbol lacks one of the two closes: what happens across a gap is no return.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.strategies.base import MARGIN, STILL

LEAST_KNOWN = 0.9  # share of a window's returns without which a symbol makes no factor
SYMBOLS_PER_FACTOR = 4  # with fewer, components explain what is a symbol's own
NO_FACTOR = 1e-9  # a factor this weak against the strongest explains rounding


class Factors(NamedTuple):
    """Portfolios that explain some symbols.

    columns  (M,)    the symbols that are explained, which are also those that are held
    units    (M, F)  how much of each is held, so that factor returns are `returns @ units`
    """

    columns: IntArray
    units: FloatArray


def log_returns(close: FloatArray) -> FloatArray:
    """Return the log return of every bar [T, S]."""
    return np.diff(np.log(close), axis=0, prepend=np.nan)


def principal_factors(returns: FloatArray, n_factors: int) -> list[Factors]:
    """Return the principal components of returns [W, S], as portfolios of equal risk.

    The eigenvectors of the correlation matrix that belong to the largest eigenvalues, each entry
    divided by the symbol's deviation: the eigenportfolios of Avellaneda and Lee, equation 9. At
    most one for every four symbols. A missing return counts as the mean. None where there are fewer
    than four symbols that move.
    """
    columns = _usable(returns)
    n_factors = min(n_factors, columns.size // SYMBOLS_PER_FACTOR)
    if n_factors == 0:
        return []
    seen = returns[:, columns]
    deviation = np.nanstd(seen, axis=0)
    standard = np.nan_to_num((seen - np.nanmean(seen, axis=0)) / deviation)
    # Eigenvalues come in rising order. The sign of a vector does not matter to what it explains.
    vectors = np.linalg.eigh(standard.T @ standard)[1][:, -n_factors:]
    return [Factors(columns, vectors / deviation[:, np.newaxis])]


def sector_factors(returns: FloatArray, sectors: Sequence[str]) -> list[Factors]:
    """Return for each sector the portfolio that holds its symbols in equal parts."""
    columns = _usable(returns)
    of_column = np.array(sectors)[columns]
    groups = [columns[of_column == sector] for sector in np.unique(of_column)]
    return [Factors(group, np.full((group.size, 1), 1.0 / group.size)) for group in groups]


def residual_returns(returns: FloatArray, factors: Factors) -> FloatArray:
    """Return what is left of returns [N, M] when an intercept and the factors explain the rest.

    By least squares over the N bars. A missing return counts as none in the factors; a symbol that
    has one has no residuals, NaN.
    """
    held = np.nan_to_num(returns)
    explaining = np.column_stack([np.ones(len(held)), held @ factors.units])
    loadings = np.linalg.lstsq(explaining, held, rcond=NO_FACTOR)[0]
    whole = np.isfinite(returns).all(axis=0)
    return np.where(whole, held - explaining @ loadings, np.nan)


def strayed(residuals: FloatArray, slowest: float) -> FloatArray:
    """Return how far the cumulated residuals [N, M] are from where they return to, (M,).

    X(n) = X(n-1) + residual(n) is fitted as X(n) = a + b X(n-1) + ζ(n), the discrete form of an
    Ornstein-Uhlenbeck process. It returns to a / (1 - b), around which its standard deviation is
    √(E ζ² / (1 - b²)); the answer is in such deviations (Avellaneda and Lee, appendix). NaN where
    it does not return, or slower than in `slowest` bars, 1 / κ = -1 / ln b, and where nothing
    moves.
    """
    path = residuals.cumsum(axis=0)
    before, after = path[:-1], path[1:]
    mean_before, mean_after = before.mean(axis=0), after.mean(axis=0)
    spread = before - mean_before
    square = np.sum(spread**2, axis=0)
    moves = np.isfinite(square) & (square > len(path) * STILL**2)
    b = np.sum(spread * (after - mean_after), axis=0) / np.where(moves, square, np.nan)
    returning = (b > MARGIN) & (b < np.exp(-1.0 / slowest) - MARGIN)
    b = np.where(returning, b, np.nan)
    a = mean_after - b * mean_before
    variance = np.mean((after - a - b * before) ** 2, axis=0) / (1.0 - b**2)
    deviation = np.sqrt(np.where(variance > STILL**2, variance, np.nan))
    distance: FloatArray = (path[-1] - a / (1.0 - b)) / deviation
    return distance


def _usable(returns: FloatArray) -> IntArray:
    """Return the symbols with enough returns that move, in an order that their place leaves open.

    The order is that of their deviations, so that rounding is the same wherever a symbol stands.
    """
    known = np.isfinite(returns)
    columns = np.flatnonzero(known.mean(axis=0) > LEAST_KNOWN - MARGIN)
    deviation, mean = (of(returns[:, columns], axis=0) for of in (np.nanstd, np.nanmean))
    order = np.lexsort((mean, deviation))
    usable: IntArray = columns[order[deviation[order] > STILL]]
    return usable
