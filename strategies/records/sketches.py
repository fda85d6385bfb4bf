"""Quantiles that can be put together: how many values lie in each of geometric bins.

Masson, Rim and Lee (2019), "DDSketch", PVLDB 12: bin i > 0 holds the values in
(LEAST γ^(i - 1), LEAST γ^i], -i those with the other sign, 0 what is smaller. A quantile is off by
`ACCURACY` of itself at most, whatever the distribution, and by `LEAST` near 0.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.strategies.records.folding import starts_of

ACCURACY = 0.02
GROWTH = (1.0 + ACCURACY) / (1.0 - ACCURACY)  # γ
LEAST = 0.01  # what is smaller counts as nothing
FARTHEST = 30_000  # bin; fits into the 16 bits in which it is stored, and no number is so large
ENTRY = np.dtype([("bin", "<i2"), ("n", "<u4")])  # as it is stored


class Sketches(NamedTuple):
    """The bins in use of many sketches, sorted by sketch and bin."""

    owner: IntArray  # (E,) number of the sketch
    bin: IntArray  # (E,)
    n: IntArray  # (E,) values in it


def sketches_of(owner: IntArray, values: FloatArray) -> Sketches:
    """Return the sketches of values (N,) that belong to sketch `owner` (N,); NaN counts nowhere."""
    known = np.isfinite(values)
    size = np.abs(values[known])
    with np.errstate(divide="ignore"):
        place = np.ceil(np.log(size / LEAST) / np.log(GROWTH))
    bins = np.sign(values[known]) * np.clip(place, 0, FARTHEST)
    return combined(Sketches(owner[known], bins.astype(np.int64), np.ones(bins.size, np.int64)))


def combined(entries: Sketches) -> Sketches:
    """Return entries in any order as sketches: sorted, one entry for each bin."""
    code = entries.owner * (2 * FARTHEST + 1) + entries.bin + FARTHEST
    order = np.argsort(code, kind="stable")
    begins = starts_of(code[order])
    n = np.add.reduceat(entries.n[order], begins) if begins.size else entries.n
    first = order[begins]
    return Sketches(entries.owner[first], entries.bin[first], n)


def joined(one: Sketches, other: Sketches) -> Sketches:
    """Return the sketches of the values of both."""
    return combined(Sketches(*(np.concatenate(pair) for pair in zip(one, other, strict=True))))


def packed(sketches: Sketches, n_sketches: int) -> list[bytes]:
    """Return each sketch as bytes: its entries by growing bin."""
    entries = np.zeros(sketches.bin.size, ENTRY)
    entries["bin"], entries["n"] = sketches.bin, sketches.n
    ends = np.searchsorted(sketches.owner, np.arange(n_sketches + 1)) * ENTRY.itemsize
    content = entries.tobytes()
    return [content[a:b] for a, b in pairwise(ends)]


def unpacked(content: Sequence[bytes]) -> Sketches:
    """Return sketches that were packed, numbered in their order."""
    sizes = np.array([len(part) for part in content], np.int64) // ENTRY.itemsize
    entries = np.frombuffer(b"".join(content), ENTRY)
    owner = np.repeat(np.arange(len(content)), sizes)
    return Sketches(owner, entries["bin"].astype(np.int64), entries["n"].astype(np.int64))


def quantiles(sketches: Sketches, n_sketches: int, at: float) -> FloatArray:
    """Return the value at rank ⌈n × at⌉ of each sketch (n_sketches,), NaN of an empty one."""
    found = np.full(n_sketches, np.nan)
    begins = starts_of(sketches.owner)
    if not begins.size:
        return found
    counted = np.cumsum(sketches.n)
    before = np.append(0, counted)[begins]
    total = np.add.reduceat(sketches.n, begins)
    rank = before + np.maximum(np.ceil(total * at), 1)
    place = sketches.bin[np.searchsorted(counted, rank)]
    middle = LEAST * 2.0 * GROWTH ** np.abs(place) / (GROWTH + 1.0)
    found[sketches.owner[begins]] = np.where(place == 0, 0.0, np.sign(place) * middle)
    return found
