"""What a market knows of its news at each close, per symbol.

T bars, S symbols, N mentions: one for each item and symbol that it is about, in order of time.

news_mood       [-1, 1]  mean score of the items, by how new they were, fading with their age
news_novelty    [0, 1]   of the newest of the bar's items: 1 shares no word with earlier ones
news_intensity  >= 0     fading number of items over what is usual for the symbol; 1 is usual

An item belongs to the first bar that closes at or after its publication, so everything here is of
items published by the close. NaN is "nobody knows": before the feed began, and for the intensity
until there are `usual_bars` to compare with. Where there were no news, mood, novelty and intensity
are 0. Each number needs the items of the last `NewsSettings.memory` bars and no others.

Sources: Tetlock (2011), All the News That's Fit to Reprint, Review of Financial Studies 24: news
are stale by the share of their words that they have in common with a firm's earlier stories, as
Jaccard counts it. He takes the mean over the last ten stories; here the most similar one decides,
so that one reprint is enough. Da, Engelberg and Gao (2011), In Search of Attention, Journal of
Finance 66: attention is abnormal relative to its own past.
"""

import re
from collections import deque
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.market.news_settings import NewsSettings, kept_bars

MOOD, NOVELTY, INTENSITY = "news_mood", "news_novelty", "news_intensity"
NEWS_FEATURES = (MOOD, NOVELTY, INTENSITY)
MOST_COMPARED = 200  # latest headlines of a symbol that a new one is compared with
LINK = re.compile(r"https?://\S+")
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
Words = frozenset[str]


class Mentions(NamedTuple):
    """Items as one symbol at a time has them; each is (N,)."""

    bar: IntArray  # first that closes at or after the publication
    symbol: IntArray
    words: tuple[Words, ...]  # of the headline
    score: FloatArray  # in [-1, 1]


def news_features(
    mentions: Mentions, shape: tuple[int, int], begins: int, settings: NewsSettings
) -> dict[str, FloatArray]:
    """Return the features [T, S] by name.

    begins   first bar of which the feed knows everything; NaN before it
    """
    new = novelty_of(mentions, settings.novelty_bars)
    place = (mentions.bar, mentions.symbol)
    features = {
        MOOD: _mood(mentions, new, shape, settings),
        NOVELTY: np.zeros(shape),
        INTENSITY: _intensity(mentions, shape, settings),
    }
    np.maximum.at(features[NOVELTY], place, new)
    for values in features.values():
        values[:begins] = np.nan
    features[INTENSITY][: begins + settings.usual_bars] = np.nan
    return features


def words_of(headline: str, symbol: str) -> Words:
    """Return the words of a headline without links and without the ticker that it is about."""
    words = WORD.findall(LINK.sub(" ", headline).casefold())
    return frozenset(words) - {symbol.casefold()}


def novelty_of(mentions: Mentions, window: int) -> FloatArray:
    """Return 1 less the highest similarity to the symbol's headlines of the `window` bars before.

    Earlier items of the same bar count as well. A headline without words is not new. (N,)
    """
    new = np.zeros(len(mentions.words))
    earlier: dict[int, deque[tuple[int, Words]]] = {}
    places = zip(mentions.bar.tolist(), mentions.symbol.tolist(), mentions.words, strict=True)
    for i, (bar, symbol, words) in enumerate(places):
        recent = earlier.setdefault(symbol, deque(maxlen=MOST_COMPARED))
        while recent and recent[0][0] < bar - window:
            recent.popleft()
        if words:
            new[i] = 1.0 - max((similarity(words, other) for _, other in recent), default=0.0)
        recent.append((bar, words))
    return new


def similarity(one: Words, other: Words) -> float:
    """Return the share of the words of both that they have in common, in [0, 1] (Jaccard)."""
    together = len(one | other)
    return len(one & other) / together if together else 0.0


def _mood(
    mentions: Mentions, new: FloatArray, shape: tuple[int, int], settings: NewsSettings
) -> FloatArray:
    """Return Σ weight × score / max(Σ weight, 1) with weight = novelty × what is left of the item.

    Without the 1, a single old item would count as much as a fresh one.
    """
    said = faded(_at(mentions, new * mentions.score, shape), settings.mood_half_life)
    weight = faded(_at(mentions, new, shape), settings.mood_half_life)
    mood: FloatArray = np.clip(said / np.maximum(weight, 1.0), -1.0, 1.0)
    return mood


def _intensity(mentions: Mentions, shape: tuple[int, int], settings: NewsSettings) -> FloatArray:
    """Return the faded number of items over the one that a steady stream at the usual rate gives.

    The usual rate is that of the `usual_bars` before the present one, or one item in all of them
    for a symbol that was not in the news.
    """
    count = _at(mentions, np.ones(len(mentions.words)), shape)
    total = np.vstack([np.zeros(shape[1]), count.cumsum(axis=0)])  # whole numbers, so exact
    window = settings.usual_bars
    usual = np.ones(shape)
    usual[window:] = np.maximum(total[window:-1] - total[: -window - 1], 1.0)
    steady = weights_of(settings.intensity_half_life).sum() / window
    intensity: FloatArray = faded(count, settings.intensity_half_life) / (usual * steady)
    return intensity


def faded(values: FloatArray, half_life: float) -> FloatArray:
    """Return the sum of the last values [T, S], each halved for every `half_life` bars of its age.

    Added lag by lag and not by recursion: then it is the same to the last bit wherever the data
    begin, once the memory is full.
    """
    total = np.zeros_like(values)
    for lag, weight in enumerate(weights_of(half_life)[: len(values)]):
        total[lag:] += weight * values[: len(values) - lag]
    return total


def weights_of(half_life: float) -> FloatArray:
    """Return what is left of an item after 0, 1, … bars."""
    weights: FloatArray = 0.5 ** (np.arange(kept_bars(half_life) + 1) / half_life)
    return weights


def _at(mentions: Mentions, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return the sum of the values of each bar and symbol, [T, S]."""
    total = np.zeros(shape)
    np.add.at(total, (mentions.bar, mentions.symbol), values)
    return total
