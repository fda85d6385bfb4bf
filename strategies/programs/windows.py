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
from benbot.strategies.programs.compiled import Place, compiled, pasted
from benbot.strategies.programs.primitives import (
    EMA_MEMORY,
    GRAIN,
    LONGEST_WINDOW,
    STILL_SHARE,
    Code,
)

TILE = 1280  # rows whose partial windows stay in the processor's nearest cache
MARGIN = 72  # numbers
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
ZERO, ONE, NOTHING = np.float32(0.0), np.float32(1.0), np.float32(np.nan)
NONE, SINGLE, PAIR, THREE, FOUR, FIVE = (np.uint64(k) for k in range(6))
FIFTEEN = THREE * FIVE
ROWS = np.uint64(TILE)
# Length of a scratch row; the margin keeps rows from lying a power of two apart.
ROW = np.uint64(TILE + EMA_MEMORY * LONGEST_WINDOW + MARGIN)
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
    for i in range(n - min(n, bars)):
        m[d + bars + i] = m[a + i]


@compiled
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
def load(m: Float32Array, work: FloatArray, a: Place, length: Place, sign: float) -> None:
    for j in range(length):
        work[j] = sign * np.float64(m[a + j])


@compiled
def windows_of(work: FloatArray, kind: Place, length: Place, bars: Place, kept: float) -> Place:
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
    work: FloatArray, kind: Place, sets: Places, size: Place, length: Place, kept: float
) -> None:
    """Put windows of `done` bars and of the `size` bars before them together, into a third set."""
    new, old, into, done = sets
    first = done + size - SINGLE  # whole windows begin here
    n = length - min(length, first)
    at = (new * SET + first, old * SET + (size - SINGLE), into * SET + first, n)
    if kind == SUM:
        add_weighted(work, at, kept)
    elif kind == LEAST:
        take_less(work, at)
    else:
        share = np.float64(size) / np.float64(done + size)
        weight = np.float64(done) * share
        merge_moments(work, at, share, weight)
        if kind == JOINT:
            new, old, into, _ = at
            other = (new + OTHER, old + OTHER, into + OTHER, n)
            merge_moments(work, other, share, weight)
            merge_products(work, at, weight)


@compiled
def add_weighted(work: FloatArray, at: Places, kept: float) -> None:
    new, old, into, n = at
    for j in range(n):
        work[into + j] = work[new + j] + kept * work[old + j]


@compiled
def take_less(work: FloatArray, at: Places) -> None:
    new, old, into, n = at
    for j in range(n):
        x, y = work[new + j], work[old + j]
        work[into + j] = x if (x < y) | (x != x) else y


@compiled
def merge_moments(work: FloatArray, at: Places, share: float, weight: float) -> None:
    """Merge means and sums of squared deviations."""
    new, old, into, n = at
    for j in range(n):
        step = work[old + j] - work[new + j]
        squares = work[new + SQUARES + j] + work[old + SQUARES + j]
        work[into + j] = work[new + j] + share * step
        work[into + SQUARES + j] = squares + weight * step * step


@compiled
def merge_products(work: FloatArray, at: Places, weight: float) -> None:
    """Merge sums of products of deviations."""
    new, old, into, n = at
    for j in range(n):
        step = work[old + j] - work[new + j]
        other = work[old + OTHER + j] - work[new + OTHER + j]
        products = work[new + PRODUCTS + j] + work[old + PRODUCTS + j]
        work[into + PRODUCTS + j] = products + weight * step * other


@compiled
def mean(m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place) -> None:
    smooth = bars
    while smooth % PAIR == NONE:
        smooth //= PAIR
    if FIFTEEN % smooth == NONE:
        smooth_mean(m, work, d, a, length, bars)
        return
    load(m, work, a, length, 1.0)
    first, share = bars - SINGLE, 1.0 / np.float64(bars)
    into, total = d + first, windows_of(work, SUM, length, bars, 1.0) + first
    for j in range(length - first):
        m[into + j] = np.float32(work[total + j] * share)


@pasted
def smooth_mean(
    m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place
) -> None:
    """Write means of 2^k, 3 · 2^k, 5 · 2^k or 15 · 2^k bars, in few steps.

    Five values are added up at once, then up to four windows at a time.
    """
    part, spare, size = NONE, SET, SINGLE
    if bars % FIVE == NONE:
        size = FIVE
        for j in range(length - FOUR):
            late = np.float64(m[a + FOUR + j]) + np.float64(m[a + THREE + j])
            early = np.float64(m[a + PAIR + j]) + np.float64(m[a + SINGLE + j])
            work[FOUR + j] = (late + early) + np.float64(m[a + j])
    else:
        for j in range(length):
            work[j] = np.float64(m[a + j])
    while bars > FOUR * size:
        times = bars // size
        step = FOUR if times % FOUR == NONE else (PAIR if times % PAIR == NONE else THREE)
        join(work, (part, spare, size, length), step)
        part, spare, size = spare, part, size * step
    finish(m, work, (d, part, size, length), bars // size)


@pasted
def finish(m: Float32Array, work: FloatArray, at: Places, times: Place) -> None:
    """Write the mean of so many neighbouring windows of `size` bars, of which sums are known."""
    d, part, size, length = at
    bars = times * size
    share, first = 1.0 / np.float64(bars), bars - SINGLE
    new, into, n = part + first, d + first, length - first
    second, third = new - min(new, size), new - min(new, PAIR * size)
    fourth = new - min(new, THREE * size)
    if times == SINGLE:
        for j in range(n):
            m[into + j] = np.float32(work[new + j] * share)
    elif times == PAIR:
        for j in range(n):
            m[into + j] = np.float32((work[new + j] + work[second + j]) * share)
    elif times == THREE:
        for j in range(n):
            total = (work[new + j] + work[second + j]) + work[third + j]
            m[into + j] = np.float32(total * share)
    else:
        for j in range(n):
            late = work[new + j] + work[second + j]
            total = late + (work[third + j] + work[fourth + j])
            m[into + j] = np.float32(total * share)


@pasted
def join(work: FloatArray, at: Places, step: Place) -> None:
    """Add up two, three or four neighbouring windows of `size` bars."""
    part, spare, size, length = at
    first = step * size - SINGLE
    new, n = part + first, length - min(length, first)
    second, third, fourth = new - size, new - PAIR * size, new - min(new, THREE * size)
    into = spare + first
    if step == PAIR:
        for j in range(n):
            work[into + j] = work[new + j] + work[second + j]
    elif step == THREE:
        for j in range(n):
            work[into + j] = (work[new + j] + work[second + j]) + work[third + j]
    else:
        for j in range(n):
            late = work[new + j] + work[second + j]
            work[into + j] = late + (work[third + j] + work[fourth + j])


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
