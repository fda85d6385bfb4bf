"""Step 5, size: how much of its equity an account puts behind a candidate.

fraction   notional as a fraction of equity, positive
multiple   weight × K, so 1 is an equal share of the risk budget
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.reasons import Breaker

SESSIONS_PER_YEAR = 252.0
BY_RISK, BY_VOLATILITY = 0, 1  # of `rules.SIZING_METHODS`; the third is Kelly's
FORGIVEN = 1e-9  # of a lot: what rounding may have taken from a whole number of them


class Means(NamedTuple):
    """What an account may put behind any candidate of one decision, in account currency."""

    capital: float  # equity × the scale of sizes
    risk: float  # what a trade may lose at its stop
    diamond_risk: float  # likewise of a diamond
    most: float  # notional of one position


class Size(NamedTuple):
    """What a candidate asks for; a leg asks for its share of what its pair may have.

    Both legs take the lesser of the sizes that the stop of either would allow the pair.
    """

    standard: float  # notional at a weight of 1 / K
    wanted: float  # notional at its weight


@compiled
def multiple(weight: float, n_strategies: int, rules: Record) -> float:
    """Return how many standard risks a strategy of this weight takes per trade."""
    return min(weight * n_strategies, rules.sizing_weight_cap)


@compiled
def means_of(account: Record, rules: Record) -> Means:
    """Return what an account may put behind its candidates."""
    risk, diamond_risk = rules.sizing_risk_per_trade, rules.sizing_risk_per_diamond
    if account.equity < rules.poor_below:
        risk = min(risk, rules.poor_risk_per_trade)
        diamond_risk = min(diamond_risk, rules.poor_risk_per_trade)
    capital, most = account.equity * account.scale, account.equity * position_cap(account, rules)
    return Means(capital, risk * capital, diamond_risk * capital, most)


@compiled
def standard_size(desk: Desk, means: Means, t: int, k: int, s: int) -> float:
    """Return the notional that one standard risk buys of symbol `s` for strategy `k`."""
    rules, sizing = desk.rules[0], desk.tape.sizing[t, s]
    if rules.sizing_method == BY_RISK:
        risk = means.diamond_risk if sizing.diamond else means.risk
        size = risk / desk.tape.stop[t, k, s]  # the stop, if hit at its price, costs just that
    elif rules.sizing_method == BY_VOLATILITY:
        size = volatility_fraction(sizing.deviation, rules) * means.capital
    else:
        value, variance = desk.tape.value[t, k, s], desk.tape.variance[t, k]
        size = kelly_fraction(value, variance, rules) * means.capital
    return size * sizing.budget


@compiled
def wanted_size(desk: Desk, means: Means, b: int, k: int, standard: float) -> float:
    """Return the notional that strategy `k` asks for where a standard risk buys so much."""
    sleeves = desk.book.sleeves
    share = multiple(sleeves[b, k].weight, sleeves.shape[1], desk.rules[0])
    return min(standard * share, means.most)


@compiled
def size_of(desk: Desk, means: Means, b: int, t: int, k: int, s: int) -> Size:
    """Return how much strategy `k` asks for of symbol `s` at the close of bar `t`."""
    row = desk.tape.pairing[k]
    if row < 0:
        standard = standard_size(desk, means, t, k, s)
        return Size(standard, wanted_size(desk, means, b, k, standard))
    leg = desk.tape.legs[t, row, s]
    if leg.partner < 0:
        return Size(np.nan, np.nan)
    other = desk.tape.legs[t, row, leg.partner]
    own = standard_size(desk, means, t, k, s) / leg.share
    whole = np.minimum(own, standard_size(desk, means, t, k, leg.partner) / other.share)
    return Size(whole * leg.share, wanted_size(desk, means, b, k, whole) * leg.share)


@compiled
def volatility_fraction(deviation: float, rules: Record) -> float:
    """Return the fraction that moves equity by the wanted volatility a year.

    Moreira and Muir (2017), Journal of Finance 72, for one position; `deviation` is that of the
    symbol's return in a day.
    """
    if not deviation > 0.0:
        return np.nan
    return rules.sizing_volatility_per_trade / (deviation * np.sqrt(SESSIONS_PER_YEAR))


@compiled
def kelly_fraction(value: float, variance: float, rules: Record) -> float:
    """Return a share of μ / σ², what Kelly (1956) would bet on a small mean (Thorp 2006).

    `value` is the expected return on notional, shrunk already, `variance` that of round trips.
    """
    return rules.sizing_kelly_fraction * abs(value) / variance


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


@compiled
def whole_lots(units: float, rules: Record) -> float:
    """Return units rounded towards 0 to whole lots, where there are any."""
    lot = rules.execution_lot
    if not lot > 0.0:
        return units
    return np.sign(units) * np.floor(abs(units) / lot + FORGIVEN) * lot
