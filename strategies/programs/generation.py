"""Random programs: typed, never larger than asked for, never made of constants alone."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benbot.envs.errors import InvalidParameter
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.primitives import NUMBER, PARTS, Code, Primitive, Type
from benbot.strategies.programs.program import Program, program_of

LEAF_SHARE = 0.3  # of the places where a tree may end before its depth, those where it does
CONSTANT_SHARE = 0.3  # of the leaves that may be a constant, those that are
DECIMALS = 2  # of a constant, so that programs often have the same one
TRIES = 100  # trees that may be too large before nothing is found
BLOCK = 256  # random numbers that are drawn at once
SHALLOW, DEEP = 2, 5  # levels of a new program, unless told otherwise

Nodes = list[tuple[int, float]]


class Dice:
    """Random numbers in [0, 1), drawn in blocks, because one at a time is slow."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._numbers = self._drawn(rng)

    def roll(self) -> float:
        return next(self._numbers)

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1."""
        return int(n * self.roll())

    @staticmethod
    def _drawn(rng: np.random.Generator) -> Iterator[float]:
        while True:
            yield from rng.random(BLOCK).tolist()


@dataclass(frozen=True)
class Grower:
    """Grows trees of a language with some dice; `full` trees have all their leaves at the end."""

    language: Language
    dice: Dice
    full: bool

    def grow(self, slot: int, depth: int, nodes: Nodes) -> None:
        """Append a tree for the slot that has at most so many levels below its root."""
        if slot == Type.WINDOW:
            windows = self.language.windows
            nodes.append((Code.WINDOW, windows[self.dice.below(len(windows))]))
            return
        primitive = None if self._ends(slot, depth) else self._function(slot, depth)
        if primitive is None:
            nodes.append(self._leaf(slot))
            return
        nodes.append((primitive.code, 0.0))
        for k, wanted in enumerate(primitive.slots):
            leads = k == 0 and wanted == NUMBER
            self.grow(int(Type.SERIES if leads else wanted), depth - 1, nodes)

    def _ends(self, slot: int, depth: int) -> bool:
        if not slot & Type.SERIES:
            return False
        return depth <= 0 or (not self.full and self.dice.roll() < LEAF_SHARE)

    def _function(self, slot: int, depth: int) -> Primitive | None:
        kind = Type.SERIES if slot & Type.SERIES else Type.CONDITION
        least = self.language.least_depth
        fitting = [
            each
            for each in self.language.by_type[kind]
            if all(least.get(int(wanted), depth) < depth for wanted in each.slots)
        ]
        return fitting[self.dice.below(len(fitting))] if fitting else None

    def _leaf(self, slot: int) -> tuple[int, float]:
        if not slot & Type.SERIES:
            raise InvalidParameter(
                f"a language of conditions needs a comparison, was one of "
                f"{', '.join(self.language.primitives)}. Add above or below"
            )
        if slot & Type.CONSTANT and self.dice.roll() < CONSTANT_SHARE:
            return Code.CONSTANT, round(
                (2.0 * self.dice.roll() - 1.0) * self.language.constant, DECIMALS
            )
        return Code.FEATURE, float(self.dice.below(len(self.language.features)))


def random_tree(
    dice: Dice, language: Language, slot: int, depth: int, *, full: bool = False
) -> Program:
    """Return a tree that may stand in a slot, with at most so many levels below its root."""
    nodes: Nodes = []
    Grower(language, dice, full).grow(slot, max(depth, language.least_depth.get(slot, 0)), nodes)
    return program_of(nodes, language.features)


def random_program(
    dice: Dice, language: Language, shallow: int = SHALLOW, deep: int = DEEP
) -> Program:
    """Return a program that has from `shallow` to `deep` levels below its root.

    Half of them are full, and the others end anywhere: the half and half of Koza, Genetic
    Programming, 1992. In parts, each part is such a tree. What is larger than the language allows
    is drawn again.
    """
    for _ in range(TRIES):
        depth = shallow + dice.below(deep - shallow + 1)
        grower = Grower(language, dice, full=dice.roll() < 0.5)
        nodes = _rooted(grower, min(depth, language.depth))
        if len(nodes) <= language.size:
            return program_of(nodes, language.features)
    raise InvalidParameter(
        f"a program needs fewer levels or more nodes: of {TRIES} drawn with {shallow} to {deep} "
        f"levels all had more than {language.size} nodes"
    )


def _rooted(grower: Grower, depth: int) -> Nodes:
    nodes: Nodes = []
    if grower.language.form == "signal":
        grower.grow(int(Type.SERIES), depth, nodes)
        return nodes
    nodes.append((PARTS.code, 0.0))
    least = grower.language.least_depth
    for slot in (Type.CONDITION, Type.CONDITION, Type.SERIES):
        grower.grow(int(slot), max(depth - 1, least.get(int(slot), 0)), nodes)
    return nodes
