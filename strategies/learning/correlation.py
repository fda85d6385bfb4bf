"""How many times the same bet is made, by the correlations of what sleeves earn.

The correlations are those of the shrunk covariance of Ledoit and Wolf (2004), Journal of
Multivariate Analysis 88, of the last `WINDOW` bars, estimated anew every `refit` sessions from
returns until then. The crowd around strategy k is

    crowd_k = Σ_j max(ρ_kj, 0)

which is 1 where it moves with no other and m where m strategies are one. Weights times 1 / crowd
give one bet one weight, however often it is made.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.strategies.learning.bounds import bounded
from benbot.strategies.learning.experience import refit_bar

WINDOW = 252  # bars
FEWEST_BARS = 60
STILL = 1e-9  # a deviation this small is a sleeve that holds nothing


class Uniqueness:
    """By what the weight of each strategy is multiplied at one close after the other.

    An answer follows from the returns until the close alone, and is kept until it is time for the
    next; so whoever begins in the middle says what somebody says who has been there all along.
    """

    def __init__(self, every: int) -> None:
        """Answer anew every so many sessions."""
        self._every = every
        self._answer: tuple[int, FloatArray] | None = None  # and at which bar it was made

    def at_close(self, sleeve_return: FloatArray, session: IntArray) -> FloatArray:
        """Return the multipliers (K,) at the last close of returns (T, K) and sessions (T,)."""
        t = refit_bar(session, self._every)
        if self._answer is None or self._answer[0] != t:
            self._answer = t, uniqueness(sleeve_return[: t + 1])
        return self._answer[1]


def uniqueness(sleeve_return: FloatArray) -> FloatArray:
    """Return 1 / crowd over the mean of all, within the bounds, (K,), from returns (T, K).

    It is 1 before there are enough of them.
    """
    past = sleeve_return[1:][-WINDOW:]  # the first bar has no return
    if len(past) < FEWEST_BARS:
        return np.ones(sleeve_return.shape[1])
    alone = 1.0 / crowd(past)
    return bounded(alone / alone.mean())


def crowd(returns: FloatArray) -> FloatArray:
    """Return by how many strategies the bet of each is made, itself included, (K,) from (T, K)."""
    together: FloatArray = np.maximum(correlations(returns), 0.0).sum(axis=1)
    return together


def correlations(returns: FloatArray) -> FloatArray:
    """Return the shrunk correlations [K, K]; a sleeve that does not move has none with others."""
    from sklearn.covariance import ledoit_wolf

    deviation = returns.std(axis=0)
    moves = deviation > STILL
    found = np.eye(returns.shape[1])
    if moves.sum() > 1:
        covariance, _ = ledoit_wolf(returns[:, moves] / deviation[moves])
        scale = np.sqrt(np.diag(covariance))
        found[np.ix_(moves, moves)] = covariance / np.outer(scale, scale)
    return found
