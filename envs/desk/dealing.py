"""Who fills an order: the rules of the desk, as in training, or a venue that is asked.

A venue is asked bar by bar, and a bar is traded again and again, each time from the book of the
close before: what the venue has answered so far is in the ledger, and the first order that it has
not answered is the next to be sent. What follows that order is only expected, as its cost is,
because it may depend on what becomes of it. Once every order has its answer the bar is done, and
the book is true.
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.orders import Deal, Wish


@compiled
def deal_of(desk: Desk, b: int, t: int, wish: Wish) -> Deal:
    """Return what becomes of an order of account `b` in bar `t`."""
    bar = desk.tape.bars[t, wish.symbol]
    cost = cost_of(wish.units, wish.price, wish.impact, bar, desk.rules[0])
    if desk.ledger.orders.shape[1] == 0:
        return Deal(wish.units, wish.price, cost)
    return ask_venue(desk, b, wish, cost)


@compiled
def ask_venue(desk: Desk, b: int, wish: Wish, cost: float) -> Deal:
    """Write an order down and return the venue's answer; without one, what the rules expect.

    One for which there is no room is lost: whoever reads the ledger can tell by the count.
    """
    n = desk.ledger.n_orders[b]
    desk.ledger.n_orders[b] = n + 1
    if n >= desk.ledger.orders.shape[1]:
        return Deal(0.0, wish.price, 0.0)
    row = desk.ledger.orders[b, n]
    row.symbol, row.strategy, row.reason = wish.symbol, wish.strategy, wish.reason
    row.units, row.price = wish.units, wish.price
    if row.is_answered != 0:
        return Deal(row.filled, row.fill_price, row.cost)
    row.cost = cost
    return Deal(wish.units, wish.price, cost)


@compiled
def cost_of(units: float, price: float, impact: float, bar: Record, rules: Record) -> float:
    """Return what a fill costs: half the spread, square-root impact, commission."""
    notional = abs(units) * price
    rate = bar.half_spread + bar.impact * impact * np.sqrt(notional)
    return rate * notional + commission(notional, abs(units), rules)


@compiled
def commission(notional: float, units: float, rules: Record) -> float:
    """Return the commission of one order, positive units."""
    by_size = rules.costs_commission_rate * notional + rules.costs_commission_per_unit * units
    return max(rules.costs_commission_minimum, rules.costs_commission_per_order + by_size)
