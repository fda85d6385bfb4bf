"""Step 6, exits: when a position leaves, and where its stop stands.

At a close the desk may decide to leave at the next open; inside the next bar the stop may be hit.
The order of events inside a bar is not known, so the bad one is assumed: the stop is the one fixed
before the bar, it is hit whenever the range touches it, and a gap through it fills at the open.
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk, Leave
from benbot.envs.desk.fills import buy, sell
from benbot.envs.desk.gates import account_gate, risk_room, room
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.sizing import multiple, position_cap


@compiled
def leave_positions(desk: Desk, b: int, t: int) -> None:
    """Close at the next open what should be left; let the others follow their weights."""
    kept = kept_share(desk.book.accounts[b], desk.rules[0])
    for i in range(desk.book.accounts[b].n_positions - 1, -1, -1):
        price = desk.tape.bars[t + 1, desk.book.positions[b, i].symbol].open
        if not price > 0.0:
            continue  # nobody to trade with: it waits
        reason = reason_to_leave(desk, b, i, t)
        if reason == Exit.NONE:
            follow_weight(desk, b, i, t, kept)
        else:
            sell(desk, b, i, t + 1, Leave(1.0, price, reason))


@compiled
def kept_share(account: Record, rules: Record) -> float:
    """Return the share of every position that leaves as much in cash as there should be."""
    excess = -room(account, rules)
    return 1.0 - excess / account.gross if excess > 0.0 else 1.0


@compiled
def reason_to_leave(desk: Desk, b: int, i: int, t: int) -> int:
    """Return why position `i` should be closed at the next open, or NONE."""
    position = desk.book.positions[b, i]
    if desk.book.accounts[b].day_halted != 0:
        return Exit.BREAKER
    if desk.tape.value[t, position.strategy, position.symbol] * position.units < 0.0:
        return Exit.REVERSAL
    if t + 1 - position.opened >= desk.rules[0].exits_time_stop:
        return Exit.TIME
    if not desk.book.sleeves[b, position.strategy].weight > 0.0:
        return Exit.WEIGHT
    return Exit.NONE


@compiled
def follow_weight(desk: Desk, b: int, i: int, t: int, kept: float) -> None:
    """Enlarge or reduce a position whose weight, or the share of cash, has moved beyond the band.

    `kept` is the share of it that the account has room for.
    """
    account, position, rules = desk.book.accounts[b], desk.book.positions[b, i], desk.rules[0]
    price, side = position.last_price, np.sign(position.units)
    held = side * position.units * price
    weight = desk.book.sleeves[b, position.strategy].weight
    wanted = position.base_units * price * multiple(weight, desk.book.sleeves.shape[1], rules)
    wanted = min(wanted, position_cap(account, rules) * account.equity)
    change = min(wanted, held * kept if kept < 1.0 else wanted) - held
    least = max(rules.sizing_no_trade_band * held, rules.sizing_smallest_order)
    if not abs(change) > least:
        return
    if change < 0.0:
        fill = desk.tape.bars[t + 1, position.symbol].open
        worth_keeping = held + change >= rules.sizing_smallest_order
        share = -change / held if worth_keeping else 1.0
        sell(desk, b, i, t + 1, Leave(share, fill, Exit.WEIGHT))
        return
    change = min(change, affordable(desk, b, i, t))
    if change > 0.0 and change >= rules.sizing_smallest_order:
        buy(desk, b, i, t + 1, side * change / price)


@compiled
def affordable(desk: Desk, b: int, i: int, t: int) -> float:
    """Return by how much notional the gates let position `i` grow; 0 or less where not at all."""
    account, position, rules = desk.book.accounts[b], desk.book.positions[b, i], desk.rules[0]
    regime, slots = desk.tape.regime[t], account.n_positions + 1  # it has a slot already
    if account_gate(account, regime, slots, rules) != Verdict.PASSED or position.missing > 0:
        return 0.0
    capital = room(account, rules)
    if not account.equity < rules.poor_below:
        return capital
    risk = abs(position.last_price - position.stop) / position.last_price
    return min(capital, risk_room(account, desk.book.positions[b], rules) / risk)


@compiled
def guard_positions(desk: Desk, b: int, t: int) -> None:
    """Watch the stops inside bar `t`; what has had no price for too long leaves at its last one."""
    for i in range(desk.book.accounts[b].n_positions - 1, -1, -1):
        position = desk.book.positions[b, i]
        bar = desk.tape.bars[t, position.symbol]
        if not bar.close > 0.0:
            position.missing += 1
            if position.missing > desk.rules[0].exits_delisted_after:
                sell(desk, b, i, t, Leave(1.0, position.last_price, Exit.DELISTED))
            continue
        position.missing = 0
        price = stop_price(position, bar)
        if price > 0.0:
            sell(desk, b, i, t, Leave(1.0, price, stop_reason(position)))
        else:
            trail(position, bar, desk.rules[0])
            position.last_price = bar.close


@compiled
def stop_price(position: Record, bar: Record) -> float:
    """Return where the stop fills inside `bar`, NaN if it is not touched."""
    is_long = position.units > 0.0
    worst = bar.low if is_long else -bar.high
    stop = position.stop if is_long else -position.stop
    opened = bar.open if is_long else -bar.open
    if worst > stop:
        return np.nan
    return min(stop, opened) if is_long else -min(stop, opened)


@compiled
def stop_reason(position: Record) -> int:
    """Return whether the stop that was hit is the first one or one that has trailed."""
    return Exit.STOP if position.stop == position.initial_stop else Exit.TRAILING_STOP


@compiled
def trail(position: Record, bar: Record, rules: Record) -> None:
    """Move the stop behind the best price so far; it never moves back."""
    side = 1.0 if position.units > 0.0 else -1.0
    farthest = bar.high if position.units > 0.0 else bar.low
    best = max(side * position.best, side * farthest)
    stop = max(side * position.stop, best - rules.exits_trailing_multiple * position.distance)
    position.best = side * best
    position.stop = side * stop
