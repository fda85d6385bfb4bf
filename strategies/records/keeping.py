"""Summaries in a table: read, merged with what is new, and written back.

What is read by the ten thousand is kept a second time as bytes: a database gives a row of numbers
out one Python object at a time, which takes longer than all that is done with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table

from benbot.envs.arrays import FloatArray
from benbot.strategies.records.folding import PathMerge, Stretches, merged
from benbot.strategies.records.rows import Keys, Row, found

Key = tuple[Any, ...]
NUMBER = np.dtype("<f8")  # as it is packed


@dataclass(frozen=True)
class Kind:
    """A table of summaries: the columns of its key, of sums and of a path, and how that goes on."""

    table: Table
    key: tuple[str, ...]
    sums: tuple[str, ...]
    path: tuple[str, ...]
    merge: PathMerge


def kept_at(connection: Connection, kind: Kind, keys: Keys) -> dict[int, Row]:
    """Return the rows that are kept under some keys, by the place of the key."""
    rows = {
        tuple(row)[: len(kind.key)]: row for row in found(connection, kind.table, kind.key, keys)
    }
    return {place: rows[key] for place, key in enumerate(keys) if key in rows}


def merge_kept(kind: Kind, kept: dict[int, Row], new: Stretches) -> None:
    """Put what was kept before what is new, in place."""
    if kept:
        places = np.array(list(kept), np.int64)
        both = merged(as_stretches(kind, list(kept.values())), new.at(places), kind.merge)
        new.sums[places], new.path[places] = both


def as_stretches(kind: Kind, rows: list[Row]) -> Stretches:
    """Return rows of the table as summaries."""
    return Stretches(_matrix(rows, kind.sums), _matrix(rows, kind.path))


def _matrix(rows: list[Row], names: tuple[str, ...]) -> FloatArray:
    columns = zip(*rows, strict=True)
    content = dict(zip(rows[0]._fields, columns, strict=True)) if rows else {}
    return np.array([content.get(name, ()) for name in names], np.float64).T


def packed(stretches: Stretches) -> list[bytes]:
    """Return each summary as bytes: its sums, then its path."""
    # A database may forget the sign of a zero; so do the bytes, and both stay the same.
    numbers = (np.column_stack([stretches.sums, stretches.path]) + 0.0).astype(NUMBER)
    content, size = numbers.tobytes(), numbers.shape[1] * NUMBER.itemsize
    return [content[k : k + size] for k in range(0, len(content), size)]


def unpacked(content: Sequence[bytes], kind: Kind) -> Stretches:
    """Return the summaries that were packed, in their order."""
    width = len(kind.sums) + len(kind.path)
    numbers = np.frombuffer(b"".join(content), NUMBER).reshape(-1, width)
    return Stretches(numbers[:, : len(kind.sums)], numbers[:, len(kind.sums) :])
