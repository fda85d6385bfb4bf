"""Moving-average crossover: long while the fast average is above the slow one, short while below.

Makes money in trends that outlast the slow average. Loses a little, often, when the price swings
around a level: every swing is bought late and sold late. Source: Brock, Lakonishok and LeBaron,
Simple Technical Trading Rules and the Stochastic Properties of Stock Returns, Journal of Finance,
1992, who find that its profits before costs are larger than a random walk explains.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import moving_average, volatility
from benbot.envs.market.market import Market
from benbot.strategies.base import in_deviations, parameter
from benbot.strategies.confirmation import TrendConfirmed


@dataclass(frozen=True, kw_only=True)
class MovingAverageCrossover(TrendConfirmed):
    rule = "ma_crossover"

    fast: int = parameter(5, low=1, high=100, meaning="bars in the fast average")
    slow: int = parameter(20, low=2, high=400, meaning="bars in the slow average")
    stop_multiple: float = parameter(
        3.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("fast", "slow")

    @property
    def lookback(self) -> int:
        return self.slow

    def evidence(self, market: Market) -> FloatArray:
        """Return how far the averages are apart, in deviations of that gap under a random walk."""
        seen = self.sees(market)
        gap = seen["fast average"] - seen["slow average"]
        deviation = seen["volatility a bar"] * self._deviations_of_the_gap()
        return in_deviations(gap / market.close, deviation)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        return {
            "fast average": moving_average(market.close, self.fast),
            "slow average": moving_average(market.close, self.slow),
            "volatility a bar": volatility(market.close, self.slow),
        }

    def _deviations_of_the_gap(self) -> float:
        """Return the deviation of the gap when each bar's move has deviation one.

        Counting the latest move as the first, the mean of n closes lacks the share 1 - i / n of
        the move i, for i < n. So the gap holds of each move what the slow one lacks and the fast
        one does not.
        """
        ages = np.arange(1, self.slow)
        slow_lacks = 1.0 - ages / self.slow
        fast_lacks = np.maximum(1.0 - ages / self.fast, 0.0)
        return float(np.linalg.norm(slow_lacks - fast_lacks))
