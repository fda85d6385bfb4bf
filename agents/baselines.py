"""Rules that an agent must beat to be worth its trouble, in the same environment and costs."""

from dataclasses import dataclass

import numpy as np

from benbot.agents.networks.body import FIRST_PRIOR, SCORE_SCALE
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.history import History, Span
from benbot.envs.observation import Layout

RECORD_TEMPERATURE = 1.0  # annual Sharpe ratio that multiplies a weight by e
FORECAST_TEMPERATURE = 1.0 / (SCORE_SCALE * FIRST_PRIOR["forecast"])
STILLEST = float(np.log(0.2))  # a sleeve below a fifth of the usual volatility counts as that


@dataclass(frozen=True, eq=False)
class Fixed:
    """The same weights at every close."""

    name: str
    chosen: Float32Array  # (K+1,)

    def reset(self) -> None:
        """Nothing to forget."""

    def weights(self, observation: Float32Array) -> Float32Array:
        return self.chosen


def cash(layout: Layout) -> Fixed:
    """Return the policy that never trades."""
    return Fixed("cash", _one_hot(len(layout.strategies), len(layout.strategies)))


def equal_weight(layout: Layout) -> Fixed:
    """Return the policy that trusts every strategy alike and holds no more cash than it must."""
    n_strategies = len(layout.strategies)
    return Fixed("equal_weight", _all_invested(np.full(n_strategies, 1.0 / n_strategies)))


def single(layout: Layout, k: int, name: str) -> Fixed:
    """Return the policy that trusts strategy `k` alone."""
    return Fixed(name, _one_hot(k, len(layout.strategies)))


def best_single(history: History, span: Span) -> Fixed:
    """Return the policy that trusts only the strategy whose sleeve grew most in the span."""
    growth = history.tape.sleeve_return[span.first + 1 : span.last + 1].sum(axis=0)
    return single(history.layout, int(growth.argmax()), "best_single")


@dataclass(frozen=True, eq=False)
class InverseVolatility:
    """Weights in inverse proportion to the volatility of each sleeve over 63 bars."""

    layout: Layout
    name: str = "inverse_volatility"

    def reset(self) -> None:
        """Nothing to forget."""

    def weights(self, observation: Float32Array) -> Float32Array:
        log_volatility = self.layout.by_strategy(observation, "volatility_63")
        inverse = np.exp(-np.maximum(log_volatility, STILLEST))
        return _all_invested(inverse / inverse.sum())


@dataclass(frozen=True, eq=False)
class Follower:
    """Softmax over one feature of each strategy, in units of a temperature; cash scores 0."""

    layout: Layout
    feature: str
    temperature: float
    name: str

    def reset(self) -> None:
        """Nothing to forget: what it follows is a part of the observation."""

    def weights(self, observation: Float32Array) -> Float32Array:
        told = self.layout.by_strategy(observation, self.feature)
        score = np.append(told, np.float32(0.0)) / np.float32(self.temperature)
        share = np.exp(score - score.max())
        weights: Float32Array = (share / share.sum()).astype(np.float32)
        return weights


def regime_record(layout: Layout, temperature: float = RECORD_TEMPERATURE) -> Follower:
    """Return who follows what each sleeve earned so far in the regime of today.

    The score is the shrunk mean growth in annual Sharpe units, so that a strategy with no record
    counts as much as cash.
    """
    return Follower(layout, "record_mean", temperature, "regime_record")


def follow_forecast(layout: Layout, temperature: float = FORECAST_TEMPERATURE) -> Follower:
    """Return who follows what each sleeve is expected to earn (`envs.forecast`).

    It is what an equivariant policy does before it has learned anything, so that an agent has to
    beat it to have learned something.
    """
    return Follower(layout, "forecast", temperature, "follow_forecast")


class Random:
    """Weights drawn at every close, uniformly from the simplex; a seed is one sequence of them."""

    name = "random"

    def __init__(self, layout: Layout, seed: int) -> None:
        self.layout, self.seed = layout, seed
        self.reset()

    def reset(self) -> None:
        self._generator = np.random.default_rng(self.seed)

    def weights(self, observation: Float32Array) -> Float32Array:
        evenly = np.ones(len(self.layout.strategies) + 1)
        return self._generator.dirichlet(evenly).astype(np.float32)


def _one_hot(k: int, n_strategies: int) -> Float32Array:
    weights = np.zeros(n_strategies + 1, np.float32)
    weights[k] = 1.0
    return weights


def _all_invested(strategies: FloatArray | Float32Array) -> Float32Array:
    return np.append(strategies, 0.0).astype(np.float32)
