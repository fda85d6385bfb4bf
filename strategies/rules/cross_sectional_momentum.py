"""Cross-sectional momentum: long what rose most over the past year, short what rose least.

Makes money while winners keep winning relative to losers, whatever the market does. Loses in sharp
recoveries, when the losers of a crash rise fastest (Daniel and Moskowitz, Momentum Crashes, 2016).
Source: Jegadeesh and Titman, Returns to Buying Winners and Selling Losers, Journal of Finance,
1993. As later became usual, the latest month is left out, because over a month prices reverse.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import past_return
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy, parameter
from benbot.strategies.ranking import evidence_at, standing


@dataclass(frozen=True, kw_only=True)
class CrossSectionalMomentum(Strategy):
    rule = "cross_sectional_momentum"

    window: int = parameter(
        252, low=5, high=504, meaning="bars ago at which the past return begins"
    )
    skip: int = parameter(21, low=0, high=63, meaning="bars ago at which the past return ends")
    share: float = parameter(0.2, low=0.05, high=0.5, meaning="share of the symbols on each side")
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
        """Return the log-odds of the place among the others, see `ranking`."""
        return evidence_at(self.sees(market)["place among all"], self.share)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        """Return the past returns; who is too young for an opinion has none and no place.

        A memory that holds the old enough alone may not hold them.
        """
        gain = past_return(market.close, self.window, self.skip)
        gain = np.where(self._ready(market), gain, np.nan)
        return {"past return": gain, "place among all": standing(gain)}
