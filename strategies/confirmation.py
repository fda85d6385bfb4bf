"""A second indicator that trend rules may ask before they open a position; by default none is."""

from collections.abc import Mapping
from dataclasses import dataclass

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.indicators import RSI_MEMORY, average_directional_index
from benbot.envs.market.market import Market
from benbot.strategies.base import MARGIN, Strategy, parameter


@dataclass(frozen=True, kw_only=True)
class TrendConfirmed(Strategy):
    """A rule that may open only where Wilder's ADX says that there is a trend.

    Where there is none its opinions still end positions of the other side. Wilder, New Concepts in
    Technical Trading Systems, 1978, would follow trends only above 25.
    """

    trend_above: float = parameter(
        0.0, low=0.0, high=60.0, meaning="opens only where the ADX is above this; 0 does not ask"
    )
    trend_window: int = parameter(14, low=2, high=50, meaning="bars in the smoothing of the ADX")

    @property
    def warmup(self) -> int:
        memory = 2 * RSI_MEMORY * self.trend_window - 1
        return max(super().warmup, memory) if self._asks_for_trend else super().warmup

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        lawful = super().opens(market, evidence)
        if not self._asks_for_trend:
            return lawful
        confirmed: BoolArray = lawful & (self.asks(market)["ADX"] > self.trend_above + MARGIN)
        return confirmed

    def asks(self, market: Market) -> Mapping[str, FloatArray]:
        if not self._asks_for_trend:
            return {}
        return {"ADX": average_directional_index(market.high, market.low, self.trend_window)}

    @property
    def _asks_for_trend(self) -> bool:
        return self.trend_above > 0.0
