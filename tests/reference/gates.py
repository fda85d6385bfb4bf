"""Section 8: the gates, one function each, and the rooms, one function each."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from benbot.envs.desk.reasons import Verdict
from benbot.envs.signals import Overlay
from tests.reference.book import Bar, Decision, Position
from tests.reference.breakers import halted
from tests.reference.numbers import divide, positive, single
from tests.reference.options import offer, overlay_of, strike_of_order, volatility
from tests.reference.orders import Terms, cost_of, whole_lots

BEAR_OF_HIGH_VOLATILITY = 2
QUANTILE_95 = 1.6448536269514722
NO_LIMIT_OF_BETA = 100.0
ROUNDING = 1e-9


@dataclass(frozen=True)
class Wish:
    """A winner that asks to be opened, or a position that asks to grow."""

    strategy: int
    symbol: int
    side: int
    notional: float
    position: Position | None = None  # None opens a new one

    @property
    def enlarges(self) -> bool:
        return self.position is not None


@dataclass(frozen=True)
class Answer:
    """What the gates allow: units with their sign, 0 where they refuse."""

    verdict: Verdict
    units: float = 0.0
    limit: Verdict = Verdict.PASSED


def ask(bar: Bar, wish: Wish) -> Answer:
    """Ask all gates in their order."""
    for verdict, refuses in ACCOUNT_GATES + CANDIDATE_GATES:
        if refuses(bar, wish):
            return Answer(verdict)
    return ask_for_room(bar, wish)


def ask_for_room(bar: Bar, wish: Wish) -> Answer:
    """Return the least of the wanted notional and all rooms, as units."""
    allowed, limit = wish.notional, Verdict.PASSED
    for verdict, room_of in ROOMS:
        room = room_of(bar, wish, allowed)
        if not room >= allowed - ROUNDING * bar.account.equity:
            allowed, limit = room, verdict
        if math.isnan(room):
            break
    smallest = bar.rules.sizing.smallest_order
    if not (allowed > ROUNDING * bar.account.equity and allowed >= smallest):
        return Answer(limit or Verdict.TOO_SMALL, 0.0, limit)
    price = price_of(bar, wish)
    units = whole_lots(bar.rules, wish.side * allowed / price)
    if not wish.enlarges and overlay_of(bar, wish.strategy, wish.side):
        units = 100.0 * math.floor(units / 100.0 + 1e-9)
        if units == 0.0 or units * price < smallest:
            return Answer(Verdict.TOO_SMALL, 0.0, limit)
    # Without lots nothing is rounded, so nothing can have become too small.
    if units == 0.0 or (bar.rules.execution.lot > 0.0 and abs(units) * price < smallest):
        return Answer(Verdict.TOO_SMALL, 0.0, limit)
    return Answer(Verdict.CLIPPED if limit else Verdict.PASSED, units, limit)


def write_down(bar: Bar, wish: Wish, answer: Answer) -> None:
    """Note a decision in the ledger (section 14)."""
    equity = bar.account.equity
    allowed = answer.units * price_of(bar, wish) if answer.units else 0.0
    bar.account.decisions.append(
        Decision(
            bar=bar.t,
            symbol=wish.symbol,
            strategy=wish.strategy,
            wanted=divide(wish.side * wish.notional, equity),
            allowed=divide(allowed, equity),
            verdict=answer.verdict,
            limit=answer.limit,
            enlarges=wish.enlarges,
        )
    )


def price_of(bar: Bar, wish: Wish) -> float:
    """Return the price of an order's notional: the close, of an enlargement the last price.

    They differ only where the symbol has no price at bar t, and only with `gates.age` above 0.
    """
    if wish.position is not None:
        return wish.position.last_price
    if overlay_of(bar, wish.strategy, wish.side) == Overlay.SECURED_PUT:
        return strike_of_order(bar, wish.strategy, wish.symbol)
    return bar.close(wish.symbol)


# Gates of the account: each returns whether it refuses.


def breaker_is_on(bar: Bar, wish: Wish) -> bool:
    return halted(bar)


def regime_is_unknown(bar: Bar, wish: Wish) -> bool:
    return bar.desk.regime[bar.t] < 0


def day_is_used_up(bar: Bar, wish: Wish) -> bool:
    return bar.account.trades_today >= bar.rules.limits.daily_trades


def day_trades_are_used_up(bar: Bar, wish: Wish) -> bool:
    rule = bar.rules.day_trading
    small = rule.enabled and bar.account.equity < rule.below
    return small and sum(bar.account.day_trades) >= rule.day_trades


def book_is_full(bar: Bar, wish: Wish) -> bool:
    return not wish.enlarges and len(bar.account.positions) >= bar.rules.limits.max_positions


def capital_is_used_up(bar: Bar, wish: Wish) -> bool:
    least = bar.rules.sizing.smallest_order * min(1.0, bar.rules.limits.short_margin)
    return not (bar.free > ROUNDING * bar.account.equity and bar.free >= least)


# Gates of the candidate: each returns whether it refuses.


def is_a_close_call(bar: Bar, wish: Wish) -> bool:
    if wish.enlarges or not bar.rules.limits.allow_short:
        return False
    own = abs(score(bar, wish.strategy, wish.symbol))
    against = (-wish.side * score(bar, k, wish.symbol) for k in range(len(bar.values)))
    return any(other > 0.0 and other >= bar.rules.limits.close_call * own for other in against)


def score(bar: Bar, k: int, s: int) -> float:
    """Return weight × value (section 6)."""
    value = single(single(bar.weights[k]) * bar.values[k][s])
    if math.isnan(value) or (value < 0.0 and not bar.rules.limits.allow_short):
        return 0.0
    return value


def is_held(bar: Bar, wish: Wish) -> bool:
    return not wish.enlarges and bar.account.holding(wish.symbol) is not None


def cannot_be_traded(bar: Bar, wish: Wish) -> bool:
    u, s = bar.t + 1, wish.symbol
    return not (positive(bar.facts.open[u][s]) and bar.facts.room[u][s] > 0.0)


def has_a_bad_number(bar: Bar, wish: Wish) -> bool:
    stop = bar.desk.opinions.stop[bar.t][wish.strategy][wish.symbol]
    good_stop = wish.enlarges or 0.0 < stop < 1.0
    return not (positive(price_of(bar, wish)) and good_stop and positive(wish.notional))


def symbol_is_halted(bar: Bar, wish: Wish) -> bool:
    return math.isinf(bar.facts.age[bar.t][wish.symbol])


def price_is_stale(bar: Bar, wish: Wish) -> bool:
    return not bar.facts.age[bar.t][wish.symbol] <= bar.rules.gates.age


def spread_is_wide(bar: Bar, wish: Wish) -> bool:
    return not 2.0 * bar.facts.half_spread[bar.t][wish.symbol] <= bar.rules.gates.spread


def market_is_in_stress(bar: Bar, wish: Wish) -> bool:
    stressed = bar.desk.regime[bar.t] == BEAR_OF_HIGH_VOLATILITY
    declared = bar.desk.opinions.stress[wish.strategy]
    return bar.rules.gates.stress and wish.side > 0 and stressed and not declared


def is_dear_to_borrow(bar: Bar, wish: Wish) -> bool:
    rate = bar.facts.borrow_rate[bar.t][wish.symbol]
    return wish.side < 0 and not rate <= bar.rules.gates.borrow_rate


def moves_with_another(bar: Bar, wish: Wish) -> bool:
    limit = bar.rules.gates.correlation
    if wish.enlarges or not limit < 1.0:
        return False
    t, s, risk = bar.t, wish.symbol, bar.facts.risk
    own = limit * risk.deviation(t, s)
    return any(
        not wish.side * held.side * risk.covariance(t, s, held.symbol)
        < own * risk.deviation(t, held.symbol)
        for held in bar.account.positions
        if held.symbol != s
    )


def has_no_volatility(bar: Bar, wish: Wish) -> bool:
    writes = not wish.enlarges and overlay_of(bar, wish.strategy, wish.side)
    return bool(writes) and not volatility(bar.desk, bar.t, wish.symbol)[0] > 0.0


def has_no_contract(bar: Bar, wish: Wish) -> bool:
    overlay = overlay_of(bar, wish.strategy, wish.side)
    return not wish.enlarges and bool(overlay) and offer(bar, wish.symbol, overlay) is None


# Rooms: each returns the largest notional that keeps its limit. `wanted` is what the rooms before
# it left.


def room_of_capital(bar: Bar, wish: Wish, wanted: float) -> float:
    margin = 1.0 if wish.side > 0 else bar.rules.limits.short_margin
    most = bar.free / margin
    price = price_of(bar, wish)
    if not most > 0.0:
        return most
    cost = cost_of(bar, (bar.t, wish.symbol), most / price, Terms(price))
    return (bar.free - cost) / margin


def room_of_gross(bar: Bar, wish: Wish, wanted: float) -> float:
    account = bar.account
    return bar.rules.limits.gross * account.equity - (account.long + account.short)


def room_of_net(bar: Bar, wish: Wish, wanted: float) -> float:
    account = bar.account
    return bar.rules.limits.net * account.equity - wish.side * (account.long - account.short)


def room_of_sector(bar: Bar, wish: Wish, wanted: float) -> float:
    sectors = bar.facts.sectors
    sector = sectors[wish.symbol]
    if sector == "unknown":
        return math.inf
    held = sum(abs(p.worth) for p in bar.account.positions if sectors[p.symbol] == sector)
    return bar.rules.limits.sector * bar.account.equity - held


def room_of_strategy(bar: Bar, wish: Wish, wanted: float) -> float:
    held = sum(abs(p.worth) for p in bar.account.positions if p.strategy == wish.strategy)
    return bar.rules.limits.strategy * bar.account.equity - held


def room_of_beta(bar: Bar, wish: Wish, wanted: float) -> float:
    limit = bar.rules.limits.beta
    if limit >= NO_LIMIT_OF_BETA:
        return math.inf
    beta = wish.side * bar.facts.risk.beta(bar.t, wish.symbol)
    held = sum(p.worth * bar.facts.risk.beta(bar.t, p.symbol) for p in bar.account.positions)
    if math.isnan(beta + held):
        return math.nan
    if beta == 0.0:
        return math.inf
    spare = limit * bar.account.equity
    return (spare - held) / beta if beta > 0.0 else (spare + held) / -beta


def room_of_liquidity(bar: Bar, wish: Wish, wanted: float) -> float:
    participation = bar.rules.gates.participation
    return math.inf if participation >= 1.0 else participation * bar.facts.adv[bar.t][wish.symbol]


def room_of_value_at_risk(bar: Bar, wish: Wish, wanted: float) -> float:
    """Return the largest x with V + 2 c x + v x² = L² (the book's variance with x more)."""
    if bar.rules.gates.var >= 1.0:
        return math.inf
    t, covariance, held = bar.t, bar.facts.risk.covariance, bar.account.positions
    limit = bar.rules.gates.var * bar.account.equity / QUANTILE_95
    worths = [(p.symbol, p.worth) for p in held]
    variances = sum(a * a * covariance(t, i, i) for i, a in worths)
    pairs = combinations(worths, 2)
    now = variances + 2.0 * sum(a * b * covariance(t, i, j) for (i, a), (j, b) in pairs)
    shared = wish.side * sum(a * covariance(t, wish.symbol, i) for i, a in worths)
    own = covariance(t, wish.symbol, wish.symbol)
    if math.isnan(now + shared + own) or not own > 0.0:
        return math.nan
    return larger_root(own, shared, now - limit * limit, wanted)


def larger_root(v: float, c: float, excess: float, wanted: float) -> float:
    """Return the larger root of excess + 2 c x + v x², 0 if there is none or it is out of reach."""
    inside = c * c - v * excess
    if inside < 0.0:
        return 0.0
    larger, smaller = (-c + math.sqrt(inside)) / v, (-c - math.sqrt(inside)) / v
    return 0.0 if excess > 0.0 and wanted < smaller else larger


def room_of_open_risk(bar: Bar, wish: Wish, wanted: float) -> float:
    if not bar.poor:
        return math.inf
    at_risk = sum(max(0.0, p.units * (p.last_price - p.stop)) for p in bar.account.positions)
    distance = bar.desk.opinions.stop[bar.t][wish.strategy][wish.symbol]
    if wish.position is not None:
        distance = abs(wish.position.last_price - wish.position.stop)
        distance = divide(distance, wish.position.last_price)
    return divide(bar.rules.poor.open_risk * bar.account.equity - at_risk, distance)


Gate = tuple[Verdict, Callable[[Bar, Wish], bool]]
Room = tuple[Verdict, Callable[[Bar, Wish, float], float]]

ACCOUNT_GATES: tuple[Gate, ...] = (
    (Verdict.HALTED, breaker_is_on),
    (Verdict.UNKNOWN_REGIME, regime_is_unknown),
    (Verdict.DAILY_TRADES, day_is_used_up),
    (Verdict.DAY_TRADING, day_trades_are_used_up),
    (Verdict.CAPACITY, book_is_full),
    (Verdict.CAPITAL, capital_is_used_up),
)
CANDIDATE_GATES: tuple[Gate, ...] = (
    (Verdict.CLOSE_CALL, is_a_close_call),
    (Verdict.DUPLICATE, is_held),
    (Verdict.STRESS, market_is_in_stress),
    (Verdict.BORROW, is_dear_to_borrow),
    (Verdict.CORRELATION, moves_with_another),
    (Verdict.NO_VOLATILITY, has_no_volatility),
    (Verdict.NO_CONTRACT, has_no_contract),
    (Verdict.NOT_TRADABLE, cannot_be_traded),
    (Verdict.BAD_NUMBER, has_a_bad_number),
    (Verdict.SYMBOL_HALTED, symbol_is_halted),
    (Verdict.STALE, price_is_stale),
    (Verdict.SPREAD, spread_is_wide),
)
ROOMS: tuple[Room, ...] = (
    (Verdict.CAPITAL, room_of_capital),
    (Verdict.GROSS, room_of_gross),
    (Verdict.NET, room_of_net),
    (Verdict.SECTOR, room_of_sector),
    (Verdict.CONCENTRATION, room_of_strategy),
    (Verdict.BETA, room_of_beta),
    (Verdict.LIQUIDITY, room_of_liquidity),
    (Verdict.VALUE_AT_RISK, room_of_value_at_risk),
    (Verdict.OPEN_RISK, room_of_open_risk),
)
