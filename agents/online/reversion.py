"""Learners that bet on a return to the mean: what rose is sold, what fell is bought.

N assets, price relatives x. Each moves its weights as little as will do (passive), as far as it
must (aggressive).
"""

import numpy as np

from benbot.agents.online.learners import Remembered
from benbot.agents.online.simplex import nearest
from benbot.envs.arrays import FloatArray

TRUST = 1e-12  # a variance below this is none


class PassiveAggressive(Remembered):
    """Li, Zhao, Hoi and Gopalkrishnan (2012), Machine Learning 87: PAMR.

    The weights move against the relatives until they would have earned no more than `limit`.
    """

    def __init__(self, n_assets: int, limit: float = 0.5) -> None:
        super().__init__(n_assets)
        self.limit = limit

    def learn_one(self, relatives: FloatArray) -> None:
        excess = relatives - relatives.mean()
        loss = max(0.0, float(self._weights @ relatives) - self.limit)
        self._weights = nearest(self._weights - _step(loss, excess) * excess)


class MovingAverageReversion(Remembered):
    """Li and Hoi (2012), ICML: OLMAR-1, on the mean price of the last bars.

    As in the authors' program nothing is done after the first bar, and before there is one more
    relative than the window has, the last one stands for what is expected.
    """

    def __init__(self, n_assets: int, wanted: float = 10.0, window: int = 5) -> None:
        super().__init__(n_assets)
        self.wanted, self.window = wanted, window
        self._seen: list[FloatArray] = []

    def learn_one(self, relatives: FloatArray) -> None:
        self._seen = [*self._seen, relatives][-self.window - 1 :]
        if len(self._seen) > 1:
            self._weights = _towards(self._weights, self._expected(), self.wanted)

    def _expected(self) -> FloatArray:
        """Return the mean of the last prices over the present one."""
        if len(self._seen) <= self.window:
            return self._seen[-1]
        back = np.cumprod(1.0 / np.array(self._seen[: -self.window : -1]), axis=0)
        expected: FloatArray = (1.0 + back.sum(axis=0)) / self.window
        return expected


class ConfidenceWeighted(Remembered):
    """Li, Hoi, Zhao and Gopalkrishnan (2013), ACM TKDD 7: CWMR, with the standard deviation.

    The weights are a normal distribution of mean μ and diagonal variance s. Each bar it moves as
    little as will do until the return is at most `limit`, with so many deviations of certainty.
    """

    def __init__(self, n_assets: int, limit: float = 0.5, deviations: float = 2.0) -> None:
        super().__init__(n_assets)
        self.limit, self.deviations = limit, deviations
        self._variance = np.full(n_assets, 1.0 / n_assets**2)

    def learn_one(self, relatives: FloatArray) -> None:
        variance, certainty = self._variance, self.deviations
        middle = float(variance @ relatives) / variance.sum()
        spread = float(variance @ relatives**2)
        multiplier = self._multiplier(relatives, spread, middle)
        if not multiplier > 0.0:
            return
        push = multiplier * certainty * spread
        root = 0.5 * (np.sqrt(push**2 + 4.0 * spread) - push)
        moved = self._weights - multiplier * variance * (relatives - middle)
        narrowed = 1.0 / (1.0 / variance + multiplier * certainty / root * relatives**2)
        self._weights = nearest(moved)
        self._variance = narrowed / (narrowed.sum() * narrowed.size)

    def _multiplier(self, relatives: FloatArray, spread: float, middle: float) -> float:
        """Return the larger root of the quadratic in the multiplier, 0 where none is above."""
        certainty = self.deviations**2
        missing = self.limit - float(self._weights @ relatives)
        width = spread - middle * float(self._variance @ relatives) + 0.5 * certainty * spread
        a = width**2 - 0.25 * certainty**2 * spread**2
        b = 2.0 * missing * width
        c = missing**2 - certainty * spread
        inside = b**2 - 4.0 * a * c
        if not (inside >= 0.0 and a != 0.0):
            return 0.0
        return float(
            max(0.0, (np.sqrt(inside) - b) / (2.0 * a), (-np.sqrt(inside) - b) / (2.0 * a))
        )


class ExponentialAverageReversion(Remembered):
    """Li, Hoi, Sahoo and Liu (2015), Artificial Intelligence 222: OLMAR-2.

    The mean price is exponentially weighted: φ becomes α + (1 - α) φ / x.
    """

    def __init__(self, n_assets: int, wanted: float = 10.0, memory: float = 0.5) -> None:
        super().__init__(n_assets)
        self.wanted, self.memory = wanted, memory
        self._expected = np.ones(n_assets)

    def learn_one(self, relatives: FloatArray) -> None:
        self._expected = self.memory + (1.0 - self.memory) * self._expected / relatives
        self._weights = _towards(self._weights, self._expected, self.wanted)


def _towards(weights: FloatArray, expected: FloatArray, wanted: float) -> FloatArray:
    """Return the weights moved until they are expected to earn what is wanted."""
    excess = expected - expected.mean()
    missing = max(0.0, wanted - float(weights @ expected))
    return nearest(weights + _step(missing, excess) * excess)


def _step(missing: float, excess: FloatArray) -> float:
    spread = float(excess @ excess)
    return missing / spread if spread > TRUST else 0.0
