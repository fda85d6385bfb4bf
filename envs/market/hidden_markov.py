"""A market whose return has a mean and a volatility that a hidden Markov chain chooses.

The parameters are estimated by maximum likelihood (Hamilton 1990, Journal of Econometrics 45, and
statsmodels' `MarkovRegression`), again and again as time goes on; then Hamilton's filter says at
each close how probable each state is.

Time is cut into blocks of `refresh_days` calendar days that are counted from 1970-01-01. At the
first bar of a block the parameters are estimated from the `window` bars before it, that bar not
included. They serve for the bars of the block, and the filter that serves there starts at the first
bar of the window, from the chain's long run. So the probability at bar t

- knows nothing after t, and no parameter that was estimated from t or later;
- is made of the `warmup` bars that end at t and of nothing else, whenever the data begin: what a
  block is depends on the calendar, not on the first bar, and no estimate starts from another one.

It is paid for by a memory that ends: the window rolls, it never expands, and at the first bar of a
block the probabilities jump to those of the new parameters.

T bars, K states in the order of their volatility, the calmest first.
"""

import warnings
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from benbot.envs.arrays import FloatArray, TimeArray, frozen
from benbot.envs.market.calendar import check_bars_per_day
from benbot.envs.market.hamilton import filter_states, stationary
from benbot.envs.settings import Settings

BARS_PER_PARAMETER = 20
# The likelihood has no bound: a state that sits on one return gains without end as it narrows. Less
# than this part of the volatility of all returns is such a state and no answer.
COLLAPSED = 0.01
# Where every search starts: states that last, whose deviations are so many times that of all
# returns. The same for all windows, so that no answer depends on the one before or on chance.
STAYS = 0.97
FIRST_DEVIATIONS = {2: (0.6, 1.6), 3: (0.5, 1.0, 2.2)}
# Expectation and maximisation first, then a quasi-Newton search until the slope of the mean log
# likelihood is this flat. Ten times flatter takes half as long again and gains 1 in it at most.
EM_STEPS, SEARCH_STEPS, FLAT = 100, 200, 1e-4


class HiddenMarkovSettings(Settings):
    """How many states, from how many bars they are estimated, and how often."""

    n_states: int = Field(
        default=2,
        ge=2,
        le=3,
        description="hidden states: 2 are normal and high volatility, 3 low, normal and high",
    )
    window: int = Field(
        default=504, ge=2, le=5000, description="bars that each estimate is made from"
    )
    refresh_days: int = Field(
        default=91,
        ge=1,
        le=3650,
        description="calendar days from one estimate to the next, counted from 1970-01-01",
    )
    bars_per_day: int = Field(
        default=1, ge=1, le=1440, description="most bars of a day; the warm-up rests on it"
    )

    @model_validator(mode="after")
    def _enough(self) -> Self:
        n_parameters = self.n_states * (self.n_states + 1)  # means, variances, transitions
        least = BARS_PER_PARAMETER * n_parameters
        if self.window < least:
            raise ValueError(
                f"window must be at least {least}, {BARS_PER_PARAMETER} bars for each of the "
                f"{n_parameters} parameters of {self.n_states} states, was {self.window}"
            )
        return self

    @property
    def warmup(self) -> int:
        """Bars needed before the first regime is known, at the latest.

        A return needs two closes, and the bars of a block come on top of the window.
        """
        return 1 + self.window + self.refresh_days * self.bars_per_day


class States(NamedTuple):
    """The parameters.

    mean        (K,)    log return of a bar
    deviation   (K,)    of that return
    transition  (K, K)  from the state of the row to that of the column, from one bar to the next
    """

    mean: FloatArray
    deviation: FloatArray
    transition: FloatArray


class HiddenStates(NamedTuple):
    """What is known at each close, [T, K] each, NaN where no estimate is there.

    probability   filtered, of each state
    mean          of a bar's log return in each state, as estimated before the block
    deviation     the same of its standard deviation
    """

    probability: FloatArray
    mean: FloatArray
    deviation: FloatArray


