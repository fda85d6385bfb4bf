"""Other worlds that agree with a market up to a bar: lawful markets, drawn from a generator.

T bars, S symbols. `n` bars are known; bar n is the first that is not.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.market import FACTS, OPTIONAL_FACTS, PRICES, Market

WILD = 0.05  # deviation of the log returns of an invented bar
GAP = 0.05  # by how much the price jumps in favour of an order before it fills
VOLUME = 1_000.0  # so many times the volume, so that no fill is limited by that of its bar
WIDEST = 0.5  # spread of an invented bar, fraction of the price
MISSING = 0.1  # share of the bars of an invented future that did not arrive
RARE = 0.03  # share of its bars with a halt, a split or a dividend, each
HAPPENING = ("split", "dividend")  # at a bar that has a price, or nobody would hear of it


def draw_bars(rng: np.random.Generator, allowed: BoolArray, n: int) -> IntArray:
    """Return up to `n` of the bars that are allowed (T,), in order."""
    bars = np.flatnonzero(allowed)
    chosen: IntArray = np.sort(rng.choice(bars, min(n, bars.size), replace=False))
    return chosen


def with_late_bars(market: Market, cuts: IntArray, rng: np.random.Generator) -> Market:
    """Return the market without the last known bar of one symbol at every second cut.

    A bar that has not arrived is where prices are filled in from a later one, if they ever are.
    """
    missing = np.zeros((market.n_bars, market.n_symbols), np.bool_)
    for n in cuts[::2]:
        there = np.flatnonzero(market.tradable[n - 2 : n + 1].all(axis=0))
        if there.size > 1:
            missing[n - 1, rng.choice(there)] = True
    return without(market, missing)


def without(market: Market, missing: BoolArray) -> Market:
    """Return the market without some bars of some symbols [T, S], and what happened at them."""
    facts: dict[str, Any] = {
        name: np.where(missing, np.nan, getattr(market, name)) for name in FACTS
    }
    facts |= {
        name: np.where(missing, OPTIONAL_FACTS[name], getattr(market, name)) for name in HAPPENING
    }
    return replace(market, **facts, tradable=market.tradable & ~missing)


def with_another_future(market: Market, n: int, rng: np.random.Generator) -> Market:
    """Return the market with other facts from bar `n` on, and other gaps."""
    facts = {name: getattr(market, name).copy() for name in FACTS}
    shape = (market.n_bars - n, market.n_symbols)
    path = np.exp(np.cumsum(rng.normal(0.0, WILD, shape), axis=0))
    for name in PRICES:
        facts[name][n:] *= path
    if market.has_range:
        facts["open"][n:] *= np.exp(rng.normal(0.0, WILD, shape))
        _reshape(facts, slice(n, None), rng)
    facts["volume"][n:] *= np.exp(rng.normal(0.0, 1.0, shape))
    wider = facts["spread"][n:] * np.exp(rng.normal(0.0, 1.0, shape))
    facts["spread"][n:] = np.minimum(wider, WIDEST)
    facts |= _other_news(market, facts["close"], n, rng)
    missing = np.zeros((market.n_bars, market.n_symbols), np.bool_)
    missing[n:] = rng.random(shape) < MISSING
    return without(replace(market, **facts), missing)


def _other_news(
    market: Market, close: FloatArray, n: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return other halts, fees, splits and dividends from bar `n` on, and other features."""
    shape, future = close[n:].shape, slice(n, None)
    news: dict[str, Any] = {name: getattr(market, name).copy() for name in OPTIONAL_FACTS}
    news["halted"][future] ^= rng.random(shape) < RARE
    news["borrow_rate"][future] = rng.choice([np.nan, 0.0, 0.03, 1.0, np.inf], shape)
    splits, pays = market.tradable[future] & (rng.random((2, *shape)) < RARE)
    news["split"][future] = np.where(splits, rng.choice([0.5, 2.0], shape), 1.0)
    news["unadjusted"][future] /= np.cumprod(news["split"][future], axis=0)
    paid = rng.uniform(0.0, WILD, shape) * np.nan_to_num(close[future] * news["unadjusted"][future])
    news["dividend"][future] = np.where(pays, paid, 0.0)
    is_past = np.arange(market.n_bars)[:, np.newaxis] < n
    news["features"] = {
        name: np.where(is_past, feature, feature + rng.normal(size=feature.shape))
        for name, feature in market.features.items()
    }
    news["iv"][future] = rng.choice([np.nan, 0.1, 0.6], shape)
    return news


def in_a_calm_bar(market: Market, t: int) -> Market:
    """Return the market until bar `t` + 1, in which there is more volume than anybody could use."""
    known = market.until(t + 2)
    volume = known.volume.copy()
    volume[t + 1] *= VOLUME
    return replace(known, volume=volume)


def in_another_bar(calm: Market, t: int, rng: np.random.Generator, *, reshaped: bool) -> Market:
    """Return a calm market with another bar `t` + 1 behind the same open and spread.

    Unless it is reshaped, which a market of closes only must not be, because its close is its open,
    nothing but the volume is another.
    """
    facts = {name: getattr(calm, name).copy() for name in ("high", "low", "close", "volume")}
    facts["volume"][t + 1] *= 3.0
    if reshaped:
        facts["close"][t + 1] *= np.exp(rng.normal(0.0, WILD, calm.n_symbols))
        _reshape(facts | {"open": calm.open}, slice(t + 1, None), rng)
    return replace(calm, **facts)


def behind_a_gap(calm: Market, t: int, side: FloatArray) -> Market:
    """Return a calm market whose prices jump after the close of bar `t` and then stand still.

    The jump of each symbol is in favour of what `side` (S,), +1 or -1, would have held.
    """
    close = calm.close[t]
    start = np.where(np.isfinite(close), close, calm.open[t + 1])
    price = np.where(calm.tradable[t + 1], start * (1.0 + GAP * side), np.nan)
    facts: dict[str, Any] = {name: getattr(calm, name).copy() for name in PRICES}
    for name in PRICES:
        facts[name][t + 1] = price
    return replace(calm, **facts)


def remembers_enough(market: Market, start: int, warmup: int) -> BoolArray:
    """Say which bars from `start` on, (T - start,), need nothing of what came before it.

    Every symbol that trades at the bar has more than `warmup` bars since `start`, or it had none
    before.
    """
    since = market.tradable[start:].cumsum(axis=0)
    before = market.tradable[:start].sum(axis=0)
    enough = (since > warmup) | (before == 0) | ~market.tradable[start:]
    old = np.arange(market.n_bars - start) >= warmup
    whole: BoolArray = old & enough.all(axis=1)
    return whole


def _reshape(facts: dict[str, FloatArray], where: slice, rng: np.random.Generator) -> None:
    """Draw highs and lows around opens and closes, so that the bars are lawful again."""
    body = np.stack([facts["open"][where], facts["close"][where]])
    up, down = rng.uniform(0.0, WILD, (2, *body.shape[1:]))
    facts["high"][where] = body.max(axis=0) * (1.0 + up)
    facts["low"][where] = body.min(axis=0) * (1.0 - down)
