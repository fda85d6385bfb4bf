"""What the machine does across symbols: place and demean, for all bars of a series at once.

`values` is [S, T], one symbol after the other; `trades` is 1 where a symbol trades and NaN where
not. Whoever does not trade or is NaN is left out, and is NaN in the answer.
"""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import compiled
from benbot.strategies.programs.primitives import Code

PLACE = int(Code.PLACE)
ZERO, ONE = np.float32(0.0), np.float32(1.0)
TILE = 1024  # bars that are done at once, so that a symbol's are still near when it is met again


@compiled
def across(values: Float32Array, trades: Float32Array, code: int, out: Float32Array) -> None:
    """Write place or demean of all symbols into `out`, [S, T]."""
    n_symbols, n_bars = values.shape
    count, total = np.zeros(TILE, np.float32), np.zeros(TILE)
    own = np.empty((n_symbols, TILE), np.float32)
    for low in range(0, n_bars, TILE):
        length = min(TILE, n_bars - low)
        for s in range(n_symbols):
            for i in range(length):
                own[s, i] = values[s, low + i] * trades[s, low + i]
        add_up(own, count, total, length)
        for s in range(n_symbols):
            if code == PLACE:
                place(own, s, count, out[s, low : low + length])
            else:
                demean(own[s], count, total, out[s, low : low + length])


@compiled
def add_up(own: Float32Array, count: Float32Array, total: FloatArray, length: int) -> None:
    """Count the symbols that have a value at each bar, and add them up."""
    count[:] = ZERO
    total[:] = 0.0
    for s in range(own.shape[0]):
        for i in range(length):
            x = own[s, i]
            count[i] += ONE if x == x else ZERO
            total[i] += np.float64(x) if x == x else 0.0


@compiled
def place(own: Float32Array, s: int, count: Float32Array, out: Float32Array) -> None:
    """Count who is lower less who is higher, as a share of all; NaN is neither."""
    for i in range(out.size):
        out[i] = own[s, i] - own[s, i]
    for other in range(own.shape[0]):
        for i in range(out.size):
            x, y = own[s, i], own[other, i]
            out[i] += (ONE if y < x else ZERO) - (ONE if y > x else ZERO)
    for i in range(out.size):
        out[i] = out[i] / count[i]


@compiled
def demean(own: Float32Array, count: Float32Array, total: FloatArray, out: Float32Array) -> None:
    for i in range(out.size):
        out[i] = np.float32(np.float64(own[i]) - total[i] / np.float64(count[i]))
