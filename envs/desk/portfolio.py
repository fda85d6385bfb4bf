"""How the risk of the desk is spread over the symbols: a multiplier of the standard risk of each.

T bars, S symbols, D sessions. Candidates that pass the desk are sized one by one; what a method
here knows of how the symbols move together then makes some positions larger and others smaller.

multiplier   1 is the standard risk; the mean over the symbols that a method knows is 1
weight       share of a long-only portfolio, at least 0, with the sum 1
return       of one session, fraction of the price
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.desk.risk import SessionReturns, session_returns
from benbot.envs.market.market import Market
from benbot.envs.settings import Settings

Weigh = Callable[[FloatArray], FloatArray]  # returns (D, S) to weights (S,)


class PortfolioSettings(Settings):
    """Which method spreads the risk, from how much past, and how often."""

    method: Literal[
        "independent", "inverse_volatility", "hierarchical_risk_parity", "minimum_variance"
    ] = Field(default="independent", description="independent sizes every symbol alike")
    window: int = Field(
        default=126, ge=2, le=5000, description="sessions of returns that the method sees"
    )
    every: int = Field(
        default=21, ge=1, le=5000, description="sessions from one answer to the next"
    )
    most: float = Field(default=3.0, gt=0.0, description="largest multiplier of a symbol")


class Budgets(NamedTuple):
    """The multipliers, and what a reader must know of how they came about.

    multiplier   (T, S)  known at the close of bar t
    notes                sentences: where another method had to answer, or none could
    """

    multiplier: Float32Array
    notes: tuple[str, ...]


TOLERANCE = 1e-6  # by which the sum of the weights of a solver may miss 1
STILL = 1e-9  # returns that differ by less are the rounding of prices that do not move

DEFAULT = PortfolioSettings()


def symbol_budgets(market: Market, settings: PortfolioSettings = DEFAULT) -> Budgets:
    """Return the multiplier of every symbol at every bar.

    `independent` is 1 everywhere. Every other method answers when the first session with `window`
    returns behind it is over, then after every `every`-th. An answer is known from the first bar of
    the next session, because in its own nobody can tell whether it is over, and holds until the
    next answer.
    It gives weights w to the n symbols that it knows, those with all returns of the window and
    some move among them, and the multiplier is min(n w, most). What the cap takes away is given to
    nobody. What a method does not know is not traded: the multiplier is 0 for a symbol without
    enough returns, and for all of them before the first answer.

    A method whose solver fails is replaced by inverse volatility for that answer, with a note.
    """
    if settings.method == "independent":
        return Budgets(np.ones((market.n_bars, market.n_symbols), np.float32), ())
    multiplier = np.zeros((market.n_bars, market.n_symbols), np.float32)
    returns = session_returns(market)
    if len(returns.last) <= settings.window:
        return Budgets(multiplier, (f"no session has {settings.window} returns behind it",))
    by_name = np.argsort(market.symbols)  # ties between clusters must not depend on their order
    notes = []
    for bar, window in _answers(returns, settings):
        known = by_name[_understood(window)[by_name]]
        weights, note = portfolio_weights(settings.method, np.expm1(window[:, known]))
        multiplier[bar:] = 0.0
        multiplier[bar:, known] = np.minimum(known.size * weights, settings.most)
        if note:
            notes.append(f"{market.days[bar]}: {note}")
    return Budgets(multiplier, tuple(notes))


def inverse_volatility(returns: FloatArray) -> FloatArray:
    """Return weights in proportion to 1 / standard deviation, (S,)."""
    inverse: FloatArray = 1.0 / returns.std(axis=0, ddof=1)
    return inverse / inverse.sum()


def hierarchical_risk_parity(returns: FloatArray) -> FloatArray:
    """Return weights (S,) from a tree of correlations, bisected by inverse variance.

    López de Prado, Journal of Portfolio Management 42(4), 2016, as skfolio does it. The covariance
    is the plain one: nothing here inverts it, so it may be singular.
    """
    from skfolio.moments import EmpiricalCovariance  # takes seconds to import
    from skfolio.optimization import HierarchicalRiskParity
    from skfolio.prior import EmpiricalPrior

    prior = EmpiricalPrior(covariance_estimator=EmpiricalCovariance(nearest=False))
    weights: FloatArray = HierarchicalRiskParity(prior_estimator=prior).fit(returns).weights_
    return weights


def minimum_variance(returns: FloatArray) -> FloatArray:
    """Return the long-only weights (S,) of least variance under a shrunk covariance.

    Ledoit and Wolf, Journal of Multivariate Analysis 88(2), 2004. With as many symbols as sessions
    the plain covariance has portfolios that seem to carry no risk at all.
    """
    from skfolio.moments import LedoitWolf
    from skfolio.optimization import MeanRisk
    from skfolio.prior import EmpiricalPrior

    prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
    weights: FloatArray = MeanRisk(prior_estimator=prior).fit(returns).weights_
    return np.maximum(weights, 0.0)  # the solver stops within 1e-9 of its bounds, on either side


METHODS: dict[str, Weigh] = {
    "inverse_volatility": inverse_volatility,
    "hierarchical_risk_parity": hierarchical_risk_parity,
    "minimum_variance": minimum_variance,
}


def portfolio_weights(method: str, returns: FloatArray) -> tuple[FloatArray, str]:
    """Return the weights of the method, and a note where they are not what it was asked for."""
    if not returns.shape[1]:
        return np.empty(0), "no symbol had all returns of the window, and nothing is traded"
    if returns.shape[1] == 1 or method == "inverse_volatility":
        return inverse_volatility(returns), ""
    from cvxpy.error import SolverError
    from skfolio.exceptions import NonPositiveVarianceError, OptimizationError

    failures = (
        SolverError,
        NonPositiveVarianceError,
        OptimizationError,
        np.linalg.LinAlgError,
        ValueError,  # how scipy and scikit-learn speak of numbers that they cannot use
    )
    try:
        weights, failure = METHODS[method](returns), ""
    except failures as error:
        weights, failure = np.empty(0), str(error)
    if abs(weights.sum() - 1.0) < TOLERANCE:  # False for NaN
        return weights, ""
    failure = failure or f"its weights had the sum {weights.sum()}"
    return (
        inverse_volatility(returns),
        f"{method} had no answer and inverse_volatility took its place: {failure}",
    )


def _answers(
    returns: SessionReturns, settings: PortfolioSettings
) -> Iterator[tuple[int, FloatArray]]:
    """Yield the first bar at which each answer is known, and the log returns behind it."""
    for session in range(settings.window, len(returns.last) - 1, settings.every):
        seen = slice(session - settings.window + 1, session + 1)
        yield int(returns.last[session]) + 1, returns.value[seen]


def _understood(returns: FloatArray) -> BoolArray:
    """Whether a symbol has all returns of the window, and some move among them, (S,)."""
    return np.isfinite(returns).all(axis=0) & (np.ptp(returns, axis=0) > STILL)
