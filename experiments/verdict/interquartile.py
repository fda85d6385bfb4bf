"""What an algorithm does over its seeds: a mean that outliers do not move, and its interval.

R runs, M tasks (folds, markets).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import trim_mean

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter

CUT = 0.25  # of the runs at either end
FEWEST_RUNS = 2


class Interval(NamedTuple):
    """A value and the ends of its interval; ends are NaN where there is none."""

    value: float
    low: float
    high: float


def interquartile_mean(scores: FloatArray) -> float:
    """Return the mean of the middle half of all scores.

    Agarwal et al. (2021), NeurIPS, Deep Reinforcement Learning at the Edge of the Statistical
    Precipice.
    """
    return float(trim_mean(scores, CUT, axis=None))


def interquartile_interval(
    scores: FloatArray,
    generator: np.random.Generator,
    *,
    repetitions: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return the interquartile mean of scores (R, M) with a stratified bootstrap interval.

    Runs are drawn anew within each task, so that every resample has R runs of each (Agarwal et al.
    2021). One run has no interval.
    """
    if scores.ndim != 2 or not scores.size or not np.isfinite(scores).all():
        raise InvalidParameter(
            f"scores must be finite numbers [runs, tasks], was an array of shape {scores.shape}"
            f"{'' if np.isfinite(scores).all() else ' with others among them'}"
        )
    value = interquartile_mean(scores)
    n_runs, n_tasks = scores.shape
    if n_runs < FEWEST_RUNS:
        return Interval(value, float("nan"), float("nan"))
    drawn = generator.integers(0, n_runs, (repetitions, n_runs, n_tasks))
    resampled = scores[drawn, np.arange(n_tasks)].reshape(repetitions, -1)
    means = trim_mean(resampled, CUT, axis=1)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high))


def probability_of_improvement(first: FloatArray, second: FloatArray) -> float:
    """Return how often a run of the first scores above one of the second; ties count half.

    Scores (R, M) and (R', M); the mean over tasks of the Mann-Whitney statistic (Agarwal et al.
    2021).
    """
    above = (first[:, None] > second[None]).mean(axis=(0, 1))
    equal = (first[:, None] == second[None]).mean(axis=(0, 1))
    return float((above + 0.5 * equal).mean())
