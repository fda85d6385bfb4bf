"""Anticor: money moves from what did well to what was seen to follow it the other way round.

Borodin, El-Yaniv and Gogan (2004), Journal of Artificial Intelligence Research 21. N assets, J
windows.
"""

import numpy as np

from benbot.agents.online.learners import Remembered
from benbot.envs.arrays import FloatArray

SHORTEST = 2  # bars of the first window


class Anticor(Remembered):
    """One window of w bars: the last one, and the one before it.

    An asset i gives to j where i has done as well or better in the last window and i before moves
    with j after. An asset whose own returns alternate gives and is given more. As in the authors'
    program an asset may claim from itself.
    """

    def __init__(self, n_assets: int, window: int) -> None:
        super().__init__(n_assets)
        self.window = window
        self._seen: list[FloatArray] = []

    def learn_one(self, relatives: FloatArray) -> None:
        worth = self._weights * relatives
        held = worth / worth.sum()
        self._seen = [*self._seen, np.log(relatives)][-2 * self.window :]
        is_ready = len(self._seen) == 2 * self.window
        self._weights = self._transferred(held) if is_ready else held

    def _transferred(self, held: FloatArray) -> FloatArray:
        seen = np.array(self._seen)
        claim = claims(seen[: self.window], seen[self.window :])
        total = claim.sum(axis=1, keepdims=True)
        moved = held[:, None] * claim / np.where(total > 0.0, total, 1.0)
        transferred: FloatArray = held + moved.sum(axis=0) - moved.sum(axis=1)
        return transferred


class AnticorOfAnticor:
    """Anticor over windows of 2 to `longest` bars, again over what these earn, then held.

    Each of J learners shares money among the assets; J more, with the same windows, share it among
    those learners; and money is split evenly among these once. The authors' BAH(Anticor(Anticor)).
    """

    def __init__(self, n_assets: int, longest: int = 30) -> None:
        windows = range(SHORTEST, longest + 1)
        self._lower = [Anticor(n_assets, window) for window in windows]
        self._upper = [Anticor(len(windows), window) for window in windows]
        self._share = np.full(len(windows), 1.0 / len(windows))

    def weights(self) -> FloatArray:
        combined: FloatArray = self._share @ _stacked(self._upper) @ _stacked(self._lower)
        return combined

    def learn_one(self, relatives: FloatArray) -> None:
        earned_below = _earned(self._lower, relatives)
        earned = _earned(self._upper, earned_below)
        for learner in self._lower:
            learner.learn_one(relatives)
        for learner in self._upper:
            learner.learn_one(earned_below)
        worth = self._share * earned
        self._share = worth / worth.sum()


def claims(before: FloatArray, after: FloatArray) -> FloatArray:
    """Return how much of asset i each asset j claims, [N, N], from log relatives (w, N)."""
    first, second = before - before.mean(axis=0), after - after.mean(axis=0)
    scale = np.sqrt(np.outer((first**2).sum(axis=0), (second**2).sum(axis=0)))
    correlation = np.where(scale > 0.0, first.T @ second / np.where(scale > 0.0, scale, 1.0), 0.0)
    alternates = np.maximum(0.0, -np.diagonal(correlation))
    did = after.mean(axis=0)
    gives = (did[:, None] >= did) & (correlation > 0.0)
    return np.where(gives, correlation + alternates[:, None] + alternates, 0.0)


def _earned(learners: list[Anticor], relatives: FloatArray) -> FloatArray:
    """Return what each learner earned; equal weights earn the same to the last digit.

    Until their windows are full all learners are alike, and who did as well as another decides.
    """
    earned: FloatArray = np.array([float(learner.weights() @ relatives) for learner in learners])
    return earned


def _stacked(learners: list[Anticor]) -> FloatArray:
    return np.array([learner.weights() for learner in learners])
