"""Running mean and variance, and what they scale: observations and rewards.

The numbers can be written down and read again; nothing else is needed to act as in training.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.errors import RunMismatch

OBSERVATION_CLIP = 5.0  # standard deviations
REWARD_CLIP = 10.0
LEAST_VARIANCE = 1e-8  # what never changes is not divided by zero


@dataclass(eq=False)
class Moments:
    """Count, mean and variance of all rows that were folded in; numbers are per column.

    Chan, Golub and LeVeque (1983), The American Statistician 37, equation 2.1: merging batches
    gives what one pass over all rows would.
    """

    mean: FloatArray
    variance: FloatArray
    count: float = 0.0

    @classmethod
    def of(cls, size: int) -> Self:
        """Return the moments of nothing yet: mean 0 and variance 1."""
        return cls(np.zeros(size), np.ones(size))

    def fold(self, rows: FloatArray | Float32Array) -> None:
        """Take in a batch (n, size)."""
        n = rows.shape[0]
        mean = rows.mean(axis=0, dtype=np.float64)
        square = np.square(rows - mean).mean(axis=0)
        total = self.count + n
        apart = mean - self.mean
        spread = self.variance * self.count + square * n + apart**2 * (self.count * n / total)
        self.mean = self.mean + apart * (n / total)
        self.variance = spread / total
        self.count = total

    def to_numbers(self) -> dict[str, Any]:
        return {
            "mean": self.mean.tolist(),
            "variance": self.variance.tolist(),
            "count": self.count,
        }

    @classmethod
    def from_numbers(cls, numbers: dict[str, Any]) -> Self:
        """Return the moments that were written down; refuse what cannot be any."""
        try:
            mean, variance = (np.array(numbers[name], np.float64) for name in ("mean", "variance"))
            count = float(numbers["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunMismatch(
                f"stored moments need a mean, a variance and a count, all numbers; was {error!r}. "
                f"The file is damaged"
            ) from error
        finite = np.isfinite(mean).all() and np.isfinite(variance).all() and np.isfinite(count)
        paired = mean.ndim == 1 and mean.shape == variance.shape
        if not (finite and paired and (variance >= 0.0).all() and count >= 0.0):
            raise RunMismatch(
                "stored moments need a finite mean and a finite variance of at least 0 per entry "
                f"and a count, was {mean.size} means and {variance.size} variances, count {count}. "
                f"The file is damaged"
            )
        return cls(mean, variance, count)


class ObservationNormaliser:
    """Scales every entry of an observation to mean 0 and variance 1, clipped.

    It learns while it trains; `frozen` returns one that does not.
    """

    def __init__(self, moments: Moments, *, learning: bool = True) -> None:
        self.moments = moments
        self.learning = learning
        self._refresh()

    @classmethod
    def of(cls, size: int) -> Self:
        return cls(Moments.of(size))

    def learn(self, observations: Float32Array) -> None:
        """Fold in a batch (B, D), unless frozen."""
        if self.learning:
            self.moments.fold(observations)
            self._refresh()

    def scaled(self, observations: Float32Array) -> Float32Array:
        """Return observations (…, D) scaled and clipped; they are left as they were."""
        scaled = (observations - self._mean) * self._factor
        return np.clip(scaled, -OBSERVATION_CLIP, OBSERVATION_CLIP, out=scaled)

    def frozen(self) -> "ObservationNormaliser":
        """Return a copy that learns no more."""
        own = Moments(self.moments.mean, self.moments.variance, self.moments.count)
        return ObservationNormaliser(own, learning=False)

    def to_numbers(self) -> dict[str, Any]:
        return self.moments.to_numbers()

    @classmethod
    def from_numbers(cls, numbers: dict[str, Any], *, learning: bool = False) -> Self:
        return cls(Moments.from_numbers(numbers), learning=learning)

    def _refresh(self) -> None:
        self._mean = self.moments.mean.astype(np.float32)
        deviation = np.sqrt(self.moments.variance + LEAST_VARIANCE)
        self._factor = (1.0 / deviation).astype(np.float32)


@dataclass(eq=False)
class RewardScaler:
    """Divides rewards by the running deviation of the discounted return, and clips them.

    The mean is kept: a sign is information. `returns` (B,) is each environment's return so far.
    """

    returns: FloatArray
    gamma: float
    moments: Moments = field(default_factory=lambda: Moments.of(1))

    def scaled(self, rewards: FloatArray, ended: BoolArray) -> Float32Array:
        """Return the scaled rewards (B,) of a step, which is learned from."""
        self.returns = self.gamma * self.returns + rewards
        self.moments.fold(self.returns[:, None])
        self.returns[ended] = 0.0
        return self.by_now(rewards)

    def by_now(self, rewards: FloatArray) -> Float32Array:
        """Return rewards, of whatever time, in the present deviation; nothing is learned."""
        scaled: FloatArray = rewards / np.sqrt(self.moments.variance[0] + LEAST_VARIANCE)
        return np.clip(scaled, -REWARD_CLIP, REWARD_CLIP).astype(np.float32)
