"""Step 5, execute: what a fill costs, and what it does to the account and the position.

units   bought; negative is sold
cost    half the spread, commission and impact, account currency
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.book import NOBODY
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk, Leave, Order
from benbot.envs.desk.ledger import write_fill, write_trade
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.sizing import learn_performance


@compiled
def open_position(desk: Desk, b: int, t: int, order: Order) -> None:
    """Fill an order of the close of bar `t` at the next open and put its stop in place."""
    account = desk.book.accounts[b]
    i = account.n_positions
    position = desk.book.positions[b, i]
    account.n_positions += 1
    position.symbol, position.strategy = order.symbol, order.strategy
    position.units = position.realised = position.costs = position.notional = 0.0
    position.entry_price = 0.0
    position.base_units = order.base_units
    position.opened, position.missing = t + 1, 0
    position.last_price = desk.tape.bars[t, order.symbol].close
    buy(desk, b, i, t + 1, order.units)
    place_stop(position, position.entry_price, order.stop)


@compiled
def place_stop(position: Record, price: float, stop: float) -> None:
    """Put the first stop of a position that filled at `price`; `stop` is a fraction of it."""
    position.distance = price * stop
    position.stop = price - np.sign(position.units) * position.distance
    position.initial_stop = position.stop
    position.best = price


@compiled
def buy(desk: Desk, b: int, i: int, t: int, units: float) -> None:
    """Open or enlarge position `i` at the open of bar `t`; negative units sell short."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    bar = desk.tape.bars[t, position.symbol]
    cost = cost_of(abs(units) * bar.open, bar, desk.rules[0])
    pay(account, units, bar.open, cost)
    held = position.units + units
    position.entry_price += (bar.open - position.entry_price) * units / held
    position.units = held
    position.costs += cost
    position.notional = max(position.notional, abs(held) * position.entry_price)
    account.gross += abs(units) * position.last_price
    account.trades_today += 1
    write_fill(desk.ledger, b, position, (t, units, bar.open, cost, Exit.NONE))


@compiled
def sell(desk: Desk, b: int, i: int, t: int, leave: Leave) -> None:
    """Close a share of position `i` inside bar `t`; with nothing left of it, free its slot."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    units = -position.units * leave.share  # exactly all of it when the share is one
    notional = abs(units) * leave.price
    cost = cost_of(notional, desk.tape.bars[t, position.symbol], desk.rules[0])
    pay(account, units, leave.price, cost)
    position.realised -= units * (leave.price - position.entry_price)
    position.units += units
    position.costs += cost
    account.gross -= abs(units) * position.last_price
    write_fill(desk.ledger, b, position, (t, units, leave.price, cost, leave.reason))
    if leave.share == 1.0:
        write_trade(desk.ledger, b, position, (t, leave.price, leave.reason, -np.sign(units)))
        free_slot(desk, b, i)


@compiled
def cost_of(notional: float, bar: Record, rules: Record) -> float:
    """Return what a fill of this notional costs."""
    rate = bar.half_spread + rules.costs_commission_rate + bar.impact * np.sqrt(notional)
    return rate * notional


@compiled
def pay(account: Record, units: float, price: float, cost: float) -> None:
    """Move the money of a fill."""
    account.cash -= units * price + cost
    account.costs += cost
    account.traded += abs(units) * price


@compiled
def free_slot(desk: Desk, b: int, i: int) -> None:
    """Learn from a closed position and move the last one into its slot."""
    account, positions = desk.book.accounts[b], desk.book.positions
    closed = positions[b, i]
    outcome = (closed.realised - closed.costs) / closed.notional
    learn_performance(account, outcome, desk.rules[0])
    last = account.n_positions - 1
    positions[b, i] = positions[b, last]
    positions[b, last].symbol = NOBODY
    account.n_positions = last
