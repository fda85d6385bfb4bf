"""The regime of a market at each close: its trend and its volatility, seen from behind.

    code = trend x 3 + volatility        trend       0 bear, 1 neutral, 2 bull
                                         volatility  0 low, 1 normal, 2 high
    -1 where unknown: in the warm-up, where more than half of a window had no return, or where a
    model could not be estimated

Two methods tell it, `rules` and `hidden_markov`. Both rest on the return of the universe, the mean
log return of the symbols that traded at this bar and the one before. Every number of bar t comes
from the `warmup` bars that end at t and from nothing else, so that a live feed which holds so many
bars computes what a backtest did.

*rules*: the t-statistic of the returns of `trend_window` bars, and the volatility of
`volatility_window` bars against its median over `volatility_history`.

*hidden_markov*: the likeliest of a few hidden states, by filtered probability (`hidden_markov`).
The codes are names for what was estimated of that state, before the bars that it names:

- its trend is the t-statistic that `trend_window` bars of its mean and deviation would have on
  average, against the same `trend_threshold`. The mean of a state is hard to estimate: with 250
  bars in a state the error of that number is half a unit, as large as the default threshold;
- its volatility is normal for the calmest of two states, or the middle one of three. A calmer one
  is low below `low_volatility` x that, a wilder one high above `high_volatility` x it. So the
  calmest is never called high, nor the wildest low, whatever an estimate says; states that hardly
  differ are all normal. High means high against that state of the last `window` bars.
"""

import math
from typing import Literal, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field, model_validator

from benbot.envs.arrays import BoolArray, FloatArray, Int8Array
from benbot.envs.market.hidden_markov import HiddenMarkovSettings, filter_hidden_states
from benbot.envs.market.market import Market
from benbot.envs.settings import Settings

UNKNOWN = -1
TRENDS = ("bear", "neutral", "bull")
VOLATILITIES = ("low", "normal", "high")
REGIMES = tuple(f"{trend}, {level} volatility" for trend in TRENDS for level in VOLATILITIES)
# Volatility may be this many times its usual level, or as small a part of it, and no more:
# prices that do not move at all have no logarithm.
EXTREME = 10.0


class RegimeSettings(Settings):
    """How to tell the regime, how far back to look, and what is a trend or unusual volatility.

    The windows are also those of the market's trend and volatility in the observation, whatever the
    method.
    """

    method: Literal["rules", "hidden_markov"] = Field(
        default="rules", description="what tells the regime: trailing windows, or hidden states"
    )
    trend_window: int = Field(
        default=63, ge=2, le=5000, description="bars of return the trend rests on"
    )
    trend_threshold: float = Field(
        default=0.5,
        ge=0.0,
        description="t-statistic of the mean return beyond which the market is bull or bear; "
        "0.5 over 63 days is a yearly Sharpe ratio of 1",
    )
    volatility_window: int = Field(
        default=21, ge=2, le=5000, description="bars of the present volatility"
    )
    volatility_history: int = Field(
        default=252, ge=2, le=50_000, description="bars whose median volatility is the usual one"
    )
    low_volatility: float = Field(
        default=0.8, gt=0.0, le=1.0, description="low below this x the usual"
    )
    high_volatility: float = Field(default=1.25, ge=1.0, description="high above this x the usual")
    hidden_markov: HiddenMarkovSettings = Field(
        default=HiddenMarkovSettings(), description="for the method of that name"
    )

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.trend_threshold >= math.sqrt(self.trend_window):
            raise ValueError(
                "trend_threshold must be below the square root of trend_window, "
                f"{math.sqrt(self.trend_window):.2f}, was {self.trend_threshold}"
            )
        return self

    @property
    def warmup(self) -> int:
        """Bars needed before the first regime is known; of `hidden_markov`, at the latest."""
        volatility = self.volatility_window + self.volatility_history - 1
        windows = 1 + max(self.trend_window, volatility)
        return windows if self.method == "rules" else max(windows, self.hidden_markov.warmup)


DEFAULT = RegimeSettings()


def detect_regime(market: Market, settings: RegimeSettings = DEFAULT) -> Int8Array:
    """Return the code of the regime at each close, [T], -1 where unknown."""
    if settings.method == "hidden_markov":
        return _code_of_likeliest(market, settings)
    trend = market_trend(market, settings)
    volatility = market_volatility(market, settings)
    return _codes(trend, volatility, settings)


