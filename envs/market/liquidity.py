"""What it costs to trade, estimated where no quotes are known.

half spread    fraction of the price that a trade pays for crossing half of the spread
"""

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import PRICES, Market

SHORTEST_WINDOW = 3


def estimated_half_spread(market: Market, window: int = 21) -> FloatArray:
    """Return half of the EDGE spread of each symbol over its last `window` traded bars, [T, S].

    Ardia, Guidotti and Kroencke, "Efficient estimation of bid-ask spreads from open, high, low, and
    close prices", Journal of Financial Economics 161 (2024) 103916, computed by the library of its
    authors, `bidask`. Row t knows bars until t alone. NaN where a symbol does not trade, has
    traded fewer than `window` bars, or hardly moved in them; a market of closes only has no range
    to estimate from and is NaN throughout.

    Over a month the estimate is noisy. It is the root of a square that may come out negative, of
    which the absolute value is taken, so narrow spreads come out too wide: an order of magnitude
    for the costs of a backtest, and no quote.
    """
    if window < SHORTEST_WINDOW:
        raise InvalidParameter(f"window must be {SHORTEST_WINDOW} bars or more, was {window}")
    half_spread = np.full((market.n_bars, market.n_symbols), np.nan)
    if not market.has_range:
        return half_spread
    for s in range(market.n_symbols):
        traded = np.flatnonzero(market.tradable[:, s])
        if traded.size >= window:
            half_spread[traded, s] = _edge_of(market, traded, s, window) / 2.0
    return half_spread


def _edge_of(market: Market, traded: IntArray, s: int, window: int) -> FloatArray:
    import pandas as pd
    from bidask import edge_rolling

    frame = pd.DataFrame({name: getattr(market, name)[traded, s] for name in PRICES})
    spread: FloatArray = edge_rolling(frame, window).to_numpy(dtype=np.float64)
    return spread
