"""What the machine does over windows of one symbol's bars.

A window of w bars is put together from windows of 1, 2, 4, … bars: two neighbours of n bars make
one of 2n. That takes about log2(w) steps, each of which goes over all bars at once, and the order
in which the bars of a window are added is the same wherever the series begins: so the last row
from a short history is that of the whole one to the last bit, and nothing drifts. A jump that has
left the window has left no trace, which a running sum cannot say.

Sums are of float64 and rounded once. Float32 numbers of similar size add up in it without any
rounding, so ties are ties. Moments of two parts are merged as in Chan, Golub and LeVeque, Updating
Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.

`m[d + i]` is the answer for `m[a + i]`; rows with less than a full window before them are NaN.
"""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import Place, compiled
from benbot.strategies.programs.primitives import (
    EMA_MEMORY,
    GRAIN,
    LONGEST_WINDOW,
    STILL_SHARE,
    Code,
)

TILE = 1024  # rows whose partial windows stay in the processor's nearest cache
N_SETS, N_MOMENTS = 3, 5  # of scratch: windows of some length, and what is kept of each
MEAN, DEVIATION, SCORE, EXPONENTIAL = (
    int(code) for code in (Code.MEAN, Code.DEVIATION, Code.SCORE, Code.EXPONENTIAL)
)
LOWEST, HIGHEST, RANK, CORRELATION = (
    int(code) for code in (Code.LOWEST, Code.HIGHEST, Code.RANK, Code.CORRELATION)
)
LAG, DELTA = int(Code.LAG), int(Code.DELTA)
# What is made of windows. A plain number would be compiled into a function of its own each.
SUM, LEAST, SPREAD, JOINT = (np.int64(kind) for kind in range(4))
NOTHING = np.float32(np.nan)
NONE, SINGLE, PAIR = np.uint64(0), np.uint64(1), np.uint64(2)
ROWS = np.uint64(TILE)
ROW = np.uint64(TILE + EMA_MEMORY * LONGEST_WINDOW)  # length of a scratch row
SET = np.uint64(N_MOMENTS) * ROW
SQUARES, OTHER, OTHER_SQUARES, PRODUCTS = (np.uint64(k) * ROW for k in range(1, N_MOMENTS))
STILL = STILL_SHARE * STILL_SHARE  # of the squared level, for variances

Places = tuple[Place, Place, Place, Place]  # destination and three sources, unsigned


@compiled
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


@compiled
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


