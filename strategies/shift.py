"""Whether what a policy sees now is what it was trained on, feature by feature.

trained   (M, D)  observations at the closes of its training, in order
seen      (N, D)  the last ones since it trades

The population stability index says how far a feature has moved, with no word on chance: below 0.1
little, above 0.25 much (Siddiqi 2006, Credit Risk Scorecards, chapter 7). Whether that is chance is
asked of the distance of Kolmogorov and Smirnov. Features remember for months, a regime or a season,
which is longer than the blocks of `drift` may be; so what was seen is compared with every stretch
of as many closes of the training itself, each of which lies at a distance from the rest, too. Of D
features one is always far away, so each is measured in deviations of its own distances, and counts
only by how often the farthest of a stretch was as far (Westfall and Young 1993, Resampling-Based
Multiple Testing, chapter 2): the chance of any false alarm is about the level, however features
depend on each other, as far as the training was long enough to have shown what is usual.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter

BINS = 10
SMALLEST_SHARE = 1e-4  # of an empty bin, whose logarithm would be infinite
STRETCHES = 500  # of the training, at most
FEWEST_STRETCHES = 4  # that do not overlap
FEWEST = 20  # closes
MUCH = 0.25
FARTHEST = 1e3  # score of what is nowhere in the training; JSON has no infinity
ROUNDING = 1e-12


@dataclass(frozen=True)
class Shifted:
    """How far one feature is from its training.

    index      population stability index
    distance   largest difference of the shares below a number
    score      the distance in deviations of those of the training, less their mean
    p_value    probability that any feature of a stretch of the training is as far as this
    """

    feature: str
    index: float
    distance: float
    score: float
    p_value: float


def stability_index(seen: FloatArray, trained: FloatArray, bins: int = BINS) -> float:
    """Return the population stability index of (N,) against (M,), Σ (s - t) ln(s / t).

    s and t are the shares of both in bins that hold as many of the training each; equal numbers
    stay together, so there may be fewer bins.
    """
    edges = np.unique(np.quantile(trained, np.arange(1, bins) / bins))
    shares = []
    for values in (seen, trained):
        counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=edges.size + 1)
        shares.append(np.maximum(counts / values.size, SMALLEST_SHARE))
    now, then = shares
    return float(np.sum((now - then) * np.log(now / then)))


class Training:
    """What a policy was trained on, asked how far others are from it.

    Of a feature that never moved in training chance says nothing: where it moves now it is as far
    as can be, and otherwise nowhere.
    """

    def __init__(self, trained: FloatArray, names: tuple[str, ...]) -> None:
        """Take observations (M, D), all finite, with a name for each column."""
        if trained.shape[1] != len(names) or not np.isfinite(trained).all():
            raise InvalidParameter(
                f"training must be finite, with a name for each feature, was {trained.shape} with "
                f"{len(names)} names"
            )
        self.names = names
        self._trained = np.asarray(trained, np.float64)
        self._sorted = np.sort(self._trained, axis=0)
        self._usual: dict[int, tuple[FloatArray, FloatArray, FloatArray]] = {}

    def can_tell(self, n_seen: int) -> bool:
        """Return whether so many closes can be compared with stretches of the training."""
        return n_seen >= FEWEST and len(self._trained) >= FEWEST_STRETCHES * n_seen

    def shifted(self, seen: FloatArray) -> list[Shifted]:
        """Return every feature, the farthest first."""
        n = len(seen)
        if not self.can_tell(n) or not np.isfinite(seen).all():
            raise InvalidParameter(
                f"a shift needs {FEWEST} finite observations or more and a training "
                f"{FEWEST_STRETCHES} times as long, was {n} after {len(self._trained)}"
            )
        if n not in self._usual:
            self._usual[n] = self._usually(n)
        mean, deviation, farthest = self._usual[n]
        distance = np.array([self._distance(j, seen[:, j]) for j in range(len(self.names))])
        moved = np.where(distance > mean + ROUNDING, FARTHEST, -FARTHEST)
        score = np.divide(distance - mean, deviation, out=moved, where=deviation > ROUNDING)
        as_far = (farthest >= score[:, None] - ROUNDING).sum(axis=1)
        found = [
            Shifted(
                name,
                stability_index(seen[:, j], self._trained[:, j]),
                float(distance[j]),
                float(score[j]),
                float((1 + as_far[j]) / (1 + farthest.size)),
            )
            for j, name in enumerate(self.names)
        ]
        return sorted(found, key=lambda one: (one.p_value, -one.score, -one.index))

    def _usually(self, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return mean and deviation of the distances (D,), and the farthest score a stretch (W,).

        A stretch is compared with the rest of the training: of shares that hold it as well, the
        differences are as much smaller as it is a part of them.
        """
        size = len(self._trained)
        step = max(1, (size - n + 1) // STRETCHES)
        factor = size / (size - n)
        distances = []
        for j, column in enumerate(self._trained.T):
            below, up_to = _shares(self._sorted[:, j], column)
            stretches = [sliding_window_view(one, n)[::step] for one in (below, up_to)]
            distances.append(factor * _largest(*stretches))
        told = np.array(distances)  # (D, W)
        mean, deviation = told.mean(axis=1), told.std(axis=1)
        moves = deviation > ROUNDING
        safe = np.where(moves, deviation, 1.0)
        score = np.where(moves[:, None], (told - mean[:, None]) / safe[:, None], -FARTHEST)
        return mean, deviation, score.max(axis=0)

    def _distance(self, j: int, seen: FloatArray) -> float:
        below, up_to = _shares(self._sorted[:, j], seen)
        return float(_largest(below[None], up_to[None])[0])


def _shares(ordered: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the shares of ordered numbers that are less than each value, and no more than it."""
    below: FloatArray = np.searchsorted(ordered, values, side="left") / ordered.size
    up_to: FloatArray = np.searchsorted(ordered, values, side="right") / ordered.size
    return below, up_to


def _largest(below: FloatArray, up_to: FloatArray) -> FloatArray:
    """Return the largest difference of two shares below a number, (W,).

    `below` and `up_to` (W, n) are shares of the training less than each of n numbers, and no more
    than it. The difference is largest at one of them: just below it, or with it.
    """
    n = below.shape[1]
    steps = np.arange(n + 1) / n
    over = steps[1:] - np.sort(up_to, axis=1)
    under = np.sort(below, axis=1) - steps[:-1]
    largest: FloatArray = np.maximum(over.max(axis=1), under.max(axis=1))
    return largest
