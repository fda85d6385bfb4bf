"""Bollinger reversion: long below the lower band, short above the upper one.

Makes money where the price swings around a level and the bands measure the swing. Loses when a new
trend begins, which is when a price walks along its band. Source: Bollinger, Bollinger on Bollinger
Bands, 2001, with his 20 bars and two deviations; he warns that a touch alone is no signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import bollinger_bands
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Strategy, in_deviations, parameter


@dataclass(frozen=True, kw_only=True)
class BollingerReversion(Strategy):
    rule = "bollinger_reversion"

    window: int = parameter(20, low=5, high=200, meaning="bars in the average and the deviation")
    width: float = parameter(2.0, low=0.5, high=4.0, meaning="distance of the bands, in deviations")

    @property
    def lookback(self) -> int:
        return self.window - 1

    def evidence(self, market: Market) -> FloatArray:
        """Return how many deviations the close is away from its mean, outside the bands."""
        away = self.sees(market)["deviations away"]
        return np.where(np.abs(away) > self.width + MARGIN, -away, 0.0)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        bands = bollinger_bands(market.close, self.window, 1.0)
        deviation = bands.upper - bands.middle
        away = (market.close - bands.middle) / market.close
        return {
            "lower band": bands.middle - self.width * deviation,
            "average": bands.middle,
            "upper band": bands.middle + self.width * deviation,
            "deviations away": in_deviations(away, deviation / market.close),
        }
