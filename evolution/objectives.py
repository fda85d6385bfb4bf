"""What a candidate is judged by, as numbers of which more is better.

N candidates, T bars, F folds, C cases. A ratio is of one bar, not annualised.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray

NOTHING = -1e9  # of who cannot be judged: worse than anything that can happen


class Record(NamedTuple):
    """What is known of N candidates when they are compared.

    growth       (N, T)  log growth of each bar
    fold         (T,)    of each bar
    turnover     (N,)    a bar, fraction of equity
    n_trades     (N,)
    size         (N,)
    correlation  (N,)    the highest with a member of the pool, 0 while it is empty
    """

    growth: FloatArray
    fold: IntArray
    turnover: FloatArray
    n_trades: IntArray
    size: IntArray
    correlation: FloatArray


def ratios(growth: FloatArray) -> FloatArray:
    """Return the Sharpe ratio of each row, NaN where it does not vary."""
    deviation = growth.std(axis=1, ddof=1)
    ratio: FloatArray = growth.mean(axis=1) / np.where(deviation > 0.0, deviation, np.nan)
    return ratio


def certainty(growth: FloatArray) -> FloatArray:
    """Return how many standard errors the ratio of each row lies above 0.

    It is the argument of Φ in the probabilistic ratio of Bailey and López de Prado (2012), which
    orders candidates as the probability does and does not saturate at 1.
    """
    n_bars = growth.shape[1]
    ratio = ratios(growth)
    moved = growth - growth.mean(axis=1, keepdims=True)
    variance = (moved**2).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = (moved**3).mean(axis=1) / variance**1.5
        kurtosis = (moved**4).mean(axis=1) / variance**2
        spread = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
        sure: FloatArray = ratio * np.sqrt((n_bars - 1) / spread)
    return sure


def drawdowns(growth: FloatArray) -> FloatArray:
    """Return the largest fall of each row from its highest point so far, in logarithms."""
    wealth = np.cumsum(growth, axis=1)
    peak = np.maximum(np.maximum.accumulate(wealth, axis=1), 0.0)
    fall: FloatArray = (peak - wealth).max(axis=1)
    return fall


def _worst_fold(record: Record) -> FloatArray:
    folds = [record.growth[:, record.fold == f] for f in range(int(record.fold.max()) + 1)]
    worst: FloatArray = np.min([_known(certainty(part)) for part in folds], axis=0)
    return worst


def _known(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, NOTHING)


OBJECTIVES: Mapping[str, Callable[[Record], FloatArray]] = MappingProxyType(
    {
        "probabilistic_sharpe": lambda record: certainty(record.growth),
        "worst_fold": _worst_fold,
        "growth": lambda record: record.growth.sum(axis=1),
        "drawdown": lambda record: -drawdowns(record.growth),
        "turnover": lambda record: -record.turnover,
        "size": lambda record: -record.size.astype(np.float64),
        "correlation": lambda record: -record.correlation,
    }
)


def judge(record: Record, names: tuple[str, ...], least_trades: int) -> FloatArray:
    """Return the objectives (N, M) of these names; who trades too little has nothing."""
    values = np.stack([_known(OBJECTIVES[name](record)) for name in names], axis=1)
    alive = record.n_trades >= least_trades
    return np.where(alive[:, None], values, NOTHING)


def correlations(growth: FloatArray, members: FloatArray) -> FloatArray:
    """Return the correlations (N, P) of returns (N, T) with those of members (P, T); 0 unknown."""
    first, second = _standard(growth), _standard(members)
    together: FloatArray = first @ second.T / growth.shape[1]
    return together


def _standard(growth: FloatArray) -> FloatArray:
    moved = growth - growth.mean(axis=1, keepdims=True)
    deviation = growth.std(axis=1, keepdims=True)
    standard: FloatArray = moved / np.where(deviation > 0.0, deviation, np.inf)
    return standard
