"""What a run was exposed to: the universe that it traded, and five styles of investing.

return       simple, of one day; from one day to the next that account and factor both have
coefficient  return of the account for one unit of the factor's; the intercept is a year's return
t statistic  with the errors of Newey and West, which forgive returns that are related over days
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.desk.risk import session_returns
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import TRADING_DAYS_PER_YEAR, Market

FEWEST_DAYS = 60
STILL = 1e-12  # deviation of returns below which nothing moved but the last digit
INTERCEPT = "intercept"


@dataclass(frozen=True)
class Exposure:
    """One coefficient of one regression: on the "universe", or on the "styles" all together."""

    regression: str
    factor: str
    coefficient: float
    t_statistic: float
    n_days: int
    r_squared: float


@dataclass(frozen=True)
class Exposures:
    """The rows of the regressions that could be made, and why one could not."""

    rows: tuple[Exposure, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Days:
    """Levels (D, F) of F factors, or of one account, at the close of each of D days."""

    days: TimeArray
    levels: FloatArray
    names: tuple[str, ...] = ()


def exposures(timestamps: TimeArray, equity: FloatArray, market: Market) -> Exposures:
    """Regress the daily returns of an account on the universe and on the styles.

    `timestamps` and `equity` (N+1,) are the marks of an evaluation on this market. The styles are
    the ETFs of skfolio's `load_factors_dataset`, 2014 to 2022: momentum, quality, size, minimum
    volatility and value (MTUM, QUAL, SIZE, USMV, VLUE). They hold US shares and nothing short, so
    most of what each does is the market, and a coefficient says how the account leaned among them.
    """
    account = _account(timestamps, equity, market)
    rows: list[Exposure] = []
    notes: list[str] = []
    for regression, factors in (("universe", _universe(market)), ("styles", _styles())):
        own, theirs = _returns(account, factors)
        trouble = _trouble(own[:, 0], theirs)
        if trouble:
            notes.append(f"{regression}: {trouble}")
        else:
            rows.extend(_regress(regression, own[:, 0], theirs, factors.names))
    return Exposures(tuple(rows), tuple(notes))


def _account(timestamps: TimeArray, equity: FloatArray, market: Market) -> _Days:
    """Return the last mark of each day, until the account was ruined."""
    bars = np.searchsorted(market.timestamps, timestamps)
    if timestamps.shape != equity.shape or not np.isin(timestamps, market.timestamps).all():
        raise InvalidParameter(
            "every mark needs its equity and the time of a bar of the market, "
            f"was {timestamps.shape} times and {equity.shape} equities"
        )
    alive = np.logical_and.accumulate(equity > 0.0)
    days, worth = market.days[bars][alive], equity[alive]
    last = np.flatnonzero(np.append(days[1:] != days[:-1], True)[: days.size])
    return _Days(days[last], worth[last, None])


def _universe(market: Market) -> _Days:
    """Return the level of the universe with equal weights every day; flat where nothing traded."""
    returns = session_returns(market)
    moves = np.expm1(returns.value)
    known = np.isfinite(moves)
    mean = np.where(known, moves, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return _Days(market.days[returns.last], np.cumprod(1.0 + mean)[:, None], ("universe",))


def _styles() -> _Days:
    from skfolio.datasets import load_factors_dataset  # takes seconds to import

    prices = load_factors_dataset()
    days = prices.index.to_numpy().astype("datetime64[D]")
    return _Days(days, prices.to_numpy(dtype=np.float64), tuple(prices.columns))


def _returns(account: _Days, factors: _Days) -> tuple[FloatArray, FloatArray]:
    """Return the returns (D, 1) and (D, F) between the days that both have."""
    _, own, theirs = np.intersect1d(account.days, factors.days, return_indices=True)
    account_levels, factor_levels = account.levels[own], factors.levels[theirs]
    return (
        account_levels[1:] / account_levels[:-1] - 1.0,
        factor_levels[1:] / factor_levels[:-1] - 1.0,
    )


def _trouble(own: FloatArray, factors: FloatArray) -> str:
    """Return why there can be no regression, or nothing."""
    if own.size < FEWEST_DAYS:
        return f"not enough overlap, needs {FEWEST_DAYS} daily returns and has {own.size}"
    if not own.std() > STILL:
        return "the account did not move"
    if not (factors.std(axis=0) > STILL).all():
        return "a factor did not move"
    return ""


def _regress(
    regression: str, own: FloatArray, factors: FloatArray, names: tuple[str, ...]
) -> list[Exposure]:
    """Return the intercept and the coefficient of each factor, by least squares.

    Errors of Newey and West, Econometrica 55(3), 1987, over 4 (D / 100)^(2/9) days, the rule of
    their Review of Economic Studies 61(4), 1994.
    """
    from statsmodels.regression.linear_model import OLS

    inputs = np.column_stack([np.ones(own.size), factors])
    lags = int(4.0 * (own.size / 100.0) ** (2.0 / 9.0))
    fit = OLS(own, inputs).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    scale = np.ones(inputs.shape[1])
    scale[0] = TRADING_DAYS_PER_YEAR
    return [
        Exposure(regression, name, float(value), float(t), own.size, float(fit.rsquared))
        for name, value, t in zip((INTERCEPT, *names), fit.params * scale, fit.tvalues, strict=True)
    ]
