"""Rules of the catalogue with other parameters, as genomes: whole numbers, real numbers, words.

A number whose range spans a factor of ten or more is drawn and moved by its logarithm, so that a
window of 5 bars and one of 500 are as easy to come by.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benbot.envs.errors import InvalidParameter, TradingError
from benbot.envs.market.market import Market
from benbot.envs.market.selection import check_known
from benbot.strategies.base import Opinion, Parameter, Strategy
from benbot.strategies.catalogue import CATALOGUE, StrategyChoice

WIDE = 10.0  # ratio of the ends of a range that is walked by its logarithm
STEP = 0.2  # deviation of a mutation, as a share of the range
BLEND = 0.5  # how far a child may lie beyond its parents, as a share of their distance: BLX-α
ATTEMPTS = 200  # at values that fit together, as a fast window below a slow one
Value = int | float | str


@dataclass(frozen=True)
class RuleGenome:
    """A rule with a value for each of its parameters, in the order of their names."""

    rule: str
    values: tuple[tuple[str, Value], ...]

    @cached_property
    def digest(self) -> str:
        written = json.dumps([self.rule, self.values])
        return hashlib.sha256(written.encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def formula(self) -> str:
        return " ".join([self.rule, *(f"{name}={_short(value)}" for name, value in self.values)])


class Rules:
    """The species of these rules; children of one rule stay of that rule."""

    name = "parameters"

    def __init__(self, rules: Sequence[str]) -> None:
        check_known("rule to breed", rules, CATALOGUE)
        self.rules = tuple(rules)

    def draw(self, generator: np.random.Generator) -> RuleGenome:
        rule = self.rules[int(generator.integers(len(self.rules)))]
        kind = CATALOGUE[rule]
        for _ in range(ATTEMPTS):
            values: dict[str, Value] = {
                name: value_at(wanted, generator.random())
                for name, wanted in kind.parameters().items()
            }
            for name, words in kind.choices().items():
                values[name] = words[int(generator.integers(len(words)))]
            genome = sound(rule, values)
            if genome is not None:
                return genome
        return _usual(rule)

    def cross(
        self, mother: RuleGenome, father: RuleGenome, generator: np.random.Generator
    ) -> RuleGenome:
        """Blend the numbers of two of one rule (Eshelman and Schaffer 1993) and mix their words.

        Two of different rules have no children: the mother alone has one that differs a little.
        """
        if mother.rule != father.rule:
            return self.mutate(mother, generator)
        numbers, theirs = CATALOGUE[mother.rule].parameters(), dict(father.values)
        for _ in range(ATTEMPTS):
            values = {
                name: _blend(numbers[name], (own, theirs[name]), generator)
                if name in numbers
                else (own, theirs[name])[int(generator.integers(2))]
                for name, own in mother.values
            }
            child = sound(mother.rule, values)
            if child is not None:
                return child
        return mother

    def mutate(self, genome: RuleGenome, generator: np.random.Generator) -> RuleGenome:
        """Move one value in three on average, and one at least."""
        kind, names = CATALOGUE[genome.rule], [name for name, _ in genome.values]
        for _ in range(ATTEMPTS):
            moved = generator.random(len(names)) < 1.0 / 3.0
            moved[int(generator.integers(len(names)))] = True
            values = dict(genome.values)
            for i in np.flatnonzero(moved):
                values[names[i]] = _moved(kind, names[i], values[names[i]], generator)
            child = sound(genome.rule, values)
            if child is not None:
                return child
        return genome

    def opinions(self, genomes: Sequence[RuleGenome], market: Market) -> Iterator[Opinion]:
        for genome in genomes:
            yield self.strategy(genome, "").opinion(market)

    def strategy(self, genome: RuleGenome, label: str) -> Strategy:
        values: dict[str, Any] = dict(genome.values)
        return CATALOGUE[genome.rule](label=label, **values)

    def choice(self, genome: RuleGenome, label: str) -> StrategyChoice:
        return StrategyChoice(name=genome.rule, label=label, parameters=dict(genome.values))

    def write(self, genome: RuleGenome) -> Any:  # noqa: ANN401
        return {"rule": genome.rule, **dict(genome.values)}

    def read(self, written: object) -> RuleGenome:
        if not isinstance(written, Mapping) or "rule" not in written:
            raise InvalidParameter(f"a bred rule needs its name and its values, was {written!r}")
        rule = str(written["rule"])
        check_known("rule", [rule], CATALOGUE)
        values = {str(name): value for name, value in written.items() if name != "rule"}
        kind = CATALOGUE[rule]
        check_known(f"parameter of {rule}", values, [*kind.parameters(), *kind.choices()])
        return _genome(kind(**values))


def sound(rule: str, values: Mapping[str, Value]) -> RuleGenome | None:
    """Return the genome of these values, or None where they do not fit together."""
    try:
        return _genome(CATALOGUE[rule](**values))  # type: ignore[arg-type]
    except TradingError:
        return None


def value_at(wanted: Parameter, place: float) -> int | float:
    """Return the value at a place of a range, 0 the low end and 1 the high one."""
    if _is_wide(wanted):
        low, high = np.log(wanted.low), np.log(wanted.high)
        value = float(np.exp(low + place * (high - low)))
    else:
        value = wanted.low + place * (wanted.high - wanted.low)
    value = min(max(value, wanted.low), wanted.high)
    return round(value) if wanted.whole else float(value)


def place_of(wanted: Parameter, value: float) -> float:
    """Return where in a range a value lies, from 0 to 1."""
    if _is_wide(wanted):
        return float(np.log(value / wanted.low) / np.log(wanted.high / wanted.low))
    return float((value - wanted.low) / (wanted.high - wanted.low))


def _is_wide(wanted: Parameter) -> bool:
    return wanted.low > 0 and wanted.high >= WIDE * wanted.low


def _blend(wanted: Parameter, pair: tuple[Value, Value], generator: np.random.Generator) -> Value:
    if pair[0] == pair[1]:
        return pair[0]
    places = sorted(place_of(wanted, float(value)) for value in pair)
    beyond = BLEND * (places[1] - places[0])
    place = generator.uniform(places[0] - beyond, places[1] + beyond)
    return value_at(wanted, min(max(float(place), 0.0), 1.0))


def _moved(kind: type[Strategy], name: str, value: Value, generator: np.random.Generator) -> Value:
    wanted = kind.parameters().get(name)
    if wanted is None:
        words = kind.choices()[name]
        return words[int(generator.integers(len(words)))]
    place = place_of(wanted, float(value)) + STEP * float(generator.standard_normal())
    return value_at(wanted, min(max(place, 0.0), 1.0))


def _genome(strategy: Strategy) -> RuleGenome:
    names = sorted([*strategy.parameters(), *strategy.choices()])
    return RuleGenome(strategy.rule, tuple((name, getattr(strategy, name)) for name in names))


def _usual(rule: str) -> RuleGenome:
    return _genome(CATALOGUE[rule]())


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
