"""Step 4, validate: one small function a gate, each with its reason; doubt refuses.

First the account's gates, then the candidate's, each of which passes or refuses. Then the rooms:
each is the largest notional that keeps its limit, and the least of them is what is allowed.

notional   account currency, positive
worth      units × last price, negative for a short
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.breakers import may_enter
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.dealing import commission
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.orders import Answer, Ask
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.sizing import whole_lots
from benbot.envs.desk.tape import UNKNOWN_SECTOR, covariance_at

NORMAL_95 = 1.6448536269514722  # quantile of the normal distribution
STRESS_REGIME = 2  # bear market, high volatility; see `market.regime`
NO_BETA_LIMIT = 100.0
ROUNDING = 1e-9  # of equity
CERTAIN = 0.999  # of the limit of value at risk; what is below it is below it in any rounding


class Room(NamedTuple):
    """What a limit leaves: the largest notional, and whose limit it is."""

    notional: float
    limit: int  # `Verdict`
    slack: float  # by which another may be short and yet is not


class Holdings(NamedTuple):
    """What the account's positions mean to a candidate, all in account currency."""

    sector: float  # gross in its sector
    strategy: float  # gross of its strategy
    beta: float  # worth × beta, summed
    swing: float  # most that their profit can deviate in a day; not a number: nobody knows


# The account's gates.


@compiled
def account_gate(account: Record, regime: int, capacity: int, rules: Record) -> int:
    """Return why this account may open nothing now, or PASSED."""
    if not may_enter(account):
        return Verdict.HALTED
    if regime < 0:
        return Verdict.UNKNOWN_REGIME
    if account.trades_today >= rules.limits_daily_trades:
        return Verdict.DAILY_TRADES
    if is_day_trader(account, rules):
        return Verdict.DAY_TRADING
    if account.n_positions >= capacity:
        return Verdict.CAPACITY
    return capital_gate(account, rules)


@compiled
def is_day_trader(account: Record, rules: Record) -> bool:
    """Return whether a small account has used up its day trades (FINRA 4210, until 2026)."""
    if not rules.day_trading_enabled or account.equity >= rules.day_trading_below:
        return False
    n_day_trades = 0
    for i in range(account.day_trades.size):
        n_day_trades += account.day_trades[i]
    return n_day_trades >= rules.day_trading_day_trades


@compiled
def capital_gate(account: Record, rules: Record) -> int:
    """Refuse when the free cash does not pay for the smallest order of either side."""
    free, nothing = free_cash(account, rules), ROUNDING * account.equity
    least = rules.sizing_smallest_order * min(1.0, rules.limits_short_margin)
    return Verdict.PASSED if free > nothing and free >= least else Verdict.CAPITAL


@compiled
def tied_cash(account: Record, rules: Record) -> float:
    """Return what positions tie up: a long all of its worth, a short its margin."""
    long, short = 0.5 * (account.gross + account.net), 0.5 * (account.gross - account.net)
    return long + rules.limits_short_margin * short


@compiled
def free_cash(account: Record, rules: Record) -> float:
    """Return the cash that is neither tied up nor must stay cash."""
    reserve = max(rules.limits_cash_buffer, account.cash_weight)
    return account.equity * (1.0 - reserve) - tied_cash(account, rules)


# The candidate's gates.


@compiled
def side_gate(desk: Desk, t: int, k: int, s: int, side: float) -> int:
    """Return why strategy `k` may not take this side of symbol `s` now, or PASSED."""
    rules = desk.rules[0]
    if side > 0.0:
        return stress_gate(desk.tape.regime[t], desk.tape.stress[k], rules)
    return borrow_gate(desk.tape.bars[t, s].borrow_rate, rules)


@compiled
def stress_gate(regime: int, is_meant_for_it: bool, rules: Record) -> int:
    """Refuse new longs in a bear market of high volatility."""
    stressed = rules.gates_stress and regime == STRESS_REGIME
    return Verdict.STRESS if stressed and not is_meant_for_it else Verdict.PASSED


@compiled
def may_be_long(desk: Desk, t: int) -> bool:
    """Return whether the stress gate would let anybody be long."""
    if not desk.rules[0].gates_stress or desk.tape.regime[t] != STRESS_REGIME:
        return True
    return bool(desk.tape.stress.any())


@compiled
def borrow_gate(borrow_rate: float, rules: Record) -> int:
    """Refuse to sell short what cannot be borrowed, or is too dear."""
    return Verdict.PASSED if borrow_rate <= rules.gates_borrow_rate else Verdict.BORROW


@compiled
def symbol_gate(desk: Desk, t: int, ask: Ask) -> int:
    """Return why nothing of this symbol should be bought or sold in the next bar, or PASSED."""
    now, fill = desk.tape.bars[t, ask.symbol], desk.tape.bars[t + 1, ask.symbol]
    rules = desk.rules[0]
    verdict = tradable_gate(fill)
    if verdict == Verdict.PASSED:
        verdict = number_gate(ask)
    if verdict == Verdict.PASSED:
        verdict = age_gate(desk.tape.facts[t, ask.symbol].age, rules)
    if verdict == Verdict.PASSED:
        verdict = spread_gate(now.half_spread, rules)
    return verdict


