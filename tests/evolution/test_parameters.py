"""Rules with other parameters: always in range, always fitting together, the same from a seed."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.evolution.parameters import RuleGenome, Rules, place_of, value_at
from benbot.strategies.base import Parameter
from benbot.strategies.catalogue import CATALOGUE

EVERY = Rules(list(CATALOGUE))


def test_whatever_is_bred_is_a_sound_strategy() -> None:
    generator = np.random.default_rng(0)
    people = [EVERY.draw(generator) for _ in range(60)]
    for i in range(200):
        mother, father = people[i % 60], people[(7 * i + 3) % 60]
        for child in (EVERY.cross(mother, father, generator), EVERY.mutate(mother, generator)):
            EVERY.strategy(child, "bred")  # checks every range


def test_a_mutation_changes_something_and_nothing_of_the_parent() -> None:
    generator = np.random.default_rng(1)
    parent = EVERY.draw(generator)
    before = parent.values
    assert any(EVERY.mutate(parent, generator) != parent for _ in range(10))
    assert parent.values == before


def test_a_child_lies_around_its_parents() -> None:
    own = Rules(["rsi_reversion"])
    low, high = (
        own.read({"rule": "rsi_reversion", "window": n, "stop_multiple": 2.0, "side": "both"})
        for n in (10, 20)
    )
    children = [own.cross(low, high, np.random.default_rng(i)) for i in range(50)]
    windows = {dict(child.values)["window"] for child in children}
    assert min(windows) < 10 < 20 < max(windows)  # BLX-0.5 reaches beyond both
    assert max(windows) <= 29
    assert {dict(child.values)["stop_multiple"] for child in children} == {2.0}


def test_wide_ranges_are_walked_by_their_logarithm() -> None:
    wide, narrow = Parameter(5, 1, 100, ""), Parameter(1.0, 1.0, 3.0, "")
    assert [value_at(wide, place) for place in (0.0, 0.5, 1.0)] == [1, 10, 100]
    assert value_at(narrow, 0.5) == 2.0
    assert place_of(wide, 10.0) == pytest.approx(0.5)


def test_a_genome_survives_being_written() -> None:
    genome = EVERY.draw(np.random.default_rng(2))
    again = EVERY.read(EVERY.write(genome))
    assert again == genome
    assert again.digest == genome.digest


@pytest.mark.parametrize(
    ("written", "error", "message"),
    [
        ([], InvalidParameter, "a bred rule needs its name and its values, was"),
        ({"rule": "ma_crosover"}, UnknownName, "Did you mean ma_crossover"),
        ({"rule": "ma_crossover", "fats": 3}, UnknownName, "Did you mean fast"),
        ({"rule": "ma_crossover", "fast": 900}, InvalidParameter, "fast of ma_crossover must be"),
    ],
)
def test_what_was_not_bred_is_refused(
    written: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        EVERY.read(written)


def test_an_unknown_rule_to_breed_is_refused() -> None:
    with pytest.raises(UnknownName, match="rule to breed"):
        Rules(["nothing"])


def test_genomes_are_equal_when_their_values_are() -> None:
    first, second = (RuleGenome("ma_crossover", (("fast", n),)) for n in (5, 6))
    assert first.digest != second.digest
    assert first.formula == "ma_crossover fast=5"
