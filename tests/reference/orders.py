"""Sections 9 and 10: how large a position is, and how an order fills."""

import math
from itertools import pairwise
from typing import NamedTuple

from benbot.envs.desk.reasons import Breaker, Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.signals import Overlay
from tests.reference.book import Account, Bar, Fill, Position, Trade
from tests.reference.numbers import divide, least
from tests.reference.options import cover

TRADING_DAYS = 252
LOT_FORGIVEN = 1e-9
TICK_FORGIVEN = 1e-6


# Section 9: size.


def standard_size(bar: Bar, k: int, s: int) -> float:
    """Return the fraction of equity behind a position, before its weight."""
    size = {"risk": by_risk, "volatility": by_volatility, "kelly": by_kelly}
    own = size[bar.rules.sizing.method](bar, k, s)
    return own * bar.scale * bar.desk.budgets[bar.t][s]


def by_risk(bar: Bar, k: int, s: int) -> float:
    sizing = bar.rules.sizing
    diamond = bar.desk.opinions.diamond[bar.t][s]
    risk = sizing.risk_per_diamond if diamond else sizing.risk_per_trade
    if bar.poor:
        risk = min(risk, bar.rules.poor.risk_per_trade)
    return divide(risk, bar.desk.opinions.stop[bar.t][k][s])


def by_volatility(bar: Bar, k: int, s: int) -> float:
    deviation = bar.facts.risk.deviation(bar.t, s)
    if not deviation > 0.0:
        return math.nan
    return bar.rules.sizing.volatility_per_trade / (deviation * math.sqrt(TRADING_DAYS))


def by_kelly(bar: Bar, k: int, s: int) -> float:
    variance = bar.desk.records[k].variance(bar.rules)
    return bar.rules.sizing.kelly_fraction * abs(bar.values[k][s]) / variance


def size_scale(bar: Bar) -> float:
    recovering = bar.account.state == Breaker.RECOVERING
    size = bar.rules.breakers.recovering_scale if recovering else 1.0
    return size * performance_scale(bar.account, bar.rules)


def performance_scale(account: Account, rules: DeskRules) -> float:
    sizing = rules.sizing
    if account.round_trips < sizing.scale_after:
        return 1.0
    profit_factor = divide(account.winnings, account.losings)
    span = sizing.profit_factor_high - sizing.profit_factor_low
    u = (profit_factor - sizing.profit_factor_low) / span
    if not u > 0.0:
        return sizing.scale_low
    return sizing.scale_low + (sizing.scale_high - sizing.scale_low) * min(u, 1.0)


def position_cap(bar: Bar) -> float:
    cap = bar.rules.sizing.position_cap
    return min(cap, bar.rules.poor.position_cap) if bar.poor else cap


def wanted_notional(bar: Bar, k: int, standard: float) -> float:
    return least(standard * bar.multiple(k), position_cap(bar)) * bar.account.equity


# Section 10: orders and fills.


class Terms(NamedTuple):
    """At what price an order fills, and by what its impact is multiplied.

    slow   it is worked over the whole bar
    """

    price: float
    impact_factor: float = 1.0
    slow: bool = False


class StyleNumbers(NamedTuple):
    """What an execution style means, as numbers."""

    drift_share: float
    typical_share: float
    impact_factor: float


def style_numbers(style: str, n: int, urgency: float) -> StyleNumbers:
    """Return what n slices of weights w_i, over equal parts of the bar, come to."""
    if style == "open":
        return StyleNumbers(0.0, 0.0, 1.0)
    if style == "vwap":
        return StyleNumbers(0.0, 1.0, 1.0 / math.sqrt(n))
    shares = [1.0 / n] * n
    if style == "almgren_chriss" and urgency > 0.0:
        # The largest urgencies would overflow sinh; its ratios are those of these exponentials.
        left = [holdings(urgency, i / n) for i in range(n + 1)]
        shares = [(a - b) / left[0] for a, b in pairwise(left)]
    drift = sum(w * (i - 0.5) / n for i, w in enumerate(shares, 1))
    return StyleNumbers(drift, 0.0, sum(w**1.5 for w in shares))


def holdings(urgency: float, passed: float) -> float:
    """Return sinh(urgency (1 − passed)) × 2 exp(−urgency)."""
    return math.exp(-urgency * passed) - math.exp(-urgency * (2.0 - passed))


def terms_at_the_close(bar: Bar, s: int, units: float) -> Terms:
    """Return the terms of an order that was decided at the close of bar t."""
    facts, execution, u = bar.facts, bar.rules.execution, bar.t + 1
    start = facts.open[u][s]
    if not abs(units) * start > execution.large * facts.adv[bar.t][s]:
        return Terms(start)
    style = style_numbers(execution.style, execution.slices, execution.urgency)
    typical = (facts.high[u][s] + facts.low[u][s] + facts.close[u][s]) / 3.0
    price = start + style.drift_share * (facts.close[u][s] - start)
    price += style.typical_share * (typical - start)
    return Terms(price, style.impact_factor, slow=execution.style != "open")


def whole_lots(rules: DeskRules, units: float) -> float:
    """Return units rounded towards 0 to a multiple of the lot."""
    lot = rules.execution.lot
    if not lot > 0.0:
        return units
    return math.copysign(math.floor(abs(units) / lot + LOT_FORGIVEN) * lot, units)


