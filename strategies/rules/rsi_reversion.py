"""RSI reversion: long after losses have dominated for a while, short after gains have.

Makes money where prices overshoot and come back, as in quiet sideways markets and after panics in
sound companies. Loses when a move goes on: it buys all the way down a slow decline, so its losses
are rare and large. Source: Wilder, New Concepts in Technical Trading Systems, 1978, with his
thresholds of 30 and 70.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import RSI_MEMORY, relative_strength_index
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Strategy, parameter


@dataclass(frozen=True, kw_only=True)
class RsiReversion(Strategy):
    rule = "rsi_reversion"

    window: int = parameter(
        14, low=2, high=100, meaning="bars in the smoothing of gains and losses"
    )
    oversold: float = parameter(30.0, low=1.0, high=49.0, meaning="long below this RSI")
    overbought: float = parameter(70.0, low=51.0, high=99.0, meaning="short above this RSI")

    @property
    def lookback(self) -> int:
        return RSI_MEMORY * self.window

    def evidence(self, market: Market) -> FloatArray:
        """Return how far an extreme RSI is from 50, in its deviations under a random walk."""
        strength = self.sees(market)["RSI"]
        extreme = (strength < self.oversold - MARGIN) | (strength > self.overbought + MARGIN)
        return np.where(extreme, (50.0 - strength) / self._deviation(), 0.0)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        return {"RSI": relative_strength_index(market.close, self.window)}

    def _deviation(self) -> float:
        """Return the standard deviation of the RSI of a random walk, about 12 for 14 bars.

        RSI - 50 = 50 (gains - losses) / (gains + losses). Smoothed with weight 1 / n, moves keep
        1 / (2n - 1) of their variance, and the mean size of a normal move is √(2 / π) deviations.
        """
        return float(50.0 * np.sqrt(np.pi / 2.0) / np.sqrt(2.0 * self.window - 1.0))
