"""Hierarchical risk parity over the sleeves, as a baseline in the agent's environment.

What a sleeve returned up to the close of a decision is all that the decision knows.
"""

from collections import Counter

import numpy as np

from benbot.agents.past import Past, uninformed
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.desk.portfolio import STILL, portfolio_weights

NAME = "hierarchical_parity"
WINDOW = 252  # bars of returns that an answer is estimated from
EVERY = 21  # decisions from one answer to the next
FEWEST_BARS = 20  # with less behind it no correlation is worth a tree


class HierarchicalParity:
    """Weights of the tree of correlations of the sleeves (López de Prado 2016), and no cash.

    A sleeve that did not move within the window has no risk to be given and no weight; where none
    moved, or too few bars are behind the decision, all have the same.
    """

    name = NAME

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Stand before the first decision."""
        self._first: int | None = None
        self._answered: int | None = None  # the close of which the last answer is
        self._chosen = np.zeros(0)
        self._said: list[str] = []  # with each answer; nothing where it is what was asked for

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on answers that are those of another rule, and on how many they are."""
        told = Counter(said for said in self._said if said)
        n = len(self._said)
        return tuple(f"of {NAME}, {times} of {n} answers: {said}" for said, times in told.items())

    def inform(self, past: Past) -> None:
        """Answer anew if it is time to."""
        if self._first is None:
            self._first = past.last
        t = past.last - (past.last - self._first) % EVERY
        if t != self._answered:
            # The first bar of a history has no return.
            behind = np.expm1(past.growth[max(1, t + 1 - WINDOW) : t + 1])
            self._chosen, said = sleeve_parity(behind)
            self._said.append(said)
            self._answered = t

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the next weights (K+1,); the observation says nothing that it needs."""
        if self._answered is None:
            raise uninformed(self.name)
        return np.append(self._chosen, 0.0).astype(np.float32)


def sleeve_parity(returns: FloatArray) -> tuple[FloatArray, str]:
    """Return weights (K,) from simple returns (T, K), and a note if another rule took its place."""
    n_bars, n_sleeves = returns.shape
    evenly = np.full(n_sleeves, 1.0 / n_sleeves)
    if n_bars < FEWEST_BARS:
        return evenly, ""
    moves = np.isfinite(returns).all(axis=0) & (np.ptp(returns, axis=0) > STILL)
    if not moves.any():
        return evenly, ""
    weights = np.zeros(n_sleeves)
    weights[moves], note = portfolio_weights("hierarchical_risk_parity", returns[:, moves])
    return weights, note
