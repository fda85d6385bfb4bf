"""Where a plan's series and registers lie in the arena, and in which stretches it is done."""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, Float32Array
from benbot.strategies.programs.compiled import Place
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.planning import Plan
from benbot.strategies.programs.streaming import LINE, LINE_BYTES

# Most bars of a stretch when no window looks back, and when windows do but not far.
POINTWISE_TILE, WINDOW_TILE = 2560, 4096
CACHE = 32 * 2**20  # bytes; an output that has more is written past the caches
MARGIN = 3 * LINE  # numbers between registers, so that two never lie a power of two apart


class Layout(NamedTuple):
    """Where things lie in the arena, and how it is walked through. All unsigned.

    n_series   S
    length     T
    spacing    numbers from the beginning of one series to that of the next, T or a few more
    registers  where the first register begins
    stride     numbers from one register to the next
    tile       bars that are done at a time
    reach      bars before them that are computed along with them
    skew       numbers of the output before its first whole line, LINE if it goes through the caches
    """

    n_series: Place
    length: Place
    spacing: Place
    registers: Place
    stride: Place
    tile: Place
    reach: Place
    skew: Place


def rounded(numbers: int) -> int:
    """Return the whole lines of cache that so many numbers take, in numbers."""
    return -(-numbers // LINE) * LINE


def aligned(size: int, type_: type) -> AnyArray:
    """Return so many numbers that begin on a line of the cache."""
    numbers: AnyArray = np.empty(size + LINE, type_)
    skipped = -(numbers.ctypes.data // numbers.itemsize) % (LINE_BYTES // numbers.itemsize)
    return numbers[skipped : skipped + size]


def layout_of(plan: Plan, features: Features, registers: int) -> Layout:
    """Return how a plan walks through the arena, in stretches of one length, more or less."""
    n_bars, reach = features.n_bars, rounded(plan.reach)
    most = max(WINDOW_TILE, 4 * reach) if reach else POINTWISE_TILE
    tile = max(LINE, rounded(-(-n_bars // max(1, -(-n_bars // most)))))
    stride = rounded(min(tile + reach, n_bars)) + MARGIN
    numbers = (features.n_symbols, n_bars, rounded(n_bars), registers, stride, tile, reach, LINE)
    return Layout(*(np.uint64(number) for number in numbers))


def skew_of(out: Float32Array) -> Place:
    """Return where lines begin in an output that no cache can hold."""
    is_large = out.nbytes > CACHE
    return np.uint64(-(out.ctypes.data // out.itemsize) % LINE if is_large else LINE)


def size_of(plans: list[Plan], layouts: list[Layout]) -> int:
    """Return how many numbers the arena has."""
    return max(
        int(layout.registers) + plan.n_registers * int(layout.stride)
        for plan, layout in zip(plans, layouts, strict=True)
    )