def _code_of_likeliest(market: Market, settings: RegimeSettings) -> Int8Array:
    seen = filter_hidden_states(market_return(market), market.days, settings.hidden_markov)
    middle = settings.hidden_markov.n_states // 3  # of 2 the first, of 3 the second
    usual = seen.deviation[:, [middle]]
    trend = seen.mean / seen.deviation * math.sqrt(settings.trend_window)
    codes = _codes(trend, np.log(seen.deviation / usual), settings)
    likeliest = seen.probability.argmax(axis=1)
    code: Int8Array = np.take_along_axis(codes, likeliest[:, None], axis=1)[:, 0]
    return code


def _codes(trend: FloatArray, volatility: FloatArray, settings: RegimeSettings) -> Int8Array:
    """Return the codes of t-statistics and of log volatilities over the usual, UNKNOWN for NaN."""
    bull = (trend > settings.trend_threshold).astype(np.int8)
    bear = (trend < -settings.trend_threshold).astype(np.int8)
    high = (volatility > math.log(settings.high_volatility)).astype(np.int8)
    low = (volatility < math.log(settings.low_volatility)).astype(np.int8)
    known = np.isfinite(trend) & np.isfinite(volatility)
    code: Int8Array = np.where(known, (1 + bull - bear) * 3 + 1 + high - low, UNKNOWN)
    return code.astype(np.int8)


def market_return(market: Market) -> FloatArray:
    """Return the log return of the equally weighted universe at each bar, [T].

    NaN at the first bar and wherever no symbol traded at two bars in a row.
    """
    both = market.tradable[1:] & market.tradable[:-1]
    prices = np.where(market.tradable, market.close, 1.0)
    moves = np.where(both, np.diff(np.log(prices), axis=0), 0.0)
    n_symbols = both.sum(axis=1)
    mean = moves.sum(axis=1) / np.maximum(n_symbols, 1)
    return np.concatenate([[np.nan], np.where(n_symbols > 0, mean, np.nan)])


def market_trend(market: Market, settings: RegimeSettings = DEFAULT) -> FloatArray:
    """Return how surely the universe rises or falls, [T], NaN in the warm-up.

    The t-statistic of the mean return over `trend_window` bars, with the spread taken around zero
    so that it stays within the square root of the window: sum(r) / sqrt(sum(r^2)). A market that
    does not move has no trend, 0.
    """
    returns = market_return(market)
    total, squares, n_seen = _trailing_sums(returns, settings.trend_window)
    statistic = np.divide(total, np.sqrt(squares), out=np.zeros_like(total), where=squares > 0.0)
    enough = (2 * n_seen >= settings.trend_window) & _after(market, settings.trend_window)
    return np.where(enough, statistic, np.nan)


def market_volatility(market: Market, settings: RegimeSettings = DEFAULT) -> FloatArray:
    """Return the log of present over usual volatility, [T], NaN in the warm-up.

    Present is the root mean square return of `volatility_window` bars; usual is the median of
    that over `volatility_history` bars, this one included. 0 is usual, 0.69 is twice that.
    """
    import pandas as pd

    window, history = settings.volatility_window, settings.volatility_history
    _, squares, n_seen = _trailing_sums(market_return(market), window)
    enough = (2 * n_seen >= window) & _after(market, window)
    present = np.where(enough, np.sqrt(squares / np.maximum(n_seen, 1.0)), np.nan)
    usual = pd.Series(present).rolling(history, min_periods=(history + 1) // 2).median().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(present == usual, 1.0, present / usual)
    level = np.log(ratio.clip(1.0 / EXTREME, EXTREME))
    return np.where(_after(market, window + history - 1), level, np.nan)


def _trailing_sums(returns: FloatArray, window: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Sum returns, their squares and how many there were over the bars up to each one, [T].

    Each sum is taken afresh: a running one would carry the rounding of all bars before it.
    """
    seen = np.isfinite(returns)
    known = np.where(seen, returns, 0.0)
    before = np.zeros(window - 1)
    total, squares, n_seen = (
        sliding_window_view(np.concatenate([before, part]), window).sum(axis=1)
        for part in (known, known * known, seen.astype(np.float64))
    )
    return total, squares, n_seen


def _after(market: Market, n_bars: int) -> BoolArray:
    """Say which bars have at least so many before them, [T]."""
    late: BoolArray = np.arange(market.n_bars) >= n_bars
    return late
