"""Step 5, execute: what a fill costs, and what it does to the account and the position.

units   bought; negative is sold
cost    half the spread, commission and impact, account currency
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.book import NOBODY
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.dealing import deal_of
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import write_fill, write_trade
from benbot.envs.desk.options import begin_overlay, in_hundreds, is_covered, move_option, uncover
from benbot.envs.desk.orders import Deal, Leave, Order, Wish
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.sizing import learn_performance, whole_lots

AT_ONCE = 1.0  # impact factor of what is not sliced
FORGIVEN = 1e-6  # of a tick: what rounding may have taken from a whole number of them


class Terms(NamedTuple):
    """At which price an order of the close fills, and how much of its impact it has."""

    price: float
    impact: float
    is_sliced: bool


@compiled
def terms_of(desk: Desk, t: int, s: int, units: float) -> Terms:
    """Return the terms on which an order of the close of bar `t` fills in the next one."""
    return terms_in(desk.tape.bars[t + 1, s], desk.tape.facts[t, s].adv, units, desk.rules[0])


@compiled
def terms_in(bar: Record, adv: float, units: float, rules: Record) -> Terms:
    """Return at which price and impact a bar fills an order: at the open, or sliced if it is large.

    `adv` is the value traded a day as known before the bar. A sliced order pays the mean price of
    its slices; see `execution.fill_model`.
    """
    if not abs(units) * bar.open > rules.execution_large * adv:
        return Terms(bar.open, AT_ONCE, False)
    typical = (bar.high + bar.low + bar.close) / 3.0
    price = bar.open + rules.execution_drift_share * (bar.close - bar.open)
    price += rules.execution_typical_share * (typical - bar.open)
    is_sliced = rules.execution_drift_share > 0.0 or rules.execution_typical_share > 0.0
    return Terms(price, rules.execution_impact_factor, is_sliced)


@compiled
def fillable(units: float, price: float, bar: Record, rules: Record) -> float:
    """Return the units of an order for which the bar has room, signed."""
    if abs(units) * price <= bar.room:
        return units
    if not bar.room > 0.0:
        return 0.0  # nor where the room is not a number
    return whole_lots(np.sign(units) * bar.room / price, rules)


@compiled
def open_position(desk: Desk, b: int, t: int, order: Order) -> bool:
    """Fill an order of the close of bar `t` and put its stop in place; say whether any filled."""
    account = desk.book.accounts[b]
    terms = terms_of(desk, t, order.symbol, order.units)
    units = fillable(order.units, terms.price, desk.tape.bars[t + 1, order.symbol], desk.rules[0])
    units = in_hundreds(desk, order.strategy, units)
    if units == 0.0:
        return False
    deal = deal_of(desk, b, t + 1, buying(order.symbol, order.strategy, units, terms))
    if deal.units == 0.0:
        return False
    i = account.n_positions
    position = desk.book.positions[b, i]
    account.n_positions += 1
    position.symbol, position.strategy = order.symbol, order.strategy
    position.units = position.realised = position.income = position.costs = 0.0
    position.notional = position.entry_price = 0.0
    position.base_units = order.base_units
    position.opened, position.missing, position.partial_done = t + 1, 0, 0
    position.partner = NOBODY
    position.watched = t + 2 if terms.is_sliced else t + 1
    position.regime = desk.tape.regime[t]
    position.diamond = desk.tape.sizing[t, order.symbol].diamond
    position.last_price = last_close(desk, t, order.symbol)
    position.overlay = begin_overlay(desk, b, i, order.strategy, order.units)
    add_units(desk, b, i, t + 1, deal)
    place_stop(position, position.entry_price, order.stop, desk.rules[0])
    return True


@compiled
def last_close(desk: Desk, t: int, s: int) -> float:
    """Return the close of bar `t` as the next open sees it: after its split and dividend."""
    close = desk.tape.bars[t, s].close
    if desk.tape.calendar[t + 1].has_action:
        action = desk.tape.actions[t + 1, s]
        return close / action.split - action.dividend
    return close


@compiled
def place_stop(position: Record, price: float, stop: float, rules: Record) -> None:
    """Put the first stop and the targets of a position that filled at `price`.

    `stop` is a fraction of it.
    """
    side = np.sign(position.units)
    distance = price * stop
    position.distance, position.best = distance, price
    position.stop = to_tick(price - side * distance, side, rules)
    if not side * (price - position.stop) > 0.0:
        position.stop -= side * tick_at(position.stop, rules)
    position.initial_stop = position.stop
    position.partial = position.target = 0.0
    if rules.exits_partial > 0.0:
        position.partial = to_tick(price + side * rules.exits_partial * distance, side, rules)
    if rules.exits_target > 0.0:
        position.target = to_tick(price + side * rules.exits_target * distance, side, rules)


@compiled
def tick_at(price: float, rules: Record) -> float:
    """Return the tick of a price; below one unit of money it is a hundredth (SEC rule 612)."""
    return rules.execution_tick if price >= 1.0 else 0.01 * rules.execution_tick


@compiled
def to_tick(price: float, direction: float, rules: Record) -> float:
    """Return a price rounded up (direction 1) or down (-1) to whole ticks, where there are any."""
    tick = tick_at(price, rules)
    if not tick > 0.0:
        return price
    return direction * np.ceil(direction * price / tick - FORGIVEN) * tick


@compiled
def enlarge(desk: Desk, b: int, i: int, t: int, units: float) -> bool:
    """Fill an order of the close of bar `t` that adds to position `i`; say whether any filled."""
    position = desk.book.positions[b, i]
    s = position.symbol
    terms = terms_of(desk, t, s, units)
    units = fillable(units, terms.price, desk.tape.bars[t + 1, s], desk.rules[0])
    if units == 0.0:
        return False
    deal = deal_of(desk, b, t + 1, buying(s, position.strategy, units, terms))
    if deal.units != 0.0:
        add_units(desk, b, i, t + 1, deal)
    return deal.units != 0.0


@compiled
def buying(s: int, k: int, units: float, terms: Terms) -> Wish:
    """Return the order of strategy `k` that opens or enlarges a position on these terms."""
    return Wish(s, k, Exit.NONE, units, terms.price, terms.impact)


@compiled
def add_units(desk: Desk, b: int, i: int, t: int, deal: Deal) -> None:
    """Book bought (or, negative, shorted) units of position `i` that filled in bar `t`."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    units, price, cost = deal
    pay(account, units, price, cost)
    held = position.units + units
    position.entry_price += (price - position.entry_price) * (units / held)
    position.units = held
    position.costs += cost
    position.notional = max(position.notional, abs(held) * position.entry_price)
    hold(account, position, units)
    account.trades_today += 1
    write_fill(desk.ledger, b, position, (t, units, price, cost, Exit.NONE))