@compiled
def tradable_gate(fill: Record) -> int:
    """Refuse what nobody can fill in the next bar."""
    return Verdict.PASSED if 0.0 < fill.open < np.inf and fill.room > 0.0 else Verdict.NOT_TRADABLE


@compiled
def number_gate(ask: Ask) -> int:
    """Refuse a price, a stop or a size that is not a number in its range."""
    sound = 0.0 < ask.price < np.inf and 0.0 < ask.wanted < np.inf
    stops = ask.enlarges or 0.0 < ask.stop < 1.0
    return Verdict.PASSED if sound and stops else Verdict.BAD_NUMBER


@compiled
def age_gate(age: float, rules: Record) -> int:
    """Refuse a symbol that is halted, or whose last price is too old."""
    if age == np.inf:
        return Verdict.SYMBOL_HALTED
    return Verdict.PASSED if age <= rules.gates_age else Verdict.STALE


@compiled
def spread_gate(half_spread: float, rules: Record) -> int:
    """Refuse a symbol that is quoted too wide."""
    return Verdict.PASSED if 2.0 * half_spread <= rules.gates_spread else Verdict.SPREAD


# The rooms.


@compiled
def tighter(so_far: Room, room: float, reason: Verdict) -> Room:
    """Return the lesser of two rooms; one that is not a number is less than any other.

    What is short by rounding alone is not short.
    """
    if not room >= so_far.notional - so_far.slack and so_far.notional > -np.inf:
        return Room(room if room < np.inf else -np.inf, reason, so_far.slack)
    return so_far


@compiled
def allow(desk: Desk, b: int, t: int, ask: Ask, verdict: int) -> Answer:
    """Return what all gates allow; `verdict` is that of those who were asked before."""
    if verdict == Verdict.PASSED:
        verdict = symbol_gate(desk, t, ask)
    if verdict != Verdict.PASSED:
        return Answer(0.0, 0.0, verdict, Verdict.PASSED)
    room = account_rooms(desk, b, t, ask)
    room = holding_rooms(desk, b, t, ask, room)
    room = tighter(room, open_risk_room(desk, b, ask), Verdict.OPEN_RISK)
    allowed = room.notional if room.notional > room.slack else 0.0
    return settle(ask, allowed, room.limit, desk.rules[0])


@compiled
def survey(desk: Desk, b: int, t: int, ask: Ask) -> Holdings:
    """Return what the positions of account `b` mean to a candidate; one pass for all rooms."""
    tape = desk.tape
    sector, strategy, beta, swing = 0.0, 0.0, 0.0, 0.0
    own_sector = tape.facts[t, ask.symbol].sector
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        worth = position.units * position.last_price
        facts = tape.facts[t, position.symbol]
        beta += worth * facts.beta
        swing += abs(worth) * facts.swing
        sector += abs(worth) if facts.sector == own_sector else 0.0
        strategy += abs(worth) if position.strategy == ask.strategy else 0.0
    return Holdings(sector, strategy, beta, swing)


@compiled
def settle(ask: Ask, allowed: float, limit: int, rules: Record) -> Answer:
    """Round what is allowed, and refuse what is too small to be worth its costs."""
    reason = Verdict.TOO_SMALL if limit == Verdict.PASSED else limit
    if not (allowed > 0.0 and allowed >= rules.sizing_smallest_order):
        return Answer(0.0, 0.0, reason, limit)
    units = ask.side * allowed / ask.price
    if rules.execution_lot > 0.0:
        units = whole_lots(units, rules)
        allowed = abs(units) * ask.price
        if not (allowed > 0.0 and allowed >= rules.sizing_smallest_order):
            return Answer(0.0, 0.0, Verdict.TOO_SMALL, limit)
    verdict = Verdict.PASSED if limit == Verdict.PASSED else Verdict.CLIPPED
    return Answer(allowed, units, verdict, limit)


@compiled
def account_rooms(desk: Desk, b: int, t: int, ask: Ask) -> Room:
    """Return the least of the wanted notional and the rooms of capital, gross and net."""
    account, rules = desk.book.accounts[b], desk.rules[0]
    room = Room(ask.wanted, Verdict.PASSED, ROUNDING * account.equity)
    capital = capital_room(account, desk.tape.bars[t, ask.symbol], ask, rules)
    room = tighter(room, capital, Verdict.CAPITAL)
    room = tighter(room, rules.limits_gross * account.equity - account.gross, Verdict.GROSS)
    net = rules.limits_net * account.equity - ask.side * account.net
    return tighter(room, net, Verdict.NET)


