"""Which symbols a strategy earns on: what it earned there, against what it earned anywhere.

    edge = (Σ_own outcome - n_own m) / (shrinkage + n_own)        m, σ of all trades of the strategy

The mean m and the deviation σ are shrunk likewise, towards no return and towards the deviation
that the desk assumes before there is a record. Twice the confidence is for an edge of a quarter of
σ. The desk's own expected value knows the symbol, too (docs/desk.md, section 13), but it adds what
it knows to a mean; here a symbol may halve or double what its strategy says.
"""

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.strategies.learning.bounds import from_edge
from benbot.strategies.learning.experience import Experience, Tally, tally
from benbot.strategies.learning.settings import LearningSettings


def affinity_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return by what the confidence of each candidate is multiplied, [T, K, S]."""
    trades = experience.trades
    place = (trades["strategy"], trades["symbol"])
    own = tally(trades["closed"], experience.outcome, place, experience.shape)
    mean, deviation = usual(experience, settings.shrinkage)
    return from_edge(edge_of(own, mean[:, :, None], settings.shrinkage), deviation[:, :, None])


def edge_of(own: Tally, mean: FloatArray, shrinkage: float) -> FloatArray:
    """Return by how much trades of a kind earned more than all do, shrunk to nothing."""
    edge: FloatArray = (own.total - own.number * mean) / (shrinkage + own.number)
    return edge


def usual(experience: Experience, shrinkage: float) -> tuple[FloatArray, FloatArray]:
    """Return mean and deviation of a strategy's round trips as known at each close, both [T, K]."""
    trades, outcome = experience.trades, experience.outcome
    place, shape = (trades["strategy"],), experience.shape[:2]
    own = tally(trades["closed"], outcome, place, shape)
    squares = tally(trades["closed"], np.square(outcome), place, shape)
    mean = own.mean(0.0, shrinkage)
    prior = experience.rules.sizing.kelly_deviation**2
    about_zero = squares.mean(prior, shrinkage)
    return mean, np.sqrt(about_zero - np.square(mean))
