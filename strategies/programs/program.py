"""A program: a typed tree in prefix order, as two strings of bytes that nobody can change.

A sub-tree is a stretch of both strings, so copying, comparing, hashing and exchanging sub-trees are
what Python does to bytes, and a population is encoded by joining them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from benbot.envs.errors import BadProgram
from benbot.strategies.programs.primitives import (
    ARITY,
    BY_CODE,
    DEEPEST,
    GIVES,
    MOST_NODES,
    NUMBER,
    SLOTS,
    Code,
    Type,
)

ITEM = 4  # bytes of a value


@dataclass(frozen=True)
class Program:
    """A rule as an expression over features.

    codes     one byte per node in prefix order, see `primitives.Code`
    values    one float32 per node: number of a feature, constant, bars of a window; 0 for others
    features  names of the features, which numbers in `values` mean

    What is made by `swapped`, by `generation` or from JSON is well formed; `check_program` says
    whether other bytes are.
    """

    codes: bytes
    values: bytes = field(repr=False)
    features: tuple[str, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def n_parts(self) -> int:
        """3 for entry, exit and size, 1 for a signal."""
        return 3 if self.codes[0] == Code.PARTS else 1

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """Return the value of each node."""
        return tuple(np.frombuffer(self.values, np.float32).tolist())

    @property
    def features_used(self) -> tuple[str, ...]:
        """Return the features that it looks at, each once, in the order of its text."""
        pairs = zip(self.codes, self.numbers, strict=True)
        used = (self.features[int(number)] for code, number in pairs if code == Code.FEATURE)
        return tuple(dict.fromkeys(used))

    def end(self, start: int) -> int:
        """Return where the sub-tree that begins at `start` ends, excluded."""
        wanted, place = 1, start
        while wanted:
            wanted += ARITY[self.codes[place]] - 1
            place += 1
        return place

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Return the end of every sub-tree."""
        ends = [0] * len(self.codes)
        stack: list[int] = []
        for place in range(len(self.codes) - 1, -1, -1):
            arity = ARITY[self.codes[place]]
            end = stack[-arity] if arity else place + 1
            if arity:
                del stack[len(stack) - arity :]
            ends[place] = end
            stack.append(end)
        return tuple(ends)

    def arguments(self, start: int) -> tuple[int, ...]:
        """Return where the arguments of a node begin."""
        places, place = [], start + 1
        for _ in range(ARITY[self.codes[start]]):
            places.append(place)
            place = self.end(place)
        return tuple(places)

    @property
    def gives(self) -> bytes:
        """Return the `Type` that each node gives, a byte each."""
        return self.codes.translate(GIVES)

    @cached_property
    def slots(self) -> tuple[int, ...]:
        """Return what may stand at each place: the types that its slot takes, as a `Type`."""
        stack = [int(Type.WHOLE if self.n_parts > 1 else NUMBER)]
        slots = []
        for code in self.codes:
            slots.append(stack.pop())
            if ARITY[code]:
                stack.extend(reversed(SLOTS[code]))
        return tuple(slots)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Return how many levels below the root each node is."""
        stack, depths = [0], []
        for code in self.codes:
            depth = stack.pop()
            depths.append(depth)
            stack.extend([depth + 1] * ARITY[code])
        return tuple(depths)

    @property
    def depth(self) -> int:
        """Return how many levels there are below the root."""
        return max(self.depths)

    def sub(self, start: int) -> "Program":
        """Return the sub-tree at `start` as a program of its own."""
        end = self.end(start)
        values = self.values[ITEM * start : ITEM * end]
        return Program(self.codes[start:end], values, self.features)

    def swapped(self, start: int, other: "Program", other_start: int = 0) -> "Program":
        """Return this program with a sub-tree of another in the place of the one at `start`.

        Whether its type fits is for who asks to see: `slots` and `gives` say it.
        """
        end, other_end = self.end(start), other.end(other_start)
        codes = self.codes[:start] + other.codes[other_start:other_end] + self.codes[end:]
        values = (
            self.values[: ITEM * start]
            + other.values[ITEM * other_start : ITEM * other_end]
            + self.values[ITEM * end :]
        )
        return Program(codes, values, self.features)

    def reach(self, lookbacks: Sequence[int]) -> int:
        """Return how many bars before the present one it looks at, given those of its features.

        It is the largest sum along a path from the root to a leaf.
        """
        stack: list[int] = []
        for code, number in zip(reversed(self.codes), reversed(self.numbers), strict=True):
            if code == Code.FEATURE:
                stack.append(lookbacks[int(number)])
            elif not ARITY[code]:
                stack.append(int(number) if code == Code.WINDOW else 0)
            else:
                stack.append(_reach_of(code, stack))
        return stack[0]


def _reach_of(code: int, stack: list[int]) -> int:
    """Take the reaches of a node's arguments off the stack and return its own."""
    primitive = BY_CODE[code]
    arguments = [stack.pop() for _ in range(primitive.arity)]
    bars = arguments.pop() if primitive.has_window else 0
    return max(arguments) + primitive.reach(bars)


def program_of(nodes: Sequence[tuple[int, float]], features: tuple[str, ...]) -> Program:
    """Return the program of these nodes, each a code and a value, in prefix order."""
    codes = bytes(code for code, _ in nodes)
    values = np.array([value for _, value in nodes], np.float32).tobytes()
    return Program(codes, values, features)


def check_program(program: Program) -> None:
    """Refuse bytes that are no typed tree within the limits."""
    codes = program.codes
    if not 0 < len(codes) <= MOST_NODES or len(program.values) != ITEM * len(codes):
        raise BadProgram(
            f"a program needs 1 to {MOST_NODES} nodes with a value each, was {len(codes)} nodes "
            f"with {len(program.values) / ITEM:g} values"
        )
    wanted = [int(Type.WHOLE if codes[0] == Code.PARTS else NUMBER)]
    for place, code in enumerate(codes):
        if not wanted or not GIVES[code] & wanted.pop():
            raise BadProgram(f"node {place} must fit its slot, was code {code}")
        wanted.extend(reversed(SLOTS.get(code, ())))
    if wanted:
        raise BadProgram(
            f"a program must be one whole tree, was one that lacks {len(wanted)} nodes"
        )
    if program.depth > DEEPEST:
        raise BadProgram(f"a program may be {DEEPEST} levels deep, was {program.depth}")
