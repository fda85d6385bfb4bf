"""The search: islands breed, all are tried on fit and written down, the pool takes the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import DiedOut
from benbot.evolution.candidate import Candidate, certainties, record_of
from benbot.evolution.fitness import Fitness
from benbot.evolution.genomes import G
from benbot.evolution.island import Child, Island, migrate
from benbot.evolution.ledger import Entry, TrialLedger
from benbot.evolution.objectives import NOTHING, judge, ratios
from benbot.evolution.pool import Pool
from benbot.evolution.selection import fronts
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import Workers

FEWEST = 2  # of a whole population, to go on breeding


@dataclass(frozen=True)
class Generation:
    """How a generation ended; Sharpe ratios are a year, on fit, of everybody who trades enough.

    fresh    share of the children that want what nobody wanted before
    tried    candidates that were evaluated so far
    """

    number: int
    best: float
    median: float
    size: float
    fresh: float
    tried: int
    pool: int
    pool_ratio: float

    def metrics(self) -> dict[str, float]:
        names = ("best", "median", "size", "fresh", "tried", "pool", "pool_ratio")
        return {f"evolution/{name}": float(getattr(self, name)) for name in names}


class Search(Generic[G]):
    """One search from one seed: `advance` by a generation as often as the settings say."""

    def __init__(
        self,
        settings: EvolutionSettings,
        fitness: Fitness[G],
        pool: Pool[G],
        ledger: TrialLedger,
        seed: int,
        founders: Sequence[G] = (),
    ) -> None:
        """`fitness` tries candidates on fit, that of the pool on valid.

        `founders` are in the first generation, beside those drawn by chance.
        """
        self.settings, self.fitness, self.pool, self.ledger = settings, fitness, pool, ledger
        self.seed = seed
        streams = np.random.default_rng(seed).spawn(settings.islands)
        self.islands = [
            Island(settings, fitness.species, stream, founders[i :: settings.islands])
            for i, stream in enumerate(streams)
        ]
        self.number = 0  # of the generation that comes next
        self.seen: set[str] = set()
        self.behaviours: set[str] = set()
        self.n_tried = 0
        self.history: list[Generation] = []

    @property
    def is_over(self) -> bool:
        return self.number >= self.settings.generations

    @property
    def people(self) -> list[Candidate[G]]:
        """Everybody who lives, one of each behaviour."""
        everybody = [each for island in self.islands for each in island.people]
        return list({each.trial.behaviour: each for each in reversed(everybody)}.values())[::-1]

    def advance(self, workers: Workers) -> Generation:
        """Breed, try and write down one generation, and let the pool look at it now and then."""
        litters = [self._litter(island) for island in self.islands]
        fresh = self._try(litters, workers)
        if self.number and self.number % self.settings.migrate_every == 0:
            migrate(self.islands, self._leaving)
        self._check_alive()
        last = self.number + 1 == self.settings.generations
        if last or (self.number + 1) % self.settings.pool.every == 0:
            self.pool.offer(self.best_first(), workers)
        self.number += 1
        self.history.append(self._generation(fresh))
        return self.history[-1]

    def best_first(self) -> list[Candidate[G]]:
        """Return who surely enough earns something on fit, the surest first."""
        people = self.people
        sure = certainties(people, self.settings.least_trades)
        order = sorted(range(len(people)), key=lambda i: (-sure[i], people[i].digest))
        return [people[i] for i in order if sure[i] > self.settings.pool.certainty]

    def front(self) -> tuple[list[Candidate[G]], FloatArray]:
        """Return the first Pareto front of everybody who lives, with its objectives."""
        people = self.people
        objectives = self._objectives(people)
        alive = np.flatnonzero((objectives > NOTHING).all(axis=1))
        if not alive.size:
            return [], objectives[:0]
        first = alive[fronts(objectives[alive], 1)[0]]
        return [people[i] for i in first], objectives[first]

    def _litter(self, island: Island[G]) -> list[Child[G]]:
        if not self.number:
            return island.found(self.seen)
        return island.children(self._objectives(island.people), self.seen)

    def _try(self, litters: Sequence[list[Child[G]]], workers: Workers) -> float:
        """Try all children at once, and let each island select; return how many were fresh."""
        children = [child for litter in litters for child in litter]
        trials = self.fitness.measure([child.genome for child in children], workers)
        tried = [
            Candidate(child.genome, trial, child.parents, self.number)
            for child, trial in zip(children, trials, strict=True)
        ]
        self._write_down(litters, tried)
        wanted = {each.trial.behaviour for each in tried}
        fresh = len(wanted - self.behaviours) / len(tried)
        first = 0
        for island, litter in zip(self.islands, litters, strict=True):
            born = [
                each
                for each in tried[first : first + len(litter)]
                if each.trial.behaviour not in self.behaviours
            ]
            first += len(litter)
            everybody = [*island.people, *born]
            if everybody:
                island.select(everybody, self._objectives(everybody))
        self.behaviours |= wanted
        self.n_tried += len(tried)
        return fresh

    def _write_down(self, litters: Sequence[list[Child[G]]], tried: Sequence[Candidate[G]]) -> None:
        island = np.repeat(np.arange(len(litters)), [len(litter) for litter in litters])
        ratio = ratios(np.stack([each.growth for each in tried]))
        self.ledger.append(
            Entry(
                generation=self.number,
                island=int(island[i]),
                digest=each.digest,
                behaviour=each.trial.behaviour,
                parents=each.parents,
                ratio=float(ratio[i]),
                n_trades=each.trial.outcome.n_trades,
                size=each.genome.size,
                genome=self.fitness.species.write(each.genome),
            )
            for i, each in enumerate(tried)
        )

    def _objectives(self, people: Sequence[Candidate[G]]) -> FloatArray:
        growth = np.stack([each.growth for each in people])
        record = record_of(people, self.fitness.ground.fold[1:], self.pool.correlation(growth))
        return judge(record, self.settings.objectives, self.settings.least_trades)

    def _leaving(self, island: Island[G]) -> Sequence[Candidate[G]]:
        return island.people[: round(self.settings.migrants * self.settings.island_size)]

    def _check_alive(self) -> None:
        people = self.people
        sure = certainties(people, self.settings.least_trades) if people else np.zeros(0)
        n_alive = int((sure > NOTHING).sum())
        if n_alive < FEWEST:
            raise DiedOut(
                f"a generation needs {FEWEST} candidates or more that make "
                f"{self.settings.least_trades} round trips on fit, was {n_alive} of "
                f"{self.settings.population} in generation {self.number}. Lower "
                "evolution.least_trades, lengthen fit, or take a larger population"
            )

    def _generation(self, fresh: float) -> Generation:
        people = self.people
        sure = certainties(people, self.settings.least_trades)
        ratio = ratios(np.stack([each.growth for each in people]))[sure > NOTHING]
        yearly = ratio * np.sqrt(self.fitness.ground.market.bars_per_year)
        return Generation(
            number=self.number,
            best=float(yearly.max()),
            median=float(np.median(yearly)),
            size=float(np.mean([each.genome.size for each in people])),
            fresh=fresh,
            tried=self.n_tried,
            pool=len(self.pool.members),
            pool_ratio=self.pool.ratio,
        )
