"""What comes in from outside as a table, checked column by column and refused with the row."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from benbot.envs.arrays import AnyArray, FloatArray, IntArray, RecordArray
from benbot.envs.errors import BadRecord

EVERY = "*"  # stands for all regimes, symbols or stages in a summary, so none may be called so

Given = pd.DataFrame | RecordArray


@dataclass(frozen=True)
class Shape:
    """Which columns a table must have, and which it may leave out."""

    what: str  # a row of it, in the plural
    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()


def framed(given: Given, shape: Shape) -> pd.DataFrame:
    """Return a table with a fresh index; refuse one whose columns are not those that are needed."""
    if isinstance(given, pd.DataFrame):
        frame = given.reset_index(drop=True)
    else:
        frame = pd.DataFrame({name: given[name] for name in given.dtype.names or ()})
    missing = [name for name in shape.needed if name not in frame]
    unknown = [str(name) for name in frame if name not in (*shape.needed, *shape.optional)]
    if missing or unknown:
        raise BadRecord(
            f"{shape.what} need the columns {', '.join(shape.needed)} and may have "
            f"{', '.join(shape.optional) or 'no others'}; missing were "
            f"{', '.join(missing) or 'none'}, unknown were {', '.join(unknown) or 'none'}"
        )
    return frame


def texts(frame: pd.DataFrame, name: str) -> list[str]:
    """Return a column of names: printable, not empty, and not the one that stands for all."""
    column = frame[name].tolist()
    for row, value in enumerate(column):
        if not isinstance(value, str) or not value or value == EVERY or not value.isprintable():
            raise _refusal(name, "a printable name that is not empty and not '*'", row, value)
    return [str(value) for value in column]


def members(frame: pd.DataFrame, name: str, words: type[StrEnum]) -> list[str]:
    """Return a column whose values are those of an enum."""
    column, known = frame[name].tolist(), set(words)
    for row, value in enumerate(column):
        if value not in known:
            raise _refusal(name, f"one of {', '.join(words)}", row, value)
    return [str(value) for value in column]


def numbers(frame: pd.DataFrame, name: str, *, unknown: bool = False) -> FloatArray:
    """Return a column of finite numbers; NaN only where a number may be unknown."""
    column = _numeric(frame, name)
    allowed = np.isfinite(column) | (np.isnan(column) if unknown else False)
    _check(column, allowed, name, "a finite number or NaN" if unknown else "a finite number")
    return column


def counts(frame: pd.DataFrame, name: str) -> IntArray:
    """Return a column of whole numbers from 0."""
    column = _numeric(frame, name)
    with np.errstate(invalid="ignore"):
        whole = (column >= 0) & (column == np.floor(column)) & (column < 2.0**53)
    _check(column, whole, name, "a whole number from 0")
    return column.astype(np.int64)


def sides(frame: pd.DataFrame) -> IntArray:
    """Return the sides: +1 long, -1 short."""
    column = _numeric(frame, "side")
    _check(column, np.abs(column) == 1.0, "side", "+1 (long) or -1 (short)")
    return column.astype(np.int64)


def codes(column: Sequence[str] | AnyArray) -> tuple[IntArray, list[str]]:
    """Return each value as a number, and the values by number."""
    numbered, names = pd.factorize(np.asarray(column, dtype=object))
    return numbered.astype(np.int64), [str(name) for name in names]


def _numeric(frame: pd.DataFrame, name: str) -> FloatArray:
    try:
        return frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise BadRecord(f"{name} must be numbers, was not: {error}") from None


def _check(column: FloatArray, allowed: np.ndarray, name: str, wanted: str) -> None:
    if not allowed.all():
        row = int(np.flatnonzero(~allowed)[0])
        raise _refusal(name, wanted, row, column[row])


def _refusal(name: str, wanted: str, row: int, value: object) -> BadRecord:
    return BadRecord(f"{name} must be {wanted} in every row, was {value!r} in row {row}")
