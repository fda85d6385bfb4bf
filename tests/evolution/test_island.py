"""One island: who lives on, who arrives, and that nobody is tried twice."""

import numpy as np
import pytest

from benbot.evolution.candidate import Candidate
from benbot.evolution.fitness import Trial
from benbot.evolution.ground import Outcome
from benbot.evolution.island import Island, migrate
from benbot.evolution.parameters import RuleGenome, Rules
from benbot.evolution.settings import EvolutionSettings

OWN = EvolutionSettings(population=4, islands=1)


def person(name: str, behaviour: str = "") -> Candidate[RuleGenome]:
    outcome = Outcome(np.zeros(5), np.zeros((1, 1, 9)), 0.0, 9)
    return Candidate(RuleGenome(name, ()), Trial(outcome, behaviour or name), (), 0)


@pytest.fixture
def island(rules: Rules) -> Island[RuleGenome]:
    return Island(OWN, rules, np.random.default_rng(0))


def names(island: Island[RuleGenome]) -> list[str]:
    return [each.genome.rule for each in island.people]


def test_the_best_live_on_and_of_those_who_want_the_same_the_better_one(
    island: Island[RuleGenome],
) -> None:
    everybody = [person(name, "same" if name in "ce" else "") for name in "abcdef"]
    objectives = np.array([3.0, 6.0, 4.0, 1.0, 5.0, 2.0])[:, None]
    island.select(everybody, objectives)
    assert names(island) == ["b", "e", "a", "f"]


def test_the_best_of_another_island_take_the_places_of_the_worst(rules: Rules) -> None:
    islands = [Island(OWN, rules, np.random.default_rng(i)) for i in range(2)]
    for island, letters in zip(islands, ("abcd", "wxyz"), strict=True):
        island.people = [person(name) for name in letters]
    migrate(islands, lambda island: island.people[:1])
    assert [names(island) for island in islands] == [list("abcw"), list("wxya")]


def test_nobody_is_tried_twice(island: Island[RuleGenome]) -> None:
    seen: set[str] = set()
    first = island.found(seen)
    island.people = [
        Candidate(child.genome, person("x", str(i)).trial, (), 0) for i, child in enumerate(first)
    ]
    later = [child for _ in range(20) for child in island.children(np.zeros((4, 1)), seen)]
    digests = [child.genome.digest for child in [*first, *later]]
    assert len(set(digests)) == len(digests) == len(seen)
    assert any(len(child.parents) == 2 for child in later)
