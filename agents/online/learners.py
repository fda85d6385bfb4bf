"""Online portfolio selection: learners that see one bar of price relatives after the other.

N assets. A price relative is what one unit of money in an asset has become at the end of the bar.
`weights` says how to share money before a bar and is valid from birth; `learn_one` is told what
came of it. None of them knows a cost. Whoever shows them relatives checks these first.
"""

from typing import Protocol

import numpy as np

from benbot.agents.online.simplex import nearest_in_metric
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter


def check_relatives(relatives: FloatArray, first: int = 0) -> None:
    """Refuse price relatives (T, N) that no learner can learn from; bars are counted from `first`.

    A learner remembers: what is no number would be among its weights for ever.
    """
    bad = np.argwhere(~(np.isfinite(relatives) & (relatives > 0.0)))
    if bad.size:
        t, i = (int(each) for each in bad[0])
        raise InvalidParameter(
            f"price relatives must be positive numbers, was {relatives[t, i]} of asset {i} in bar "
            f"{first + t}. Leave out what has no price in every bar"
        )


class OnlineLearner(Protocol):
    """Who shares money among N assets, bar by bar."""

    def weights(self) -> FloatArray:
        """Return the share (N,) of each asset over the next bar; asking changes nothing."""
        ...

    def learn_one(self, relatives: FloatArray) -> None:
        """Learn from the price relatives (N,) of that bar."""
        ...


class Remembered:
    """A learner that keeps its next weights."""

    def __init__(self, n_assets: int) -> None:
        self._weights = np.full(n_assets, 1.0 / n_assets)

    def weights(self) -> FloatArray:
        return self._weights.copy()


class Rebalanced(Remembered):
    """The same weights before every bar; without any, equal ones."""

    def __init__(self, n_assets: int, chosen: FloatArray | None = None) -> None:
        super().__init__(n_assets)
        self._weights = self._weights if chosen is None else np.array(chosen)

    def learn_one(self, relatives: FloatArray) -> None:
        """Nothing to learn."""


class BuyAndHold(Remembered):
    """Equal weights once, then whatever they become: the market of these assets."""

    def learn_one(self, relatives: FloatArray) -> None:
        worth = self._weights * relatives
        self._weights = worth / worth.sum()


class FollowTheLeader(Remembered):
    """All of it in the asset that has grown most so far, the first one of equals."""

    def __init__(self, n_assets: int) -> None:
        super().__init__(n_assets)
        self._growth = np.zeros(n_assets)

    def learn_one(self, relatives: FloatArray) -> None:
        self._growth += np.log(relatives)
        self._weights = np.zeros(self._growth.size)
        self._weights[self._growth.argmax()] = 1.0


class Hedge(Remembered):
    """Multiplicative weights over gains: each asset by exp(rate × its log growth so far).

    Freund and Schapire (1997), Journal of Computer and System Sciences 55. At a rate of 1 it is
    buy-and-hold.
    """

    def __init__(self, n_assets: int, rate: float = 1.0) -> None:
        super().__init__(n_assets)
        self.rate = rate

    def learn_one(self, relatives: FloatArray) -> None:
        self._weights = _normalised(self._weights * relatives**self.rate)


class ExponentiatedGradient(Remembered):
    """Helmbold, Schapire, Singer and Warmuth (1998), Mathematical Finance 8.

    b_i becomes b_i exp(rate x_i / b·x), normalised.
    """

    def __init__(self, n_assets: int, rate: float = 0.05) -> None:
        super().__init__(n_assets)
        self.rate = rate

    def learn_one(self, relatives: FloatArray) -> None:
        slope = relatives / (self._weights @ relatives)
        self._weights = _normalised(self._weights * np.exp(self.rate * slope))


class OnlineNewton(Remembered):
    """Agarwal, Hazan, Kale and Schapire (2006), ICML: the online Newton step.

    With g = x / b·x, A = I + Σ g g' and p = (1 + 1/β) Σ g, the next weights are the nearest to
    δ A⁻¹ p in the metric A.
    """

    def __init__(self, n_assets: int, beta: float = 1.0, delta: float = 0.125) -> None:
        super().__init__(n_assets)
        self.beta, self.delta = beta, delta
        self._metric: FloatArray = np.eye(n_assets)
        self._slopes = np.zeros(n_assets)

    def learn_one(self, relatives: FloatArray) -> None:
        slope = relatives / (self._weights @ relatives)
        self._metric += np.outer(slope, slope)
        self._slopes += (1.0 + 1.0 / self.beta) * slope
        target = np.asarray(np.linalg.solve(self._metric, self._slopes), np.float64)
        self._weights = nearest_in_metric(self.delta * target, self._metric)


def _normalised(shares: FloatArray) -> FloatArray:
    normalised: FloatArray = shares / shares.sum()
    return normalised
