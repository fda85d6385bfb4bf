"""Step 6, exits: when a position leaves, and where its stop stands.

At a close the desk may decide to leave at the next open; inside the next bar stops and targets may
be hit. The order of events inside a bar is not known, so the bad one is assumed: the stop is the
one fixed before the bar, it comes before any target, and a gap through it fills at the open.
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.book import NOBODY, side_of
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import Contest, note_closed
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.fills import AT_ONCE, enlarge, sell, terms_of, to_tick
from benbot.envs.desk.gates import ROUNDING, account_gate, allow, free_cash, side_gate, tied_cash
from benbot.envs.desk.ledger import write_decision
from benbot.envs.desk.options import is_promise
from benbot.envs.desk.orders import Answer, Ask, Leave
from benbot.envs.desk.overlays import close_some, share_in_contracts, tend_option
from benbot.envs.desk.pairs import other_leg, waits_for_partner
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.sizing import multiple, position_cap, whole_lots
from benbot.envs.signals import Overlay

KEPT, SHORT_OF_ROOM, GONE = 0, 1, 2  # what became of a position inside a bar


@compiled
def leave_positions(desk: Desk, contest: Contest, b: int, t: int) -> None:
    """Close at the next open what should be left; let the others follow their weights."""
    kept = kept_share(desk.book.accounts[b], desk.rules[0])
    for i in range(desk.book.accounts[b].n_positions - 1, -1, -1):
        position = desk.book.positions[b, i]
        if not desk.tape.bars[t + 1, position.symbol].open > 0.0 or waits_for_partner(
            desk, b, i, t
        ):
            continue  # nobody to trade with: it waits
        reason = tend_option(desk, b, i, t, reason_to_leave(desk, b, i, t))
        if reason == Exit.NONE:
            follow_weight(desk, contest, b, i, t, kept)
        else:
            leave(desk, contest, b, i, t, reason)


@compiled
def leave(desk: Desk, contest: Contest, b: int, i: int, t: int, reason: int) -> None:
    """Close all of position `i` by an order of the close of bar `t`."""
    position = desk.book.positions[b, i]
    s, k, side = position.symbol, position.strategy, np.sign(position.units)
    terms = terms_of(desk, t, s, position.units)
    if close_some(desk, b, i, t + 1, Leave(1.0, terms.price, reason, terms.impact)):
        note_closed(contest, s, k, side)


@compiled
def kept_share(account: Record, rules: Record) -> float:
    """Return the share of every position that leaves as much in cash as there should be."""
    excess = -free_cash(account, rules)
    return 1.0 - excess / tied_cash(account, rules) if excess > 0.0 else 1.0


@compiled
def reason_to_leave(desk: Desk, b: int, i: int, t: int) -> int:
    """Return why position `i` should be closed at the next open, or NONE; pairs leave together."""
    reason = own_reason(desk, b, i, t)
    if reason == Exit.NONE and desk.book.positions[b, i].partner != NOBODY:
        j = other_leg(desk, b, i)
        if j < 0 or own_reason(desk, b, j, t) != Exit.NONE:
            return Exit.PARTNER
    return reason


@compiled
def own_reason(desk: Desk, b: int, i: int, t: int) -> int:
    """Return why position `i` should be closed whatever becomes of a partner, or NONE."""
    position, rules = desk.book.positions[b, i], desk.rules[0]
    if desk.book.accounts[b].day_halted != 0:
        return Exit.BREAKER
    if desk.tape.value[t, position.strategy, position.symbol] * position.units < 0.0:
        return Exit.REVERSAL
    held = t + 1 - position.opened
    if position.diamond and held >= rules.exits_diamond_time_stop:
        return Exit.DIAMOND
    if held >= rules.exits_time_stop:
        return Exit.TIME
    if not desk.book.sleeves[b, position.strategy].weight > 0.0:
        return Exit.WEIGHT
    return Exit.NONE


@compiled
def follow_weight(desk: Desk, contest: Contest, b: int, i: int, t: int, kept: float) -> None:
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
    least = max(rules.sizing_smallest_order, ROUNDING * account.equity)
    if not abs(change) > max(rules.sizing_no_trade_band * held, least):
        return
    if change > 0.0:
        # Neither is enlarged: the leg of a pair, and what options are written on.
        if position.partner == NOBODY and position.overlay == Overlay.NONE:
            ask_for_more(desk, b, i, t, change)
    elif held + change >= rules.sizing_smallest_order:
        reduce(desk, b, i, t, share_in_contracts(desk, b, i, -change / held))
    else:
        leave(desk, contest, b, i, t, Exit.WEIGHT)


@compiled
def reduce(desk: Desk, b: int, i: int, t: int, share: float) -> None:
    """Close a share of position `i` by an order of the close of bar `t`."""
    position = desk.book.positions[b, i]
    units = whole_lots(share * position.units, desk.rules[0])
    terms = terms_of(desk, t, position.symbol, units)
    close_some(desk, b, i, t + 1, Leave(share, terms.price, Exit.WEIGHT, terms.impact))


@compiled
def ask_for_more(desk: Desk, b: int, i: int, t: int, wanted: float) -> None:
    """Enlarge position `i` by what the gates allow of the wanted notional."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    price, side = position.last_price, np.sign(position.units)
    stop = abs(price - position.stop) / price
    ask = Ask(position.symbol, position.strategy, side, wanted, price, stop, True)
    slots = account.n_positions + 1  # it has one already
    verdict = account_gate(account, desk.tape.regime[t], slots, desk.rules[0])
    if verdict == Verdict.PASSED:
        verdict = side_gate(desk, t, ask.strategy, ask.symbol, side)
    answer = allow(desk, b, t, ask, verdict)
    if answer.units != 0.0 and not enlarge(desk, b, i, t, answer.units):
        answer = Answer(0.0, 0.0, Verdict.NOT_TRADABLE, answer.limit)
    write_decision(desk.ledger, b, t, ask, answer, 1.0 / account.equity)


