"""Whether the best of many is better than a benchmark, when it is known that it was chosen.

T bars, N candidates. Returns; higher is better. All resample time by the stationary bootstrap.
Returns that are not finite are refused. A candidate whose difference to the benchmark is the same
in every bar has no error to be held against, so it is left out: it is never found to be better.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import InvalidParameter

SMALLEST_ERROR = 1e-15  # below it, draws differ by the rounding of sums
FEWEST_BARS = 2


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
    All are 1 where no candidate ever differs from the benchmark.
    """
    from arch.bootstrap import SPA

    differing = _differing(benchmark, candidates)
    if not differing.size:
        return Superiority(1.0, 1.0, 1.0)
    others = -candidates[:, differing]
    test = SPA(-benchmark, others, block_size=block, reps=repetitions, seed=seed)
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

    differing = _differing(benchmark, candidates)
    if not differing.size:
        return []
    others = -candidates[:, differing]
    test = StepM(-benchmark, others, size=size, block_size=block, reps=repetitions, seed=seed)
    test.compute()
    return [int(differing[int(str(i))]) for i in test.superior_models]


def stepwise_p_values(means: FloatArray, draws: FloatArray, errors: FloatArray) -> FloatArray:
    """Return the p-values (N,) that means are not above 0, corrected for having tested them all.

    `means` (N,) are those observed, `errors` (N,) their standard errors, `draws` (R, N) the means
    of resampled data. In units of the errors the largest is held against the largest of all in each
    draw about its centre, the next against those that are left, and none is below the one before
    it. Romano and Wolf (2016), Statistics & Probability Letters 113; rejecting at a level gives the
    set of their stepwise test of 2005 when the draws are the same. NaN where a mean, its error or
    one of its draws is not finite, and where it has no error.
    """
    is_finite = np.isfinite(means) & np.isfinite(errors) & np.isfinite(draws).all(axis=0)
    known = np.flatnonzero(is_finite & (errors > SMALLEST_ERROR))
    values = np.full(means.size, np.nan)
    statistics = means[known] / errors[known]
    centred = (draws[:, known] - means[known]) / errors[known]
    order = np.argsort(-statistics, kind="stable")
    # The largest of what is left when those before a place have been taken out.
    largest = np.maximum.accumulate(centred[:, order[::-1]], axis=1)[:, ::-1]
    exceeded = (~(largest < statistics[order])).sum(axis=0)
    values[known[order]] = np.maximum.accumulate((1 + exceeded) / (1 + len(draws)))
    return values


def confidence_set(
    candidates: FloatArray, *, block: int, seed: int, repetitions: int = 1000, size: float = 0.05
) -> Sequence[int]:
    """Return which candidates cannot be told from the best.

    The model confidence set of Hansen, Lunde and Nason (2011), Econometrica 79. Candidates that
    never differ stand or fall together; one that is behind another by the same in every bar falls.
    """
    _check(candidates)
    if not candidates.shape[1]:
        raise InvalidParameter("a confidence set needs one candidate or more, was 0")
    leaders = _leaders(candidates)
    first = np.unique(leaders)
    if first.size == 1:
        included = first
    else:
        from arch.bootstrap import MCS

        others = -candidates[:, first]
        test = MCS(others, size=size, block_size=block, reps=repetitions, seed=seed)
        test.compute()
        included = first[[int(str(i)) for i in test.included]]
    level = candidates.mean(axis=0)
    behind = level[leaders] - level > SMALLEST_ERROR
    return [int(i) for i in np.flatnonzero(np.isin(leaders, included) & ~behind)]


def _leaders(candidates: FloatArray) -> IntArray:
    """Return for each candidate the best of those from which it differs by a constant, (N,)."""
    leaders = np.arange(candidates.shape[1])
    for i in np.argsort(-candidates.mean(axis=0), kind="stable"):
        if leaders[i] == i:
            steady = np.ptp(candidates - candidates[:, [i]], axis=0) <= SMALLEST_ERROR
            leaders[steady & (leaders == np.arange(leaders.size))] = i
    return leaders


def _differing(benchmark: FloatArray, candidates: FloatArray) -> IntArray:
    """Return which candidates differ from the benchmark, and not by the same in every bar."""
    if candidates.ndim != 2 or benchmark.shape != candidates.shape[:1]:
        raise InvalidParameter(
            f"a benchmark needs a return for each bar of the candidates [bars, candidates], was "
            f"{benchmark.shape} beside {candidates.shape}"
        )
    _check(np.column_stack([benchmark, candidates]))
    return np.flatnonzero(np.ptp(candidates - benchmark[:, None], axis=0) > SMALLEST_ERROR)


def _check(returns: FloatArray) -> None:
    n_bad = int((~np.isfinite(returns)).sum())
    if n_bad or len(returns) < FEWEST_BARS:
        was = f"{n_bad} that are not" if n_bad else f"{len(returns)} bars"
        raise InvalidParameter(
            f"to be compared, policies need finite returns of two or more bars, was {was}. Leave "
            f"out accounts that lost everything"
        )
