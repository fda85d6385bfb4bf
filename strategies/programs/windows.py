"""What the machine does over windows of one symbol's bars.

A window of w bars is put together from shorter ones (`doubling`, `means`). That takes about log2(w)
steps, each of which goes over all bars at once, and the order in which the bars of a window are
added is the same wherever the series begins: so the last row from a short history is that of the
whole one to the last bit, and nothing drifts. A jump that has left the window has left no trace,
which a running sum cannot say.

Sums are of float64 and rounded once. Float32 numbers of similar size add up in it without any
rounding, so ties are ties.

`m[d + i]` is the answer for `m[a + i]`; rows with less than a full window before them are NaN.
"""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import Place, compiled, pasted
from benbot.strategies.programs.doubling import LEAST, windows_of
from benbot.strategies.programs.means import exponential, mean
from benbot.strategies.programs.moments import correlate, spread
from benbot.strategies.programs.primitives import EMA_MEMORY, Code
from benbot.strategies.programs.scratch import NONE, ROWS, SINGLE, Places, load

MEAN, EXPONENTIAL, CORRELATION = (
    int(code) for code in (Code.MEAN, Code.EXPONENTIAL, Code.CORRELATION)
)
LOWEST, HIGHEST, RANK = (int(code) for code in (Code.LOWEST, Code.HIGHEST, Code.RANK))
LAG, DELTA = int(Code.LAG), int(Code.DELTA)
ZERO, ONE, NOTHING = np.float32(0.0), np.float32(1.0), np.float32(np.nan)


@pasted
def over_windows(
    m: Float32Array, work: FloatArray, code: int, at: Places, n: Place, bars: Place
) -> None:
    """Do one of the primitives that have a window; `work` is scratch, n and bars unsigned."""
    d, a, b, _ = at
    if code == LAG:
        shift(m, d, a, n, bars)
    elif code == DELTA:
        change(m, d, a, n, bars)
    elif code == RANK:
        standing(m, d, a, n, bars)
    else:
        reach = np.uint64(EMA_MEMORY) * bars if code == EXPONENTIAL else bars
        unknown(m, d, n, reach - SINGLE)
        for low in range(NONE, n, ROWS):
            first = low - min(low, reach - SINGLE)
            length = min(n, low + ROWS) - first
            if length >= reach:
                in_tile(m, work, code, (d + first, a + first, b + first, length), bars)


@pasted
def in_tile(m: Float32Array, work: FloatArray, code: int, at: Places, bars: Place) -> None:
    """Do one of them for rows that are few enough; the fourth place is how many."""
    d, a, b, length = at
    if code == MEAN:
        mean(m, work, d, a, length, bars)
    elif code == EXPONENTIAL:
        exponential(m, work, d, a, length, bars)
    elif code == CORRELATION:
        correlate(m, work, at, bars)
    elif code in (LOWEST, HIGHEST):
        extreme(m, work, code, (d, a, b, length), bars)
    else:
        spread(m, work, code, (d, a, b, length), bars)


@compiled
def unknown(m: Float32Array, d: Place, n: Place, rows: Place) -> None:
    for i in range(min(n, rows)):
        m[d + i] = NOTHING


@pasted
def shift(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    unknown(m, d, n, bars)
    for i in range(n - min(n, bars)):
        m[d + bars + i] = m[a + i]


@pasted
def change(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    unknown(m, d, n, bars)
    for i in range(n - min(n, bars)):
        m[d + bars + i] = m[a + bars + i] - m[a + i]


@compiled
def standing(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    """Count how many of the window are lower, less how many are higher, as a share of it."""
    unknown(m, d, n, bars - SINGLE)
    share = np.float32(bars)
    for low in range(bars - SINGLE, n, ROWS):
        length = min(n - low, ROWS)
        for i in range(length):
            m[d + low + i] = m[a + low + i] - m[a + low + i]
        for back in range(SINGLE, bars):
            count_lower(m, d + low, a + low, a + low - back, length)
        for i in range(length):
            m[d + low + i] = m[d + low + i] / share


@compiled
def count_lower(m: Float32Array, d: Place, new: Place, old: Place, n: Place) -> None:
    """Add 1 where the old one is lower, take 1 where it is higher; NaN if one of the two is."""
    for i in range(n):
        gap = m[new + i] - m[old + i]
        lower = ONE if gap > ZERO else ZERO
        higher = ONE if gap < ZERO else ZERO
        m[d + i] += lower - higher + (gap - gap)


@compiled
def extreme(m: Float32Array, work: FloatArray, code: int, at: Places, bars: Place) -> None:
    """Do lowest or highest."""
    d, a, _, length = at
    sign = 1.0 if code == LOWEST else -1.0
    load(m, work, a, length, sign)
    least = windows_of(work, LEAST, length, bars, 1.0)
    for j in range(bars - SINGLE, length):
        m[d + j] = np.float32(sign * work[least + j])
