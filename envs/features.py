"""The static part of the observation: what any account could see at each close.

Every number of row t is made of rows 0..t alone: trailing windows, running sums, or recursions.
"""

import numpy as np
import pandas as pd

from benbot.envs.arrays import Float32Array, FloatArray, Int8Array
from benbot.envs.desk.cycle import CORRELATION_MEMORY
from benbot.envs.desk.tally import N_REGIMES
from benbot.envs.desk.tape import Tape
from benbot.envs.forecast import forecasts
from benbot.envs.market.market import Market
from benbot.envs.market.regime import (
    DEFAULT,
    RegimeSettings,
    market_return,
    market_trend,
    market_volatility,
)
from benbot.envs.observation import (
    CLIP,
    LIVE_CONTEXT,
    LIVE_STRATEGY,
    STATIC_CONTEXT,
    STATIC_STRATEGY,
    Features,
)
from benbot.envs.signals import Signals

# Both are a bar's, as large as they usually are where a bar is a day.
USUAL_SLEEVE_VOLATILITY = 0.005  # what the volatility features are relative to
USUAL_DISPERSION = 0.015
LEAST_VOLATILITY = 1e-4  # a sleeve that holds nothing has no volatility to divide by
RECORD_SHRINKAGE = 60.0  # bars of no growth that a record starts with
RECORD_HALF_LIFE = 504.0  # bars of the same regime after which a bar counts for half
BREADTH_WINDOW = 50
DRAWDOWN_WINDOW = 252
PERSISTENCE_WINDOWS = (5, 21)
PERSISTENCE_MEMORY = 0.9  # a bar; half of what is seen is younger than a week
STATE = (  # of the market, on which forecasts are made
    "market_trend",
    "market_volatility",
    "breadth",
    "dispersion",
    *(f"persistence_{window}" for window in PERSISTENCE_WINDOWS),
)


def static_features(
    market: Market, signals: Signals, tape: Tape, settings: RegimeSettings = DEFAULT
) -> Features:
    """Return the features of every bar; see `observation` for what each one is."""
    growth = tape.sleeve_return
    volatility = np.sqrt(_decayed(growth**2))
    context = np.stack([*_regime_features(tape.regime), *_market_features(market, tape, settings)])
    strategy = np.stack(
        [
            *_sleeve_features(growth, volatility),
            *_record_features(growth, tape.regime),
            forecasts(_bounded(context[[STATIC_CONTEXT.index(name) for name in STATE]].T), growth),
            *_state_features(growth),
            *_signal_features(signals),
        ],
        axis=2,
    )
    check_names(strategy, context.T)
    precision = np.where(volatility > 0.0, 1.0 / np.where(volatility > 0.0, volatility, 1.0), 0.0)
    return Features(_rows(strategy, context.T), precision.astype(np.float32))


def check_names(strategy: FloatArray, context: FloatArray) -> None:
    """Refuse to go on when there are not as many features as names."""
    was = (strategy.shape[2], context.shape[1])
    if was != (len(STATIC_STRATEGY), len(STATIC_CONTEXT)):
        raise AssertionError(f"features and their names must match one to one, was {was}")


def _sleeve_features(growth: FloatArray, volatility: FloatArray) -> list[FloatArray]:
    relative = growth - growth.mean(axis=1, keepdims=True)
    scale = np.maximum(volatility, LEAST_VOLATILITY)
    returns = [_rolling_mean(relative, w) * np.sqrt(w) / scale for w in (5, 21, 63)]
    spreads = [np.sqrt(_rolling_mean(growth**2, w)) for w in (21, 63)]
    return returns + [
        np.log(np.maximum(spread, LEAST_VOLATILITY) / USUAL_SLEEVE_VOLATILITY) for spread in spreads
    ]


def _record_features(growth: FloatArray, regime: Int8Array) -> list[FloatArray]:
    """Return mean, t-statistic and count of each sleeve's growth in the regime of each bar.

    The growth of bar t was decided at the close of bar t - 1 and belongs to that bar's regime.
    """
    n_bars, n_strategies = growth.shape
    keep = 0.5 ** (1.0 / RECORD_HALF_LIFE)
    count, total, square = np.zeros((3, N_REGIMES, n_strategies))
    features = np.zeros((3, n_bars, n_strategies))
    for t in range(n_bars):
        before, now = regime[t - 1] if t else -1, regime[t]
        if before >= 0:
            count[before] = keep * count[before] + 1.0
            total[before] = keep * total[before] + growth[t]
            square[before] = keep * square[before] + growth[t] ** 2
        if now >= 0:
            features[:, t] = _record(count[now], total[now], square[now])
    return list(features)


def _record(count: FloatArray, total: FloatArray, square: FloatArray) -> FloatArray:
    spread = np.sqrt(square / np.maximum(count, 1.0))
    spread = np.maximum(spread, LEAST_VOLATILITY)
    mean = total / (count + RECORD_SHRINKAGE)
    t_statistic = total / (spread * np.sqrt(np.maximum(count, 1.0)))
    return np.stack([mean / spread * np.sqrt(252.0), t_statistic / 2.0, np.log1p(count) / 5.0])


