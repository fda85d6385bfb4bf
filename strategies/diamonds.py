"""Which symbols are diamonds at a close: fresh, one-sided news on what can be traded well.

T bars, S symbols. The desk risks more on a diamond and leaves it sooner. A diamond is a symbol and
not a strategy: whatever opens a position in it at that bar opens a diamond, also a rule that knows
nothing of news, and one that bets against them.

Everything is known at the close and comes from the last `VOLUME_WINDOW` + 1 bars. What is unknown
is no diamond.
"""

import numpy as np

from benbot.envs.arrays import BoolArray
from benbot.envs.market.indicators import relative_volume
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import INTENSITY, MOOD, NEWS_FEATURES, NOVELTY

VOLUME_WINDOW = 20  # bars before the present one that say what volume is usual
LEAST_MOOD = 0.35  # of either sign
LEAST_NOVELTY = 0.6
LEAST_INTENSITY = 1.5  # times what is usual
LEAST_VOLUME = 0.75  # times the mean of the bars before
WIDEST_SPREAD = 0.003  # fraction of the price


def has_news(market: Market) -> bool:
    """Return whether the market was made with news."""
    return all(name in market.features for name in NEWS_FEATURES)


def diamonds(market: Market) -> BoolArray:
    """Return which symbols are diamonds [T, S]; none in a market without news."""
    if not has_news(market):
        return np.zeros(market.close.shape, np.bool_)
    news = market.features
    is_diamond: BoolArray = (
        (np.abs(news[MOOD]) >= LEAST_MOOD)
        & (news[NOVELTY] >= LEAST_NOVELTY)
        & (news[INTENSITY] >= LEAST_INTENSITY)
        & is_liquid(market, LEAST_VOLUME, WIDEST_SPREAD)
    )
    return is_diamond


def is_liquid(market: Market, least_volume: float, widest_spread: float) -> BoolArray:
    """Return where a symbol trades with enough volume and a narrow spread, [T, S].

    least_volume   times the mean of the bars before; 0 does not ask, else an unknown one is too few
    widest_spread  fraction of the price; where none is quoted the volume speaks alone
    """
    liquid: BoolArray = market.tradable & ~(market.spread > widest_spread)
    if least_volume > 0.0:
        volume = relative_volume(market.volume, market.tradable, VOLUME_WINDOW)
        liquid = liquid & (volume >= least_volume)
    return liquid
