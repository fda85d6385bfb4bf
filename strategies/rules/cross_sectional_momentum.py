"""Cross-sectional momentum: long what rose most over the past year, short what rose least.

Makes money while winners keep winning relative to losers, whatever the market does. Loses in sharp
recoveries, when the losers of a crash rise fastest (Daniel and Moskowitz, Momentum Crashes, 2016).
Source: Jegadeesh and Titman, Returns to Buying Winners and Selling Losers, Journal of Finance,
1993. As later became usual, the latest month is left out, because over a month prices reverse.
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import past_return
from benbot.envs.market.market import Market
from benbot.strategies.base import Strategy, parameter


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
        """Return the log-odds of the place among the others, so that the median is no evidence.

        Confidence is then the distance of the place from the median: near 1 for the first and the
        last of many, 1 - 2 `share` for those that are just among the chosen.
        """
        place = standing(past_return(market.close, self.window, self.skip))
        chosen = np.abs(place) > 1.0 - 2.0 * self.share
        return np.where(chosen, np.log1p(place) - np.log1p(-place), 0.0)


def standing(values: FloatArray) -> FloatArray:
    """Return the place of each symbol among those with a value, per row, in (-1, 1); NaN stays.

    The share of symbols with a lower value minus the share with a higher one; equal values share
    their place, so a symbol that is alone, or like all others, is at 0.
    """
    place = np.full(values.shape, np.nan)
    for t in np.flatnonzero(np.isfinite(values).any(axis=1)):
        known = np.isfinite(values[t])
        row = values[t, known]
        ordered = np.sort(row)
        at_most = np.searchsorted(ordered, row, side="right")
        lower = np.searchsorted(ordered, row, side="left")
        place[t, known] = (lower + at_most - row.size) / row.size
    return place
