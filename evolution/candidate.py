"""One candidate of a search, and many as they are compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.evolution.fitness import Trial
from benbot.evolution.genomes import G
from benbot.evolution.objectives import NOTHING, Record, certainty


@dataclass(frozen=True, eq=False)
class Candidate(Generic[G]):
    """A genome, what it did on fit, and where it comes from; `parents` are digests."""

    genome: G
    trial: Trial
    parents: tuple[str, ...]
    born: int  # generation

    @property
    def digest(self) -> str:
        return self.genome.digest

    @property
    def growth(self) -> FloatArray:
        return self.trial.outcome.growth


def record_of(
    candidates: Sequence[Candidate[G]], fold: IntArray, correlation: FloatArray
) -> Record:
    """Return what is known of candidates, for `objectives.judge`."""
    outcomes = [each.trial.outcome for each in candidates]
    return Record(
        growth=np.stack([outcome.growth for outcome in outcomes]),
        fold=fold,
        turnover=np.array([outcome.turnover for outcome in outcomes]),
        n_trades=np.array([outcome.n_trades for outcome in outcomes], np.int64),
        size=np.array([each.genome.size for each in candidates], np.int64),
        correlation=correlation,
    )


def certainties(candidates: Sequence[Candidate[G]], least_trades: int) -> FloatArray:
    """Return how sure each ratio is above 0, in standard errors; who trades too little has none."""
    sure = certainty(np.stack([each.growth for each in candidates]))
    trades = np.array([each.trial.outcome.n_trades for each in candidates])
    return np.where((trades >= least_trades) & np.isfinite(sure), sure, NOTHING)
