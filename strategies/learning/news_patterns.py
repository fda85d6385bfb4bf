"""What came of trades that were decided after such news: nine kinds, by mood and by number.

mood     of the symbol's news for the side of the trade: against it, neither, with it
number   of items as the feed counts them: none, up to the usual, more than usual

A kind is known by the features `news_mood` and `news_intensity` at the close of the decision; where
one of them is unknown, and on a market without news, nothing is learned and nothing is changed.
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.market.market import Market
from benbot.envs.market.news_features import INTENSITY, MOOD
from benbot.envs.signals import Signals
from benbot.strategies.learning.affinity import edge_of, usual
from benbot.strategies.learning.bounds import from_edge
from benbot.strategies.learning.experience import Experience, tally
from benbot.strategies.learning.settings import LearningSettings

CLEAR_MOOD = 0.1  # a mood nearer to 0 takes no side
USUAL = 1.0  # intensity
N_MOODS, N_NUMBERS = 3, 3
N_KINDS = N_MOODS * N_NUMBERS
UNKNOWN = -1


def news_multiplier(experience: Experience, settings: LearningSettings) -> FloatArray:
    """Return by what the confidence of each candidate is multiplied, [T, K, S]."""
    kind = news_kinds(experience.market, experience.signals)
    if not (kind != UNKNOWN).any():
        return np.ones(experience.shape)
    trades = experience.trades
    then = kind[experience.decided, trades["strategy"], trades["symbol"]]
    heard = then != UNKNOWN
    place = (trades["strategy"][heard], then[heard])
    shape = (*experience.shape[:2], N_KINDS)
    own = tally(trades["closed"][heard], experience.outcome[heard], place, shape)
    mean, deviation = usual(experience, settings.shrinkage)
    edge = edge_of(own, mean[:, :, None], settings.shrinkage)
    by_kind = from_edge(edge, deviation[:, :, None])
    multiplier = np.take_along_axis(by_kind, np.maximum(kind, 0), axis=2)
    return np.where(kind != UNKNOWN, multiplier, 1.0)


def news_kinds(market: Market, signals: Signals) -> IntArray:
    """Return the kind of news behind each candidate, [T, K, S]; UNKNOWN where nobody asks."""
    if not {MOOD, INTENSITY} <= set(market.features):
        return np.full(signals.direction.shape, UNKNOWN, np.int64)
    mood, intensity = market.features[MOOD], market.features[INTENSITY]
    known = np.isfinite(mood) & np.isfinite(intensity)
    side = np.where(known & (np.abs(mood) > CLEAR_MOOD), np.sign(mood), 0.0)
    number = (intensity > 0.0).astype(np.int64) + (intensity > USUAL)
    aligned = 1 + (side[:, None] * signals.direction).astype(np.int64)
    kind: IntArray = aligned * N_NUMBERS + number[:, None]
    return np.where(known[:, None] & (signals.direction != 0), kind, UNKNOWN)
