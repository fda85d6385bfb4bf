"""Step 4, validate: one small function a gate, each with its reason; doubt refuses.

notional   account currency, positive
"""

import numpy as np

from benbot.envs.arrays import Record, RecordArray
from benbot.envs.desk.breakers import may_enter
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.reasons import Verdict


@compiled
def room(account: Record, rules: Record) -> float:
    """Return the notional that may still be opened above what must stay cash."""
    reserve = max(rules.limits_cash_buffer, account.cash_weight)
    return account.equity * (1.0 - reserve) - account.gross


@compiled
def account_gate(account: Record, regime: int, max_positions: int, rules: Record) -> int:
    """Return why this account may open nothing now, or PASSED."""
    if not may_enter(account):
        return Verdict.HALTED
    if regime < 0:
        return Verdict.UNKNOWN_REGIME
    if account.trades_today >= rules.limits_daily_trades:
        return Verdict.DAILY_TRADES
    if account.n_positions >= max_positions:
        return Verdict.CAPACITY
    capital = room(account, rules)
    if not (capital > 0.0 and capital >= rules.sizing_smallest_order):
        return Verdict.CAPITAL
    return Verdict.PASSED


@compiled
def number_gate(now: Record, fill: Record, stop: float, wanted: float) -> int:
    """Refuse what cannot be filled at the next bar, or is not a number."""
    if not 0.0 < fill.open < np.inf:
        return Verdict.NOT_TRADABLE
    if not (0.0 < now.close < np.inf and 0.0 < stop < 1.0 and 0.0 < wanted < np.inf):
        return Verdict.BAD_NUMBER
    return Verdict.PASSED


@compiled
def risk_room(account: Record, positions: RecordArray, rules: Record) -> float:
    """Return what a poor account may still lose at its stops; no limit for any other."""
    if not account.equity < rules.poor_below:
        return np.inf
    at_risk = 0.0
    for i in range(account.n_positions):
        at_risk += max(0.0, positions[i].units * (positions[i].last_price - positions[i].stop))
    return rules.poor_open_risk * account.equity - at_risk


@compiled
def clip(
    account: Record, positions: RecordArray, wanted: float, stop: float, rules: Record
) -> tuple[float, int]:
    """Cut the notional `wanted` to what capital and open risk leave; return it and the verdict."""
    allowed, shortage = wanted, Verdict.PASSED
    capital = room(account, rules)
    if not capital >= allowed:
        allowed, shortage = capital, Verdict.CAPITAL
    at_risk = risk_room(account, positions, rules) / stop
    if not at_risk >= allowed:
        allowed, shortage = at_risk, Verdict.OPEN_RISK
    if not (allowed > 0.0 and allowed >= rules.sizing_smallest_order):
        return 0.0, Verdict.TOO_SMALL if shortage == Verdict.PASSED else shortage
    return allowed, Verdict.PASSED if shortage == Verdict.PASSED else Verdict.CLIPPED
