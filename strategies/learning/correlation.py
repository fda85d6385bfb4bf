"""How many times the same bet is made, by the correlations of what sleeves earn.

The correlations are those of the shrunk covariance of Ledoit and Wolf (2004), Journal of
Multivariate Analysis 88, of the last `WINDOW` bars, estimated anew every `refit` sessions from
returns until then. The crowd around strategy k is

    crowd_k = Σ_j max(ρ_kj, 0)

which is 1 where it moves with no other and m where m strategies are one. Weights times 1 / crowd
give one bet one weight, however often it is made.
"""

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.market import Market
from benbot.strategies.learning.bounds import bounded
from benbot.strategies.learning.experience import held, refit_bars

WINDOW = 252  # bars
FEWEST_BARS = 60
STILL = 1e-9  # a deviation this small is a sleeve that holds nothing


def uniqueness(market: Market, sleeve_return: FloatArray, every: int) -> FloatArray:
    """Return by what the weight of each strategy is multiplied at each close, [T, K].

    It is 1 / crowd over the mean of all, within the bounds; 1 before there are enough returns.
    """
    bars = refit_bars(market, every)
    fitted = np.ones((bars.size, sleeve_return.shape[1]))
    for i, t in enumerate(bars.tolist()):
        past = sleeve_return[max(1, t + 1 - WINDOW) : t + 1]  # the first bar has no return
        if len(past) >= FEWEST_BARS:
            alone = 1.0 / crowd(past)
            fitted[i] = bounded(alone / alone.mean())
    return held(fitted, bars, len(sleeve_return))


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