def within_room(bar: Bar, s: int, units: float, price: float) -> float:
    """Return what of an order the room to fill of bar t + 1 lets through."""
    most = bar.facts.room[bar.t + 1][s] / price
    return whole_lots(bar.rules, math.copysign(most, units)) if most < abs(units) else units


def cost_of(bar: Bar, row: tuple[int, int], units: float, terms: Terms) -> float:
    """Return what a fill costs, with the half spread and impact of `row`: bar, symbol."""
    u, s = row
    costs = bar.rules.costs
    size = abs(units)
    notional = size * terms.price
    impact = bar.facts.impact[u][s] * terms.impact_factor * math.sqrt(notional)
    commission = (
        costs.commission_per_order
        + costs.commission_per_unit * size
        + costs.commission_rate * notional
    )
    spread = bar.facts.half_spread[u][s]
    return notional * (spread + impact) + max(costs.commission_minimum, commission)


def settle(bar: Bar, position: Position, units: float, terms: Terms, reason: Exit) -> None:
    """Pay for a fill, or be paid, and note it."""
    u, s = bar.t + 1, position.symbol
    cost = cost_of(bar, (u, s), units, terms)
    bar.account.cash -= units * terms.price + cost
    position.costs += cost
    fill = Fill(u, s, position.strategy, units, terms.price, cost, reason)
    bar.account.fills.append(fill)


def add_units(bar: Bar, position: Position, units: float) -> bool:
    """Buy or sell short what the gates allowed; return whether any of it was done."""
    terms = terms_at_the_close(bar, position.symbol, units)
    done = within_room(bar, position.symbol, units, terms.price)
    if position.overlay == Overlay.COVERED_CALL:
        done = 100.0 * math.floor(done / 100.0 + 1e-9)
    if done == 0.0:
        return False
    settle(bar, position, done, terms, Exit.NONE)
    position.units += done
    # The first fill's share is exactly 1, so the entry price of a new position is exactly its fill.
    position.entry_price += (terms.price - position.entry_price) * (done / position.units)
    position.notional = max(position.notional, abs(position.units) * position.entry_price)
    if position.units == done:
        position.complete = not terms.slow
    bar.account.trades_today += 1
    return True


def set_exits(rules: DeskRules, position: Position, stop: float) -> None:
    """Give a position that was just opened its stop and its targets."""
    side, price, exits, tick = (
        position.side,
        position.entry_price,
        rules.exits,
        rules.execution.tick,
    )
    position.distance = price * stop
    position.stop = protective_stop(price - side * position.distance, price, side, tick)
    position.initial_stop = position.stop
    position.best = price
    position.partial = profit_price(position, exits.partial, tick)
    position.target = profit_price(position, exits.target, tick)


def tick_of(price: float, tick: float) -> float:
    return tick if price >= 1.0 else tick / 100.0


def to_tick(price: float, upwards: bool, tick: float) -> float:
    """Return the price rounded up or down to its tick."""
    if not tick > 0.0:
        return price
    step = tick_of(price, tick)
    steps = price / step
    whole = math.ceil(steps - TICK_FORGIVEN) if upwards else math.floor(steps + TICK_FORGIVEN)
    return whole * step


def protective_stop(stop: float, fill_price: float, side: int, tick: float) -> float:
    """Return a new stop rounded towards the fill price, a tick farther where it reaches that."""
    rounded = to_tick(stop, side > 0, tick)
    reached = side * (fill_price - rounded) <= 0.0
    return rounded - side * tick_of(rounded, tick) if reached else rounded


def profit_price(position: Position, multiple: float, tick: float) -> float:
    """Return the price at which a profit of some stop distances is taken, 0 for never."""
    if not multiple > 0.0:
        return 0.0
    price = position.entry_price + position.side * multiple * position.distance
    return to_tick(price, position.side > 0, tick)


def close_units(bar: Bar, position: Position, units: float, terms: Terms, reason: Exit) -> float:
    """Close units of a position; return how many were done."""
    ordered = units if units == position.units else whole_lots(bar.rules, units)
    done = ordered
    if reason != Exit.DELISTED:
        done = within_room(bar, position.symbol, ordered, terms.price)
    if done == 0.0:
        return 0.0
    cover(bar, position, position.units - done, terms.price, reason)
    settle(bar, position, -done, terms, reason)
    position.realised += done * (terms.price - position.entry_price)
    if done == position.units:
        finish(bar, position, terms.price, reason)
    if reason != Exit.WEIGHT:
        position.base_units *= 1.0 - done / position.units
    position.units -= done
    return done


def finish(bar: Bar, position: Position, price: float, reason: Exit) -> None:
    """Record a position that is closed completely, and what it says of the account's luck."""
    account, u = bar.account, bar.t + 1
    profit = position.realised + position.income - position.costs
    result = profit / position.notional
    decay = 1.0 - 1.0 / bar.rules.sizing.scale_memory
    account.winnings = account.winnings * decay + max(result, 0.0)
    account.losings = account.losings * decay + max(-result, 0.0)
    account.round_trips += 1
    if bar.facts.session[position.opened] == bar.facts.session[u]:
        account.day_trades[-1] += 1
    account.trades.append(
        Trade(
            strategy=position.strategy,
            symbol=position.symbol,
            side=position.side,
            opened=position.opened,
            closed=u,
            entry_price=position.entry_price,
            exit_price=price,
            notional=position.notional,
            costs=position.costs,
            income=position.income,
            profit=profit,
            reason=reason,
            regime=bar.desk.regime[position.opened - 1],
        )
    )
    account.drop(position)
