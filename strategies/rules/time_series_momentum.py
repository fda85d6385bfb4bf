"""Time-series momentum: long what rose over the past year, short what fell.

Makes money in trends of many months, and often in long crises. Loses when trends turn sharply,
as in spring 2009, and in years without direction. Source: Moskowitz, Ooi and Pedersen, Time Series
Momentum, Journal of Financial Economics, 2012: the sign of the past twelve months' return, in 58
futures. They use excess returns; here the return of cash is not subtracted.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import past_return, volatility
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy, in_deviations, parameter


@dataclass(frozen=True, kw_only=True)
class TimeSeriesMomentum(Strategy):
    rule = "time_series_momentum"

    window: int = parameter(252, low=5, high=504, meaning="bars that the past return spans")
    skip: int = parameter(0, low=0, high=63, meaning="latest bars left out of the past return")
    stop_multiple: float = parameter(
        5.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_order("skip", "window")

    @property
    def lookback(self) -> int:
        return self.window

    def evidence(self, market: Market) -> FloatArray:
        """Return the past log return, in its deviations under a random walk."""
        seen = self.sees(market)
        gain = np.log1p(seen["past return"])
        n_moves = self.window - self.skip
        return in_deviations(gain / np.sqrt(n_moves), seen["volatility a bar"])

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        return {
            "past return": past_return(market.close, self.window, self.skip),
            "volatility a bar": volatility(market.close, self.window),
        }
