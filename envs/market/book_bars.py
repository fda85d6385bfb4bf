"""Bars of equal length from an order book and its trades, with what the book says beside them.

book_imbalance    at the close, -1 to 1
microprice_gap    microprice over mid at the close, less 1
realised_spread   fraction of the mid; mean by size over the trades whose delay ended in the bar
kyle_lambda       quote currency per unit; slope over the last bars

Everything of bar t comes from events at or before its close.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray, TimeArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.envs.market.microstructure import (
    FEWEST_INTERVALS,
    Flow,
    book_imbalance,
    flow_between,
    interval_edges,
    microprice,
    place_between,
    quoted_spread,
    ratio,
    realised_spread,
    sum_between,
)
from benbot.envs.market.order_book import Depth, Trades

DELAY = np.timedelta64(5, "s")


@dataclass(frozen=True)
class BookBars:
    """How bars are made of a book.

    symbol   ticker of the one symbol
    prices   "mid" after each update, or "trades"
    levels   levels of the book that count for its imbalance
    delay    after which the realised spread looks at the mid
    window   bars over which Kyle's lambda is estimated
    """

    symbol: str = "BOOK"
    prices: Literal["mid", "trades"] = "mid"
    levels: int = 1
    delay: np.timedelta64 = DELAY
    window: int = 60

    def __post_init__(self) -> None:
        if self.prices not in ("mid", "trades"):
            raise InvalidParameter(f"prices must be mid or trades, was {self.prices!r}")
        if self.window < FEWEST_INTERVALS:
            raise InvalidParameter(
                f"window must be {FEWEST_INTERVALS} bars or more, was {self.window}"
            )


def bars_from_book(
    depth: Depth, trades: Trades, interval: np.timedelta64, bars: BookBars | None = None
) -> Market:
    """Return a market of one symbol, with bars that close at whole multiples of `interval`.

    A bar opens at the first price after the close before it, so that an order decided at that close
    fills at a price that came later. A bar without any price is not tradable, even if the book of
    before may still have stood. Spread is the mean over updates in the bar, session the UTC day.
    """
    bars = BookBars() if bars is None else bars
    edges = interval_edges(depth, interval)
    mid_or_trade = (depth.time, depth.mid) if bars.prices == "mid" else (trades.time, trades.price)
    market = market_from_prices(
        edges[1:],
        (bars.symbol,),
        {
            **_prices(edges, *mid_or_trade),
            "volume": sum_between(edges, trades.time, trades.size)[:, np.newaxis],
            "spread": _mean_by_bar(edges, depth.time, quoted_spread(depth)),
        },
        session=_days(edges[1:]),
        origin=Origin(f"{depth.source}, {trades.source}"),
    )
    return replace(market, features=_features(depth, trades, edges, bars))


def _features(
    depth: Depth, trades: Trades, edges: TimeArray, bars: BookBars
) -> dict[str, FloatArray]:
    at_close = np.searchsorted(depth.time, edges[1:], side="right") - 1
    gap = microprice(depth) / depth.mid - 1.0
    flow = flow_between(depth, trades, edges)
    return {
        "book_imbalance": book_imbalance(depth, bars.levels)[at_close, np.newaxis],
        "microprice_gap": gap[at_close, np.newaxis],
        "realised_spread": _mean_by_bar(
            edges,
            trades.time + bars.delay,
            realised_spread(depth, trades, bars.delay),
            trades.size,
        ),
        "kyle_lambda": _rolling_slope(flow, bars.window)[:, np.newaxis],
    }


def _prices(edges: TimeArray, time: TimeArray, price: FloatArray) -> dict[str, FloatArray]:
    place, inside = place_between(edges, time)
    prices = {
        name: np.full((edges.size - 1, 1), np.nan) for name in ("open", "high", "low", "close")
    }
    if not inside.any():
        return prices
    price = price[inside]
    bar, first = np.unique(place[inside], return_index=True)
    prices["open"][bar, 0] = price[first]
    prices["high"][bar, 0] = np.maximum.reduceat(price, first)
    prices["low"][bar, 0] = np.minimum.reduceat(price, first)
    prices["close"][bar, 0] = price[np.append(first[1:], price.size) - 1]
    return prices


def _mean_by_bar(
    edges: TimeArray, time: TimeArray, value: FloatArray, weight: FloatArray | None = None
) -> FloatArray:
    """Return the mean of the known values in each bar, [T, 1], NaN where there is none."""
    known = np.isfinite(value)
    weight = np.where(known, 1.0 if weight is None else weight, 0.0)
    weighted = sum_between(edges, time, weight * np.where(known, value, 0.0))
    return ratio(weighted, sum_between(edges, time, weight))[:, np.newaxis]


def _rolling_slope(flow: Flow, window: int) -> FloatArray:
    """Return the least-squares slope of mid change on signed volume over the last bars, (T,)."""
    slope = np.full(flow.mid_change.shape, np.nan)
    if slope.size < window:
        return slope
    change, volume = (np.lib.stride_tricks.sliding_window_view(each, window) for each in flow)
    deviation = volume - volume.mean(axis=1, keepdims=True)
    spread = (deviation**2).sum(axis=1)
    moved = (deviation * change).sum(axis=1)
    slope[window - 1 :] = ratio(moved, spread)
    return slope


def _days(closes: TimeArray) -> IntArray:
    """Return the number of the UTC day of each bar; midnight ends the day before."""
    day: IntArray = (closes - np.timedelta64(1, "ns")).astype("datetime64[D]").astype(np.int64)
    session: IntArray = day - day[0]
    return session
