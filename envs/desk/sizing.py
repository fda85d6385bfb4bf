"""Step 5, size: how much of its equity an account puts behind a candidate.

fraction   notional as a fraction of equity, positive
multiple   weight × K, so 1 is an equal share of the risk budget
"""

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.reasons import Breaker


@compiled
def multiple(weight: float, n_strategies: int, rules: Record) -> float:
    """Return how many standard risks a strategy of this weight takes per trade."""
    return min(weight * n_strategies, rules.sizing_weight_cap)


@compiled
def base_fraction(account: Record, stop: float, is_diamond: bool, rules: Record) -> float:
    """Return the fraction that one standard risk buys: the stop, if hit, costs exactly the risk."""
    risk = rules.sizing_risk_per_diamond if is_diamond else rules.sizing_risk_per_trade
    if account.equity < rules.poor_below:
        risk = min(risk, rules.poor_risk_per_trade)
    return risk * size_scale(account, rules) / stop


@compiled
def position_cap(account: Record, rules: Record) -> float:
    """Return the largest fraction that one position may have."""
    cap = rules.sizing_position_cap
    return min(cap, rules.poor_position_cap) if account.equity < rules.poor_below else cap


@compiled
def size_scale(account: Record, rules: Record) -> float:
    """Return the scale for performance, times the one for an account that recovers."""
    recovering = account.drawdown_state == Breaker.RECOVERING
    scale = rules.breakers_recovering_scale if recovering else 1.0
    return scale * performance_scale(account, rules)


@compiled
def performance_scale(account: Record, rules: Record) -> float:
    """Return a scale that rises linearly with the profit factor of the last round trips."""
    if account.n_closed < rules.sizing_scale_after:
        return 1.0
    low, high = rules.sizing_scale_low, rules.sizing_scale_high
    worst, best = rules.sizing_profit_factor_low, rules.sizing_profit_factor_high
    factor = account.winnings / account.losings  # inf without a loss, NaN without any trade
    share = (factor - worst) / (best - worst)
    if not share > 0.0:
        return low
    return low + (high - low) * min(share, 1.0)


@compiled
def learn_performance(account: Record, outcome: float, rules: Record) -> None:
    """Fold the outcome of a round trip, a fraction of its notional, into the profit factor."""
    keep = 1.0 - 1.0 / rules.sizing_scale_memory
    account.winnings = keep * account.winnings + max(outcome, 0.0)
    account.losings = keep * account.losings + max(-outcome, 0.0)
    account.n_closed += 1