def filter_hidden_states(
    returns: FloatArray, days: TimeArray, settings: HiddenMarkovSettings
) -> HiddenStates:
    """Filter the log returns (T,) of bars that belong to `days` (T,).

    A bar whose return is NaN moves the probabilities towards the long run and teaches nothing.
    """
    check_bars_per_day(days, settings.bars_per_day, "regime.hidden_markov.bars_per_day")
    n_bars, window = len(returns), settings.window
    known = HiddenStates(*np.full((3, n_bars, settings.n_states), np.nan))
    block = days.astype("datetime64[D]").astype(np.int64) // settings.refresh_days
    begins = (np.flatnonzero(np.diff(block)) + 1).tolist()
    for begin, end in pairwise([*begins, n_bars]):
        start = begin - window
        # Bar 0 has no return, for want of a close before it.
        states = estimate_states(returns[start:begin], settings.n_states) if start > 0 else None
        if states is not None:
            filtered = _filter(returns[start:end], states)
            known.probability[begin:end] = filtered[window:]
            known.mean[begin:end] = states.mean
            known.deviation[begin:end] = states.deviation
    return known


def estimate_states(returns: FloatArray, n_states: int) -> States | None:
    """Return the likeliest parameters of log returns (W,), NaN where there is none.

    None where there is no answer: fewer than half of the returns are known or none of them moves,
    the search does not come to an end, or a state collapses. The states may be told apart badly
    all the same; the likelihood of a market without regimes has a maximum, too.
    """
    seen = returns[np.isfinite(returns)]
    if 2 * seen.size < returns.size or not seen.any():
        return None
    return _estimate(seen.tobytes(), n_states)


@lru_cache(maxsize=256)
def _estimate(seen: bytes, n_states: int) -> States | None:
    """Estimate from the bytes of returns, so that the same window is searched only once."""
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    returns = np.frombuffer(seen)
    scale = np.sqrt(np.mean(returns**2))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what they warn of is checked below
        model = MarkovRegression(returns / scale, n_states, switching_variance=True)
        try:
            found = model.fit(
                _first_guess(n_states),
                em_iter=EM_STEPS,
                maxiter=SEARCH_STEPS,
                gtol=FLAT,
                cov_type="none",
                disp=False,
            )
        except (np.linalg.LinAlgError, RuntimeError):
            return None
    if not found.mle_retvals["converged"]:
        return None
    mean, variance = found.params[-2 * n_states :].reshape(2, n_states)
    arrivals = model.regime_transition_matrix(found.params)[..., 0]  # to the row, from the column
    return _in_order(States(scale * mean, np.sqrt(variance), arrivals.T), scale)


def _first_guess(n_states: int) -> FloatArray:
    """Return where the search starts, in statsmodels' order: transitions, means, variances."""
    moves = (1.0 - STAYS) / (n_states - 1)
    arrivals = np.full((n_states, n_states), moves) + (STAYS - moves) * np.eye(n_states)
    variances = np.square(FIRST_DEVIATIONS[n_states])
    return np.concatenate([arrivals[:-1].ravel(), np.zeros(n_states), variances])


def _in_order(states: States, scale: float) -> States | None:
    """Return the states by their volatility, in the unit of the returns; None if one collapsed.

    Their deviations come in the unit of `scale`, the volatility of all returns.
    """
    usable = all(np.isfinite(part).all() for part in states)
    if not usable or not states.deviation.min() > COLLAPSED:
        return None
    order = np.argsort(states.deviation, kind="stable")
    transition = states.transition[np.ix_(order, order)].clip(0.0)
    parts = (
        states.mean[order],
        scale * states.deviation[order],
        transition / transition.sum(axis=1, keepdims=True),
    )
    return States(*map(frozen, parts))  # it is remembered, so nobody may change it


def _filter(returns: FloatArray, states: States) -> FloatArray:
    """Return the filtered probability [T, K] of returns (T,), from the long run on."""
    miss = (returns[:, None] - states.mean) / states.deviation
    log_density = -0.5 * (miss**2 + np.log(2.0 * np.pi)) - np.log(states.deviation)
    before = stationary(states.transition)
    return filter_states(log_density, states.transition, before).probability
