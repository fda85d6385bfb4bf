"""Whether a value at risk was exceeded as often as it says, and not in clusters.

T bars. An exceedance is a loss beyond the value at risk of its bar. `follows` (T,) says which bars
come directly after the one before them; all of them, where nothing is said. Bars without a value at
risk are left out, and what lies on both sides of one is no pair.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2

from benbot.envs.arrays import BoolArray
from benbot.envs.errors import InvalidParameter


class LikelihoodRatio(NamedTuple):
    """A ratio, chi-squared under the null hypothesis, and its p-value."""

    ratio: float
    p_value: float


def coverage(n_exceeded: int, n_bars: int, level: float) -> LikelihoodRatio:
    """Test that each bar exceeds with probability `level`.

    Kupiec (1995), Journal of Derivatives 3: -2 log of the likelihood under the level over that
    under the observed share, one degree of freedom.
    """
    if not (0 <= n_exceeded <= n_bars and n_bars > 0 and 0.0 < level < 1.0):
        raise InvalidParameter(
            f"coverage needs 0 <= exceedances <= bars and a level in (0, 1), was {n_exceeded} of "
            f"{n_bars} at {level}"
        )
    share = n_exceeded / n_bars
    kept = n_bars - n_exceeded
    expected = xlogy(n_exceeded, level) + xlogy(kept, 1.0 - level)
    observed = xlogy(n_exceeded, share) + xlogy(kept, 1.0 - share)
    return _tested(2.0 * (observed - expected), 1)


def independence(exceeded: BoolArray, follows: BoolArray | None = None) -> LikelihoodRatio:
    """Test that an exceedance (T,) is no likelier after another.

    Christoffersen (1998), International Economic Review 39: a first-order Markov chain against a
    constant probability, one degree of freedom.
    """
    before, now = _pairs(exceeded, follows)
    counts = np.array([[(before == i) & (now == j) for j in (False, True)] for i in (False, True)])
    moves = counts.sum(axis=2).astype(np.float64)
    total = moves.sum(axis=1, keepdims=True)
    each = np.divide(moves, total, out=np.zeros_like(moves), where=total > 0.0)
    together = moves.sum(axis=0) / max(moves.sum(), 1.0)
    chain = xlogy(moves, each).sum()
    constant = xlogy(moves.sum(axis=0), together).sum()
    return _tested(2.0 * float(chain - constant), 1)


def conditional_coverage(
    exceeded: BoolArray, level: float, follows: BoolArray | None = None
) -> LikelihoodRatio:
    """Test both at once; the ratios add up, two degrees of freedom (Christoffersen 1998)."""
    _, now = _pairs(exceeded, follows)
    share = coverage(int(now.sum()), now.size, level)
    return _tested(share.ratio + independence(exceeded, follows).ratio, 2)


def _pairs(exceeded: BoolArray, follows: BoolArray | None) -> tuple[BoolArray, BoolArray]:
    """Return, for each bar with one directly before it, whether that one exceeded, and it did."""
    is_second = np.ones(exceeded.size - 1, np.bool_) if follows is None else follows[1:]
    return exceeded[:-1][is_second], exceeded[1:][is_second]


def _tested(ratio: float, freedom: int) -> LikelihoodRatio:
    ratio = max(float(ratio), 0.0)
    return LikelihoodRatio(ratio, float(chi2.sf(ratio, freedom)))
