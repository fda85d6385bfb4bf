"""Means of many series at once, resampled over time and over seeds.

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
    draws        (R, B)  of the same, with time and seeds drawn anew
    time_error   (B,)    standard error from the stretch of history
    seed_error   (B,)    standard error from the seeds; 0 for a single one, of which it is unknown
    """

    mean: FloatArray
    draws: FloatArray
    time_error: FloatArray
    seed_error: FloatArray


def resample(
    differences: FloatArray, block: int, generator: np.random.Generator, repetitions: int
) -> Resampled:
    """Resample differences (S, T, B) over bars and, where there are two or more, over seeds.

    Each repetition draws one set of bars by the stationary bootstrap (Politis and Romano 1994) with
    blocks of this mean length, the same for all seeds and baselines, so that what moves together
    stays together. Of S seeds it then draws S - 1 with replacement, because the mean of those has
    the variance s² / S that the mean of S seeds has (Rao and Wu 1988, JASA 83); S of them would
    have too little, half of it for two seeds. Drawing both at once counts what is chance in both
    twice (Owen 2007, Annals of Applied Statistics 1): the interval errs on the wide side.
    """
    n_seeds, _, n_baselines = differences.shape
    means = _means_over_time(differences, block, generator, repetitions)
    own = differences.mean(axis=1)
    mean, over_time = own.mean(axis=0), means.mean(axis=1)
    time_error = over_time.std(axis=0, ddof=1)
    if n_seeds < FEWEST_SEEDS:
        return Resampled(mean, over_time, time_error, np.zeros(n_baselines))
    chosen = generator.integers(0, n_seeds, (repetitions, n_seeds - 1))
    draws = np.take_along_axis(means, chosen[:, :, None], axis=1).mean(axis=1)
    return Resampled(mean, draws, time_error, own.std(axis=0, ddof=1) / np.sqrt(n_seeds))


def _means_over_time(
    differences: FloatArray, block: int, generator: np.random.Generator, repetitions: int
) -> FloatArray:
    """Return the means (R, S, B) over resampled bars.

    A mean is a product with how often each bar was drawn, which is quicker than to copy the bars.
    """
    from arch.bootstrap import StationaryBootstrap

    n_seeds, n_bars, n_baselines = differences.shape
    bootstrap = StationaryBootstrap(block, np.arange(n_bars), seed=generator)
    columns = np.ascontiguousarray(differences.transpose(1, 0, 2)).reshape(n_bars, -1)
    means = np.empty((repetitions, columns.shape[1]))
    for start in range(0, repetitions, ROWS):
        rows = range(start, min(start + ROWS, repetitions))
        counts = [np.bincount(bootstrap.update_indices(), minlength=n_bars) for _ in rows]
        means[rows.start : rows.stop] = np.array(counts) @ columns / n_bars
    return means.reshape(repetitions, n_seeds, n_baselines)
