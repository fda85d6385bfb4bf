"""One island: a population that breeds by itself, and whoever comes from the next one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.evolution.candidate import Candidate
from benbot.evolution.genomes import G, Species
from benbot.evolution.selection import lexicase, rank, tournament
from benbot.evolution.settings import EvolutionSettings

TRIES = 5  # to find a genome that nobody has tried, before chance draws one


@dataclass(frozen=True)
class Child(Generic[G]):
    """A genome that has not been tried yet, and the digests of its parents."""

    genome: G
    parents: tuple[str, ...]


class Island(Generic[G]):
    """Its people, and a generator of its own, so that islands could breed in any order."""

    def __init__(
        self,
        settings: EvolutionSettings,
        species: Species[G],
        generator: np.random.Generator,
        founders: Sequence[G] = (),
    ) -> None:
        self.settings, self.species, self.generator = settings, species, generator
        self.founders = founders[: settings.island_size]
        self.people: list[Candidate[G]] = []

    def found(self, seen: set[str]) -> list[Child[G]]:
        """Return the first generation: the founders, and the others drawn by chance."""
        settled = [Child(each, ()) for each in self.founders if each.digest not in seen]
        seen |= {each.genome.digest for each in settled}
        drawn = self.settings.island_size - len(settled)
        return [*settled, *(self._newcomer(seen) for _ in range(drawn))]

    def children(self, objectives: FloatArray, seen: set[str]) -> list[Child[G]]:
        """Return the next generation of people with these objectives (N, M).

        `seen` are the digests of all genomes that were ever tried, and those of the children join
        them: nobody is tried twice.
        """
        n = self.settings.island_size
        parents = self._parents(objectives, 2 * n)
        fate = self.generator.random(n)
        return [
            self._child((parents[2 * i], parents[2 * i + 1]), float(fate[i]), seen)
            for i in range(n)
        ]

    def select(self, everybody: Sequence[Candidate[G]], objectives: FloatArray) -> None:
        """Let the best live on: as many as the island holds, one of each behaviour."""
        order = self._best_first(everybody, objectives)
        self.people = []
        behaviours: set[str] = set()
        for i in order:
            behaviour = everybody[i].trial.behaviour
            if behaviour not in behaviours and len(self.people) < self.settings.island_size:
                behaviours.add(behaviour)
                self.people.append(everybody[i])

    def receive(self, migrants: Sequence[Candidate[G]]) -> None:
        """Let the best of another island take the places of the worst here."""
        known = {each.digest for each in self.people}
        new = [each for each in migrants if each.digest not in known]
        room = self.settings.island_size - len(new)
        self.people = [*self.people[:room], *new]

    def _parents(self, objectives: FloatArray, n: int) -> IntArray:
        if self.settings.selection == "lexicase":
            cases = np.stack([each.trial.outcome.cases.ravel() for each in self.people])
            return lexicase(_used(cases), n, self.generator)
        return tournament(rank(objectives), n, self.generator)

    def _best_first(
        self, everybody: Sequence[Candidate[G]], objectives: FloatArray
    ) -> Sequence[int]:
        by_rank: list[int] = rank(objectives).order.tolist()
        if self.settings.selection == "nsga2":
            return by_rank
        cases = _used(np.stack([each.trial.outcome.cases.ravel() for each in everybody]))
        chosen = lexicase(cases, 2 * self.settings.island_size, self.generator)
        return list(dict.fromkeys([*chosen.tolist(), *by_rank]))

    def _child(self, parents: tuple[int, int], fate: float, seen: set[str]) -> Child[G]:
        """Return a newcomer, the child of two, or the child of one."""
        settings = self.settings
        if fate < settings.newcomers:
            return self._newcomer(seen)
        mother, father = (self.people[i] for i in parents)
        if fate < settings.newcomers + (1.0 - settings.newcomers) * settings.crossover:
            genome = self.species.cross(mother.genome, father.genome, self.generator)
            names: tuple[str, ...] = (mother.digest, father.digest)
        else:
            genome = self.species.mutate(mother.genome, self.generator)
            names = (mother.digest,)
        for _ in range(TRIES):
            if genome.digest not in seen:
                seen.add(genome.digest)
                return Child(genome, names)
            genome = self.species.mutate(genome, self.generator)
        return self._newcomer(seen)

    def _newcomer(self, seen: set[str]) -> Child[G]:
        """Return a genome by chance; where nearly all were tried, one may be tried again."""
        genome = self.species.draw(self.generator)
        for _ in range(TRIES):
            if genome.digest not in seen:
                break
            genome = self.species.draw(self.generator)
        seen.add(genome.digest)
        return Child(genome, ())


def _used(cases: FloatArray) -> FloatArray:
    """Leave out the cases that never happened to anybody."""
    used = cases[:, (cases != 0.0).any(axis=0)]
    return used if used.shape[1] else cases[:, :1]


def migrate(
    islands: Sequence[Island[G]], best: Callable[[Island[G]], Sequence[Candidate[G]]]
) -> None:
    """Let the best of each island live on the next as well, all at the same time."""
    leaving = [best(island) for island in islands]
    for i, migrants in enumerate(leaving):
        islands[(i + 1) % len(islands)].receive(migrants)