@compiled
def guard_positions(desk: Desk, b: int, t: int) -> None:
    """Watch stops and targets inside bar `t`; who has had no price for too long leaves."""
    for i in range(desk.book.accounts[b].n_positions - 1, -1, -1):
        position = desk.book.positions[b, i]
        bar = desk.tape.bars[t, position.symbol]
        if not bar.close > 0.0:
            miss(desk, b, i, t)
            continue
        position.missing = 0
        if is_promise(position):
            desk.book.options[b, i].spot = bar.close
        elif t < position.watched or not is_closed_inside(desk, b, i, t):
            position.last_price = bar.close


@compiled
def miss(desk: Desk, b: int, i: int, t: int) -> None:
    """Count a bar without a price; after too many the position closes at the last one."""
    position = desk.book.positions[b, i]
    position.missing += 1
    if position.missing > desk.rules[0].exits_delisted_after:
        close_some(desk, b, i, t, Leave(1.0, position.last_price, Exit.DELISTED, AT_ONCE))


@compiled
def is_closed_inside(desk: Desk, b: int, i: int, t: int) -> bool:
    """Let the prices of bar `t` act on position `i`, the bad ones first; say whether it is gone."""
    position, rules = desk.book.positions[b, i], desk.rules[0]
    bar = desk.tape.bars[t, position.symbol]
    if is_touched(position, bar):
        price = stop_price(position, bar)
        return close_inside(desk, b, i, t, price, stop_reason(position)) == GONE
    outcome = take_profit(desk, b, i, t)
    if outcome == KEPT:
        trail(position, bar, rules)
    return outcome == GONE


@compiled
def take_profit(desk: Desk, b: int, i: int, t: int) -> int:
    """Close a share at the partial target and the rest at the target, where they are reached."""
    position = desk.book.positions[b, i]
    bar = desk.tape.bars[t, position.symbol]
    part_taken = is_reached(position, position.partial, bar) and take_partial(desk, b, i, t)
    if part_taken and is_touched(position, bar):
        return close_inside(desk, b, i, t, position.stop, stop_reason(position))
    if is_reached(position, position.target, bar):
        return close_inside(desk, b, i, t, limit_price(position, position.target, bar), Exit.TARGET)
    return KEPT


@compiled
def take_partial(desk: Desk, b: int, i: int, t: int) -> bool:
    """Close a share of position `i`, then put its stop to break even; say whether any filled."""
    position, rules = desk.book.positions[b, i], desk.rules[0]
    price = limit_price(position, position.partial, desk.tape.bars[t, position.symbol])
    held = position.units
    sell(desk, b, i, t, Leave(rules.exits_partial_share, price, Exit.PARTIAL, AT_ONCE))
    if position.units == held:
        return False  # no room, or less than one lot
    position.partial, position.partial_done = 0.0, 1
    side = np.sign(held)
    position.stop = side * max(side * position.stop, side * position.entry_price)
    return True


@compiled
def close_inside(desk: Desk, b: int, i: int, t: int, price: float, reason: int) -> int:
    """Close all of position `i` inside bar `t`; say whether it is gone or short of room."""
    gone = sell(desk, b, i, t, Leave(1.0, price, reason, AT_ONCE))
    return GONE if gone else SHORT_OF_ROOM


@compiled
def worst_of(position: Record, bar: Record) -> float:
    """Return the price of the range that is worst for the position."""
    return bar.low if position.units > 0.0 else bar.high


@compiled
def best_of(position: Record, bar: Record) -> float:
    """Return the price of the range that is best for the position."""
    return bar.high if position.units > 0.0 else bar.low


@compiled
def is_reached(position: Record, target: float, bar: Record) -> bool:
    """Return whether the range reaches a target; 0 is none."""
    return target > 0.0 and side_of(position) * (best_of(position, bar) - target) >= 0.0


@compiled
def is_touched(position: Record, bar: Record) -> bool:
    """Return whether the range touches the stop."""
    return side_of(position) * (position.stop - worst_of(position, bar)) >= 0.0


@compiled
def limit_price(position: Record, target: float, bar: Record) -> float:
    """Return where a target that is reached fills: at the open after a gap beyond it."""
    return max(target, bar.open) if position.units > 0.0 else min(target, bar.open)


@compiled
def stop_price(position: Record, bar: Record) -> float:
    """Return where a stop that is touched fills: at the open after a gap through it."""
    stop = position.stop
    return min(stop, bar.open) if position.units > 0.0 else max(stop, bar.open)


@compiled
def stop_reason(position: Record) -> int:
    """Return whether the stop that was hit is the first one, break even, or one that trailed."""
    if position.stop == position.initial_stop:
        return Exit.STOP
    at_entry = position.partial_done and position.stop == position.entry_price
    return Exit.BREAK_EVEN if at_entry else Exit.TRAILING_STOP


@compiled
def trail(position: Record, bar: Record, rules: Record) -> None:
    """Move the stop behind the best price so far; it never moves back."""
    side = side_of(position)
    best = max(side * position.best, side * best_of(position, bar))
    stop = side * (best - rules.exits_trailing_multiple * position.distance)
    stop = to_tick(stop, -side, rules)
    position.best = side * best
    position.stop = side * max(side * position.stop, side * stop)
