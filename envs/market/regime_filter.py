"""What the closes say about the hidden regime of a synthetic market, bar by bar.

The filter of Hamilton (see `hamilton`) with the planted parameters and the density

    density(returns_t | regime, closes up to t - 1)

which looks at two things that anybody can see at the close.

- The market. The factor's return, estimated across the symbols by weighted least squares, has the
  drift and the variance of the regime: a Student-t.
- The cross-section. What is left of a symbol's return, its own return, has the mean that its own
  past forecasts under the dynamics of the regime: again a Student-t. Where returns persist today
  agrees with the recent past, where they revert it disagrees; this is the average product of the
  two, as a likelihood.

It is an approximation in three places. The latent drifts, the fading shocks and the variances
depend on the whole path of regimes; they are replaced by their mean over the regimes after each
bar, as in Kim (1994), Journal of Econometrics 60, for the drifts (a Kalman filter each) and in
Klaassen (2002), Empirical Economics 27, for the variance of the market. Symbols count as
independent once market and sector are taken out, and jumps for tails of the Student-t. Tests
measure how well the probabilities are calibrated all the same.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.hamilton import learn_bar
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR
from benbot.envs.market.synthetic_source import (
    SyntheticSource,
    Universe,
    decay,
    draw_universe,
    open_streams,
)


class _State(NamedTuple):
    """What is believed after a bar, mostly on the next one.

    Own returns, drifts and shocks are counted in the symbol's own volatility.
    """

    probability: FloatArray  # (R,) of the regime of this bar
    market_growth: FloatArray  # (R,) GARCH factor of the market's variance, if this regime is next
    own_growth: FloatArray  # (S,) the same of each symbol, on average over the regimes
    drift: FloatArray  # (2, S) mean of the fast and the slow drift
    uncertainty: FloatArray  # (2, 2) covariance of the two, the same for every symbol
    fading: FloatArray  # (S,) sum of the past own shocks, fading


@dataclass(frozen=True, eq=False)
class _Model:
    """The planted parameters in the form in which the filter uses them; R regimes, S symbols."""

    transition: FloatArray  # (R, R)
    market_mean: FloatArray  # (R,) of the factor's return
    market_variance: FloatArray  # (R,)
    market_noise: float  # variance of the estimated factor around the true one
    loading: FloatArray  # (R, 2) of an own return on the fast and the slow drift
    pull: FloatArray  # (R,) of an own return on the fading shocks, not positive
    weight: FloatArray  # (S,) what an own return still says once its sector is taken out
    keep_drift: FloatArray  # (2, 1)
    keep_covariance: FloatArray  # (2, 2)
    new_covariance: FloatArray  # (2, 2)
    keep_shock: float
    garch: tuple[float, float, float]  # constant, shock, memory
    freedom: float


def filter_regimes(source: SyntheticSource, close: FloatArray) -> FloatArray:
    """Return the probability [T, R] of each regime at t given the closes [T, S] up to t."""
    universe = draw_universe(source, open_streams(source.seed))
    model = _model(source, universe)
    before = np.vstack([universe.price, close[:-1]])
    market, own = _split(close / before - 1.0, source, universe)
    filtered = np.empty((len(close), len(source.regimes)))
    state = _before_the_first_bar(source)
    for t in range(len(close)):
        state = _learn(state, market[t], own[t], model)
        filtered[t] = state.probability
    return filtered


def _before_the_first_bar(source: SyntheticSource) -> _State:
    n_symbols = source.n_symbols
    return _State(
        probability=source.stationary,
        market_growth=np.ones(len(source.regimes)),
        own_growth=np.ones(n_symbols),
        drift=np.zeros((2, n_symbols)),
        uncertainty=np.eye(2),
        fading=np.zeros(n_symbols),
    )


def _model(source: SyntheticSource, universe: Universe) -> _Model:
    regimes = source.effective_regimes
    keep_shock = decay(source.reversion_half_life)
    keep_drift = np.array([decay(source.fast_half_life), decay(source.slow_half_life)])
    share = np.sqrt([1.0 - source.slow_share, source.slow_share])
    shock, memory = source.garch_shock, source.garch_memory
    return _Model(
        transition=source.transition,
        market_mean=np.array([each.daily_drift for each in regimes]),
        market_variance=np.array([each.daily_variance for each in regimes]),
        market_noise=_market_noise(source, universe),
        loading=np.outer([each.trend for each in regimes], share),
        pull=(keep_shock - 1.0) * np.array([each.reversion for each in regimes]),
        weight=1.0 - _share_of_sector(universe, source.n_sectors),
        keep_drift=keep_drift[:, None],
        keep_covariance=np.outer(keep_drift, keep_drift),
        new_covariance=np.diag(1.0 - keep_drift**2),
        keep_shock=keep_shock,
        garch=(1.0 - shock - memory, shock, memory),
        freedom=source.tail_freedom,
    )


def _learn(state: _State, market: float, own: FloatArray, model: _Model) -> _State:
    """Fold in one closed bar: the factor's return and the own returns (S,)."""
    forecast = model.loading @ state.drift + np.outer(model.pull, state.fading)
    doubt = np.einsum("ri,ij,rj->r", model.loading, state.uncertainty, model.loading)
    own_miss, own_variance = own - forecast, state.own_growth + doubt[:, None]  # (R, S)
    market_miss = market - model.market_mean
    market_variance = model.market_variance * state.market_growth + model.market_noise

    fit = _log_density(market_miss, market_variance, model.freedom)
    fit = fit + _log_density(own_miss, own_variance, model.freedom) @ model.weight
    probability, _ = learn_bar(state.probability, model.transition, fit)

    drift, uncertainty = _learn_drift(state, own_miss, probability, model)
    constant, shock, memory = model.garch
    return _State(
        probability=probability,
        market_growth=_learn_market(state, market_miss, probability, model),
        own_growth=constant + shock * (probability @ own_miss**2) + memory * state.own_growth,
        drift=drift,
        uncertainty=uncertainty,
        fading=model.keep_shock * state.fading + probability @ own_miss,
    )


def _learn_market(
    state: _State, miss: FloatArray, probability: FloatArray, model: _Model
) -> FloatArray:
    """Return the market's GARCH factor in the next bar for each regime (R,) that may be next."""
    constant, shock, memory = model.garch
    square = np.maximum(miss**2 - model.market_noise, 0.0) / model.market_variance
    growth = constant + shock * square + memory * state.market_growth
    joint = probability[:, None] * model.transition  # regime now, regime next
    mean: FloatArray = growth @ (joint / joint.sum(axis=0))
    return mean


def _learn_drift(
    state: _State, miss: FloatArray, probability: FloatArray, model: _Model
) -> tuple[FloatArray, FloatArray]:
    """Return mean (2, S) and covariance (2, 2) of the drifts in the next bar.

    A Kalman step for each regime, the shock's variance being 1, then the mean over the regimes.
    """
    covariance = model.loading @ state.uncertainty  # (R, 2), of an own return with the drifts
    variance = 1.0 + (covariance * model.loading).sum(axis=1)
    gain = (probability / variance)[:, None] * covariance
    drift = state.drift + gain.T @ miss
    uncertainty = state.uncertainty - gain.T @ covariance
    return (
        model.keep_drift * drift,
        model.keep_covariance * uncertainty + model.new_covariance,
    )


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
