"""Means of many series at once, with the chance that is in time and the chance that is in seeds.

T bars, S seeds, B baselines, R repetitions.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray

ROWS = 64  # repetitions at once, so that minutes of many years fit into memory
FEWEST_SEEDS = 2


class Resampled(NamedTuple):
    """Means of differences (S, T, B), and how far chance moves them.

    mean         (B,)    over seeds and bars
    draws        (R, B)  of the same, with other bars and other seeds
    time_error   (B,)    standard error from the stretch of history
    seed_error   (B,)    standard error from the seeds; 0 for a single one, of which it is unknown
    """

    mean: FloatArray
    draws: FloatArray
    time_error: FloatArray
    seed_error: FloatArray

    @property
    def error(self) -> FloatArray:
        """Return the standard error from both, (B,)."""
        both: FloatArray = np.hypot(self.time_error, self.seed_error)
        return both


def resample(
    differences: FloatArray, block: int, generator: np.random.Generator, repetitions: int
) -> Resampled:
    """Return the means of differences (S, T, B) and draws of them.

    A draw is a mean over bars that were drawn anew by the stationary bootstrap (Politis and Romano
    1994) with blocks of this mean length, the same for all seeds and baselines, so that what moves
    together stays together. Of two or more seeds it has a second part, the chance of training:
    Student's t with S - 1 degrees of freedom times the standard error s / √S of the mean of S
    seeds, jointly for all baselines. To draw seeds from a handful of them would have too little of
    it: of three, all are above 0 in one of eight cases where the mean of all that there could be is
    0. What the bars do to single seeds is in both parts, so the interval errs on the wide side.
    """
    own = differences.mean(axis=1)
    mean = own.mean(axis=0)
    draws = means_over_time(differences.mean(axis=0), block, generator, repetitions)
    time_error = draws.std(axis=0, ddof=1)
    n_seeds = len(own)
    if n_seeds < FEWEST_SEEDS:
        return Resampled(mean, draws, time_error, np.zeros_like(mean))
    seed_error = own.std(axis=0, ddof=1) / np.sqrt(n_seeds)
    return Resampled(mean, draws + _luck(own, generator, repetitions), time_error, seed_error)


def _luck(own: FloatArray, generator: np.random.Generator, repetitions: int) -> FloatArray:
    """Return draws (R, B) of the error of the mean of seeds, from the means (S, B) of each."""
    n_seeds = len(own)
    freedom = n_seeds - 1
    normal = generator.normal(size=(repetitions, n_seeds)) @ (own - own.mean(axis=0))
    spread = np.sqrt(generator.chisquare(freedom, (repetitions, 1)) / freedom)
    luck: FloatArray = normal / np.sqrt(n_seeds * freedom) / spread
    return luck


def means_over_time(
    differences: FloatArray, block: int, generator: np.random.Generator, repetitions: int
) -> FloatArray:
    """Return the means (R, B) of differences (T, B) over resampled bars.

    A mean is a product with how often each bar was drawn, which is quicker than to copy the bars.
    """
    from arch.bootstrap import StationaryBootstrap

    n_bars, n_baselines = differences.shape
    bootstrap = StationaryBootstrap(block, np.arange(n_bars), seed=generator)
    means = np.empty((repetitions, n_baselines))
    for start in range(0, repetitions, ROWS):
        rows = range(start, min(start + ROWS, repetitions))
        counts = [np.bincount(bootstrap.update_indices(), minlength=n_bars) for _ in rows]
        means[rows.start : rows.stop] = np.array(counts) @ differences / n_bars
    return means
