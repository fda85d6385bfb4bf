"""What a candidate is expected to earn, from strategy, regime and symbol together.

The desk's own expected value (docs/desk.md, section 13) adds what a strategy earned in a regime to
what it earned on a symbol. Here every mean is shrunk to that of a larger group, so that a strategy
without trades somewhere is expected to do as all strategies did there:

    all            of every trade, shrunk to the prior
    strategy       shrunk to all
    regime, symbol of every strategy in that regime, on that symbol, each shrunk to all
    here           of the strategy in the regime, shrunk to strategy + regime - all
    own            of the strategy on the symbol, shrunk to strategy + symbol - all
    cell           of the three together, shrunk to here + own - strategy

That is the empirical-Bayes form of Efron and Morris (1975), JASA 70, in levels. Every prior counts
for `shrinkage` round trips; a regime that is unknown says nothing.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, Int8Array
from benbot.envs.desk.tally import N_REGIMES
from benbot.strategies.learning.affinity import usual
from benbot.strategies.learning.bounds import from_edge
from benbot.strategies.learning.experience import Experience, Tally, tally
from benbot.strategies.learning.settings import LearningSettings


class Expectations(NamedTuple):
    """Return on notional that a trade decided now is expected to earn, each [T, K, S]."""

    desk: FloatArray  # by the desk's own formula
    cell: FloatArray  # by the levels above


def expectation_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return by what the confidence of each candidate is multiplied, [T, K, S].

    The desk multiplies confidence with its own expected value, or with its floor where that is
    higher. What the cell expects beyond it counts as the edge of a symbol does (`affinity`).
    """
    expected = expectations(experience, settings.shrinkage)
    _, deviation = usual(experience, settings.shrinkage)
    beyond = expected.cell - np.maximum(expected.desk, experience.rules.value.floor)
    return from_edge(beyond, deviation[:, :, None])


def expectations(experience: Experience, shrinkage: float) -> Expectations:
    """Return both expected values of every candidate; the desk's has the desk's own shrinkage."""
    levels, prior = _Levels(experience), experience.rules.value.prior
    all_trades = levels.by().mean(prior, shrinkage)[:, None]
    of_symbol = levels.by("symbol").mean(all_trades, shrinkage) - all_trades
    regime = experience.tape.regime
    within = levels.in_regime(regime, levels.by("regime"))
    of_regime = within.mean(all_trades[:, 0], shrinkage) - all_trades[:, 0]
    there = levels.in_regime(regime, levels.by("strategy", "regime"))
    strategy, both = levels.by("strategy"), levels.by("strategy", "symbol")
    mean = strategy.mean(all_trades, shrinkage)
    here = there.mean(mean + of_regime[:, None], shrinkage)
    own = both.mean(mean[:, :, None] + of_symbol[:, None], shrinkage)
    cell = levels.cells(regime).mean((here - mean)[:, :, None] + own, shrinkage)
    return Expectations(_desk(experience, strategy, there, both), cell)


def _desk(experience: Experience, strategy: Tally, there: Tally, both: Tally) -> FloatArray:
    """Return the desk's expected value before its floor."""
    rules = experience.rules.value
    mean = strategy.mean(rules.prior, rules.shrinkage)
    here = there.mean(mean, rules.shrinkage)
    own = both.mean(mean[:, :, None], rules.shrinkage)
    return own + (here - mean)[:, :, None]


class _Levels:
    """Tallies of the trades by some of their fields."""

    def __init__(self, experience: Experience) -> None:
        self.trades, self.outcome = experience.trades, experience.outcome
        n_bars, n_strategies, n_symbols = experience.shape
        self.n_bars = n_bars
        self.sizes = {"strategy": n_strategies, "symbol": n_symbols, "regime": N_REGIMES}

    def by(self, *names: str) -> Tally:
        """Return the tally [T, …] of all trades by these fields."""
        return self._of(np.ones(self.trades.size, np.bool_), names)

    def in_regime(self, regime: Int8Array, by_regime: Tally) -> Tally:
        """Return the tally without its last axis, in the regime of each bar; none if unknown."""
        rows, known = np.arange(self.n_bars), regime >= 0
        shape = (-1,) + (1,) * (by_regime.number.ndim - 2)
        parts = (each[rows, ..., regime] for each in by_regime)
        return Tally(*(np.where(known.reshape(shape), part, 0.0) for part in parts))

    def cells(self, regime: Int8Array) -> Tally:
        """Return the tally [T, K, S] of the trades that were decided in the regime of each bar."""
        shape = (self.n_bars, self.sizes["strategy"], self.sizes["symbol"])
        found = Tally(np.zeros(shape), np.zeros(shape))
        for code in range(N_REGIMES):
            rows = regime == code
            own = self._of(self.trades["regime"] == code, ("strategy", "symbol"))
            found.number[rows], found.total[rows] = own.number[rows], own.total[rows]
        return found

    def _of(self, which: BoolArray, names: tuple[str, ...]) -> Tally:
        trades = self.trades[which]
        shape = (self.n_bars, *(self.sizes[name] for name in names))
        place = tuple(trades[name] for name in names)
        return tally(trades["closed"], self.outcome[which], place, shape)
