"""What is left of the winners when the number of trials is counted.

The more candidates were tried, the higher the best Sharpe ratio is by luck alone. The deflated
ratio (Bailey and López de Prado 2014, Journal of Portfolio Management 40) is the probability that a
ratio is above what so many trials without any skill would have as their highest. Trials that
resemble each other count for less, and there are two ways to say for how much:

by correlation   with a mean correlation ρ of their returns, N trials count for ρ + (1 - ρ) N, the
                 form of that paper's appendix
by clusters      as many as their returns fall into, see `clustering`

The larger counts. Clusters are nearly always fewer: there are no more of them than trials in the
sample, and trials that have nothing at all in common are put together as well, a hundred of them
into anything from two clusters to fifty.

A ratio is of one bar. Without skill the ratio of T bars deviates by 1 / √T (Lo 2002), and that is
what the highest is computed with. The deviation of the ratios that were observed, which the paper
takes, is not: where costs differ, or where a search finds something, it measures that and not luck,
and the more there is to find the less could be found. It is recorded beside it.
"""

import heapq
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.evolution.clustering import n_clusters
from benbot.evolution.fitness import Fitness, growth_of
from benbot.evolution.genomes import G
from benbot.evolution.ledger import Entry, TrialLedger
from benbot.evolution.objectives import correlations
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import Workers
from benbot.strategies.sharpe import deflated, expected_maximum, track_of

SAMPLE = 256  # trials whose correlations stand for those of all
FEWEST = 2


@dataclass(frozen=True)
class Trials:
    """What a ledger says of luck.

    n               evaluations of one search
    by_correlation  how many independent ones they count for, by one of the two ways
    correlation     mean of the returns of two of them
    deviation       of the ratios that were observed
    n_bars          of each
    by_clusters     how many they count for by the other way
    searches        how many of them count together
    """

    n: int
    by_correlation: float
    correlation: float
    deviation: float
    n_bars: int
    by_clusters: float = 0.0
    searches: int = 1

    @property
    def effective(self) -> float:
        """How many independent trials they count for: the larger number, which leaves less."""
        return max(self.by_correlation, self.by_clusters)

    def over(self, searches: int) -> "Trials":
        """Return what so many such searches count for, of which anybody may choose the best."""
        return replace(
            self,
            by_correlation=searches * self.by_correlation,
            by_clusters=searches * self.by_clusters,
            searches=searches,
        )

    @property
    def luck(self) -> float:
        """The highest ratio of one bar that is expected without any skill."""
        return expected_maximum(max(self.effective, 1.0), float(self.n_bars**-0.5))

    def deflated(self, growth: FloatArray) -> float:
        """Return the probability that returns (T,) have a true ratio above 0, trials counted."""
        track = track_of(growth)
        if not np.isfinite(track.ratio):
            return 0.0
        return deflated(track, max(self.effective, 1.0), float(self.n_bars**-0.5))


def count_trials(
    ledger: TrialLedger, fitness: Fitness[G], own: EvolutionSettings, workers: Workers
) -> Trials:
    """Return what the ledger of a search says of luck; a sample of its trials is tried again.

    Those with the smallest digests are the sample: it depends on nothing but what was tried, and
    no genome but theirs is kept, however long the search was. What has no sound ratio because it
    trades too little could never have been chosen, and counts for nothing.
    """
    n, ratios = 0, array("d")

    def trading() -> Iterator[Entry]:
        nonlocal n
        for entry in ledger.entries():
            n += 1
            if entry.n_trades >= own.least_trades and np.isfinite(entry.ratio):
                ratios.append(entry.ratio)
                yield entry

    sample = heapq.nsmallest(SAMPLE, trading(), key=lambda entry: entry.digest)
    genomes = [fitness.species.read(entry.genome) for entry in sample]
    n_bars = fitness.ground.span.n_decisions
    if len(genomes) < FEWEST:
        return Trials(n, float(n), 0.0, 0.0, n_bars)
    growth = growth_of(fitness.measure(genomes, workers))
    together = correlations(growth, growth)
    correlation = mean_correlation(together)
    share = min(max(correlation, 0.0), 1.0)
    deviation = float(np.std(ratios, ddof=1))
    alike = share + (1.0 - share) * len(ratios)
    return Trials(n, alike, correlation, deviation, n_bars, float(n_clusters(together)))


def mean_correlation(together: FloatArray) -> float:
    """Return the mean of the correlations (N, N) of two different trials."""
    n = len(together)
    return float((together.sum() - np.trace(together)) / (n * (n - 1)))
