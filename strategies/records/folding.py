"""Summaries that can be put together: many small ones folded into one a group.

A summary of a stretch of records is `sums`, which add up, and a `path`, which depends on their
order. Two summaries of neighbouring stretches merge into that of both; merging is associative, so
neighbours are merged in pairs until one is left, and that one with what was summarised before.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, FloatArray, IntArray

PathMerge = Callable[[FloatArray, FloatArray], FloatArray]


class Stretches(NamedTuple):
    """Summaries of C stretches of records."""

    sums: FloatArray  # (C, number of sums)
    path: FloatArray  # (C, length of a path)

    def at(self, rows: AnyArray) -> "Stretches":
        """Return those of some rows."""
        return Stretches(self.sums[rows], self.path[rows])


def merged(earlier: Stretches, later: Stretches, merge: PathMerge) -> Stretches:
    """Return the summaries of each stretch with the one that follows it."""
    return Stretches(earlier.sums + later.sums, merge(earlier.path, later.path))


def folded(stretches: Stretches, group: IntArray, merge: PathMerge) -> Stretches:
    """Return one summary a group; `group` is sorted, and within one the stretches are in order."""
    while True:
        begins = starts_of(group)
        if begins.size == group.size:
            return stretches
        lengths = np.diff(np.append(begins, group.size))
        rank = np.arange(group.size) - np.repeat(begins, lengths)
        kept = np.flatnonzero(rank % 2 == 0)
        paired = np.append(group[1:] == group[:-1], False)[kept]
        both = merged(stretches.at(kept[paired]), stretches.at(kept[paired] + 1), merge)
        stretches, group = stretches.at(kept), group[kept]
        stretches.sums[paired], stretches.path[paired] = both


def starts_of(group: IntArray) -> IntArray:
    """Return the first row of each run of equal numbers."""
    changes = np.flatnonzero(group[1:] != group[:-1]) + 1
    return np.concatenate(([0] if group.size else [], changes)).astype(np.int64)


def runs_of(columns: Sequence[IntArray]) -> IntArray:
    """Return the number of each row's run of equal values in sorted columns."""
    changes = np.zeros(columns[0].size, bool)
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.cumsum(changes)
