"""News diamond: with the mood of fresh news, where it is strong, new, and can be traded.

Makes money where prices take days to say what a headline said at once, as they do for small firms,
bad news and words about earnings. Loses when the price has moved before the rule hears of the news,
when what looked new was known, and when the scorer misread the headline; then costs are all that is
left of a trade, and news move many symbols on the same day. Sources: Chan, Stock Price Reaction to
News and No-news: Drift and Reversal after Headlines, Journal of Financial Economics, 2003: prices
drift for months after news, bad ones above all. Tetlock, Saar-Tsechansky and Macskassy, More Than
Words: Quantifying Language to Measure Firms' Fundamentals, Journal of Finance, 2008: after negative
words about fundamentals they drift for about a day. Tetlock, All the News That's Fit to Reprint,
Review of Financial Studies, 2011: the reaction to stale news is reversed, so these are left alone.

It needs news in the market of the config. It reads mood and novelty of each bar, facts of the
market like its prices, and remembers no headline itself.
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import MOOD, NOVELTY
from benbot.strategies.base import MARGIN, Strategy, parameter
from benbot.strategies.diamonds import VOLUME_WINDOW, has_news, is_liquid


@dataclass(frozen=True, kw_only=True)
class NewsDiamond(Strategy):
    rule = "news_diamond"
    needs_news = True

    mood_above: float = parameter(
        0.25, low=0.05, high=0.95, meaning="speaks beyond this mood of either sign"
    )
    novelty_above: float = parameter(
        0.5, low=0.0, high=0.95, meaning="opens only on news newer than this, 1 is wholly new"
    )
    fresh: int = parameter(
        1, low=0, high=20, meaning="bars after that of the news in which it may still open"
    )
    volume_above: float = parameter(
        0.5,
        low=0.0,
        high=10.0,
        meaning="opens only with at least this many times the mean volume of the 20 bars before; 0 "
        "does not ask, for markets without volume",
    )
    spread_below: float = parameter(
        0.005, low=0.0001, high=0.1, meaning="opens only up to this spread, fraction of the price"
    )

    @property
    def lookback(self) -> int:
        return max(VOLUME_WINDOW, self.fresh)

    def evidence(self, market: Market) -> FloatArray:
        """Return the mood over the least that speaks, 1 at the threshold; nothing below it.

        A mood that holds on after its news have aged opens nothing, but it ends a position of the
        other side.
        """
        if not has_news(market):
            return np.full(market.close.shape, np.nan)
        mood = market.features[MOOD]
        return np.where(np.abs(mood) > self.mood_above + MARGIN, mood / self.mood_above, 0.0)

    def opens(self, market: Market, evidence: FloatArray) -> BoolArray:
        lawful = super().opens(market, evidence)
        if not has_news(market):
            return lawful
        new = market.features[NOVELTY] > self.novelty_above + MARGIN
        fresh = new.copy()
        for lag in range(1, self.fresh + 1):
            fresh[lag:] |= new[:-lag]
        opening: BoolArray = (
            lawful & fresh & is_liquid(market, self.volume_above, self.spread_below)
        )
        return opening
