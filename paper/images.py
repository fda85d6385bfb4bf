"""Arrays as bytes and back, exactly: what a store keeps of the state of an account.

An image begins with a description of its arrays as JSON, so that one of another version, another
number of strategies or positions is refused before a single number of it is believed.
"""

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from benbot.envs.arrays import AnyArray
from benbot.envs.errors import RunMismatch

ENDS = b"\n"  # of the description, in which it does not occur


def image_of(arrays: Sequence[AnyArray]) -> bytes:
    """Return arrays as bytes; `restore` brings them back."""
    plain = [np.ascontiguousarray(array) for array in arrays]
    return _described(plain) + b"".join(array.tobytes() for array in plain)


def restore(image: bytes, into: Sequence[AnyArray]) -> None:
    """Fill arrays from an image; refuse one that was made of others."""
    head, _, body = image.partition(ENDS)
    expected = _described(into)
    size = sum(array.nbytes for array in into)
    if head + ENDS != expected or len(body) != size:
        raise RunMismatch(
            f"a stored state must be that of {expected.decode().strip()}, was of "
            f"{head[:200].decode(errors='replace')} and {len(body)} bytes instead of {size}. It "
            "was written with other strategies, limits or by another version; use those, or go on "
            "there until no order is under way"
        )
    start = 0
    for array in into:
        part = np.frombuffer(body, array.dtype, array.size, start)
        array[...] = part.reshape(array.shape)
        start += array.nbytes


def is_image_of(image: bytes, arrays: Sequence[AnyArray]) -> bool:
    """Return whether an image says that it is one of such arrays."""
    return image.partition(ENDS)[0] + ENDS == _described(arrays)


def shapes_of(image: bytes) -> list[tuple[int, ...]]:
    """Return the shapes of the arrays of an image; refuse what is none with a ValueError."""
    try:
        described = json.loads(image.partition(ENDS)[0])
        return [tuple(map(int, shape)) for _, shape in described]
    except (TypeError, ValueError):
        raise ValueError("an image must begin with a description of its arrays") from None


def digest_of(image: bytes) -> str:
    """Return sixteen hex digits of an image."""
    return hashlib.sha256(image).hexdigest()[:16]


def _described(arrays: Sequence[AnyArray]) -> bytes:
    what = [[_kind(array), list(array.shape)] for array in arrays]
    return json.dumps(what, separators=(",", ":")).encode() + ENDS


def _kind(array: AnyArray) -> str:
    """Return the type of an array's numbers, short; of records, what their fields are."""
    if array.dtype.names is None:
        return array.dtype.str
    described = repr(array.dtype.descr).encode()
    return hashlib.sha256(described).hexdigest()[:8]
