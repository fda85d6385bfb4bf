"""Other histories of the same market: its sessions drawn anew in blocks, the prices rebuilt.

The stationary bootstrap of Politis and Romano, "The Stationary Bootstrap", Journal of the American
Statistical Association 89 (1994) 1303: blocks begin anywhere, have geometric lengths, and go on
with the first session after the last one. Whole sessions are drawn, all symbols at once, so that
what moves together stays together.

What a drawn bar brings along:

prices              as they stood to the symbol's close before, which is where its path has come to
volume              in money; units are those of the new price
split, dividend     at their bar; a dividend is the same share of the traded price
unadjusted          its change since the symbol's bar before
spread, halted, borrow_rate, iv, features
                    as they were. What they remember of bars before is, where a block begins, of
                    the bars that came before it once

Times and sessions are those of the original, whose first session stays as it was. A symbol trades
in a drawn bar if it did then: one that was not listed yet, or no more, is as one that pauses, and
its path goes on where it was when a block knows it again. The first bar of a symbol that was
listed later has no close before and is not drawn; its path begins at that bar's close.

`continued` draws what comes after a market instead, so that its last bars stay what they were.

A session is drawn for one with as many bars. Where the block has another length at its turn, an
early close say, a session of the right length is drawn for it, and the block goes on after it.

T bars, S symbols, N sessions.
"""

from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np

from benbot.envs.arrays import AnyArray, BoolArray, FloatArray, IntArray, TimeArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.facts import PRICES
from benbot.envs.market.market import Market, market_from_prices

NOBODY = -1  # the bar before a symbol's first


def stationary_blocks(n: int, block: float, generator: np.random.Generator) -> IntArray:
    """Return n of 0 … n - 1, drawn in blocks whose lengths have the mean `block`, (n,)."""
    begins = generator.random(n) < 1.0 / block
    begins[:1] = True
    starts = generator.integers(0, n, n)
    place = np.arange(n)
    since = np.maximum.accumulate(np.where(begins, place, 0))
    drawn: IntArray = (starts[since] + place - since) % n
    return drawn


def drawn_bars(market: Market, block: float, generator: np.random.Generator) -> IntArray:
    """Return which bar of the market stands at each place of another history, (T,)."""
    begins = np.flatnonzero(np.diff(market.session, prepend=market.session[0] - 1))
    lengths = np.diff(begins, append=market.n_bars)
    n_drawn = len(begins) - 1
    if not 1 <= block <= n_drawn:
        raise InvalidParameter(
            f"block must be from 1 to the {n_drawn} sessions that can be drawn, was {block}. "
            f"Shorten it or lengthen the stretch"
        )
    session = np.concatenate([[0], 1 + stationary_blocks(n_drawn, block, generator)])
    for i in np.flatnonzero(lengths[session] != lengths):
        session[i] = generator.choice(1 + np.flatnonzero(lengths[1:] == lengths[i]))
    within = np.arange(market.n_bars) - np.repeat(begins, lengths)
    bars: IntArray = np.repeat(begins[session], lengths) + within
    return bars


def bootstrap(
    market: Market, block: float, generator: np.random.Generator, least_bars: int = 1
) -> Market:
    """Return another history of a market, in blocks of `block` sessions on average.

    Symbols that trade in fewer than `least_bars` bars of it are left out.
    """
    return rebuilt(market, drawn_bars(market, block, generator), least_bars)


def rebuilt(market: Market, bars: IntArray, least_bars: int = 1) -> Market:
    """Return the market whose bar j moves as bar `bars[j]` of this one did."""
    was = _before(market)
    path = _path(market, bars, was)
    kept = np.flatnonzero(path.traded.sum(axis=0) >= max(least_bars, 1))
    if not kept.size:
        raise BadMarketData(
            f"a bootstrap needs a symbol with {least_bars} bars or more, was none of "
            f"{market.n_symbols}. Lengthen the stretch"
        )
    facts = _prices(market, bars, path) | _carried(market, bars) | _paid(market, bars, was, path)
    redrawn = market_from_prices(
        market.timestamps,
        tuple(market.symbols[s] for s in kept),
        {name: _columns(fact, kept) for name, fact in facts.items()},
        session=market.session,
        sectors=tuple(market.sectors[s] for s in kept),
        origin=replace(market.origin, source=f"{market.origin.source}, redrawn"),
    )
    features = {name: each[bars][:, kept] for name, each in market.features.items()}
    return replace(redrawn, features=features) if features else redrawn


def continued(
    market: Market, bars: IntArray, so_far: Market, times: tuple[TimeArray, IntArray]
) -> Market:
    """Return `so_far` and after it N bars of which the j-th moves as bar `bars[j]` of `market` did.

    `so_far` is that market, or what it was continued to; `times` are the N closes and the numbers
    of their sessions. A symbol that was never listed in it never is. Source: as `rebuilt`.
    """
    rows = np.concatenate([[market.n_bars - 1], bars])  # the first is what the others follow
    was = _before(market)
    path = _onward(market, rows, was, so_far)
    facts = _prices(market, rows, path) | _paid(market, rows, was, path)
    facts |= {name: getattr(market, name)[rows] for name in ("halted", "borrow_rate", "iv")}
    if not market.has_range:
        facts |= dict.fromkeys(PRICES, facts["close"])
    added = {name: fact[1:] for name, fact in facts.items()}
    added |= {"timestamps": times[0], "session": times[1], "tradable": path.traded[1:]}
    joined: dict[str, Any] = {
        each.name: _joined(getattr(so_far, each.name), added[each.name], len(bars))
        for each in fields(Market)
        if each.name in added
    }
    features = {
        name: np.concatenate([so_far.features[name], each[bars]])
        for name, each in market.features.items()
    }
    return replace(so_far, **joined, features=features)