@compiled
def sell(desk: Desk, b: int, i: int, t: int, leave: Leave) -> bool:
    """Close a share of position `i` inside bar `t`; say whether all of it is gone.

    What the bar has no room for stays.
    """
    account, position, rules = desk.book.accounts[b], desk.book.positions[b, i], desk.rules[0]
    bar = desk.tape.bars[t, position.symbol]
    units = -position.units  # exactly all of it when the share is one
    if leave.share < 1.0:
        units = whole_lots(units * leave.share, rules)
    units = fillable(units, leave.price, bar, rules)
    if units == 0.0:
        return False
    s, k = position.symbol, position.strategy
    wish = Wish(s, k, leave.reason, units, leave.price, leave.impact)
    units, price, cost = deal_of(desk, b, t, wish)
    if units == 0.0:
        return False
    if is_covered(position):
        uncover(desk, b, i, t, (-units, price, leave.reason))
    pay(account, units, price, cost)
    position.realised -= units * (price - position.entry_price)
    hold(account, position, units)
    all_of_it = units == -position.units
    if leave.reason != Exit.WEIGHT:  # or its weight would buy back what is closed
        position.base_units *= 1.0 + units / position.units
    position.units += units
    position.costs += cost
    write_fill(desk.ledger, b, position, (t, units, price, cost, leave.reason))
    if all_of_it:
        write_trade(desk.ledger, b, position, (t, price, leave.reason, -np.sign(units)))
        note_day_trade(desk, b, i, t)
        free_slot(desk, b, i)
    return all_of_it


@compiled
def pay(account: Record, units: float, price: float, cost: float) -> None:
    """Move the money of a fill."""
    account.cash -= units * price + cost
    account.costs += cost
    account.traded += abs(units) * price


@compiled
def hold(account: Record, position: Record, units: float) -> None:
    """Count units bought or sold of a position into what the account holds, at the last price."""
    worth = units * position.last_price
    account.net += worth
    account.gross += worth if position.units > 0.0 else -worth
    account.portfolio_variance = -1.0


@compiled
def note_day_trade(desk: Desk, b: int, i: int, t: int) -> None:
    """Count a round trip that was opened in the session in which it closes."""
    session, opened = desk.tape.session, desk.book.positions[b, i].opened
    if session[opened] == session[t]:
        desk.book.accounts[b].day_trades[0] += 1


@compiled
def free_slot(desk: Desk, b: int, i: int) -> None:
    """Learn from a closed position and move the last one into its slot."""
    account, positions = desk.book.accounts[b], desk.book.positions
    closed = positions[b, i]
    outcome = (closed.realised + closed.income - closed.costs) / closed.notional
    learn_performance(account, outcome, desk.rules[0])
    last = account.n_positions - 1
    positions[b, i] = positions[b, last]
    move_option(desk, b, i, last)
    positions[b, last].symbol = NOBODY
    account.n_positions = last
