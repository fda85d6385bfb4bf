"""What many candidates do on a ground, in chunks that several workers share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.evolution.genomes import G, Species
from benbot.evolution.ground import Ground, Outcome, traits_of
from benbot.evolution.workers import Workers
from benbot.strategies.base import Opinion

CHUNK = 16  # candidates that are heard at once; with 1,258 bars of 88 symbols, 20 MB
SAMPLE = 7  # every so many bars tell one behaviour from another
STEPS = 64.0  # confidence is compared in so many


@dataclass(frozen=True, eq=False)
class Trial:
    """One candidate's outcome; `behaviour` is the same for who wants the same."""

    outcome: Outcome
    behaviour: str


class Fitness(Generic[G]):
    """Tries candidates of one species on one ground; what it returns depends on nothing else."""

    def __init__(self, species: Species[G], ground: Ground) -> None:
        self.species, self.ground = species, ground

    def measure(self, genomes: Sequence[G], workers: Workers) -> list[Trial]:
        """Return a trial of each, in order, whatever the number of workers."""
        chunks = [genomes[i : i + CHUNK] for i in range(0, len(genomes), CHUNK)]
        return [trial for part in workers(self._measure_chunk, chunks) for trial in part]

    def _measure_chunk(self, genomes: Sequence[G]) -> list[Trial]:
        market, species = self.ground.market, self.species
        return [
            self._trial(genome, opinion)
            for genome, opinion in zip(genomes, species.opinions(genomes, market), strict=True)
        ]

    def _trial(self, genome: G, opinion: Opinion) -> Trial:
        traits = traits_of(self.species.strategy(genome, ""))
        return Trial(self.ground.try_alone(opinion, traits), self._behaviour(opinion))

    def _behaviour(self, opinion: Opinion) -> str:
        sample = slice(self.ground.span.first, self.ground.span.last + 1, SAMPLE)
        wanted = opinion.direction[sample] * opinion.confidence[sample]
        steps = np.rint(wanted * STEPS).astype(np.int8)
        stops = opinion.stop_distance[sample].astype(np.float16)
        return hashlib.sha256(steps.tobytes() + stops.tobytes()).hexdigest()[:16]


def growth_of(trials: Sequence[Trial]) -> FloatArray:
    """Return the log growth of each bar, (N, T)."""
    return np.stack([trial.outcome.growth for trial in trials])


def cases_of(trials: Sequence[Trial]) -> FloatArray:
    """Return the cases of each as one row, (N, C)."""
    return np.stack([trial.outcome.cases.ravel() for trial in trials])


def trades_of(trials: Sequence[Trial]) -> IntArray:
    return np.array([trial.outcome.n_trades for trial in trials], np.int64)
