"""Volatility breakout: long after a close above the Donchian channel, short after one below.

Makes money when a price leaves a range for good, with few, large gains. Loses a stop's distance
each time it comes back, which is most of the time; the stop is measured in true ranges so that a
wild market gets more room. Source: Donchian's four-week rule, as traded by the Turtles (Faith,
Way of the Turtle, 2007: a channel of 20 bars, a stop at two average true ranges).
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.indicators import earlier_channel, highest
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy, in_deviations, parameter


@dataclass(frozen=True, kw_only=True)
class VolatilityBreakout(Strategy):
    """The latest breakout counts until `window` bars have passed without another one."""

    rule = "volatility_breakout"

    window: int = parameter(20, low=5, high=200, meaning="bars in the channel")

    @property
    def lookback(self) -> int:
        return 2 * self.window - 1  # the oldest breakout that counts, and the channel before it

    def evidence(self, market: Market) -> FloatArray:
        """Return how far the close is beyond the channel's middle, in half widths: 1 at its edge.

        Nothing once the price is back on the other side of the middle.
        """
        channel = earlier_channel(market.high, market.low, self.window)
        age = market.tradable.cumsum(axis=0)
        last_up = self._latest(market.close > channel.upper, age, market)
        last_down = self._latest(market.close < channel.lower, age, market)
        side = np.sign(last_up - last_down)
        middle = (channel.upper + channel.lower) / 2.0
        half = (channel.upper - channel.lower) / 2.0
        beyond = in_deviations((market.close - middle) / market.close, half / market.close)
        return side * np.maximum(side * beyond, 0.0)

    def _latest(self, broke: BoolArray, age: IntArray, market: Market) -> FloatArray:
        """Return the bar number of the latest breakout within the window, 0 where there is none."""
        number = np.where(broke, age, 0.0)
        return highest(np.where(market.tradable, number, np.nan), self.window)
