"""The pool: candidates that differ from each other and together earn more on bars they never saw.

A candidate is admitted when its returns on fit correlate with no member's by more than a limit, and
the Sharpe ratio of the pool on valid rises with it; the pool is the mean of its members' growth,
each alone in an account of its own. Looking at valid costs something, too: each look is counted,
and what the pool earns there flatters it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.evolution.candidate import Candidate
from benbot.evolution.fitness import Fitness, growth_of
from benbot.evolution.genomes import G
from benbot.evolution.objectives import correlations, ratios
from benbot.evolution.settings import PoolSettings
from benbot.evolution.workers import Workers


@dataclass(frozen=True, eq=False)
class Member(Generic[G]):
    """A candidate with its growth on valid, (V,)."""

    candidate: Candidate[G]
    valid: FloatArray

    @property
    def name(self) -> str:
        return f"evolved_{self.candidate.digest[:8]}"


class Pool(Generic[G]):
    """Members as they were admitted; `looked` are the digests that valid was asked for."""

    def __init__(self, settings: PoolSettings, fitness: Fitness[G]) -> None:
        """`fitness` tries candidates on valid."""
        self.settings, self.fitness = settings, fitness
        self.members: list[Member[G]] = []
        self.looked: list[str] = []

    @property
    def ratio(self) -> float:
        """Sharpe ratio a year on valid; 0 while it is empty."""
        return self._ratio([member.valid for member in self.members])

    def correlation(self, growth: FloatArray) -> FloatArray:
        """Return the highest |correlation| of each (N, T) with a member on fit; 0 without any."""
        if not self.members:
            return np.zeros(len(growth))
        own = np.stack([member.candidate.growth for member in self.members])
        highest: FloatArray = np.abs(correlations(growth, own)).max(axis=1)
        return highest

    def offer(self, candidates: Sequence[Candidate[G]], workers: Workers) -> list[Member[G]]:
        """Look at candidates, the best one first, and return who was admitted."""
        looked = set(self.looked)
        new = [each for each in candidates if each.digest not in looked]
        asked = [each for each in new if self._differs(each)][: self.settings.offers]
        if not asked or len(self.members) >= self.settings.limit:
            return []
        self.looked += [each.digest for each in asked]
        trials = self.fitness.measure([each.genome for each in asked], workers)
        admitted = []
        for candidate, valid in zip(asked, growth_of(trials), strict=True):
            if self._improves(candidate, valid):
                member = Member(candidate, valid)
                self.members.append(member)
                admitted.append(member)
        return admitted

    def restore(
        self, candidates: Sequence[Candidate[G]], looked: Sequence[str], workers: Workers
    ) -> None:
        """Take the members back whom an earlier search had admitted."""
        self.looked = list(looked)
        trials = self.fitness.measure([each.genome for each in candidates], workers)
        self.members = [
            Member(candidate, trial.outcome.growth)
            for candidate, trial in zip(candidates, trials, strict=True)
        ]

    def _differs(self, candidate: Candidate[G]) -> bool:
        return bool(self.correlation(candidate.growth[None])[0] < self.settings.correlation)

    def _improves(self, candidate: Candidate[G], valid: FloatArray) -> bool:
        if len(self.members) >= self.settings.limit or not self._differs(candidate):
            return False
        ratio = self._ratio([*(member.valid for member in self.members), valid])
        return ratio > self.ratio + self.settings.gain

    def _ratio(self, growths: Sequence[FloatArray]) -> float:
        if not growths:
            return 0.0
        together = np.mean(growths, axis=0)[None]
        ratio = float(ratios(together)[0]) * np.sqrt(self.fitness.ground.market.bars_per_year)
        return float(ratio) if np.isfinite(ratio) else -np.inf
