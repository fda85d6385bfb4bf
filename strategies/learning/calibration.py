"""From the confidence that a strategy states to how often it was right.

Confidence c says that a direction is right with probability p = (1 + c) / 2 (`strategies.base`).
Platt (1999), Advances in Large Margin Classifiers, fits what came of it by a logistic regression,

    logit q = a + b logit p        a ~ N(0, 0.5²), b ~ N(1, 0.5²)

here with normal priors around the identity, so that a strategy without trades is believed. Right
is a trade with a profit after costs. It is fitted anew every `refit` sessions to all trades of the
strategy that were closed by then. The slope may be negative: then more confidence meant less.

What a strategy is right about on average is in its expected value already, with how much it then
earns. So the desk hears the slope alone, around the mean x of the log-odds that it stated before
trades: 2 q - 1 with logit q = x + b (logit p - x). At a slope of 0 all it says counts alike.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.strategies.learning.bounds import bounded
from benbot.strategies.learning.experience import Experience, held, refit_bars
from benbot.strategies.learning.settings import LearningSettings

IDENTITY = (0.0, 1.0)  # a, b
PRIOR_DEVIATION = (0.5, 0.5)
SUREST = 0.999  # probability; the logit of certainty is infinite
STEPS, LONGEST, CLOSE = 50, 1.0, 1e-9  # of Newton's method


class Calibrations(NamedTuple):
    """What was fitted at each of R refits; at those before any trade, the identity."""

    bars: IntArray  # (R,), at whose close
    parameters: FloatArray  # (R, K, 2), a and b
    usual: FloatArray  # (R, K), mean of the log-odds stated before trades


def calibration_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return by what the confidence of each candidate is multiplied, [T, K, S]."""
    fitted, n_bars = calibrations(experience, settings.refit), experience.shape[0]
    slope = held(fitted.parameters[..., 1], fitted.bars, n_bars)[:, :, None]
    usual = held(fitted.usual, fitted.bars, n_bars)[:, :, None]
    stated = experience.signals.confidence.astype(np.float64)
    right = _logistic(usual + slope * (logit((1.0 + stated) / 2.0) - usual))
    changed = (stated > 0.0) & (slope != IDENTITY[1])
    ratio = (2.0 * right - 1.0) / np.where(changed, stated, 1.0)
    return np.where(changed, bounded(ratio), 1.0)


def calibrations(experience: Experience, every: int) -> Calibrations:
    """Return what each strategy's trades say of its confidence, every so many sessions."""
    trades, bars = experience.trades, refit_bars(experience.market, every)
    parameters = np.empty((bars.size, experience.shape[1], 2))
    usual = np.zeros(parameters.shape[:2])
    stated = logit((1.0 + experience.then(experience.signals.confidence)) / 2.0)
    for k in range(experience.shape[1]):
        own = trades["strategy"] == k
        said, won = stated[own], experience.outcome[own] > 0.0
        known = np.searchsorted(trades["closed"][own], bars, side="right")
        latest = np.array(IDENTITY)
        for i, n in enumerate(known.tolist()):
            if n > (known[i - 1] if i else 0):
                latest = fit(said[:n], won[:n])
            parameters[i, k] = latest
        usual[:, k] = np.append(0.0, said.cumsum())[known] / np.maximum(known, 1)
    return Calibrations(bars, parameters, usual)


def right_before(experience: Experience, every: int) -> FloatArray:
    """Return how likely each trade (N,) was to be right, as was known when it was decided."""
    fitted = calibrations(experience, every)
    at = np.searchsorted(fitted.bars, experience.decided, side="right") - 1
    parameters = fitted.parameters[at, experience.trades["strategy"]]
    stated = (1.0 + experience.then(experience.signals.confidence)) / 2.0
    right: FloatArray = _logistic(parameters[:, 0] + parameters[:, 1] * logit(stated))
    return right


def fit(said: FloatArray, won: BoolArray) -> FloatArray:
    """Return a and b (2,) of greatest posterior density, for log-odds and outcomes (N,)."""
    design = np.column_stack([np.ones(said.size), said])
    prior, weight = np.array(IDENTITY), 1.0 / np.square(PRIOR_DEVIATION)
    parameters = prior.copy()
    for _ in range(STEPS):
        right = _logistic(design @ parameters)
        slope = design.T @ (won - right) - weight * (parameters - prior)
        curvature = (design.T * (right * (1.0 - right))) @ design + np.diag(weight)
        step = np.linalg.solve(curvature, slope)
        parameters = parameters + step / max(1.0, float(np.abs(step).max()) / LONGEST)
        if np.abs(step).max() < CLOSE:
            break
    return parameters


def logit(probability: FloatArray) -> FloatArray:
    """Return log-odds; of what is nearly certain those of `SUREST`."""
    within = np.clip(probability.astype(np.float64), 1.0 - SUREST, SUREST)
    odds: FloatArray = np.log(within / (1.0 - within))
    return odds


def brier(probability: FloatArray, won: BoolArray) -> float:
    """Return the mean squared error of probabilities (N,): Brier (1950), Monthly Weather Review."""
    return float(np.square(probability - won).mean())


def _logistic(odds: FloatArray) -> FloatArray:
    probability: FloatArray = 1.0 / (1.0 + np.exp(-odds))
    return probability
