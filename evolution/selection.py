"""Who survives and who has children: NSGA-II, and ε-lexicase selection.

N candidates, M objectives, C cases; more is better. All chance is the generator's: DEAP's own
tournaments draw from the global `random`, so of DEAP only the sorting is used, which draws nothing.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from deap import base
from deap.tools import sortLogNondominated

from benbot.envs.arrays import FloatArray, IntArray


@dataclass(eq=False)
class _Standing:
    """A candidate as DEAP sorts it."""

    place: int
    fitness: Any


@cache
def _fitness(n_objectives: int) -> type[Any]:
    return type("Fitness", (base.Fitness,), {"weights": (1.0,) * n_objectives})


def fronts(objectives: FloatArray, n_wanted: int) -> list[IntArray]:
    """Return the Pareto fronts, the best one first, until `n_wanted` candidates are in one.

    The divide-and-conquer sort of Jensen (2003) and Fortin, Grenier and Parizeau (2013), DEAP's
    `nd="log"`; equal candidates share a front. Each front is in the order of the candidates.
    """
    if objectives.shape[1] == 1:  # which DEAP's sort cannot do
        objectives = np.repeat(objectives, 2, axis=1)
    kind = _fitness(objectives.shape[1])
    standings = [_Standing(i, kind(row)) for i, row in enumerate(objectives.tolist())]
    sorted_fronts = sortLogNondominated(standings, min(n_wanted, len(standings)))
    return [np.sort([each.place for each in front]) for front in sorted_fronts]


def crowding(objectives: FloatArray) -> FloatArray:
    """Return how far the neighbours of each candidate of a front are apart, (N,); inf at the ends.

    Deb, Pratap, Agarwal and Meyarivan (2002), IEEE Transactions on Evolutionary Computation 6.
    """
    distance = np.zeros(len(objectives))
    for column in objectives.T:
        order = np.argsort(column, kind="stable")
        reach = column[order[-1]] - column[order[0]]
        distance[order[[0, -1]]] = np.inf
        if reach > 0.0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / reach
    return distance


@dataclass(frozen=True, eq=False)
class Ranking:
    """The front of each candidate, 0 the best, and its crowding distance there; both (N,)."""

    front: IntArray
    distance: FloatArray

    @property
    def order(self) -> IntArray:
        """The candidates from the best to the worst; equals as they came."""
        return np.lexsort((-self.distance, self.front))


def rank(objectives: FloatArray) -> Ranking:
    """Return where each candidate stands by NSGA-II."""
    n = len(objectives)
    front, distance = np.zeros(n, np.int64), np.zeros(n)
    for i, members in enumerate(fronts(objectives, n)):
        front[members] = i
        distance[members] = crowding(objectives[members])
    return Ranking(front, distance)


def tournament(ranking: Ranking, n: int, generator: np.random.Generator) -> IntArray:
    """Return `n` parents, each the better one of two by front and then by crowding."""
    place = np.empty(ranking.front.size, np.int64)
    place[ranking.order] = np.arange(place.size)
    pairs = generator.integers(place.size, size=(n, 2))
    better: IntArray = pairs[np.arange(n), place[pairs].argmin(axis=1)]
    return better


def lexicase(cases: FloatArray, n: int, generator: np.random.Generator) -> IntArray:
    """Return `n` parents by ε-lexicase selection over cases (N, C).

    For each parent the cases come in an order of their own; each keeps only who is within ε of the
    best that is left, where ε is the median absolute deviation of the case over all candidates:
    La Cava, Spector and Danai (2016), the semi-dynamic form. Among equals chance decides.
    """
    middle = np.median(cases, axis=0)
    epsilon = np.median(np.abs(cases - middle), axis=0)
    by_case = np.ascontiguousarray(cases.T)
    chosen = np.empty(n, np.int64)
    everybody = np.arange(len(cases))
    for i in range(n):
        left = everybody
        for c in generator.permutation(len(by_case)):
            values = by_case[c][left]
            left = left[values >= values.max() - epsilon[c]]
            if left.size == 1:
                break
        chosen[i] = left[int(generator.integers(left.size))]
    return chosen
