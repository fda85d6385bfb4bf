"""What the closes say about the hidden regime of a synthetic market, bar by bar.

The filter of Hamilton (1989), Econometrica 57, eq. 4 to 6, with the planted parameters:

    predicted_t = filtered_{t-1} × transition
    filtered_t  ∝ predicted_t × density(returns_t | regime, closes up to t - 1)

The density looks at two things that an allocator can see at the close.

- The market: the return of the factor, estimated across the symbols by generalised least squares,
  has the drift and the variance of the regime.
- The cross-section: what is left of each symbol's return has the mean that its own past forecasts
  under the dynamics of the regime. Where returns persist, today's return agrees with the past; where
  they revert, it disagrees. It is the average product of today's own return with its recent past,
  as a likelihood.

Exact would be one set of latent drifts, reverting shocks and GARCH variances for every path of
regimes there was. The filter keeps one: after each bar they are replaced by their mean over the
regimes, as in Gray (1996), Journal of Financial Economics 42, for the variances and in Kim (1994),
Journal of Econometrics 60, for the drifts. Symbols are taken to be independent once market and
sector are removed, and a residual beyond six deviations is treated as six (jumps are no drift).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR
from benbot.envs.market.synthetic_source import (
    SyntheticSource,
    Universe,
    decay,
    draw_universe,
)

OUTLIER = 6.0  # standard deviations


class _State(NamedTuple):
    """What is believed after a bar. Own returns are counted in the symbol's own volatility."""

    probability: FloatArray  # (R,)
    market_growth: FloatArray  # (R,) GARCH factor of the market's variance in the next bar
    own_growth: FloatArray  # (S,) of the symbols' variances
    drift: FloatArray  # (2, S) mean of the fast and the slow drift in the next bar
    uncertainty: FloatArray  # (2, 2) covariance of the two, the same for every symbol
    fading: FloatArray  # (S,) past own shocks, fading


@dataclass(frozen=True, eq=False)
class _Model:
    """The planted parameters in the form in which the filter uses them; R regimes, S symbols."""

    transition: FloatArray  # (R, R)
    market_mean: FloatArray  # (R,) of the factor's return
    market_variance: FloatArray  # (R,)
    market_noise: float  # variance of the factor's estimate around the factor
    loading: FloatArray  # (R, 2) of an own return on the fast and the slow drift
    pull: FloatArray  # (R,) of an own return on the fading shocks, negative
    weight: FloatArray  # (S,) information in an own return once its sector is removed
    keep_drift: FloatArray  # (2,)
    keep_shock: float
    garch: tuple[float, float, float]  # constant, shock, memory
    freedom: float


def filter_regimes(source: SyntheticSource, close: FloatArray) -> FloatArray:
    """Return the probability [T, R] of each regime at t given the closes [T, S] up to t."""
    universe = draw_universe(source)
    model = _model(source, universe)
    before = np.vstack([universe.price, close[:-1]])
    market, own = _split(close / before - 1.0, source, universe)
    n_drifts, n_symbols = 2, universe.beta.size
    state = _State(
        source.stationary,  # stays so under the transition into the first bar
        np.ones(len(source.regimes)),
        np.ones(n_symbols),
        np.zeros((n_drifts, n_symbols)),
        np.eye(n_drifts),
        np.zeros(n_symbols),
    )
    filtered = np.empty((len(close), len(source.regimes)))
    for t in range(len(close)):
        state = _learn(state, market[t], own[t], model)
        filtered[t] = state.probability
    return filtered


def _model(source: SyntheticSource, universe: Universe) -> _Model:
    regimes = source.felt_regimes
    share = np.sqrt([1.0 - source.slow_share, source.slow_share])
    keep_shock = decay(source.reversion_half_life)
    shock, memory = source.garch_shock, source.garch_memory
    return _Model(
        transition=source.transition,
        market_mean=np.array([regime.daily_drift for regime in regimes]),
        market_variance=np.array([regime.daily_variance for regime in regimes]),
        market_noise=_market_noise(source, universe),
        loading=np.outer([regime.trend for regime in regimes], share),
        pull=(keep_shock - 1.0) * np.array([regime.reversion for regime in regimes]),
        weight=1.0 - _share_of_sector(universe, source.n_sectors),
        keep_drift=np.array([decay(source.fast_half_life), decay(source.slow_half_life)]),
        keep_shock=keep_shock,
        garch=(1.0 - shock - memory, shock, memory),
        freedom=source.tail_freedom,
    )


