"""What is worth looking at, at each close: candidates and diamonds, scored in parts and ranked.

T bars, S symbols; a symbol's bars are those at which it is tradable. Every score is in [0, 1], NaN
where unknown, and that of bar t is made of bars until t alone. A score of 0.8 means more than 80 %
of what it is compared with:

liquidity  with the other symbols at this bar: the money traded in a bar, on average, and how narrow
           the spread is; the mean of the two that are known
movement   with the symbol's own past: its true range over the last close, and the gap before its
           open; the mean of the two that are known
news       with the other symbols at this bar: the strength of the news, 0 without any. It is the
           product of those features of the market that there are of `NEWS`, the mood without its
           sign; a market without them has no news
signals    with the other symbols at this bar: how much the strategies want it, |Σ direction ×
           confidence|, so that who contradicts each other counts for nothing; 0 if nobody asks

The score of all is the mean of the parts that are known, with the weights of the settings.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.indicators import lagged, true_range
from benbot.envs.market.market import Market
from benbot.envs.settings import Settings
from benbot.envs.signals import NO_PAIRS, Signals
from benbot.strategies.ranking import standing

NEWS = ("news_intensity", "news_novelty", "news_mood")  # features of the market, where known
PARTS = ("liquidity", "movement", "news", "signals")
FEWEST = 20  # own bars before a movement is compared with the past
NO_PARTNER = -1
NOT_LISTED = 0  # rank of what is not among the best


class PartWeights(Settings):
    """How much each part counts in the score, relative to the others."""

    liquidity: float = Field(1.0, ge=0, le=100, description="money traded and spread")
    movement: float = Field(1.0, ge=0, le=100, description="range and gap against the own past")
    news: float = Field(1.0, ge=0, le=100, description="where the market has news")
    signals: float = Field(2.0, gt=0, le=100, description="how much the strategies want it")


class ScanSettings(Settings):
    """What the scanner looks at, and how many it keeps."""

    top: int = Field(30, ge=1, le=100_000, description="symbols kept at each close, the best")
    least_traded: float = Field(
        0.0,
        ge=0,
        description="money traded in a bar, mean of liquidity_window, below which a symbol is "
        "left out, as one is of which it is unknown; 0 does not ask",
    )
    liquidity_window: int = Field(
        20, ge=1, le=1000, description="own bars of the money traded in a bar"
    )
    history: int = Field(
        252, ge=FEWEST, le=5000, description="own bars that a movement is compared with"
    )
    weights: PartWeights = Field(default=PartWeights(), description="of the parts in the score")

    @property
    def lookback(self) -> int:
        """Bars of a symbol before the present one that its scores are made of."""
        return max(self.history, self.liquidity_window - 1)


@dataclass(frozen=True, eq=False)
class Scan:
    """What was found at each close; each array is [T, S].

    money      traded in a bar, mean of the window, account currency; NaN unknown
    liquidity, movement, news, signals   the parts, in [0, 1]; NaN unknown
    score      of all parts that are known, in [0, 1]
    candidate  whether some strategy asks for the symbol, and enough of it is traded
    diamond    whether it is a candidate of high value, driven by news
    rank       1 for the best candidate, diamonds first; 0 for what is not among the `top`
    """

    money: FloatArray
    liquidity: FloatArray
    movement: FloatArray
    news: FloatArray
    signals: FloatArray
    score: FloatArray
    candidate: BoolArray
    diamond: BoolArray
    rank: IntArray


def scan(market: Market, signals: Signals, settings: ScanSettings) -> Scan:
    """Return the scores of every symbol at every close, and the rank of those that are kept."""
    money = money_traded(market, settings.liquidity_window)
    parts = {
        "liquidity": liquidity_of(market, money),
        "movement": movement_of(market, settings.history),
        "news": news_of(market),
        "signals": signals_of(market, signals),
    }
    asked = (signals.confidence > 0.0).any(axis=1) & market.tradable
    enough = money >= settings.least_traded if settings.least_traded > 0.0 else True
    candidate: BoolArray = asked & enough
    diamond = candidate & signals.diamond
    score = combined(parts, settings.weights)
    rank = ranks(score, candidate, diamond, settings.top)
    return Scan(money, **parts, score=score, candidate=candidate, diamond=diamond, rank=rank)


def only_found(signals: Signals, market: Market, settings: ScanSettings) -> Signals:
    """Return the signals with the confidence of all that is not among the best at its close as 0.

    What lost its confidence keeps its direction, so it opens nothing and can still end a position.
    Of a pair both legs are heard, or neither.
    """
    listed = scan(market, signals, settings).rank != NOT_LISTED
    heard = np.repeat(listed[:, np.newaxis], signals.n_strategies, axis=1)
    for k in np.flatnonzero(signals.pairing != NO_PAIRS):
        partner = signals.partner[:, signals.pairing[k]]
        heard[:, k] &= np.take_along_axis(listed, np.maximum(partner, 0), axis=1)
    paired = heard[:, signals.pairing != NO_PAIRS]
    return replace(
        signals,
        confidence=np.where(heard, signals.confidence, np.float32(0.0)),
        partner=np.where(paired, signals.partner, NO_PARTNER),
        share=np.where(paired, signals.share, np.float32(0.0)),
    )


def money_traded(market: Market, window: int) -> FloatArray:
    """Return the mean of close × volume over those of a symbol's last `window` bars that know it.

    Every mean is taken afresh: a running sum would carry the rounding of all bars before it.
    """
    answer: FloatArray = np.full(market.close.shape, np.nan)
    for s in np.flatnonzero(market.tradable.any(axis=0)):
        rows = np.flatnonzero(market.tradable[:, s])
        money = market.close[rows, s] * market.volume[rows, s]
        known = np.isfinite(money)
        total, count = (
            sliding_window_view(np.concatenate([np.zeros(window - 1), part]), window).sum(axis=1)
            for part in (np.where(known, money, 0.0), known.astype(np.float64))
        )
        answer[rows, s] = total / np.where(count > 0.0, count, np.nan)
    return answer


def liquidity_of(market: Market, money: FloatArray) -> FloatArray:
    """Return how much is traded, and how narrowly quoted, beside the other symbols."""
    there = np.where(market.tradable, 1.0, np.nan)
    return mean_of_known(np.stack([place(money * there), place(-market.spread * there)]))


def movement_of(market: Market, history: int) -> FloatArray:
    """Return how much it moved, and how large the gap was, beside its own past."""
    before = lagged(market.close, 1)
    moved = true_range(market.high, market.low, market.close) / before
    if not market.has_range:
        return own_place(moved, history)
    gap = np.abs(np.log(market.open / before))
    return mean_of_known(np.stack([own_place(moved, history), own_place(gap, history)]))


def news_of(market: Market) -> FloatArray:
    """Return how strong the news are beside those of the other symbols; NaN without any source."""
    there = [np.abs(market.features[name]) for name in NEWS if name in market.features]
    if not there:
        return np.full(market.close.shape, np.nan)
    strength = np.nan_to_num(np.prod(there, axis=0))
    return place_of_some(np.where(market.tradable, strength, np.nan))


def signals_of(market: Market, signals: Signals) -> FloatArray:
    """Return how much the strategies want it beside the other symbols."""
    wanted = np.abs((signals.direction * signals.confidence.astype(np.float64)).sum(axis=1))
    return place_of_some(np.where(market.tradable, wanted, np.nan))


def combined(parts: dict[str, FloatArray], weights: PartWeights) -> FloatArray:
    """Return the weighted mean of the parts that are known; NaN where none is."""
    values = np.stack([parts[name] for name in PARTS])
    own = np.array([getattr(weights, name) for name in PARTS])[:, np.newaxis, np.newaxis]
    return mean_of_known(values, own)


def ranks(score: FloatArray, candidate: BoolArray, diamond: BoolArray, top: int) -> IntArray:
    """Return 1 for the best candidate of each bar, up to `top`; the first symbol among equals."""
    above = np.where(candidate, score + diamond, -np.inf)  # a score is at most 1
    order = np.argsort(-above, axis=1, kind="stable")
    rank = np.empty(order.shape, np.int64)
    np.put_along_axis(rank, order, np.arange(1, order.shape[1] + 1)[np.newaxis], axis=1)
    return np.where(candidate & (rank <= top), rank, NOT_LISTED)


def place(values: FloatArray) -> FloatArray:
    """Return the share of the symbols of a bar with a lower value, equals by half; NaN stays."""
    return (1.0 + standing(values)) / 2.0


def place_of_some(strength: FloatArray) -> FloatArray:
    """Return the share of the symbols of a bar with no more strength, 0 where there is none."""
    answer = np.where(strength > 0.0, np.nan, np.where(np.isnan(strength), np.nan, 0.0))
    for t in np.flatnonzero((strength > 0.0).any(axis=1)):
        known = np.sort(strength[t, np.isfinite(strength[t])])
        at_most = np.searchsorted(known, strength[t], side="right") / known.size
        answer[t] = np.where(strength[t] > 0.0, at_most, answer[t])
    return answer


def own_place(values: FloatArray, history: int) -> FloatArray:
    """Return the share of a symbol's last `history` values below the present one, equals by half.

    The present one is among them, so a value is never 0 nor 1. NaN before `FEWEST` values.
    """
    import pandas as pd

    answer: FloatArray = np.full(values.shape, np.nan)
    for s in range(values.shape[1]):
        rows = np.flatnonzero(np.isfinite(values[:, s]))
        rolling = pd.Series(values[rows, s]).rolling(history, min_periods=FEWEST)
        count = np.minimum(np.arange(1, rows.size + 1), history)
        answer[rows, s] = (rolling.rank(method="average").to_numpy() - 0.5) / count
    return answer


def mean_of_known(values: FloatArray, weights: FloatArray | float = 1.0) -> FloatArray:
    """Return the weighted mean over the first axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    weight = np.where(known, weights, 0.0).sum(axis=0)
    total: FloatArray = np.where(known, weights * values, 0.0).sum(axis=0)
    return total / np.where(weight > 0.0, weight, np.nan)
