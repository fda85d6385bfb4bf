"""What online learners make of a history of price relatives, with and without costs.

T bars, N assets.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from benbot.agents.online.learners import OnlineLearner, check_relatives
from benbot.envs.arrays import FloatArray

PRECISE = 1e-13


class Course(NamedTuple):
    """What became of one unit of money.

    wealth     (T,)  at the end of each bar
    turnover   (T,)  Σ |change of weight| at the start of each bar; the first purchase is 1
    """

    wealth: FloatArray
    turnover: FloatArray


def run(learner: OnlineLearner, relatives: FloatArray, cost_rate: float = 0.0) -> Course:
    """Let a learner share one unit of money before each bar of the relatives (T, N).

    Costs are those of Li, Sahoo and Hoi (2016), OLPS: before a bar, cost_rate / 2 × Σ |b - b̂| of
    the money is lost, b̂ the weights that the bar before left behind, nothing at the beginning.
    The learner is not told.
    """
    check_relatives(relatives)
    n_bars, n_assets = relatives.shape
    held, wealth = np.zeros(n_assets), 1.0
    course = Course(np.empty(n_bars), np.empty(n_bars))
    for t, relative in enumerate(relatives):
        weights = learner.weights()
        turnover = float(np.abs(weights - held).sum())
        earned = float(weights @ relative)
        wealth *= earned * (1.0 - 0.5 * cost_rate * turnover)
        course.wealth[t], course.turnover[t] = wealth, turnover
        held = weights * relative / earned
        learner.learn_one(relative)
    return course


def best_rebalanced(relatives: FloatArray) -> FloatArray:
    """Return the weights (N,) that, held before every bar, would have grown most; hindsight.

    Cover (1991), Mathematical Finance 1. The logarithm of wealth is concave in the weights.
    """
    check_relatives(relatives)
    n_assets = relatives.shape[1]

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        earned = relatives @ weights
        return -float(np.log(earned).mean()), -(relatives / earned[:, None]).mean(axis=0)

    found = minimize(
        loss,
        np.full(n_assets, 1.0 / n_assets),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * n_assets,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like},
        options={"maxiter": 1_000, "ftol": PRECISE},
    )
    weights = np.maximum(found.x, 0.0)
    normalised: FloatArray = weights / weights.sum()
    return normalised
