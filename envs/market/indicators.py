"""Technical indicators of every symbol at every bar; the arithmetic is TA-Lib's.

T bars, S symbols; every series and every answer is [T, S].

A symbol's bars are its own. A bar at which any of its inputs is NaN does not exist for it: it is
taken out before TA-Lib sees the column and is NaN in the answer. So a gap delays an indicator and
never poisons it, and no price is ever filled forward. The answer is also NaN until there are
enough bars. `window` counts such bars and includes the present one unless said otherwise.

price       account currency per unit
return      fraction of the price
volatility  root mean square of the log returns, per bar

TA-Lib adds to a running sum what enters a window and subtracts what leaves it, so the last digits
of its answers depend on where the series began, by about 1e-14 of the level. Compare with a
threshold only beyond a margin that is larger.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import talib
from numpy.lib.stride_tricks import sliding_window_view

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.envs.errors import InvalidParameter

# The RSI starts afresh this many windows ago. On 88 US stocks a window of 14 then differs from the
# RSI of the whole history by less than 0.1 of its 100 points, after 112 bars. A recursion over
# the whole history would need 300 bars before nine digits no longer depend on its first bar.
RSI_MEMORY = 8  # windows

# An exponential average gives each bar about twice the weight that Wilder's gives it, so after half
# as many windows as little is left of what came before: a share of exp(-8) of its weight.
EMA_MEMORY = 4  # windows


class Bands(NamedTuple):
    """Two lines around a middle, each a price [T, S]."""

    lower: FloatArray
    middle: FloatArray
    upper: FloatArray


class Channel(NamedTuple):
    """The lowest and the highest price of a window, each [T, S]."""

    lower: FloatArray
    upper: FloatArray


def true_range(high: FloatArray, low: FloatArray, close: FloatArray) -> FloatArray:
    """Return how far the price went since the last close, gap included; NaN at the first bar.

    max(high, last close) - min(low, last close). Wilder, New Concepts in Technical Trading, 1978.
    """
    return _over_own_bars(talib.TRANGE, high, low, close)


def mean_true_range(
    high: FloatArray, low: FloatArray, close: FloatArray, window: int
) -> FloatArray:
    """Return the plain mean of the last `window` true ranges; needs one bar more.

    Not Wilder's smoothed average, which remembers every bar there ever was.
    """
    return moving_average(true_range(high, low, close), window)


def moving_average(values: FloatArray, window: int) -> FloatArray:
    """Return the plain mean of the last `window` values.

    Each window is added up by itself. A running sum would keep the rounding of a jump that has left
    it, which is as much as quiet prices move after a split that nobody adjusted for.
    """
    _check_window(window, 1)

    def mean(own: FloatArray) -> FloatArray:
        """Return the means along the last axis: of one symbol, or of rows of them."""
        answer: FloatArray = np.full(own.shape, np.nan)
        if own.shape[-1] >= window:
            windows = sliding_window_view(own, window, axis=-1)
            answer[..., window - 1 :] = windows.mean(axis=-1)
        return answer

    whole = np.isfinite(values).all(axis=0)
    if not whole.any():
        return _over_own_bars(mean, values)
    answer = np.empty(values.shape)
    answer[:, whole] = mean(np.ascontiguousarray(values[:, whole].T)).T  # who has no gap, at once
    answer[:, ~whole] = _over_own_bars(mean, values[:, ~whole])
    return answer


def exponential_average(values: FloatArray, window: int) -> FloatArray:
    """Return the exponential average of the last `EMA_MEMORY * window` values and no others.

    Each value has weight 2 / (window + 1). It equals TA-Lib's EMA of the values in its memory.
    """
    _check_window(window, 2)
    weight, age = 2.0 / (window + 1.0), (EMA_MEMORY - 1) * window

    def average(own: FloatArray) -> FloatArray:
        return _restarted(talib.EMA(own, window), talib.SMA(own, window), 1.0 - weight, age)

    return _over_own_bars(average, values)


def bollinger_bands(close: FloatArray, window: int, width: float) -> Bands:
    """Return the moving average and the lines `width` standard deviations beside it.

    The deviation is that of the window's own closes (divided by `window`), as in
    Bollinger on Bollinger Bands, 2001.
    """
    _check_window(window, 2)
    middle = moving_average(close, window)
    deviation = _over_own_bars(lambda own: talib.STDDEV(own, window), close)
    return Bands(middle - width * deviation, middle, middle + width * deviation)


def highest(values: FloatArray, window: int) -> FloatArray:
    """Return the largest of the last `window` values, the present one included."""
    _check_window(window, 2)
    return _over_own_bars(lambda own: talib.MAX(own, window), values)


def lowest(values: FloatArray, window: int) -> FloatArray:
    """Return the smallest of the last `window` values, the present one included."""
    _check_window(window, 2)
    return _over_own_bars(lambda own: talib.MIN(own, window), values)


def earlier_channel(high: FloatArray, low: FloatArray, window: int) -> Channel:
    """Return the Donchian channel of the `window` bars before the present one, which it excludes.

    With the present bar inside, no price could ever leave its channel.
    """
    return Channel(lagged(lowest(low, window), 1), lagged(highest(high, window), 1))


def lagged(values: FloatArray, bars: int) -> FloatArray:
    """Return the value that each symbol had `bars` of its own bars ago."""

    def shift(own: FloatArray) -> FloatArray:
        moved = np.full(own.shape, np.nan)
        moved[bars:] = own[: max(own.size - bars, 0)]
        return moved

    return _over_own_bars(shift, values)


def past_return(close: FloatArray, window: int, skip: int = 0) -> FloatArray:
    """Return the return from `window` bars ago until `skip` bars ago; needs 0 <= skip < window."""
    if not 0 <= skip < window:
        raise InvalidParameter(f"need 0 <= skip < window, was skip={skip} window={window}")
    return lagged(_over_own_bars(lambda own: talib.ROCP(own, window - skip), close), skip)


def volatility(close: FloatArray, window: int) -> FloatArray:
    """Return the root mean square of the last `window` log returns; needs one bar more.

    Per bar, not per year. The mean return is taken as zero, as in RiskMetrics (J.P. Morgan, 1996):
    over short spans an estimate of it adds more error than it removes, and a price that grows
    steadily would seem to carry no risk.
    """
    returns = _over_own_bars(lambda own: np.diff(np.log(own), prepend=np.nan), close)
    return np.sqrt(moving_average(returns**2, window))


def relative_strength_index(close: FloatArray, window: int) -> FloatArray:
    """Return Wilder's RSI in [0, 100], from the last `RSI_MEMORY * window` moves and no others.

    RSI = 100 gains / (gains + losses), each smoothed with weight 1 / window (Wilder, 1978). It
    equals TA-Lib's RSI of the closes in its memory, so it does not depend on where the data
    begin. NaN where none of the moves in its memory was different from zero, where TA-Lib says 0,
    which would read as fallen without end.
    """
    _check_window(window, 2)

    def strength(own: FloatArray) -> FloatArray:
        moves = np.diff(own)
        gains = _wilder_mean(np.maximum(moves, 0.0), window)
        losses = _wilder_mean(np.maximum(-moves, 0.0), window)
        moved = talib.MAX(np.abs(moves), RSI_MEMORY * window) > 0.0
        share = np.divide(gains, gains + losses, out=np.full(moves.shape, np.nan), where=moved)
        return np.concatenate(([np.nan], 100.0 * share))

    return _over_own_bars(strength, close)


def average_directional_index(high: FloatArray, low: FloatArray, window: int) -> FloatArray:
    """Return Wilder's ADX in [0, 100]: how one-sided the moves of high and low are.

    A bar moves up by what its high exceeds the last one, down by what its low undercuts it, and
    only the larger of the two counts. DX = 100 |up - down| / (up + down), each smoothed over the
    last `RSI_MEMORY * window` moves, and ADX is DX smoothed likewise (Wilder, 1978), so that it
    needs `2 * RSI_MEMORY * window - 1` bars before the present one. His true range is a divisor of
    both sides and cancels. DX is 0 where nothing moved.
    """
    _check_window(window, 2)
    span = RSI_MEMORY * window

    def strength(highs: FloatArray, lows: FloatArray) -> FloatArray:
        rise, fall = np.diff(highs), -np.diff(lows)
        up = _wilder_mean(np.where((rise > fall) & (rise > 0.0), rise, 0.0), window)
        down = _wilder_mean(np.where((fall > rise) & (fall > 0.0), fall, 0.0), window)
        moved = talib.MAX(np.maximum(rise, fall), span) > 0.0
        one_sided = np.divide(
            np.abs(up - down), up + down, out=np.zeros(up.shape), where=moved & (up + down > 0.0)
        )
        answer: FloatArray = np.full(highs.shape, np.nan)
        answer[span:] = 100.0 * _wilder_mean(one_sided[span - 1 :], window)
        return answer

    return _over_own_bars(strength, high, low)


def relative_volume(volume: FloatArray, tradable: BoolArray, window: int) -> FloatArray:
    """Return the volume over its mean in the `window` bars before; NaN where one is unknown.

    A bar without a known volume is a bar all the same, so the answer never reaches further back.
    """
    known = np.where(tradable, np.isfinite(volume), np.nan)
    traded = np.where(tradable, np.nan_to_num(volume), np.nan)
    usable = (lowest(known, window) > 0.0) & (highest(traded, window) > 0.0)
    mean = np.where(usable, moving_average(traded, window), 0.0)
    usual = lagged(np.where(tradable, mean, np.nan), 1)
    return volume / np.where(usual > 0.0, usual, np.nan)


def _wilder_mean(moves: FloatArray, window: int) -> FloatArray:
    """Return Wilder's average of moves >= 0, started afresh `RSI_MEMORY` windows ago."""
    lead = 2 * window - 2  # TA-Lib's EMA of 2 window - 1 has this weight and begins after it
    whole = talib.EMA(np.concatenate((np.zeros(lead), moves)), 2 * window - 1)[lead:]
    age = (RSI_MEMORY - 1) * window
    mean = _restarted(whole, talib.SMA(moves, window), 1.0 - 1.0 / window, age)
    mean[mean < 0.0] = 0.0  # rounding may leave less than nothing of what was nothing
    return mean


