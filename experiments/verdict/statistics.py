"""What a stretch of trading was worth: one number per question, and paired comparisons.

return       decimals: 0.01 is one per cent
annual       per year of `bars_per_year` bars, the market's own count
undefined    NaN, never zero: a ratio with nothing below the line says nothing
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.resampling import means_over_time

# Deviations below this are the rounding of float64 equity, not risk.
ROUNDING = 1e-12
# With fewer bars than a month of days neither a block length nor an interval can be estimated.
FEWEST_BARS = 20
NAN = float("nan")


def metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return the metrics of one evaluation by the names under which they are tracked.

    With e_0 … e_N the equity, r_t = e_t / e_{t-1} - 1, A bars a year and N / A years:

    total_return     e_N / e_0 - 1
    annual_return    (e_N / e_0) ** (A / N) - 1; -1 when the account was ruined
    log_growth       log(e_N / e_0) x A / N, a year; -inf when the account was ruined
    volatility       sd(r) x sqrt(A), with N - 1 below the line
    sharpe_ratio     mean(r) / sd(r) x sqrt(A); cash earns nothing, so nothing is subtracted
    sortino_ratio    mean(r) / sqrt(mean(min(r, 0)^2)) x sqrt(A), the mean over all N bars
    calmar_ratio     annual_return / max_drawdown
    max_drawdown     largest fall below the highest mark so far, as a positive fraction of it
    win_rate         share of closed trades with a profit after costs
    profit_factor    sum of the profits / sum of the losses of the closed trades
    turnover         notional bought and sold over equity, a year: mean(turnover) x A
    exposure         mean gross exposure over the marks after the first
    n_trades         closed trades
    fees_paid        spread, commission, impact and fees of all fills, options too, account currency
    slippage_bps     all those costs / notional of all fills x 1e4, so it includes commission

    Undefined is NaN: no bars, no trades, no losing bar or trade, no deviation, no drawdown.
    """
    return {
        **_growth(evaluation.equity, evaluation.bars_per_year),
        **_risk(evaluation.equity, evaluation.bars_per_year),
        **_activity(evaluation),
    }


def simple_returns(equity: FloatArray) -> FloatArray:
    """Return the return of each bar, (N,); NaN once the account has been ruined."""
    before = np.where(equity[:-1] > 0.0, equity[:-1], np.nan)
    returns: FloatArray = equity[1:] / before - 1.0
    return returns


def log_returns(equity: FloatArray) -> FloatArray:
    """Return the logarithmic growth of each bar, (N,); NaN where a mark is not positive."""
    growth: FloatArray = np.diff(np.log(np.where(equity > 0.0, equity, np.nan)))
    return growth


def pooled(curves: Sequence[FloatArray]) -> FloatArray:
    """Return the equity (N+1,) of one unit, of which each account was given an equal part."""
    equity: FloatArray = np.mean([one / one[0] for one in curves], axis=0)
    return equity


def drawdown(equity: FloatArray) -> FloatArray:
    """Return the fall below the highest mark so far, (N+1,), as a positive fraction of it."""
    fall: FloatArray = 1.0 - equity / np.maximum.accumulate(equity)
    return fall


def win_rate(profit: FloatArray) -> float:
    """Return the share of closed trades that made money after costs."""
    return float((profit > 0.0).mean()) if profit.size else NAN


def profit_factor(profit: FloatArray) -> float:
    """Return what the winning trades made over what the losing ones lost."""
    return _ratio(float(profit[profit > 0.0].sum()), -float(profit[profit < 0.0].sum()))


def _growth(equity: FloatArray, bars_per_year: float) -> dict[str, float]:
    if equity.size < 2 or not equity[0] > 0.0:
        return dict.fromkeys(("total_return", "annual_return", "log_growth"), NAN)
    factor = equity[-1] / equity[0]
    per_year = bars_per_year / (equity.size - 1)
    with np.errstate(divide="ignore", over="ignore"):
        log_growth = np.log(np.maximum(factor, 0.0)) * per_year
        return {
            "total_return": float(factor - 1.0),
            "annual_return": float(np.expm1(log_growth)),
            "log_growth": float(log_growth),
        }


def _risk(equity: FloatArray, bars_per_year: float) -> dict[str, float]:
    returns = simple_returns(equity)
    mean = float(returns.mean()) if returns.size else NAN
    deviation = float(returns.std(ddof=1)) if returns.size > 1 else NAN
    downside = float(np.sqrt(np.square(np.minimum(returns, 0.0)).mean())) if returns.size else NAN
    deepest = float(drawdown(equity).max()) if returns.size else NAN
    scale = float(np.sqrt(bars_per_year))
    return {
        "volatility": deviation * scale,
        "sharpe_ratio": _ratio(mean * scale, deviation),
        "sortino_ratio": _ratio(mean * scale, downside),
        "calmar_ratio": _ratio(_growth(equity, bars_per_year)["annual_return"], deepest),
        "max_drawdown": deepest,
    }


