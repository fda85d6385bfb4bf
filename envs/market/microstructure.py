"""What an order book and its trades say about demand, supply and the cost of trading.

N updates of the book, M trades.

imbalance       from -1, all on offer, to 1, all wanted
spreads         fractions of the mid, for a round trip; a trade pays half
signed volume   units that buyers took less units that sellers gave
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, TimeArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.order_book import Depth, Trades

FEWEST_INTERVALS = 3


class Slope(NamedTuple):
    """The slope of a least-squares line through `n` points, and its standard error."""

    value: float
    standard_error: float
    n: int


class Flow(NamedTuple):
    """What happened in each of I intervals: mid_change (I,) and signed_volume (I,)."""

    mid_change: FloatArray
    signed_volume: FloatArray


def book_imbalance(depth: Depth, levels: int = 1) -> FloatArray:
    """Return (b - a) / (b + a) after each update, (N,): b and a are the sizes of the best levels.

    Gould and Bonart, "Queue imbalance as a one-tick-ahead price predictor in a limit order book",
    Market Microstructure and Liquidity 2 (2016), for one level. NaN where both sides are empty.
    """
    deepest = depth.bid_size.shape[1]
    if not 1 <= levels <= deepest:
        raise InvalidParameter(f"levels must lie between 1 and {deepest}, was {levels}")
    bid, ask = depth.bid_size[:, :levels].sum(axis=1), depth.ask_size[:, :levels].sum(axis=1)
    return ratio(bid - ask, bid + ask)


def microprice(depth: Depth) -> FloatArray:
    """Return the mid weighted by size, (N,): (b a_size + a b_size) / (a_size + b_size).

    It leans to the side with less size, where the next trade is likelier to move the price. Called
    the weighted mid in Stoikov, "The micro-price: a high-frequency estimator of future prices",
    Quantitative Finance 18 (2018). NaN where both sides are empty.
    """
    bid, bid_size = depth.bid_price[:, 0], depth.bid_size[:, 0]
    ask, ask_size = depth.ask_price[:, 0], depth.ask_size[:, 0]
    return ratio(bid * ask_size + ask * bid_size, ask_size + bid_size)


def quoted_spread(depth: Depth) -> FloatArray:
    """Return (ask - bid) / mid after each update, (N,)."""
    spread: FloatArray = (depth.ask_price[:, 0] - depth.bid_price[:, 0]) / depth.mid
    return spread


def effective_spread(depth: Depth, trades: Trades) -> FloatArray:
    """Return 2 q (p - m) / m of each trade, (M,): side q, price p, m the mid just before it.

    Huang and Stoll, "Dealer versus auction markets", Journal of Financial Economics 41 (1996).
    NaN where no book is known before the trade. Where the book is known only now and then, the mid
    is an old one, and the spread comes out too wide while prices move.
    """
    before = _mid_before(depth, trades)
    return 2.0 * trades.sign * (trades.price - before) / before


def realised_spread(depth: Depth, trades: Trades, delay: np.timedelta64) -> FloatArray:
    """Return 2 q (p - m') / m of each trade, (M,): m' is the mid `delay` after the trade.

    What is left of the effective spread to who provided it, once the price has moved (Huang and
    Stoll, as above). It is known only `delay` after the trade, and NaN where the book ends before.
    """
    if not delay >= np.timedelta64(0, "ns"):
        raise InvalidParameter(f"delay must be zero or more, was {delay}")
    known = trades.time + delay
    after = np.where(known <= depth.time[-1], mid_at(depth, known), np.nan)
    return 2.0 * trades.sign * (trades.price - after) / _mid_before(depth, trades)


def kyle_lambda(depth: Depth, trades: Trades, interval: np.timedelta64) -> Slope:
    """Return by how much a unit of signed volume moves the mid, in quote currency per unit.

    The slope of mid change on signed volume over intervals, with an intercept and the classical
    standard error: the λ of Kyle, "Continuous auctions and insider trading", Econometrica 53
    (1985), as a regression. NaN where there are fewer than three intervals or nothing was traded.
    """
    flow = flow_between(depth, trades, interval_edges(depth, interval))
    return fit_slope(flow.signed_volume, flow.mid_change)


def fit_slope(x: FloatArray, y: FloatArray) -> Slope:
    """Return the slope of y on x by least squares with an intercept."""
    deviation = x - x.mean()
    spread = float(deviation @ deviation)
    if x.size < FEWEST_INTERVALS or not spread > 0.0:
        return Slope(np.nan, np.nan, x.size)
    slope = float(deviation @ y) / spread
    residual = y - y.mean() - slope * deviation
    variance = float(residual @ residual) / (x.size - 2)
    return Slope(slope, float(np.sqrt(variance / spread)), x.size)


def interval_edges(depth: Depth, interval: np.timedelta64) -> TimeArray:
    """Return the whole multiples of `interval` since 1970 within which the book is known."""
    step = int(interval / np.timedelta64(1, "ns"))
    if step < 1:
        raise InvalidParameter(f"interval must be more than zero, was {interval}")
    first, last = (int(time) for time in depth.time[[0, -1]].astype(np.int64))
    edges = np.arange(-(-first // step), last // step + 1) * step
    if edges.size < 2:
        raise BadMarketData(
            f"{depth.source}: a whole interval of {interval} is needed, the book is known from "
            f"{depth.time[0]} to {depth.time[-1]}. Shorten the interval"
        )
    return edges.astype("datetime64[ns]")


def flow_between(depth: Depth, trades: Trades, edges: TimeArray) -> Flow:
    """Return what happened after each edge until the next one, that one included."""
    signed_volume = sum_between(edges, trades.time, trades.sign * trades.size)
    return Flow(np.diff(mid_at(depth, edges)), signed_volume)


def sum_between(edges: TimeArray, times: TimeArray, values: FloatArray) -> FloatArray:
    """Return the sum of the values whose times lie in each interval, (I,)."""
    place, inside = place_between(edges, times)
    return np.bincount(place[inside], values[inside], edges.size - 1).astype(np.float64)


def place_between(edges: TimeArray, times: TimeArray) -> tuple[IntArray, BoolArray]:
    """Return the interval of each time, and whether it lies in any; an edge ends an interval."""
    place = np.searchsorted(edges, times, side="left") - 1
    return place, (place >= 0) & (place < edges.size - 1)


def mid_at(depth: Depth, times: TimeArray) -> FloatArray:
    """Return the mid known at each time, NaN before the first update."""
    return _mid_of(depth, np.searchsorted(depth.time, times, side="right") - 1)


def _mid_before(depth: Depth, trades: Trades) -> FloatArray:
    # An update at the time of a trade may already show what the trade took.
    return _mid_of(depth, np.searchsorted(depth.time, trades.time, side="left") - 1)


def _mid_of(depth: Depth, update: IntArray) -> FloatArray:
    return np.where(update >= 0, depth.mid[np.maximum(update, 0)], np.nan)


def ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Return above / below, NaN where there is nothing below."""
    quotient: FloatArray = np.full(below.shape, np.nan)
    return np.divide(above, below, out=quotient, where=below > 0.0)
