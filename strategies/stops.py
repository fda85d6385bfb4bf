"""How far a stop lies from the price: in mean true ranges, remembered for each market."""

from weakref import WeakKeyDictionary

import numpy as np

from benbot.envs.arrays import FloatArray, frozen
from benbot.envs.market.indicators import mean_true_range
from benbot.envs.market.market import Market

STOP_WINDOW = 14  # bars of the mean true range that a stop is measured in, Wilder's choice
NEAREST_STOP, FARTHEST_STOP = 0.002, 0.5  # fractions of the price

_RANGES: WeakKeyDictionary[Market, FloatArray] = WeakKeyDictionary()


def typical_range(market: Market) -> FloatArray:
    """Return the mean true range that stops are measured in, [T, S] and read-only.

    All strategies ask for it of the same market, so it is remembered for as long as the market is.
    """
    if market not in _RANGES:
        width = mean_true_range(market.high, market.low, market.close, STOP_WINDOW)
        _RANGES[market] = frozen(width)
    return _RANGES[market]


def remember_range(memory: Market, recent: FloatArray) -> None:
    """Let the last rows of a market's typical range be these (n, S); those before are not known."""
    longer = np.full((memory.n_bars, recent.shape[1]), np.nan)
    rows = min(memory.n_bars, len(recent))
    longer[memory.n_bars - rows :] = recent[len(recent) - rows :]
    _RANGES[memory] = frozen(longer)


def stop_distance(market: Market, multiple: float) -> FloatArray:
    """Return `multiple` mean true ranges as fractions of the price [T, S], within bounds."""
    typical = typical_range(market)
    # Where only closes are known the true range is the move between two of them. The expected
    # range of a random walk is twice its expected move (Feller 1951; 1.9 times on 88 stocks).
    width = typical if market.has_range else 2.0 * typical
    return np.clip(multiple * width / market.close, NEAREST_STOP, FARTHEST_STOP)
