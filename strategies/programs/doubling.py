"""Windows of any length, put together from windows of 1, 2, 4, … bars.

Two neighbours of n bars make one of 2n. Moments of two parts are merged as in Chan, Golub and
LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.
"""

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.strategies.programs.compiled import Place, compiled
from benbot.strategies.programs.scratch import (
    NONE,
    OTHER,
    PAIR,
    PRODUCTS,
    SET,
    SINGLE,
    SQUARES,
    Places,
)

# What is made of windows. A plain number would be compiled into a function of its own each.
SUM, LEAST, SPREAD, JOINT = (np.int64(kind) for kind in range(4))


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
