"""What the machine says of the moments of windows: deviation, score and correlation."""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import Place, compiled
from benbot.strategies.programs.doubling import JOINT, SPREAD, windows_of
from benbot.strategies.programs.primitives import GRAIN, STILL_SHARE, Code
from benbot.strategies.programs.scratch import (
    OTHER,
    OTHER_SQUARES,
    PRODUCTS,
    SINGLE,
    SQUARES,
    Places,
    load,
)

DEVIATION = int(Code.DEVIATION)
STILL = STILL_SHARE * STILL_SHARE  # of the squared level, for variances


@compiled
def spread(m: Float32Array, work: FloatArray, code: int, at: Places, bars: Place) -> None:
    """Do deviation or score."""
    d, a, _, length = at
    load(m, work, a, length, 1.0)
    for j in range(length):
        work[SQUARES + j] = 0.0
    middles = windows_of(work, SPREAD, length, bars, 1.0)
    share = 1.0 / np.float64(bars)
    for j in range(bars - SINGLE, length):
        middle, variance = work[middles + j], work[middles + SQUARES + j] * share
        deviation = np.sqrt(variance)
        score = (np.float64(m[a + j]) - middle) / deviation
        answer = deviation if code == DEVIATION else grained(score)
        answer = 0.0 if variance <= STILL * middle * middle else answer
        m[d + j] = np.float32(answer + (middle - middle))  # NaN where something was infinite


@compiled
def grained(value: float) -> float:
    """Round to a millionth: what is nothing but for rounding must be nothing."""
    return np.rint(value * GRAIN) / GRAIN


@compiled
def correlate(m: Float32Array, work: FloatArray, at: Places, bars: Place) -> None:
    d, a, b, length = at
    load(m, work, a, length, 1.0)
    for j in range(length):
        work[OTHER + j] = np.float64(m[b + j])
        work[SQUARES + j] = 0.0
        work[OTHER_SQUARES + j] = 0.0
        work[PRODUCTS + j] = 0.0
    total = windows_of(work, JOINT, length, bars, 1.0)
    still = STILL * np.float64(bars)
    for j in range(bars - SINGLE, length):
        x, y = work[total + j], work[total + OTHER + j]
        xx, yy = work[total + SQUARES + j], work[total + OTHER_SQUARES + j]
        both = work[total + PRODUCTS + j] / np.sqrt(xx * yy)
        both = grained(1.0 if both > 1.0 else (-1.0 if both < -1.0 else both))
        is_still = (xx <= still * x * x) | (yy <= still * y * y)
        m[d + j] = np.float32((0.0 if is_still else both) + (x - x) + (y - y))