def _state_features(growth: FloatArray) -> list[FloatArray]:
    equity = pd.DataFrame(np.cumsum(growth, axis=0))
    fall = equity - equity.rolling(DRAWDOWN_WINDOW, min_periods=1).max()
    moved = _decayed((growth != 0.0).astype(np.float64))
    rose = _decayed((growth > 0.0).astype(np.float64))
    hit_rate = np.where(moved > 0.0, rose / np.where(moved > 0.0, moved, 1.0), 0.5) - 0.5
    return [10.0 * fall.to_numpy(), 4.0 * hit_rate]


def _signal_features(signals: Signals) -> list[FloatArray]:
    asked = signals.direction != 0
    n_asked = asked.sum(axis=2)
    confidence = np.where(asked, signals.confidence, 0.0).sum(axis=2) / np.maximum(n_asked, 1)
    n_symbols = signals.direction.shape[2]
    net = signals.direction.sum(axis=2, dtype=np.int64) / n_symbols
    return [confidence, n_asked / n_symbols, net]


def _regime_features(regime: Int8Array) -> list[FloatArray]:
    known = regime >= 0
    trend, volatility = regime // 3, regime % 3
    one_hot = [known & (trend == i) for i in range(3)] + [
        known & (volatility == i) for i in range(3)
    ]
    return [flag.astype(np.float64) for flag in one_hot]


def _market_features(market: Market, tape: Tape, settings: RegimeSettings) -> list[FloatArray]:
    angle = 2.0 * np.pi * _share_of_year(market)
    spread = np.where(market.tradable, tape.bars["half_spread"], 0.0).sum(axis=1)
    spread /= np.maximum(market.tradable.sum(axis=1), 1)
    return [
        market_trend(market, settings) / 2.0,
        2.0 * market_volatility(market, settings),
        _breadth(market),
        _dispersion(market),
        *(_persistence(market, window) for window in PERSISTENCE_WINDOWS),
        1e3 * spread,
        np.sin(angle),
        np.cos(angle),
    ]


def _breadth(market: Market) -> FloatArray:
    """Return the share of symbols above their own mean, from -1 (none) to 1 (all)."""
    close = pd.DataFrame(market.close)
    mean = close.rolling(BREADTH_WINDOW, min_periods=2).mean()
    above = (close > mean).to_numpy().sum(axis=1)
    counted = (close.notna() & mean.notna()).to_numpy().sum(axis=1)
    return np.where(counted > 0, 2.0 * above / np.maximum(counted, 1) - 1.0, 0.0)


def _dispersion(market: Market) -> FloatArray:
    """Return the log of how far returns lie apart across symbols, relative to the usual."""
    apart = _relative_returns(market)
    n_seen = (apart != 0.0).sum(axis=1)
    square = np.square(apart).sum(axis=1) / np.maximum(n_seen, 1)
    usual = USUAL_DISPERSION**2
    return 0.5 * np.log(np.maximum(_decayed(square), usual * 1e-3) / usual)


def _persistence(market: Market, window: int) -> FloatArray:
    """Return the smoothed correlation across symbols of today's return with that of the past bars.

    Both are relative to the market. Positive where leaders go on leading, negative where they fall
    back: momentum (Jegadeesh and Titman 1993) against reversal (Jegadeesh 1990) in one number.
    """
    apart = _relative_returns(market)
    past = np.zeros_like(apart)
    past[1:] = window * _rolling_mean(apart, window)[:-1]
    size = np.sqrt(np.square(apart).sum(axis=1) * np.square(past).sum(axis=1))
    product = (apart * past).sum(axis=1)
    correlation = np.where(size > 0.0, product / np.where(size > 0.0, size, 1.0), 0.0)
    return 10.0 * _decayed(correlation, PERSISTENCE_MEMORY)


def _relative_returns(market: Market) -> FloatArray:
    """Return log returns less the market's, [T, S], 0 where a symbol did not trade twice."""
    closes = np.where(market.tradable, market.close, np.nan)
    moves = np.diff(np.log(closes), axis=0, prepend=np.nan)
    return np.nan_to_num(moves - market_return(market)[:, None])


def _share_of_year(market: Market) -> FloatArray:
    year = market.timestamps.astype("datetime64[Y]")
    days = (market.timestamps - year) / np.timedelta64(1, "D")
    share: FloatArray = np.asarray(days, np.float64) / 365.25
    return share


def _decayed(values: FloatArray, memory: float = CORRELATION_MEMORY) -> FloatArray:
    """Return the exponentially weighted mean so far, started from zero like the account's own."""
    mean = np.zeros_like(values)
    for t in range(1, len(values)):
        mean[t] = memory * mean[t - 1] + (1.0 - memory) * values[t]
    return mean


def _rolling_mean(values: FloatArray, window: int) -> FloatArray:
    return pd.DataFrame(values).rolling(window, min_periods=1).mean().to_numpy()


def _rows(strategy: FloatArray, context: FloatArray) -> Float32Array:
    """Return static features [T, K, f] and [T, c] as observations [T, D], the live ones zero."""
    n_bars, n_strategies, _ = strategy.shape
    live = np.zeros((n_bars, n_strategies, len(LIVE_STRATEGY)))
    blocks = np.concatenate([strategy, live], axis=2).reshape(n_bars, -1)
    rows = np.concatenate([blocks, context, np.zeros((n_bars, len(LIVE_CONTEXT)))], axis=1)
    return _bounded(rows).astype(np.float32)


def _bounded(values: FloatArray) -> FloatArray:
    bounded: FloatArray = np.clip(np.nan_to_num(values, nan=0.0), -CLIP, CLIP)
    return bounded
