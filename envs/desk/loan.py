"""Arrays that are lent to a kernel: it finds them by their addresses, and owns none of them.

To hand a kernel thirty arrays costs ten microseconds, as much as ten accounts need for a bar: each
is taken apart, and its references are counted whenever it is taken out of its named tuple, with an
atomic operation. Instead the kernel reads one array of words, in which stands where each of the
others lies and how long it is. What kinds of arrays they are is agreed on beforehand.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
from llvmlite import ir
from numba import from_dtype
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import as_dtype

from benbot.envs.arrays import AnyArray, IntArray
from benbot.envs.desk.interpreted import IS_INTERPRETED
from benbot.envs.errors import InvalidParameter

T = TypeVar("T", bound=NamedTuple)
Kind = Any  # a type of numba: of an array, or of a named tuple of kinds; numba has no types
Words = Any  # an int64 array; without compilation the named tuple itself


class Loan(Generic[T]):
    """A named tuple of arrays as words; it keeps the arrays alive, and nobody can resize them.

    Whoever calls a kernel with `words` holds the loan until the kernel is done. A deep copy, or
    what comes back from a pickle, lends its own arrays.
    """

    kind: ClassVar[Kind]  # of the named tuple; `taker(kind)` is how a kernel takes it up

    def __init__(self, lent: T) -> None:
        self.lent = lent
        self._views = [_checked(*lending) for lending in _lendings(lent, self.kind, "")]
        self.words: Words = lent if IS_INTERPRETED else _words_of(self._views)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.lent,)


def array_of(dtype: Kind, n_dims: int, *, is_written: bool = False) -> Kind:
    """Return the kind of a contiguous array; `is_written` where the kernel writes to it."""
    return types.Array(from_dtype(np.dtype(dtype)), n_dims, "C", readonly=not is_written)


def tuple_of(name: Any, *kinds: Kind) -> Kind:  # noqa: ANN401
    """Return the kind of a named tuple whose fields are of these kinds, in order."""
    return types.NamedTuple(kinds, name)  # type: ignore[no-untyped-call]


def taker(kind: Kind) -> Any:  # noqa: ANN401
    """Return the function with which a kernel takes up a loan of this kind: `take(words)`."""

    def take(_typing: Any, words: Any) -> Any:  # noqa: ANN401
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
            view = context.make_array(signature.args[0])(context, builder, arguments[0])
            return _Reader(context, builder, view.data).read(kind)

        return kind(words), generate

    return (lambda lent: lent) if IS_INTERPRETED else intrinsic(take)


class _Reader:
    """Writes the instructions that build arrays from words, one after the other."""

    def __init__(self, context: Any, builder: Any, words: Any) -> None:  # noqa: ANN401
        self.context, self.builder, self.words, self.n_read = context, builder, words, 0

    def read(self, kind: Kind) -> Any:  # noqa: ANN401
        if isinstance(kind, types.NamedTuple):
            parts = [self.read(part) for part in kind.types]
            return self.context.make_tuple(self.builder, kind, parts)
        return self.array(kind)

    def array(self, kind: Kind) -> Any:  # noqa: ANN401
        view = self.context.make_array(kind)(self.context, self.builder)
        place = self.builder.inttoptr(self.word(), view.data.type)
        shape = [self.word() for _ in range(kind.ndim)]
        size = ir.IntType(64)(as_dtype(kind.dtype).itemsize)
        strides = [size]
        for length in shape[:0:-1]:
            strides.insert(0, self.builder.mul(strides[0], length))
        nobody = self.context.get_constant_null(types.MemInfoPointer(types.voidptr))  # type: ignore[no-untyped-call]
        populate_array(view, place, shape, strides, size, nobody)  # type: ignore[no-untyped-call]
        return view._getvalue()

    def word(self) -> Any:  # noqa: ANN401
        place = cgutils.gep_inbounds(self.builder, self.words, self.n_read)  # type: ignore[no-untyped-call]
        self.n_read += 1
        return self.builder.load(place)


def _words_of(arrays: list[AnyArray]) -> IntArray:
    words = [word for array in arrays for word in (array.ctypes.data, *array.shape)]
    return np.array(words, np.int64)


def _checked(name: str, array: Kind, kind: Kind) -> AnyArray:
    """Return a view of an array that is what the kernel takes it for, or refuse it."""
    needed = f"{name} must be a contiguous array of {as_dtype(kind.dtype)} [{kind.ndim} dimensions]"
    if not isinstance(array, np.ndarray):
        raise InvalidParameter(f"{needed}, was {type(array).__name__}")
    if (from_dtype(array.dtype), array.ndim) != (kind.dtype, kind.ndim):
        raise InvalidParameter(f"{needed}, was {array.dtype} [{array.ndim} dimensions]")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise InvalidParameter(f"{needed}, was not contiguous and aligned; pass a copy of it")
    if kind.mutable and not array.flags.writeable:
        raise InvalidParameter(f"{needed} that may be written to, was read-only; pass a copy of it")
    return array[...]


def _lendings(lent: Kind, kind: Kind, name: str) -> Iterator[tuple[str, Kind, Kind]]:
    """Yield the arrays of a named tuple by name, with their kinds, in the order of reading."""
    if not isinstance(kind, types.NamedTuple):
        yield name, lent, kind
        return
    if not isinstance(lent, kind.instance_class):
        needed = kind.instance_class.__name__
        raise InvalidParameter(f"{name or 'a loan'} must be a {needed}, was {type(lent).__name__}")
    for field, part, its in zip(kind.fields, lent, kind.types, strict=True):
        yield from _lendings(part, its, f"{name}.{field}".removeprefix("."))
