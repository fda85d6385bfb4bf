"""Programs as genomes: grown by chance, crossed by their sub-trees, changed at a point.

A place in a tree takes only what its slot takes, so children are as well typed as their parents; a
child that would be larger or deeper than the language allows is not made.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.formula import formula
from benbot.strategies.programs.generation import Dice, random_program, random_tree
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.notation import from_json, to_json
from benbot.strategies.programs.primitives import GIVES, PRIMITIVES, Code
from benbot.strategies.programs.program import ITEM, Program
from benbot.strategies.programs.simplification import digest, simplified
from benbot.strategies.programs.strategy import ProgramStrategy, heard

TRIES = 10  # at places where two trees fit together
NEW_DEPTH = 3  # levels of a tree that takes the place of another
SUBTREE, HOIST = 0.4, 0.2  # shares of the mutations; the others change a point
DRIFT = 0.3  # deviation of a constant that moves, as a share of the largest one


@dataclass(frozen=True)
class ProgramGenome:
    """A program as a candidate."""

    program: Program

    @cached_property
    def digest(self) -> str:
        return digest(self.program)

    @property
    def size(self) -> int:
        return len(self.program)

    @property
    def formula(self) -> str:
        return formula(simplified(self.program))


class Programs:
    """The species of the programs of a language."""

    name = "programs"

    def __init__(self, language: Language) -> None:
        self.language = language

    def draw(self, generator: np.random.Generator) -> ProgramGenome:
        return ProgramGenome(random_program(Dice(generator), self.language))

    def cross(
        self, mother: ProgramGenome, father: ProgramGenome, generator: np.random.Generator
    ) -> ProgramGenome:
        """Put a sub-tree of one in the place of a sub-tree of the other: Koza (1992)."""
        dice, own, other = Dice(generator), mother.program, father.program
        for _ in range(TRIES):
            place = dice.below(len(own))
            wanted, gives = own.slots[place], other.gives
            fitting = [i for i, given in enumerate(gives) if given & wanted]
            if fitting:
                child = own.swapped(place, other, fitting[dice.below(len(fitting))])
                if self._fits(child) and child != own:
                    return ProgramGenome(child)
        return self.mutate(mother, generator)

    def mutate(self, genome: ProgramGenome, generator: np.random.Generator) -> ProgramGenome:
        """Grow a sub-tree anew, let one take the place of what holds it, or change a point."""
        dice, program = Dice(generator), genome.program
        for _ in range(TRIES):
            place, chance = dice.below(len(program)), dice.roll()
            if chance < SUBTREE:
                child = self._regrown(program, place, dice)
            elif chance < SUBTREE + HOIST:
                child = _hoisted(program, place, dice)
            else:
                child = self._changed(program, place, dice)
            if child != program and self._fits(child):
                return ProgramGenome(child)
        return genome

    def opinions(self, genomes: Sequence[ProgramGenome], market: Market) -> Iterator[Opinion]:
        programs = [genome.program for genome in genomes]
        said = evaluate(programs, Features.of(market, self.language.features))
        for program, words in zip(programs, said, strict=True):
            evidence, opening = heard(words, program.n_parts)
            yield ProgramStrategy.of(program).opinion_of(market, evidence, opening)

    def strategy(self, genome: ProgramGenome, label: str) -> Strategy:
        return ProgramStrategy.of(genome.program, label)

    def choice(self, genome: ProgramGenome, label: str) -> StrategyChoice:
        text = to_json(genome.program)
        return StrategyChoice(name=ProgramStrategy.rule, label=label, parameters={"program": text})

    def write(self, genome: ProgramGenome) -> Any:  # noqa: ANN401
        return json.loads(to_json(genome.program))

    def read(self, written: object) -> ProgramGenome:
        """Return a program that was written; it may look at no other features than the language."""
        if not isinstance(written, Mapping):
            raise InvalidParameter(f"a bred program must be JSON of one, was {written!r}")
        return ProgramGenome(from_json(json.dumps(written), self.language.features))

    def _fits(self, program: Program) -> bool:
        return len(program) <= self.language.size and program.depth <= self.language.depth

    def _regrown(self, program: Program, place: int, dice: Dice) -> Program:
        room = min(self.language.depth - program.depths[place], NEW_DEPTH)
        slot = program.slots[place]
        if place == 0 and program.n_parts > 1:
            return random_program(dice, self.language)
        return program.swapped(place, random_tree(dice, self.language, slot, max(room, 0)))

    def _changed(self, program: Program, place: int, dice: Dice) -> Program:
        code, value = program.codes[place], program.numbers[place]
        if code == Code.FEATURE:
            return _with(program, place, code, float(dice.below(len(self.language.features))))
        if code == Code.CONSTANT:
            most = self.language.constant
            moved = value + DRIFT * most * (2.0 * dice.roll() - 1.0)
            return _with(program, place, code, round(min(max(moved, -most), most), 2))
        if code == Code.WINDOW:
            windows = self.language.windows
            return _with(program, place, code, float(windows[dice.below(len(windows))]))
        alike = [
            each.code
            for each in self.language.functions
            if each.code != code and each.slots == _slots(code) and each.gives == GIVES[code]
        ]
        return _with(program, place, alike[dice.below(len(alike))], 0.0) if alike else program


def _slots(code: int) -> tuple[Any, ...]:
    return next((each.slots for each in PRIMITIVES if each.code == code), ())


def _hoisted(program: Program, place: int, dice: Dice) -> Program:
    """Return the program with a part of the sub-tree at a place instead of all of it."""
    wanted, end = program.slots[place], program.end(place)
    fitting = [i for i in range(place + 1, end) if program.gives[i] & wanted]
    return (
        program.swapped(place, program, fitting[dice.below(len(fitting))]) if fitting else program
    )


def _with(program: Program, place: int, code: int, value: float) -> Program:
    codes = program.codes[:place] + bytes([code]) + program.codes[place + 1 :]
    own = np.float32(value).tobytes()
    values = program.values[: ITEM * place] + own + program.values[ITEM * (place + 1) :]
    return Program(codes, values, program.features)
