"""What moves the prices of a synthetic market: hidden regimes, shocks, drifts and jumps.

For symbol i of sector s, at bar t in the hidden regime k:

    return   = beta_i (drift_k + shock_market) + shock_s + shock_i + drift_i + jump_i
    shock    = √(level × growth) × tail × normal    E tail² = 1, tail × normal a Student-t
    growth   = (1 - α - β) + (α (shock² / level / growth) + β) × growth, of the bar before
    drift_i  = volatility_i × trend_k × persistent_i - κ × reversion_k × fading_i

The level of the market's variance is that of the regime; growth is a GARCH(1,1) around 1.
`persistent` is the sum of two AR(1), one fast and one slow, with variance 1: where the regime has
a trend, it shows. `fading` is the sum of the past own shocks, each of which fades at the rate κ. To
pull against a share of it is to make that share of every shock transitory: the price follows an
Ornstein-Uhlenbeck process around an anchor, and the anchor moves by the rest of the shock.

Sources: Hamilton (1989), Econometrica 57, regimes; Bollerslev (1987), Review of Economics and
Statistics 69, GARCH with Student-t; Fama and French (1988), Journal of Political Economy 96,
permanent and transitory components of prices.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, Int8Array
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR
from benbot.envs.market.synthetic_source import SyntheticSource, Universe, decay

# Most that a price moves overnight, and again intraday; about forty times what is usual. A bound
# on both sides leaves the mean of a symmetric return at 0, and keeps prices positive.
LARGEST_MOVE = 0.5

Streams = dict[str, np.random.Generator]


class Moves(NamedTuple):
    """Arithmetic returns; each array is [T, S].

    overnight  from the last close to the open
    intraday   from the open to the close
    deviation  of the Brownian motion inside the bar, fraction of the open
    """

    overnight: FloatArray
    intraday: FloatArray
    deviation: FloatArray


class _Shocks(NamedTuple):
    """One column for the market, one for each sector, one for each symbol; a fraction of the price.

    The market's, a sector's and a symbol's own shock add up to what moves a symbol.
    """

    overnight: FloatArray
    intraday: FloatArray
    scale: FloatArray  # standard deviation of both together, given the tail


def draw_regimes(source: SyntheticSource, streams: Streams) -> Int8Array:
    """Return the path of the hidden regime, (T,); it starts from the long run."""
    uniform = streams["regime"].random(source.n_bars)
    last = len(source.regimes) - 1
    bounds = source.transition.cumsum(axis=1)
    path = np.empty(source.n_bars, np.int8)
    row = source.stationary.cumsum()
    for t, u in enumerate(uniform):
        path[t] = min(int(np.searchsorted(row, u, side="right")), last)
        row = bounds[path[t]]
    return path


def draw_moves(
    source: SyntheticSource,
    universe: Universe,
    regime: Int8Array,
    streams: Streams,
    announced: FloatArray | None = None,
) -> Moves:
    """Return by how much each price moves in each bar, and how wildly inside it.

    announced   [T, S]  drift of each bar that earlier news announced; default none
    """
    shocks = _draw_shocks(source, universe, regime, streams)
    own = (shocks.overnight + shocks.intraday)[:, -source.n_symbols :]
    drift = _draw_drifts(source, universe, regime, own, streams)
    if announced is not None:
        drift = drift + announced
    night, day = source.overnight_share, 1.0 - source.overnight_share
    overnight = _add_up(shocks.overnight, universe.beta, universe) + _draw_jumps(source, streams)
    intraday = _add_up(shocks.intraday, universe.beta, universe)
    variance = _add_up(shocks.scale**2, universe.beta**2, universe)
    return Moves(
        np.clip(night * drift + overnight, -LARGEST_MOVE, LARGEST_MOVE),
        np.clip(day * drift + intraday, -LARGEST_MOVE, LARGEST_MOVE),
        np.sqrt(day * variance),
    )


def recur(factor: FloatArray, added: FloatArray, first: FloatArray) -> FloatArray:
    """Return y with y[0] = first and y[t + 1] = factor[t] × y[t] + added[t]: known before bar t."""
    path = np.empty_like(added)
    path[0] = first
    for t in range(len(path) - 1):
        path[t + 1] = factor[t] * path[t] + added[t]
    return path


def _draw_shocks(
    source: SyntheticSource, universe: Universe, regime: Int8Array, streams: Streams
) -> _Shocks:
    shape = (source.n_bars, 1 + source.n_sectors + source.n_symbols)
    night = np.sqrt(source.overnight_share) * streams["overnight"].standard_normal(shape)
    day = np.sqrt(1.0 - source.overnight_share) * streams["intraday"].standard_normal(shape)
    # A Student-t is a normal over the root of a gamma. Night and day share it: one wild day.
    half = 0.5 * source.tail_freedom
    tail = np.sqrt((half - 1.0) / streams["tail"].standard_gamma(half, shape))
    growth = recur(
        source.garch_shock * (tail * (night + day)) ** 2 + source.garch_memory,
        np.full(shape, 1.0 - source.garch_shock - source.garch_memory),
        np.ones(shape[1]),
    )
    scale = np.sqrt(_level(source, universe, regime) * growth) * tail
    return _Shocks(scale * night, scale * day, scale)


def _level(source: SyntheticSource, universe: Universe, regime: Int8Array) -> FloatArray:
    """Return the variance of each shock around which its GARCH moves, [T, columns]."""
    of_market = np.array([each.daily_variance for each in source.regimes])[regime]
    of_sectors = np.full(source.n_sectors, source.sector_volatility**2 / TRADING_DAYS_PER_YEAR)
    constant = np.concatenate([of_sectors, universe.volatility**2])
    return np.column_stack([of_market, np.broadcast_to(constant, (len(regime), constant.size))])


def _add_up(parts: FloatArray, exposure: FloatArray, universe: Universe) -> FloatArray:
    """Return market × exposure + sector + own for each symbol, [T, S]."""
    market, sectors, own = np.split(parts, [1, -universe.beta.size], axis=1)
    total: FloatArray = market * exposure + sectors[:, universe.sector] + own
    return total


def _draw_drifts(
    source: SyntheticSource,
    universe: Universe,
    regime: Int8Array,
    own: FloatArray,
    streams: Streams,
) -> FloatArray:
    """Return the mean of each return given the past and the regime of its bar, [T, S]."""
    regimes = source.effective_regimes
    market = np.array([each.daily_drift for each in regimes])[regime, None]
    trend = np.array([each.trend for each in regimes])[regime, None]
    reversion = np.array([each.reversion for each in regimes])[regime, None]
    fast = _draw_persistent(source.fast_half_life, own.shape, streams["fast_drift"])
    slow = _draw_persistent(source.slow_half_life, own.shape, streams["slow_drift"])
    persistent = np.sqrt(1.0 - source.slow_share) * fast + np.sqrt(source.slow_share) * slow
    keep = decay(source.reversion_half_life)
    fading = recur(np.full((len(own), 1), keep), own, np.zeros(own.shape[1]))
    drift: FloatArray = universe.beta * market + universe.volatility * trend * persistent
    return drift - (1.0 - keep) * reversion * fading


def _draw_persistent(
    half_life: float, shape: tuple[int, ...], stream: np.random.Generator
) -> FloatArray:
    """Return an AR(1) with variance 1 from its first bar on."""
    keep = decay(half_life)
    noise = stream.standard_normal(shape)
    coming = np.roll(noise, -1, axis=0)  # row t moves bar t + 1
    return recur(np.full((len(noise), 1), keep), np.sqrt(1.0 - keep**2) * coming, noise[0])


def _draw_jumps(source: SyntheticSource, streams: Streams) -> FloatArray:
    shape = (source.n_bars, source.n_symbols)
    due = streams["jump_time"].random(shape) < source.jumps_per_year / TRADING_DAYS_PER_YEAR
    return due * source.jump_size * streams["jump_size"].standard_normal(shape)
