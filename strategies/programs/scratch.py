"""Where windows are put together: rows of float64 for a stretch of bars and what it looks back to.

There are three sets of rows, each for windows of one length. A set has a row for each moment: the
mean (or sum, or least), the sum of squared deviations, both of another series, and the sum of
products.
"""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import Place, compiled
from benbot.strategies.programs.primitives import EMA_MEMORY, LONGEST_WINDOW

TILE = 1280  # rows whose partial windows stay in the processor's nearest cache
MARGIN = 72  # numbers
N_SETS, N_MOMENTS = 3, 5
NONE, SINGLE, PAIR, THREE, FOUR, FIVE = (np.uint64(k) for k in range(6))
ROWS = np.uint64(TILE)
# Length of a scratch row; the margin keeps rows from lying a power of two apart.
ROW = np.uint64(TILE + EMA_MEMORY * LONGEST_WINDOW + MARGIN)
SET = np.uint64(N_MOMENTS) * ROW
SQUARES, OTHER, OTHER_SQUARES, PRODUCTS = (np.uint64(k) * ROW for k in range(1, N_MOMENTS))

Places = tuple[Place, Place, Place, Place]  # destination and three sources, unsigned


@compiled
def load(m: Float32Array, work: FloatArray, a: Place, length: Place, sign: float) -> None:
    for j in range(length):
        work[j] = sign * np.float64(m[a + j])
