"""Writing past the processor's caches what is read much later.

The answers of a population are larger than any cache. Written as usual, each line of them is first
read from memory and then drives out a line of registers that the next instruction needs.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from benbot.envs.arrays import Float32Array
from benbot.envs.desk.interpreted import IS_INTERPRETED
from benbot.strategies.programs.compiled import Place, pasted

LINE_BYTES = 64  # of the processor's cache
LINE = LINE_BYTES // 4  # numbers of float32 in a line


def _send(_typing: Any, out: Any, into: Any, source: Any, start: Any) -> Any:  # noqa: ANN401
    """Copy one line of numbers past the caches; `out` must have a line begin at `into`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ANN401
        line = ir.VectorType(ir.FloatType(), LINE).as_pointer()
        places = []
        for array, offset in ((0, 1), (2, 3)):
            view = context.make_array(signature.args[array])(context, builder, arguments[array])
            places.append(builder.bitcast(builder.gep(view.data, [arguments[offset]]), line))
        numbers = builder.load(places[1], align=4)
        store = builder.store(numbers, places[0], align=LINE_BYTES)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
        return context.get_dummy_value()

    return types.void(out, into, source, start), generate


def _copy(out: Float32Array, into: int, source: Float32Array, start: int) -> None:
    """Do the same in plain Python, which has no say in caches."""
    out[into : into + LINE] = source[start : start + LINE]


# Called as send(out, into, source, start); numba adds the first argument.
send: Any = _copy if IS_INTERPRETED else intrinsic(_send)


@pasted
def stream(out: Float32Array, where: tuple[Place, Place, Place], m: Float32Array, n: Place) -> None:
    """Copy `n` numbers past the caches.

    `where` is the place in `out`, that in `m`, and how many numbers of `out` come before a line.
    """
    into, start, skew = where
    line = np.uint64(LINE)
    head = min(n, (line + skew - into % line) % line)
    end = head + (n - head) // line * line
    for i in range(head):
        out[into + i] = m[start + i]
    for i in range(head, end, line):
        send(out, into + i, m, start + i)
    for i in range(end, n):
        out[into + i] = m[start + i]
