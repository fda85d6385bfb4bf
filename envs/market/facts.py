"""The names of a market's facts, and what an optional one is where nobody said, as a 0-d array."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benbot.envs.arrays import FloatArray, frozen

PRICES = ("open", "high", "low", "close")
FACTS = (*PRICES, "volume", "spread")
OPTIONAL_FACTS: dict[str, NDArray[Any]] = {
    "halted": np.array(False),
    "borrow_rate": np.array(np.nan),
    "unadjusted": np.array(1.0),
    "split": np.array(1.0),
    "dividend": np.array(0.0),
    "iv": np.array(np.nan),
}


class Features(Mapping[str, FloatArray]):
    """Further facts [T, S] by name, which nobody can change; NaN where unknown."""

    def __init__(self, arrays: Mapping[str, FloatArray]) -> None:
        # A copy, because whoever made a writable array could still change the facts through it.
        self._arrays = {
            name: frozen(np.array(array, np.float64, copy=array.flags.writeable or None))
            for name, array in arrays.items()
        }

    def __getitem__(self, name: str) -> FloatArray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def between(self, start: int, stop: int) -> "Features":
        return Features({name: array[start:stop] for name, array in self.items()})

    def tobytes(self) -> bytes:
        """Return names and numbers, the same in whatever order they were given."""
        return b"".join(name.encode() + b"\0" + self[name].tobytes() for name in sorted(self))
