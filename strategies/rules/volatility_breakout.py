"""Volatility breakout: long after a close above the Donchian channel, short after one below.

Makes money when a price leaves a range for good, with few, large gains. Loses a stop's distance
each time it comes back, which is most of the time; the stop is measured in true ranges so that a
wild market gets more room. Source: Donchian's four-week rule, as traded by the Turtles (Faith,
Way of the Turtle, 2007: a channel of 20 bars, a stop at two average true ranges). Why volume may
confirm it: Blume, Easley and O'Hara, Market Statistics and Technical Analysis: The Role of Volume,
Journal of Finance, 1994: volume tells how good the news behind a move is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.indicators import Channel, earlier_channel, highest, relative_volume
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Strategy, in_deviations, parameter


@dataclass(frozen=True, kw_only=True)
class VolatilityBreakout(Strategy):
    """The latest breakout counts until `window` bars have passed without another one."""

    rule = "volatility_breakout"

    window: int = parameter(20, low=5, high=200, meaning="bars in the channel")
    volume_above: float = parameter(
        0.0,
        low=0.0,
        high=10.0,
        meaning="opens only after a breakout with more than this many times the mean volume of the "
        "channel's bars; 0 does not ask",
    )

    @property
    def lookback(self) -> int:
        return 2 * self.window - 1  # the oldest breakout that counts, and the channel before it

    def evidence(self, market: Market) -> FloatArray:
        """Return how far the close is beyond the channel's middle, in half widths: 1 at its edge.

        Nothing once the price is back on the other side of the middle.
        """
        seen = self.sees(market)
        side, lower, upper = seen["side of breakout"], seen["channel low"], seen["channel high"]
        middle = (upper + lower) / 2.0
        half = (upper - lower) / 2.0
        beyond = in_deviations((market.close - middle) / market.close, half / market.close)
        return side * np.maximum(side * beyond, 0.0)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return the channel, and the side of the latest breakout: 1 up, -1 down, 0 none."""
        channel = earlier_channel(market.high, market.low, self.window)
        last_up, last_down = self._latest_breakouts(market, channel)
        return {
            "channel low": channel.lower,
            "channel high": channel.upper,
            "side of breakout": np.sign(last_up - last_down),
        }

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        lawful = super().opens(market, evidence)
        if not self.volume_above > 0.0:
            return lawful
        volume = self.asks(market)["volume in usual volumes"]
        channel = earlier_channel(market.high, market.low, self.window)
        up, down = self._latest_breakouts(market, channel, volume > self.volume_above + MARGIN)
        confirmed: BoolArray = lawful & (np.where(evidence > 0.0, up, down) > 0.0)
        return confirmed

    def asks(self, market: Market) -> Mapping[str, FloatArray]:
        if not self.volume_above > 0.0:
            return {}
        volume = relative_volume(market.volume, market.tradable, self.window)
        return {"volume in usual volumes": volume}

    def _latest_breakouts(
        self, market: Market, channel: Channel, counts: BoolArray | Literal[True] = True
    ) -> tuple[FloatArray, FloatArray]:
        """Return the bar number of the latest breakout upwards and of that downwards.

        0 where there is none within the window that `counts`.
        """
        age = market.tradable.cumsum(axis=0)
        up, down = market.close > channel.upper, market.close < channel.lower
        return self._latest(up & counts, age, market), self._latest(down & counts, age, market)

    def _latest(self, broke: BoolArray, age: IntArray, market: Market) -> FloatArray:
        number = np.where(broke, age, 0.0)
        return highest(np.where(market.tradable, number, np.nan), self.window)
