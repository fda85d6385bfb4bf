"""MACD trend: long while the MACD is above zero and above its signal line, short while below both.

The MACD is a fast exponential average minus a slow one; its signal line is an average of itself. A
MACD that falls back through its signal line ends a long position and opens none, so the rule leaves
a trend earlier than it would wait for the averages to cross. Makes money in trends of a few weeks
that do not pause. Loses when the price swings around a level, and pays for leaving and coming back
in trends that do pause. Source: Appel, Technical Analysis: Power Tools for Active Investors, 2005,
who takes its crossings in the direction of the trend; Chong and Ng, Technical Analysis and the
London Stock Exchange, Applied Economics Letters, 2008, test the rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.indicators import EMA_MEMORY, exponential_average, volatility
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, in_deviations, parameter
from benbot.strategies.confirmation import TrendConfirmed


@dataclass(frozen=True, kw_only=True)
class MacdTrend(TrendConfirmed):
    rule = "macd_trend"

    fast: int = parameter(12, low=2, high=100, meaning="bars in the fast exponential average")
    slow: int = parameter(26, low=3, high=200, meaning="bars in the slow exponential average")
    signal: int = parameter(9, low=2, high=50, meaning="bars in the average of the MACD")
    stop_multiple: float = parameter(
        3.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("fast", "slow")

    @property
    def lookback(self) -> int:
        return EMA_MEMORY * (self.slow + self.signal) - 2

    def evidence(self, market: Market) -> FloatArray:
        """Return the MACD in its deviations under a random walk, on the side of its signal line.

        In a steady trend the two lie on each other, which is no reason to leave.
        """
        seen = self.sees(market)
        line = seen["MACD"]
        beyond = np.sign(line) * (line - seen["signal line"]) / market.close
        deviation = seen["volatility a bar"] * self._deviations_of_the_gap()
        trend = in_deviations(line / market.close, deviation)
        return np.where(beyond < -MARGIN, -trend, trend)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        line = self._line(market)
        return {
            "MACD": line,
            "signal line": exponential_average(line, self.signal),
            "volatility a bar": volatility(market.close, self.slow),
        }

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        return super().opens(market, evidence) & (evidence * self._line(market) > 0.0)

    def _line(self, market: Market) -> FloatArray:
        fast = exponential_average(market.close, self.fast)
        return fast - exponential_average(market.close, self.slow)

    def _deviations_of_the_gap(self) -> float:
        """Return the deviation of the gap when each bar's move has deviation one.

        Counting the latest move as the first, an exponential average that keeps q of itself a bar
        lacks the share q^i of the move i. The squares of the differences are geometric series.
        """
        fast, slow = (1.0 - 2.0 / (bars + 1.0) for bars in (self.fast, self.slow))

        def series(ratio: float) -> float:
            return ratio / (1.0 - ratio)

        variance = series(slow * slow) + series(fast * fast) - 2.0 * series(slow * fast)
        return float(np.sqrt(variance))
