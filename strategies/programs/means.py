"""Means of windows: plain, and exponential."""

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray
from benbot.strategies.programs.compiled import Place, compiled, pasted
from benbot.strategies.programs.doubling import SUM, windows_of
from benbot.strategies.programs.primitives import EMA_MEMORY
from benbot.strategies.programs.scratch import (
    FIVE,
    FOUR,
    NONE,
    PAIR,
    SET,
    SINGLE,
    THREE,
    Places,
    load,
)

FIFTEEN = THREE * FIVE


@pasted
def mean(m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place) -> None:
    smooth = bars
    while smooth % PAIR == NONE:
        smooth //= PAIR
    if bars == FIVE:
        mean_of_five(m, work, d, a, length)
    elif FIFTEEN % smooth == NONE:
        smooth_mean(m, work, d, a, length, bars)
    else:
        load(m, work, a, length, 1.0)
        first, share = bars - SINGLE, 1.0 / np.float64(bars)
        into, total = d + first, windows_of(work, SUM, length, bars, 1.0) + first
        for j in range(length - first):
            m[into + j] = np.float32(work[total + j] * share)


@pasted
def mean_of_five(m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place) -> None:
    pairs(m, work, a, length)
    into, share = d + FOUR, 1.0 / np.float64(FIVE)
    for j in range(length - FOUR):
        total = (work[THREE + j] + work[SINGLE + j]) + np.float64(m[a + j])
        m[into + j] = np.float32(total * share)


@pasted
def smooth_mean(
    m: Float32Array, work: FloatArray, d: Place, a: Place, length: Place, bars: Place
) -> None:
    """Write means of 2^k, 3 · 2^k, 5 · 2^k or 15 · 2^k bars, in few steps.

    A sum lies where its first bar does. Pairs are added up first, because turning a float32 into a
    float64 costs more than adding it; windows of the last step are joined as they are written.
    """
    part, spare, size = NONE, SET, SINGLE
    if bars % PAIR == NONE:
        pairs(m, work, a, length)
        size = PAIR
    elif bars % THREE == NONE:
        pairs(m, work, a, length)
        for j in range(length - min(length, PAIR)):
            work[j] = work[SINGLE + j] + np.float64(m[a + j])
        size = THREE
    else:
        load(m, work, a, length, 1.0)
    while bars > FIVE * size:
        step = PAIR if (bars // size) % PAIR == NONE else THREE
        join(work, (part, spare, size, length), step)
        part, spare, size = spare, part, size * step
    finish(m, work, (d + bars - SINGLE, part, size, length - (bars - SINGLE)), bars // size)


@pasted
def pairs(m: Float32Array, work: FloatArray, a: Place, length: Place) -> None:
    """Add each number to the one after it."""
    for j in range(length - SINGLE):
        work[j] = np.float64(m[a + j]) + np.float64(m[a + SINGLE + j])


@pasted
def join(work: FloatArray, at: Places, step: Place) -> None:
    """Add up two or three neighbouring windows of `size` bars."""
    first, into, size, length = at
    second, third = first + size, first + PAIR * size
    n = length - (step * size - SINGLE)
    if step == PAIR:
        for j in range(n):
            work[into + j] = work[second + j] + work[first + j]
    else:
        for j in range(n):
            work[into + j] = (work[third + j] + work[second + j]) + work[first + j]


@pasted
def finish(m: Float32Array, work: FloatArray, at: Places, times: Place) -> None:
    """Write the mean of so many neighbouring windows of `size` bars, of which sums are known."""
    into, first, size, n = at
    share, second = 1.0 / np.float64(times * size), first + size
    if times > THREE:
        finish_more(m, work, at, times)
    elif times == SINGLE:
        for j in range(n):
            m[into + j] = np.float32(work[first + j] * share)
    elif times == PAIR:
        for j in range(n):
            m[into + j] = np.float32((work[second + j] + work[first + j]) * share)
    else:
        for j in range(n):
            total = (work[second + size + j] + work[second + j]) + work[first + j]
            m[into + j] = np.float32(total * share)


@pasted
def finish_more(m: Float32Array, work: FloatArray, at: Places, times: Place) -> None:
    """Write the mean of four or five windows likewise.

    Ten and twenty bars are asked for most. Told a distance that is a plain number, a compiler reads
    what it has read before once.
    """
    into, first, size, n = at
    if times == FOUR:
        share, second = 1.0 / np.float64(times * size), first + size
        third, fourth = second + size, second + PAIR * size
        for j in range(n):
            late = work[fourth + j] + work[third + j]
            m[into + j] = np.float32((late + (work[second + j] + work[first + j])) * share)
    elif size == PAIR:
        finish_five(m, work, (into, first, PAIR, n))
    elif size == FOUR:
        finish_five(m, work, (into, first, FOUR, n))
    else:
        finish_five(m, work, at)


@pasted
def finish_five(m: Float32Array, work: FloatArray, at: Places) -> None:
    into, first, size, n = at
    share, second = 1.0 / np.float64(FIVE * size), first + size
    third, fourth, fifth = second + size, second + PAIR * size, second + THREE * size
    for j in range(n):
        late = work[fifth + j] + work[fourth + j]
        total = (late + (work[third + j] + work[second + j])) + work[first + j]
        m[into + j] = np.float32(total * share)


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
