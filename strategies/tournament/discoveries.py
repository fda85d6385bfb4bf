"""How many of the promoted have no skill: false discoveries, counted over all attempts together.

Attempt i = 0, 1, … is given a share γ_i of the error, Σ γ_i = 1, when it begins. Of those that wait
for LIVE at a close, the k with the largest E_i γ_i are promoted, for the largest k with

    E_i ≥ 1 / (q γ_i (D + k))        for each of the k

where D strategies have been promoted before. Of all that are ever promoted the expected share
without skill is then at most q: when i is promoted the number of discoveries is D + k and can only
grow, so that its part of that share is at most 1(E_i ≥ 1 / (q γ_i (D + k))) / (D + k) ≤ q γ_i E_i,
and an e-process has a mean of at most 1 whenever one stops. It needs no independence of any kind.
With all at once and equal shares it is the e-Benjamini-Hochberg procedure (Wang and Ramdas 2022,
JRSS B 84), one after another it is e-LOND (Xu and Ramdas 2024, AISTATS).
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray


def share_of_error(number: IntArray, planned: int) -> FloatArray:
    """Return γ of each attempt, by its number.

    The first `planned` share a half of the error, the next 2 `planned` a sixth, then 4 `planned` a
    twelfth, and so on: 1 / ((m + 1) (m + 2)) in batch m, which adds up to 1.
    """
    batch = np.floor(np.log2(np.asarray(number, np.float64) / planned + 1.0))
    share: FloatArray = 1.0 / ((batch + 1.0) * (batch + 2.0) * planned * 2.0**batch)
    return share


def level_of(level: float, attempt: IntArray) -> FloatArray:
    """Return the level of a strategy's attempt: it shrinks with the square of how many there were.

    However often a strategy is changed and tried again, it leaves the stage by luck with at most
    π² / 6 = 1.64 times the level.
    """
    shrunk: FloatArray = level / np.asarray(attempt, np.float64) ** 2
    return shrunk


def discoveries(
    log_evidence: FloatArray, share: FloatArray, rate: float, before: int, most: int
) -> IntArray:
    """Return which of the candidates are promoted, best first: at most so many as there are slots.

    log_evidence, share   (C,) of each candidate
    rate                  q
    before                D
    """
    score = log_evidence + np.log(share)
    order = np.argsort(-score, kind="stable")[: max(most, 0)]
    ranks = np.arange(1, order.size + 1)
    enough = score[order] + np.log(rate * (before + ranks)) >= 0.0
    n_found = int(ranks[enough].max()) if enough.any() else 0
    return order[:n_found]