@compiled
def shift(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    unknown(m, d, n, bars)
    for i in range(bars, n):
        m[d + i] = m[a + (i - bars)]


@compiled
def change(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    unknown(m, d, n, bars)
    for i in range(bars, n):
        m[d + i] = m[a + i] - m[a + (i - bars)]


@compiled
def standing(m: Float32Array, d: Place, a: Place, n: Place, bars: Place) -> None:
    """Count how many of the window are lower, less how many are higher, as a share of it."""
    unknown(m, d, n, bars - SINGLE)
    share = np.float32(bars)
    for low in range(bars - SINGLE, n, ROWS):
        high = min(n, low + ROWS)
        for i in range(low, high):
            m[d + i] = m[a + i] - m[a + i]
        for back in range(SINGLE, bars):
            for i in range(low, high):
                gap = m[a + i] - m[a + (i - back)]
                one = np.float32(1.0) if gap > np.float32(0.0) else gap
                m[d + i] += np.float32(-1.0) if gap < np.float32(0.0) else one
        for i in range(low, high):
            m[d + i] = m[d + i] / share


@compiled
def load(m: Float32Array, work: FloatArray, a: Place, length: Place, sign: float) -> None:
    for j in range(length):
        work[j] = sign * np.float64(m[a + j])


@compiled
def windows_of(work: FloatArray, kind: int, length: Place, bars: Place, kept: float) -> Place:
    """Put windows of `bars` together from single values, and return where they lie.

    The values are at the beginning of `work`. Three sets of rows are enough: the window so far, a
    part of a power of two, and whatever comes next, which is never written over its own sources.
    """
    part, total = NONE, NONE
    size, done, power, reached = SINGLE, NONE, kept, 1.0
    while True:
        if bars & size:
            if done == NONE:
                total = part
            else:
                into = third(part, total)
                merge(work, kind, (total, part, into, done), size, length, reached)
                total = into
            done, reached = done + size, reached * power
        if done == bars:
            return total * SET
        total = part if done == NONE else total
        into = third(part, total)
        merge(work, kind, (part, part, into, size), size, length, power)
        part, size, power = into, PAIR * size, power * power


@compiled
def third(one: Place, other: Place) -> Place:
    """Return a set of rows that is neither of the two."""
    if one == other:
        return SINGLE if one == NONE else NONE
    return PAIR + SINGLE - one - other


@compiled
def merge(
    work: FloatArray, kind: int, sets: Places, size: Place, length: Place, kept: float
) -> None:
    """Put windows of `done` bars and of the `size` bars before them together, into a third set."""
    new, old, into, done = sets
    new, old, into = new * SET, old * SET, into * SET
    first = done + size - SINGLE
    if kind == SUM:
        for j in range(first, length):
            work[into + j] = work[new + j] + kept * work[old + (j - done)]
    elif kind == LEAST:
        for j in range(first, length):
            x, y = work[new + j], work[old + (j - done)]
            work[into + j] = x if (x < y) | (x != x) else y
    elif kind == SPREAD:
        merge_moments(work, (new, old, into, done), size, length)
    else:
        merge_moments(work, (new, old, into, done), size, length)
        merge_moments(work, (new + OTHER, old + OTHER, into + OTHER, done), size, length)
        merge_products(work, (new, old, into, done), size, length)


@compiled
def merge_moments(work: FloatArray, rows: Places, size: Place, length: Place) -> None:
    """Merge means and sums of squared deviations."""
    new, old, into, done = rows
    both = np.float64(done + size)
    share, weight = np.float64(size) / both, np.float64(done) * np.float64(size) / both
    for j in range(done + size - SINGLE, length):
        before = j - done
        step = work[old + before] - work[new + j]
        squares = work[new + SQUARES + j] + work[old + SQUARES + before]
        work[into + j] = work[new + j] + share * step
        work[into + SQUARES + j] = squares + weight * step * step


@compiled
def merge_products(work: FloatArray, rows: Places, size: Place, length: Place) -> None:
    """Merge sums of products of deviations."""
    new, old, into, done = rows
    weight = np.float64(done) * np.float64(size) / np.float64(done + size)
    for j in range(done + size - SINGLE, length):
        before = j - done
        step = work[old + before] - work[new + j]
        other = work[old + OTHER + before] - work[new + OTHER + j]
        products = work[new + PRODUCTS + j] + work[old + PRODUCTS + before]
        work[into + PRODUCTS + j] = products + weight * step * other


@compiled
def mean(m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place) -> None:
    load(m, work, a, length, 1.0)
    total = windows_of(work, SUM, length, bars, 1.0)
    share = 1.0 / np.float64(bars)
    for j in range(bars - SINGLE, length):
        m[d + j] = np.float32(work[total + j] * share)


@compiled
def exponential(
    m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place
) -> None:
    load(m, work, a, length, 1.0)
    kept = (np.float64(bars) - 1.0) / (np.float64(bars) + 1.0)
    memory = np.uint64(EMA_MEMORY) * bars
    total = windows_of(work, SUM, length, memory, kept)
    share = (1.0 - kept) / (1.0 - kept ** np.float64(memory))
    for j in range(memory - SINGLE, length):
        m[d + j] = np.float32(work[total + j] * share)


@compiled
def extreme(m: Float32Array, work: FloatArray, code: int, at: Places, bars: Place) -> None:
    """Do lowest or highest."""
    d, a, _, length = at
    sign = 1.0 if code == LOWEST else -1.0
    load(m, work, a, length, sign)
    least = windows_of(work, LEAST, length, bars, 1.0)
    for j in range(bars - SINGLE, length):
        m[d + j] = np.float32(sign * work[least + j])


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
