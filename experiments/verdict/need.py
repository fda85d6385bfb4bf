"""How many bars or how many seeds it takes to tell a mean from what it must be told from."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t

from benbot.envs.arrays import FloatArray
from benbot.experiments.verdict.resampling import FEWEST_SEEDS, Resampled

POWER = 0.8  # with which what is needed would decide
INFINITE = float("inf")
MOST_SEEDS = 1000  # more than that is never
LONGEST = 1e6  # times the bars that there are; more than that is never
STEPS = 600  # of the search for them


class Claim(NamedTuple):
    """That a mean is so far from a bound on its wrong side, tested on one side at a level."""

    distance: float
    level: float


def needed(
    found: Resampled, n_bars: int, n_seeds: int, claims: Sequence[Claim]
) -> tuple[float, float]:
    """Return how many bars, or how many seeds, would hold a claim if the truth is as measured.

    The standard error has a part e from time, in proportion to 1 / √bars, and a part s from seeds,
    to 1 / √seeds. A claim holds with a power of 0.8 when its distance is (t(1 - level) + t(0.8)) ×
    the error of both. The t are those of Student with as many degrees of freedom as Welch (1947,
    Biometrika 34) and Satterthwaite give them, (e² + s²)² (S - 1) / s⁴: with two or three seeds
    they are far from normal. The first claim to hold counts. Whatever the formula says, it is more
    than what is there, which has not decided; infinite where no more of it does.
    """
    time, seeds = float(found.time_error) ** 2, float(found.seed_error) ** 2

    def bars_hold(factor: FloatArray) -> FloatArray:
        return _margin(time / factor, np.full_like(factor, seeds), float(n_seeds), claims)

    def seeds_hold(count: FloatArray) -> FloatArray:
        return _margin(np.full_like(count, time), seeds * n_seeds / count, count, claims)

    more_bars = n_bars * _first(bars_hold, np.geomspace(1.0, LONGEST, STEPS))
    if n_seeds < FEWEST_SEEDS or not seeds > 0.0:
        return max(more_bars, n_bars + 1.0), INFINITE
    counts = np.arange(n_seeds + 1.0, MOST_SEEDS + 1.0)
    enough = np.flatnonzero(seeds_hold(counts) >= 0.0)
    more_seeds = float(counts[enough[0]]) if enough.size else INFINITE
    return max(more_bars, n_bars + 1.0), more_seeds


def _first(margin: Callable[[FloatArray], FloatArray], grid: FloatArray) -> float:
    """Return where a margin is first not negative; infinite where it always is."""
    enough = np.flatnonzero(margin(grid) >= 0.0)
    if not enough.size:
        return INFINITE
    i = int(enough[0])
    if not i:
        return float(grid[0])
    return float(brentq(lambda x: float(margin(np.array([x]))[0]), grid[i - 1], grid[i]))


def _margin(
    time: FloatArray, seeds: FloatArray, n_seeds: FloatArray | float, claims: Sequence[Claim]
) -> FloatArray:
    """Return by how much the best claim holds, negative where none does, from both variances."""
    variance = time + seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(seeds > 0.0, variance**2 * (n_seeds - 1.0) / seeds**2, np.inf)
    error = np.sqrt(variance)
    margins = [
        claim.distance - (t.isf(claim.level, freedom) + t.ppf(POWER, freedom)) * error
        for claim in claims
    ]
    best: FloatArray = np.max(margins, axis=0)
    return best
