"""A linear contextual policy as a baseline: what a straight line can make of the context.

It sees the context of the observation as far as it is the same for every account (regime, market,
season), and what every sleeve returned. It begins with the first bar of the history, as the sleeves
do, so that it knows as much as the regime record.
"""

import numpy as np

from benbot.agents.online.contextual import LinearContextual
from benbot.agents.past import Past, uninformed
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.observation import STATIC_CONTEXT, Layout

NAME = "linear_contextual"


class OverContexts:
    """A policy that gives the weights of a linear contextual learner, cash among them."""

    name = NAME

    def __init__(self, layout: Layout, bars_per_year: float) -> None:
        self._layout, self._bars_per_year = layout, bars_per_year
        self.reset()

    def reset(self) -> None:
        """Know of no bar."""
        self._learner: LinearContextual | None = None
        self._known = 0  # the first bar of a history has no return

    def inform(self, past: Past) -> None:
        """Learn from every bar that is new, with the context at the close before it."""
        seen = contexts(self._layout, past.rows[self._known :])
        if self._learner is None:
            shape = past.growth.shape[1], seen.shape[1]
            self._learner = LinearContextual(*shape, self._bars_per_year)
        for before, t in zip(seen, past.since(self._known), strict=False):
            self._learner.learn_one(before, past.growth[t])
            self._known = t

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the weights (K+1,) of the next decision."""
        if self._learner is None:
            raise uninformed(self.name)
        seen = contexts(self._layout, observation[None])[0]
        return self._learner.weights(seen).astype(np.float32)


def contexts(layout: Layout, observations: Float32Array) -> FloatArray:
    """Return a column of ones and what observations (N, D) say of the market, (N, P)."""
    columns = [layout.context(observations, name) for name in STATIC_CONTEXT]
    return np.column_stack([np.ones(len(observations)), *columns]).astype(np.float64)