def _restarted(whole: FloatArray, start: FloatArray, kept: float, age: int) -> FloatArray:
    """Return an average that keeps `kept` of itself a bar, as if begun with `start` `age` bars ago.

    It is linear in its start, so what the fresh start would change is the difference of the two
    starts, decayed since then.
    """
    remembered = kept**age * (whole - start)
    mean: FloatArray = np.full(whole.shape, np.nan)
    mean[age:] = whole[age:] - remembered[: max(whole.size - age, 0)]
    return mean


def _over_own_bars(compute: Callable[..., FloatArray], *series: FloatArray) -> FloatArray:
    """Return `compute` of each symbol's columns without their gaps, put back to where they were."""
    rows = [np.ascontiguousarray(values.T) for values in series]
    exists: BoolArray = np.logical_and.reduce([np.isfinite(values) for values in rows])
    answer: FloatArray = np.full(exists.shape, np.nan)
    whole: BoolArray = np.atleast_1d(exists.all(axis=1))
    for s in np.flatnonzero(exists.any(axis=1)):
        own = slice(None) if whole[s] else exists[s]
        answer[s, own] = compute(*(values[s, own] for values in rows))
    return np.ascontiguousarray(answer.T)


def _check_window(window: int, least: int) -> None:
    if window < least:
        raise InvalidParameter(f"window must be at least {least} bars, was {window}")
