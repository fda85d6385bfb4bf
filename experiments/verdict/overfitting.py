"""How likely it is that choosing the best in one half of history chooses nothing.

T bars, N candidates.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.errors import InvalidParameter

MIDDLE = 0.5


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What became of the candidate that was best in each half of history.

    rank      (C,) its relative rank in the other half, in (0, 1); 1 is best, equals share the mean
              of theirs; NaN where all candidates are the same
    inside    (C,) its Sharpe ratio of a bar in the half in which it was chosen; minus infinity
              where everybody had lost everything, so that nobody was, and the rank is the middle
    outside   (C,) and in the other; minus infinity if it had lost everything
    """

    rank: FloatArray
    inside: FloatArray
    outside: FloatArray

    @property
    def probability(self) -> float:
        """Return how often the best of one half was in the lower half of the other.

        In the very middle counts one half, as between candidates that are the same. NaN where all
        of them are, for then nothing was chosen.
        """
        if not np.isfinite(self.rank).all():
            return float("nan")
        return float((self.rank < MIDDLE).mean() + 0.5 * (self.rank == MIDDLE).mean())

    @property
    def loss_probability(self) -> float:
        """Return how often the best of one half lost in the other."""
        return float((self.outside < 0.0).mean())


def backtest_overfitting(returns: FloatArray, n_parts: int = 16) -> Overfitting:
    """Return what combinatorially symmetric cross-validation says of the returns (T, N).

    History is cut into `n_parts` stretches of equal length; what is left over at the beginning is
    not used. Each half of them in turn chooses the highest Sharpe ratio, and the other ranks it.
    Bailey, Borwein, López de Prado and Zhu (2017), Journal of Computational Finance 20.
    On noise the probability is one half on average, and varies widely from one history to another.

    Who lost everything, a return of -1 or less, is last in every half with that bar or one after
    it: to leave out who was ruined would be to choose with hindsight. What such a candidate returns
    afterwards does not count; anything else that is not finite is refused.
    """
    n_bars, n_candidates = returns.shape
    if n_parts < 2 or n_parts % 2 or n_bars < 2 * n_parts or n_candidates < 2:
        raise InvalidParameter(
            f"cross-validation needs an even number of parts, two bars in each and two candidates, "
            f"was {n_parts} parts of {n_bars} bars and {n_candidates} candidates"
        )
    gone = ruined(returns)
    n_bad = int((~np.isfinite(returns) & ~gone).sum())
    if n_bad:
        raise InvalidParameter(
            f"cross-validation needs finite returns of who has not lost everything, was {n_bad} "
            f"that are not. Leave out accounts with unknown marks"
        )
    known = np.where(gone, 0.0, returns)
    length = n_bars // n_parts
    shape = (n_parts, length, n_candidates)
    parts, lost = (each[n_bars - length * n_parts :].reshape(shape) for each in (known, gone))
    total, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    halves = np.array(list(combinations(range(n_parts), n_parts // 2)))
    n_half = length * n_parts // 2
    # Sums over halves as a product, for a copy of every half would not fit for many candidates.
    inside = np.zeros((len(halves), n_parts))
    np.put_along_axis(inside, halves, 1.0, axis=1)
    chosen, rest = (
        np.where(
            half @ lost.any(axis=1) > 0.0, -np.inf, _ratios(half @ total, half @ squares, n_half)
        )
        for half in (inside, 1.0 - inside)
    )
    best = chosen.argmax(axis=1)
    rows = np.arange(len(halves))
    rank = rankdata(rest, axis=1)[rows, best] / (n_candidates + 1.0)
    rank[np.isneginf(chosen[rows, best])] = MIDDLE
    if (known == known[:, :1]).all() and (gone == gone[:, :1]).all():
        rank = np.full_like(rank, np.nan)
    return Overfitting(rank, chosen[rows, best], rest[rows, best])


def ruined(returns: FloatArray) -> BoolArray:
    """Return at which bars each candidate loses everything, or has lost it before, (T, N)."""
    gone: BoolArray = np.logical_or.accumulate(returns <= -1.0, axis=0)
    return gone


def _ratios(total: FloatArray, squares: FloatArray, n_bars: int) -> FloatArray:
    """Return the Sharpe ratio from sums over bars; 0 where nothing varies."""
    mean = total / n_bars
    variance = (squares - n_bars * mean**2) / (n_bars - 1)
    scale = np.sqrt(np.maximum(variance, 0.0))
    moves = scale > 1e-12
    ratios: FloatArray = np.where(moves, mean / np.where(moves, scale, 1.0), 0.0)
    return ratios
