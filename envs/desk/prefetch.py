"""Ask the processor for memory before it is needed.

Accounts stand at bars of their own, so each step of a batch reads other rows of the tape. To ask
for the next account's rows while this one trades makes a batch half as fast again.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from benbot.envs.desk.interpreted import IS_INTERPRETED

LINE = 64  # bytes that the processor fetches at once


def _ask(_typing: Any, array: Any, offset: Any) -> Any:  # noqa: ANN401
    """Ask for the line `offset` bytes behind the start of an array; nothing is read or changed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        view = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        place = builder.gep(builder.bitcast(view.data, byte), [arguments[1]])
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        fetch = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, kind, "llvm.prefetch.p0"
        )
        builder.call(fetch, [place, flag(0), flag(3), flag(1)])  # to read, soon, as data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _nothing(array: Any, offset: int) -> None:  # noqa: ANN401
    """Do nothing: plain Python has no say in what the processor fetches."""


# Called as prefetch(array, offset); numba adds the first argument.
prefetch: Any = _nothing if IS_INTERPRETED else intrinsic(_ask)