@compiled
def capital_room(account: Record, now: Record, ask: Ask, rules: Record) -> float:
    """Return the notional that the free cash pays for, with what its fill would cost now."""
    margin = 1.0 if ask.side > 0.0 else rules.limits_short_margin
    free = free_cash(account, rules)
    most = free / margin
    if not most > 0.0:
        return most
    rate = now.half_spread + now.impact * np.sqrt(most)
    return (free - rate * most - commission(most, most / ask.price, rules)) / margin


@compiled
def holding_rooms(desk: Desk, b: int, t: int, ask: Ask, room: Room) -> Room:
    """Return the least of the room so far and those beside what is held."""
    holdings = survey(desk, b, t, ask)
    equity, rules = desk.book.accounts[b].equity, desk.rules[0]
    facts = desk.tape.facts[t, ask.symbol]
    if facts.sector != UNKNOWN_SECTOR:
        room = tighter(room, rules.limits_sector * equity - holdings.sector, Verdict.SECTOR)
    strategy = rules.limits_strategy * equity - holdings.strategy
    room = tighter(room, strategy, Verdict.CONCENTRATION)
    if rules.limits_beta < NO_BETA_LIMIT:
        beta = beta_room(rules.limits_beta * equity, holdings.beta, ask.side * facts.beta)
        room = tighter(room, beta, Verdict.BETA)
    if rules.gates_participation < 1.0:
        room = tighter(room, rules.gates_participation * facts.adv, Verdict.LIQUIDITY)
    if rules.gates_var < 1.0:
        at_risk = var_room(desk, b, t, ask, holdings.swing, room.notional)
        room = tighter(room, at_risk, Verdict.VALUE_AT_RISK)
    return room


@compiled
def beta_room(most: float, held: float, beta: float) -> float:
    """Return the notional at which exposure to the universe reaches `most` on either side."""
    if beta > 0.0:
        return (most - held) / beta
    if beta < 0.0:
        return (most + held) / -beta
    return np.inf if beta == 0.0 and np.isfinite(held) else np.nan


@compiled
def var_room(desk: Desk, b: int, t: int, ask: Ask, swing: float, wanted: float) -> float:
    """Return the notional at which the account's value at risk reaches its limit.

    The variance of the account's profit is quadratic in the notional x of the trade,
    V + 2 c x + v x². Normal and zero mean (RiskMetrics 1996). It is not asked for where `wanted`
    stays within the limit even if everything moves against the account together.
    """
    limit = desk.rules[0].gates_var * desk.book.accounts[b].equity / NORMAL_95
    own_swing = desk.tape.facts[t, ask.symbol].swing
    if own_swing > 0.0 and swing + max(wanted, 0.0) * own_swing < CERTAIN * limit:
        return np.inf
    held = portfolio_variance(desk, b, t)
    own = covariance_at(desk.tape, t, ask.symbol, ask.symbol)
    if not own > 0.0:
        return np.nan
    slope = ask.side * covariance_with(desk, b, t, ask.symbol)
    square = slope * slope + own * (limit * limit - held)
    if square < 0.0:
        return 0.0
    root = np.sqrt(square)
    if held > limit * limit and not wanted * own >= -slope - root:
        return 0.0
    return (root - slope) / own


@compiled
def covariance_with(desk: Desk, b: int, t: int, s: int) -> float:
    """Return the covariance of a symbol's return with the profit of account `b`, a day."""
    total = 0.0
    for i in range(desk.book.accounts[b].n_positions):
        position = desk.book.positions[b, i]
        worth = position.units * position.last_price
        total += worth * covariance_at(desk.tape, t, s, position.symbol)
    return total


@compiled
def portfolio_variance(desk: Desk, b: int, t: int) -> float:
    """Return the variance of the account's profit in a day, computed once between fills."""
    account, positions = desk.book.accounts[b], desk.book.positions
    if account.portfolio_variance >= 0.0:
        return account.portfolio_variance
    total = 0.0
    for i in range(account.n_positions):
        first = positions[b, i]
        worth = first.units * first.last_price
        total += worth * worth * covariance_at(desk.tape, t, first.symbol, first.symbol)
        for j in range(i):
            second = positions[b, j]
            common = covariance_at(desk.tape, t, first.symbol, second.symbol)
            total += 2.0 * worth * second.units * second.last_price * common
    account.portfolio_variance = total if total >= 0.0 else -1.0  # NaN is computed again
    return total


@compiled
def open_risk_room(desk: Desk, b: int, ask: Ask) -> float:
    """Return the notional that a poor account may still risk at its stops; others have no limit."""
    account, positions, rules = desk.book.accounts[b], desk.book.positions, desk.rules[0]
    if not account.equity < rules.poor_below:
        return np.inf
    at_risk = 0.0
    for i in range(account.n_positions):
        position = positions[b, i]
        at_risk += max(0.0, position.units * (position.last_price - position.stop))
    return (rules.poor_open_risk * account.equity - at_risk) / ask.stop