def _activity(evaluation: Evaluation) -> dict[str, float]:
    profit = evaluation.trades["profit"]
    fills = evaluation.fills
    fees = float(fills["cost"].sum())
    notional = float(np.abs(fills["units"] * fills["price"]).sum())
    n_bars = evaluation.turnover.size
    yearly = evaluation.bars_per_year
    return {
        "win_rate": win_rate(profit),
        "profit_factor": profit_factor(profit),
        "turnover": float(evaluation.turnover.mean()) * yearly if n_bars else NAN,
        "exposure": float(evaluation.exposure[1:].mean()) if n_bars else NAN,
        "n_trades": float(profit.size),
        "fees_paid": fees + float(evaluation.options["cost"].sum()),
        "slippage_bps": _ratio(1e4 * fees, notional),
    }


def _ratio(above: float, below: float) -> float:
    return above / below if below > ROUNDING else NAN


@dataclass(frozen=True)
class Spread:
    """A metric over seeds; `deviation` (n - 1 below the line) is NaN for a single seed."""

    mean: float
    deviation: float


def over_seeds(measured: Sequence[dict[str, float]]) -> dict[str, Spread]:
    """Return mean and deviation of every metric over seeds; one undefined seed makes it NaN."""
    if not measured:
        raise InvalidParameter("a spread over seeds needs at least one seed, was none")
    spreads = {}
    for name in measured[0]:
        values = np.array([one[name] for one in measured])
        with np.errstate(invalid="ignore"):
            deviation = float(values.std(ddof=1)) if values.size > 1 else NAN
        spreads[name] = Spread(float(values.mean()), deviation)
    return spreads


@dataclass(frozen=True)
class GrowthDifference:
    """How much faster, in log growth a year, an agent grew than a baseline over the same bars.

    mean             over seeds and bars
    seed_deviation   of the seeds' own differences (n - 1); NaN for a single seed
    standard_error   of the mean, from resampling time; it takes the seeds as they are
    low, high        the interval that holds `confidence` of the resampled means
    block            mean length of the resampled blocks, in bars
    """

    baseline: str
    mean: float
    seed_deviation: float
    standard_error: float
    low: float
    high: float
    block: float
    confidence: float


def growth_difference(
    agents: Sequence[Evaluation],
    baseline: Evaluation,
    *,
    seed: int,
    repetitions: int = 2000,
    confidence: float = 0.95,
) -> GrowthDifference:
    """Compare the seeds of an agent with a baseline bar by bar.

    The differences of log growth are averaged over the seeds and resampled by the stationary
    bootstrap (Politis and Romano 1994, JASA 89), which keeps their dependence within blocks of
    the mean length of Politis and White (2004, corrected 2009). The interval is that of the
    percentiles. What an account's ruin or too few bars leave undefined is NaN.
    """
    _check_same_bars(agents, baseline)
    yearly = baseline.bars_per_year
    per_seed = np.array([log_returns(one.equity) for one in agents]) - log_returns(baseline.equity)
    per_bar = per_seed.mean(axis=0)
    own = yearly * per_seed.mean(axis=1) if per_bar.size else np.full(len(agents), np.nan)
    block = block_length(per_bar)
    means = yearly * _resampled_means(per_bar, block, seed, repetitions)
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(means, [tail, 1.0 - tail])
    return GrowthDifference(
        baseline=baseline.name,
        mean=float(own.mean()),
        seed_deviation=float(own.std(ddof=1)) if own.size > 1 else NAN,
        standard_error=float(means.std(ddof=1)),
        low=float(low),
        high=float(high),
        block=block,
        confidence=confidence,
    )


def _check_same_bars(agents: Sequence[Evaluation], baseline: Evaluation) -> None:
    if not agents:
        raise InvalidParameter("a comparison needs at least one evaluation of the agent, was none")
    for agent in agents:
        if not np.array_equal(agent.timestamps, baseline.timestamps):
            raise InvalidParameter(
                f"a paired comparison needs the same bars on both sides, was "
                f"{_span(agent)} of {agent.name} and {_span(baseline)} of {baseline.name}"
            )


def _span(evaluation: Evaluation) -> str:
    times = evaluation.timestamps.astype("datetime64[s]")
    return f"{times.size} marks from {times[0]} to {times[-1]}" if times.size else "no marks"


def block_length(per_bar: FloatArray) -> float:
    """Return a mean length of whole bars, from one to a third of the stretch; NaN if unknown."""
    from arch.bootstrap import optimal_block_length

    if per_bar.size < FEWEST_BARS or not np.isfinite(per_bar).all():
        return NAN
    if not per_bar.std() > ROUNDING:
        return 1.0  # nothing varies, so nothing depends on its past
    chosen = float(optimal_block_length(per_bar)["stationary"].iloc[0])
    return float(np.clip(np.ceil(chosen), 1.0, per_bar.size // 3))


def _resampled_means(per_bar: FloatArray, block: float, seed: int, repetitions: int) -> FloatArray:
    if not np.isfinite(block):
        return np.full(repetitions, np.nan)
    generator = np.random.default_rng(seed)
    return means_over_time(per_bar[:, None], int(block), generator, repetitions)[:, 0]
