"""Whether the best of many is better than a benchmark, when it is known that it was chosen.

T bars, N candidates. Returns; higher is better. All resample time by the stationary bootstrap.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter

SMALLEST_ERROR = 1e-15  # below it, draws differ by the rounding of sums


class Superiority(NamedTuple):
    """p-values that no candidate is better than the benchmark (Hansen 2005)."""

    lower: float
    consistent: float
    upper: float


def superior_ability(
    benchmark: FloatArray,
    candidates: FloatArray,
    *,
    block: int,
    seed: int,
    repetitions: int = 1000,
) -> Superiority:
    """Test that none of the candidates (T, N) has a higher mean return than the benchmark (T,).

    Hansen (2005), Journal of Business and Economic Statistics 23; `consistent` is the one to read.
    """
    from arch.bootstrap import SPA

    _check(benchmark, candidates)
    test = SPA(-benchmark, -candidates, block_size=block, reps=repetitions, seed=seed)
    test.compute()
    values = test.pvalues
    return Superiority(*(float(values[name]) for name in ("lower", "consistent", "upper")))


def superior_candidates(
    benchmark: FloatArray,
    candidates: FloatArray,
    *,
    block: int,
    seed: int,
    repetitions: int = 1000,
    size: float = 0.05,
) -> Sequence[int]:
    """Return which candidates are better, with all errors together below `size`.

    The stepwise test of Romano and Wolf (2005), Econometrica 73.
    """
    from arch.bootstrap import StepM

    _check(benchmark, candidates)
    test = StepM(-benchmark, -candidates, size=size, block_size=block, reps=repetitions, seed=seed)
    test.compute()
    return [int(str(i)) for i in test.superior_models]


def stepwise_p_values(means: FloatArray, draws: FloatArray, errors: FloatArray) -> FloatArray:
    """Return the p-values (N,) that means are not above 0, corrected for having tested them all.

    `means` (N,) are those observed, `errors` (N,) their standard errors, `draws` (R, N) the means
    of resampled data. In units of the errors the largest is held against the largest of all in each
    draw about its centre, the next against those that are left, and none is below the one before
    it. Romano and Wolf (2016), Statistics & Probability Letters 113; rejecting at a level gives the
    set of their stepwise test of 2005 when the draws are the same. NaN where a mean is not finite
    or has no error.
    """
    known = np.flatnonzero(np.isfinite(means) & (errors > SMALLEST_ERROR))
    values = np.full(means.size, np.nan)
    statistics = means[known] / errors[known]
    centred = (draws[:, known] - means[known]) / errors[known]
    order = np.argsort(-statistics, kind="stable")
    # The largest of what is left when those before a place have been taken out.
    largest = np.maximum.accumulate(centred[:, order[::-1]], axis=1)[:, ::-1]
    exceeded = (largest >= statistics[order]).sum(axis=0)
    values[known[order]] = np.maximum.accumulate((1 + exceeded) / (1 + len(draws)))
    return values


def confidence_set(
    candidates: FloatArray, *, block: int, seed: int, repetitions: int = 1000, size: float = 0.05
) -> Sequence[int]:
    """Return which candidates cannot be told from the best.

    The model confidence set of Hansen, Lunde and Nason (2011), Econometrica 79.
    """
    from arch.bootstrap import MCS

    test = MCS(-candidates, size=size, block_size=block, reps=repetitions, seed=seed)
    test.compute()
    return [int(str(i)) for i in test.included]


def _check(benchmark: FloatArray, candidates: FloatArray) -> None:
    if candidates.ndim != 2 or benchmark.shape != candidates.shape[:1]:
        raise InvalidParameter(
            f"a benchmark needs a return for each bar of the candidates [bars, candidates], was "
            f"{benchmark.shape} beside {candidates.shape}"
        )
