"""The array types that signatures speak of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
PlaceArray = NDArray[np.uint32]  # indices from 0
Int8Array = NDArray[np.int8]
BoolArray = NDArray[np.bool_]
WordArray = NDArray[np.uint64]  # 64 bits each
TimeArray = NDArray[np.datetime64]
AnyArray = NDArray[Any]
RecordArray = NDArray[Any]  # structured; the dtype is named where it is made
Record = Any  # one element of a record array, its fields by name


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous array that nobody can write to; the caller's own array stays as it is."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