def _learn(state: _State, market: float, own: FloatArray, model: _Model) -> _State:
    """Fold in one closed bar: the factor's return and the symbols' own returns (S,)."""
    market_miss = market - model.market_mean
    market_variance = model.market_variance * state.market_growth + model.market_noise
    own_miss = own - model.loading @ state.drift - np.outer(model.pull, state.fading)
    doubt = np.einsum("ri,ij,rj->r", model.loading, state.uncertainty, model.loading)
    own_variance = state.own_growth + doubt[:, None]

    fit = _log_density(market_miss, market_variance, model.freedom)
    fit = fit + _log_density(own_miss, own_variance, model.freedom) @ model.weight
    likelihood = (state.probability @ model.transition) * np.exp(fit - fit.max())
    probability = likelihood / likelihood.sum()
    joint = probability[:, None] * model.transition  # regime now, regime next
    origin = joint / joint.sum(axis=0)

    constant, shock, memory = model.garch
    deviation = OUTLIER * np.sqrt(own_variance)
    own_miss = np.clip(own_miss, -deviation, deviation)
    surplus = np.maximum(market_miss**2 - model.market_noise, 0.0) / model.market_variance
    drift, uncertainty = _learn_drift(state, own_miss, doubt, probability, model)
    return _State(
        probability,
        (constant + shock * surplus + memory * state.market_growth) @ origin,
        constant + shock * (probability @ own_miss**2) + memory * state.own_growth,
        drift,
        uncertainty,
        model.keep_shock * state.fading + probability @ own_miss,
    )


def _learn_drift(
    state: _State,
    own_miss: FloatArray,
    doubt: FloatArray,
    probability: FloatArray,
    model: _Model,
) -> tuple[FloatArray, FloatArray]:
    """Return mean (2, S) and covariance (2, 2) of the drifts in the next bar: Kalman, mixed."""
    gain = model.loading @ state.uncertainty / (1.0 + doubt)[:, None]  # (R, 2)
    mixed = probability[:, None] * gain
    drift = state.drift + mixed.T @ own_miss
    seen = mixed.T @ (model.loading @ state.uncertainty)
    keep = model.keep_drift
    uncertainty = np.outer(keep, keep) * (state.uncertainty - seen) + np.diag(1.0 - keep**2)
    return keep[:, None] * drift, uncertainty


def _log_density(miss: FloatArray, variance: FloatArray, freedom: float) -> FloatArray:
    """Return the logarithm of a Student-t density with that variance, but for a constant."""
    square = miss**2 / ((freedom - 2.0) * variance)
    density: FloatArray = -0.5 * (np.log(variance) + (freedom + 1.0) * np.log1p(square))
    return density


def _split(
    returns: FloatArray, source: SyntheticSource, universe: Universe
) -> tuple[FloatArray, FloatArray]:
    """Return the factor's return (T,) and the own returns [T, S] in the symbols' own deviations."""
    market = (returns * _market_weights(source, universe)).sum(axis=1)
    rest = returns - market[:, None] * universe.beta
    own = np.empty_like(rest)
    precision = universe.volatility**-2
    for sector in range(source.n_sectors):
        members = np.flatnonzero(universe.sector == sector)
        mean = (rest[:, members] * precision[members]).sum(axis=1) / precision[members].sum()
        own[:, members] = rest[:, members] - mean[:, None]
    share = _share_of_sector(universe, source.n_sectors)
    return market, own / (universe.volatility * np.sqrt(1.0 - share))


def _market_weights(source: SyntheticSource, universe: Universe) -> FloatArray:
    """Weigh each return (S,) by how much it says about the factor."""
    weight = universe.beta / (universe.volatility**2 + _sector_variance(source))
    weights: FloatArray = weight / (weight @ universe.beta)
    return weights


def _market_noise(source: SyntheticSource, universe: Universe) -> float:
    weights = _market_weights(source, universe)
    of_sector = np.bincount(universe.sector, weights, source.n_sectors)
    own = (weights**2 * universe.volatility**2).sum()
    return float(own + _sector_variance(source) * (of_sector**2).sum())


def _sector_variance(source: SyntheticSource) -> float:
    return source.sector_volatility**2 / TRADING_DAYS_PER_YEAR


def _share_of_sector(universe: Universe, n_sectors: int) -> FloatArray:
    """Return each symbol's share (S,) in the precision of its sector's mean."""
    precision = universe.volatility**-2
    total = np.bincount(universe.sector, precision, n_sectors)
    share: FloatArray = precision / total[universe.sector]
    return share
