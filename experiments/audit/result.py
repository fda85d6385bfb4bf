"""What an audit has found: one row a feature, `ok` or the first bar at which it leaks.

difference   absolute, in the unit of the feature; infinite where one of two values is missing
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import BoolArray, FloatArray

CLOSE_ENOUGH = 1e-9
LAST_DIGIT = float(np.finfo(np.float32).eps)  # of a float32, relative


class Probe(StrEnum):
    """How a leak was seen."""

    TRUNCATE = "truncate"  # without the future it is another number
    CHANGE = "change"  # with another future it is another number
    START = "start"  # with a later beginning of the data it is another number
    FILL = "fill"  # an order saw the bar that filled it, or did not fill at its open


class Key(NamedTuple):
    """Names one column; `owner` is a strategy, or nothing."""

    group: str
    owner: str
    name: str

    @property
    def text(self) -> str:
        return "/".join(part for part in self if part)


class Tolerance(NamedTuple):
    """How far two numbers may lie apart and still count as equal."""

    relative: float
    absolute: float = 0.0


class Finding(NamedTuple):
    """Where a column first differs, and by how much at that bar."""

    probe: Probe
    bar: int
    difference: float


EQUAL = Tolerance(CLOSE_ENOUGH)
Columns = dict[Key, NDArray[Any]]  # each (T, ...), its first axis the bars


class Findings:
    """The earliest finding of every column."""

    def __init__(self) -> None:
        self.first: dict[Key, Finding] = {}

    def note(self, key: Key, finding: Finding) -> None:
        known = self.first.get(key)
        if known is None or finding.bar < known.bar:
            self.first[key] = finding

    def row(self, key: Key, memory: str, dates: Sequence[str], offset: int) -> "AuditRow":
        """Return the row of a column; `dates` are those of the window, which begins at `offset`."""
        found = self.first.get(key)
        if found is None:
            return AuditRow(*key, memory=memory)
        date = str(dates[found.bar])
        return AuditRow(*key, found.probe.value, found.bar + offset, date, found.difference, memory)


@dataclass(frozen=True)
class AuditRow:
    """One column: the leak, if there is one, and what there is to say about its memory."""

    group: str
    owner: str
    name: str
    probe: str = ""  # nothing where no probe saw a leak
    bar: int | None = None  # of the whole market
    date: str = ""
    difference: float = 0.0
    memory: str = ""  # nothing where it is finite, and was found to be

    @property
    def leaks(self) -> bool:
        return bool(self.probe)

    @property
    def text(self) -> str:
        return Key(self.group, self.owner, self.name).text

    @property
    def sentence(self) -> str:
        """What was found, for a person."""
        if not self.leaks:
            return f"{self.text} is ok"
        how = f"is off by {self.difference:.3g}"
        if math.isinf(self.difference):
            how = "is there in one world and missing in the other"
        return f"{self.text} leaks at bar {self.bar} ({self.date}): {how}, seen by {self.probe}"


@dataclass(frozen=True)
class AuditResult:
    """One row a column, and what was looked at; bars are those of the whole market."""

    name: str  # of the configuration
    first: int  # first bar of the window that was probed
    last: int
    first_date: str
    last_date: str
    cuts: tuple[int, ...]  # the first bar that was not known, at each cut
    starts: tuple[int, ...]  # bars at which the data began later
    orders: tuple[int, ...]  # bars whose close orders were decided at
    n_fills: int  # fills of those orders; with none the probe of the fills saw nothing
    rows: tuple[AuditRow, ...]

    @property
    def leaks(self) -> tuple[AuditRow, ...]:
        return tuple(row for row in self.rows if row.leaks)

    def row(self, text: str) -> AuditRow:
        """Return the row of this name, as `signal/ma_crossover/direction` or `tape/value`."""
        return next(row for row in self.rows if row.text == text)

    def as_json(self) -> str:
        """Return everything as JSON; an infinite difference is null."""
        tree = asdict(self)
        for row in tree["rows"]:
            if not math.isfinite(row["difference"]):
                row["difference"] = None
        return json.dumps({"leaks": len(self.leaks), **tree}, indent=1, allow_nan=False)


def rounding_of(values: NDArray[Any]) -> Tolerance:
    """Return what rounding may do to numbers of this size and precision.

    A running sum carries the rounding of all bars before it, in the size of what it has summed.
    """
    finite = np.abs(values[np.isfinite(values) & (values != 0)])
    usual = float(np.median(finite)) if finite.size else 0.0
    relative = LAST_DIGIT if values.dtype == np.float32 else CLOSE_ENOUGH
    return Tolerance(relative, CLOSE_ENOUGH * usual)


def first_difference(
    before: NDArray[Any],
    after: NDArray[Any],
    tolerance: Tolerance,
    counted: BoolArray | None = None,
) -> tuple[int, float] | None:
    """Return the first row in which two arrays differ, and the largest difference there.

    Both are (n, ...); `counted` is (n,) or (n, S) and says what is compared. NaN equals NaN.
    """
    if before.shape != after.shape:
        return 0, math.inf
    apart = _apart(before.astype(np.float64), after.astype(np.float64), tolerance)
    if counted is not None:
        shape = counted.shape + (1,) * (apart.ndim - counted.ndim)
        apart = np.where(counted.reshape(shape), apart, 0.0)
    rows = np.flatnonzero(apart.any(axis=tuple(range(1, apart.ndim))))
    if not rows.size:
        return None
    return int(rows[0]), float(apart[rows[0]].max())


def _apart(before: FloatArray, after: FloatArray, tolerance: Tolerance) -> FloatArray:
    """Return the differences beyond the tolerance, 0 elsewhere, infinite where one is missing."""
    with np.errstate(invalid="ignore"):
        same = (before == after) | (np.isnan(before) & np.isnan(after))
        size = np.abs(after - before)
        allowed = tolerance.relative * np.maximum(np.abs(before), np.abs(after))
    close = same | (np.isfinite(size) & (size <= allowed + tolerance.absolute))
    return np.where(close, 0.0, np.where(np.isfinite(size), size, np.inf))
