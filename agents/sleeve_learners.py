"""Baselines that learn online which sleeve to trust, as bars go by, in the agent's environment.

A learner sees what each sleeve returned over the bar that has just closed, never what comes. It
begins with the first bar of the history, as the sleeves do, so that it knows as much as the regime
record.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from benbot.agents.online.learners import (
    ExponentiatedGradient,
    Hedge,
    OnlineLearner,
    OnlineNewton,
    Remembered,
    check_relatives,
)
from benbot.agents.online.reversion import ExponentialAverageReversion, PassiveAggressive
from benbot.agents.past import Past, uninformed
from benbot.envs.arrays import Float32Array, FloatArray

LEADER_BARS = 60
HEDGE_RATE = 10.0  # a sleeve that grew by a tenth more has e times the weight


class FollowTheRecentLeader(Remembered):
    """All of it in what has grown most over the last bars, the first one of equals."""

    def __init__(self, n_assets: int, window: int = LEADER_BARS) -> None:
        super().__init__(n_assets)
        self.window = window
        self._seen: list[FloatArray] = []

    def learn_one(self, relatives: FloatArray) -> None:
        self._seen = [*self._seen, np.log(relatives)][-self.window :]
        self._weights = np.zeros(relatives.size)
        self._weights[np.sum(self._seen, axis=0).argmax()] = 1.0


SLEEVE_LEARNERS: Mapping[str, Callable[[int], OnlineLearner]] = MappingProxyType(
    {
        "hedge": lambda n: Hedge(n, HEDGE_RATE),
        "exponentiated_gradient": ExponentiatedGradient,
        "online_newton": OnlineNewton,
        "follow_the_leader": FollowTheRecentLeader,
        "pamr": PassiveAggressive,
        "olmar": ExponentialAverageReversion,
    }
)


class OverSleeves:
    """A policy that gives the weights of an online learner to the strategies, and no cash."""

    def __init__(self, name: str, make: Callable[[int], OnlineLearner]) -> None:
        self.name, self._make = name, make
        self.reset()

    def reset(self) -> None:
        """Know of no bar."""
        self._learner: OnlineLearner | None = None
        self._known = 0  # the first bar of a history has no return

    def inform(self, past: Past) -> None:
        """Learn from every bar that is new; one that nobody can learn from is refused each time."""
        if self._learner is None:
            self._learner = self._make(past.growth.shape[1])
        for t in past.since(self._known):
            relatives = np.exp(past.growth[t])
            check_relatives(relatives[None], first=t)
            self._learner.learn_one(relatives)
            self._known = t

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the next weights (K+1,); the observation says nothing that it needs."""
        if self._learner is None:
            raise uninformed(self.name)
        return np.append(self._learner.weights(), 0.0).astype(np.float32)