class Before(NamedTuple):
    """What each bar of a symbol moved from; each array is (T, S).

    bar         the symbol's bar before, NOBODY for its first
    close       its close
    unadjusted  traded price over that
    """

    bar: IntArray
    close: FloatArray
    unadjusted: FloatArray


class Path(NamedTuple):
    """How the symbols fare in the new order; each array is (T, S).

    traded      whether there is a bar
    moved       whether it has a bar to move from
    close       last close so far
    unadjusted  traded price over that
    """

    traded: BoolArray
    moved: BoolArray
    close: FloatArray
    unadjusted: FloatArray


def _before(market: Market) -> Before:
    place = np.where(market.tradable, np.arange(market.n_bars)[:, None], NOBODY)
    last = np.maximum.accumulate(place, axis=0)
    bar = np.vstack([np.full((1, market.n_symbols), NOBODY), last[:-1]])
    close, unadjusted = (
        np.take_along_axis(fact, np.maximum(bar, 0), axis=0)
        for fact in (market.close, market.unadjusted)
    )
    return Before(bar, close, unadjusted)


def _path(market: Market, bars: IntArray, was: Before) -> Path:
    undrawn = (market.session == market.session[0])[:, None]
    follows = was.bar[bars] != NOBODY
    traded = market.tradable[bars] & (follows | undrawn)
    moved = traded & follows
    first = np.argmax(market.tradable, axis=0), np.arange(market.n_symbols)
    levels = (
        fact[first] * np.cumprod(_ratio(fact[bars], earlier[bars], moved), axis=0)
        for fact, earlier in ((market.close, was.close), (market.unadjusted, was.unadjusted))
    )
    return Path(traded, moved, *levels)


def _onward(market: Market, rows: IntArray, was: Before, so_far: Market) -> Path:
    """Return how symbols fare after `so_far`, whose last bar stands in the first row."""
    follows = was.bar[rows] != NOBODY
    traded = market.tradable[rows] & follows
    traded[0] = False
    last = so_far.n_bars - 1 - np.argmax(so_far.tradable[::-1], axis=0)
    place = last, np.arange(so_far.n_symbols)
    levels = (
        level[place] * np.cumprod(_ratio(fact[rows], earlier[rows], traded), axis=0)
        for level, fact, earlier in (
            (so_far.close, market.close, was.close),
            (so_far.unadjusted, market.unadjusted, was.unadjusted),
        )
    )
    return Path(traded, traded, *levels)


def _prices(market: Market, bars: IntArray, path: Path) -> dict[str, AnyArray]:
    """Return prices, volume and spread; one factor for a bar, so that high stays above low."""
    factor = np.where(path.traded, path.close, np.nan) / market.close[bars]
    names = PRICES if market.has_range else ("close",)
    prices: dict[str, AnyArray] = {name: factor * getattr(market, name)[bars] for name in names}
    return prices | {"volume": market.volume[bars] / factor, "spread": market.spread[bars]}


def _carried(market: Market, bars: IntArray) -> dict[str, AnyArray]:
    facts = {name: getattr(market, name) for name in ("halted", "borrow_rate", "iv")}
    return {name: fact[bars] if any(fact.strides) else fact for name, fact in facts.items()}


def _paid(market: Market, bars: IntArray, was: Before, path: Path) -> dict[str, AnyArray]:
    """Return splits, dividends and traded over adjusted prices."""
    facts = {name: getattr(market, name) for name in ("split", "dividend", "unadjusted")}
    varies = {name for name, fact in facts.items() if any(fact.strides)}
    if "split" in varies:
        facts["split"] = np.where(path.traded, market.split[bars], 1.0)
    if "dividend" in varies:
        now = np.vstack(
            [path.close[:1] * path.unadjusted[:1], path.close[:-1] * path.unadjusted[:-1]]
        )
        scale = _ratio(now, (was.close * was.unadjusted)[bars], path.moved)
        facts["dividend"] = np.where(path.traded, market.dividend[bars] * scale, 0.0)
    if "unadjusted" in varies:
        facts["unadjusted"] = path.unadjusted
    return facts


def _ratio(now: FloatArray, then: FloatArray, known: BoolArray) -> FloatArray:
    """Return how many times `then` is in `now`, 1 where that is not known."""
    ratio: FloatArray = np.divide(now, then, out=np.ones(known.shape), where=known)
    return ratio


def _columns(fact: AnyArray, kept: IntArray) -> AnyArray:
    """Return the columns that are kept; one number for all bars stays one number."""
    return fact[:, kept] if any(fact.strides) else fact[:, : kept.size]


def _joined(first: AnyArray, second: AnyArray, n: int) -> AnyArray:
    """Return one array and `n` rows after it; one number for all bars stays one number."""
    if any(first.strides):
        return np.concatenate([first, second])
    return np.broadcast_to(first[(0,) * first.ndim], (len(first) + n, *first.shape[1:]))
