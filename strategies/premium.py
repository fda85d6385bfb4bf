"""What strategies that sell options share: they like quiet symbols whose options are dear.

trend      log return over the window, in deviations of a random walk with the symbol's volatility
richness   implied over realised volatility; 1 where nobody knows the implied one
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.indicators import lagged, volatility
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR, Market
from benbot.strategies.base import STILL, Strategy, in_deviations, parameter

CHEAPEST, DEAREST = 1.0 / 3.0, 3.0  # richness beyond these counts no more


@dataclass(frozen=True, kw_only=True)
class PremiumSeller(Strategy):
    """Subclass with an overlay and a taste: the trend that suits it best, and how far beside it.

    An implied volatility is a yearly one, and so is the realised one if a bar is a day. On shorter
    bars options would seem dearer than they are. Which option is written, and when it is bought
    back, are rules of the desk: `desk.options`.
    """

    window: int = parameter(21, low=5, high=252, meaning="bars of the trend and the volatility")
    best: float = parameter(
        0.5, low=-2.0, high=2.0, meaning="trend that suits best, in deviations of a random walk"
    )
    width: float = parameter(
        1.5, low=0.25, high=3.0, meaning="how far from it nothing is opened any more, likewise"
    )
    fall: float = parameter(
        2.0, low=0.5, high=5.0, meaning="fall beyond which what is held is given up, likewise"
    )
    stop_multiple: float = parameter(
        4.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self._needs_falls_below_what_it_opens()

    @property
    def lookback(self) -> int:
        return self.window

    def evidence(self, market: Market) -> FloatArray:
        """Return how well the trend suits, times richness; below a fall, how far it is beyond it.

        The first is at most 3, and 1 at the best trend where options are priced as prices move.
        """
        deviation = volatility(market.close, self.window)
        move = np.log(market.close / lagged(market.close, self.window))
        trend = in_deviations(move, deviation * np.sqrt(self.window))
        suits = np.maximum(1.0 - np.abs(trend - self.best) / self.width, 0.0)
        fallen = np.minimum(trend + self.fall, 0.0)
        return suits * self._richness(market, deviation) + fallen

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        """Return where it may open: longs only, for nothing is written on a short."""
        return evidence > 0.0

    def _richness(self, market: Market, deviation: FloatArray) -> FloatArray:
        realised = np.where(deviation > STILL, deviation, np.nan) * np.sqrt(TRADING_DAYS_PER_YEAR)
        richness = np.where(np.isnan(market.iv), 1.0, market.iv / realised)
        return np.clip(richness, CHEAPEST, DEAREST)

    def _needs_falls_below_what_it_opens(self) -> None:
        if not self.best - self.width >= -self.fall:
            raise InvalidParameter(
                f"{self.rule} needs best - width at or above -fall, or it would open what it gives "
                f"up; was best={self.best} width={self.width} fall={self.fall}"
            )
