"""A linear contextual policy as a baseline: what a straight line can make of the context.

It sees the context of the observation as far as it is the same for every account (regime, market,
season), and what every sleeve returned. It begins with the first bar of the history, as the sleeves
do, so that it knows as much as the regime record.
"""

import numpy as np

from benbot.agents.online.contextual import LinearContextual
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.history import History, Span
from benbot.envs.observation import STATIC_CONTEXT, Layout

NAME = "linear_contextual"


class OverContexts:
    """A policy that gives the weights of a linear contextual learner, cash among them."""

    name = NAME

    def __init__(self, history: History, span: Span) -> None:
        self._history, self._first = history, span.first
        self._contexts = contexts(history.layout, history.features.rows[: span.last + 1])
        self.reset()

    def reset(self) -> None:
        """Stand before the first decision of the span, having seen all that was before."""
        history = self._history
        self._learner = LinearContextual(
            history.signals.n_strategies, self._contexts.shape[1], history.market.bars_per_year
        )
        self._next, self._decision = 1, self._first

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the weights (K+1,) of the next decision."""
        growth = self._history.tape.sleeve_return
        while self._next <= self._decision:
            self._learner.learn_one(self._contexts[self._next - 1], growth[self._next])
            self._next += 1
        self._decision += 1
        seen = contexts(self._history.layout, observation[None])[0]
        return self._learner.weights(seen).astype(np.float32)


def contexts(layout: Layout, observations: Float32Array) -> FloatArray:
    """Return a column of ones and what observations (N, D) say of the market, (N, P)."""
    columns = [layout.context(observations, name) for name in STATIC_CONTEXT]
    return np.column_stack([np.ones(len(observations)), *columns]).astype(np.float64)
