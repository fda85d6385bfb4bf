"""Arrays whose references the kernel does not count.

Numba counts a reference whenever an array is taken out of a named tuple, with an atomic operation,
and takes most of those pairs out again, but not where functions return early. They cost a step of
the desk nine tenths of its time. Whoever lends an array keeps it alive until the work is done.
"""

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from benbot.envs.desk.interpreted import IS_INTERPRETED


def _without_owner(_typing: Any, array: Any) -> Any:  # noqa: ANN401
    """Return the same array as one that nobody owns."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        owner = types.MemInfoPointer(types.voidptr)  # type: ignore[no-untyped-call]
        view.meminfo = context.get_constant_null(owner)
        view.parent = context.get_constant_null(types.pyobject)
        return view._getvalue()

    return array(array), generate


def _itself(array: Any) -> Any:  # noqa: ANN401
    """Return the array: plain Python counts references anyway."""
    return array


# Called as borrow(array); numba adds the first argument.
borrow: Any = _itself if IS_INTERPRETED else intrinsic(_without_owner)
