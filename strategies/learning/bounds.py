"""How far what was learned may go: a multiplier is never below a half and never above two."""

import numpy as np

from benbot.envs.arrays import FloatArray

LOWEST, HIGHEST = 0.5, 2.0
DOUBLING = 0.25  # deviations of a round trip that a mean must lie higher to count for twice as much


def bounded(multiplier: FloatArray) -> FloatArray:
    """Return the multiplier within its bounds; 1, which changes nothing, where it is no number."""
    known = np.where(np.isfinite(multiplier), multiplier, 1.0)
    within: FloatArray = np.clip(known, LOWEST, HIGHEST)
    return within


def from_edge(edge: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return 2 ** (edge / (`DOUBLING` × deviation)), bounded; both are returns of a round trip."""
    steps = np.clip(edge / (DOUBLING * deviation), -1.0, 1.0)
    return bounded(np.exp2(steps))
