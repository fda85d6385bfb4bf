"""Low-volatility tilt: long the symbols that were calmest, short those that were wildest.

Makes money while calm stocks earn more than their risk would explain, and above all in falling
markets, where they fall less. Loses in recoveries and in booms of speculative stocks, when the wild
ones rise fastest. Source: Baker, Bradley and Wurgler, Benchmarks as Limits to Arbitrage, Financial
Analysts Journal, 2011, who sort by volatility, as is done here, and by beta; Frazzini and Pedersen,
Betting Against Beta, Journal of Financial Economics, 2014, who sort by beta and lever the calm side
until the betas cancel.

What it is, plainly: a slow tilt and no timing. Its opinions hardly change from week to week, and
nothing makes the two sides equal in beta. The desk buys more of what has a near stop, up to its
position cap, which levers the calm side in part; equal sums on both sides would be short the
market. With side "long" it is a defensive portfolio of the calm ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.indicators import volatility
from benbot.envs.market.market import Market
from benbot.strategies.base import STILL, Strategy, parameter
from benbot.strategies.ranking import evidence_at, standing


@dataclass(frozen=True, kw_only=True)
class LowVolatility(Strategy):
    rule = "low_volatility"

    window: int = parameter(252, low=20, high=504, meaning="bars that the volatility spans")
    share: float = parameter(0.2, low=0.05, high=0.5, meaning="share of the symbols on each side")
    stop_multiple: float = parameter(
        5.0, low=0.5, high=10.0, meaning="distance of the stop, in mean true ranges"
    )

    @property
    def lookback(self) -> int:
        return self.window

    def evidence(self, market: Market) -> FloatArray:
        """Return the log-odds of the place among the others, the calmest first.

        A price that stood still is not calm but untraded, or a takeover about to close: it has no
        place.
        """
        return evidence_at(self.sees(market)["place among all"], self.share)

    def sees(self, market: Market) -> Mapping[str, FloatArray]:
        deviation = volatility(market.close, self.window)
        moving = np.where(deviation > STILL, deviation, np.nan)
        return {"volatility a bar": deviation, "place among all": standing(-moving)}
