"""Options that end before a bar opens: they expire, or their holders take or deliver the shares.

`docs/desk.md`, section 16, is the law of it. Nothing of this costs anything. Equity stays, but
for the time value of a call that is exercised for a dividend: that is its writer's.
"""

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.fills import hold, place_stop
from benbot.envs.desk.ledger import write_fill
from benbot.envs.desk.options import FORGIVEN, NOTHING, end_option, has_offers, is_promise
from benbot.envs.desk.overlays import drop_promise, finish
from benbot.envs.desk.reasons import Exit
from benbot.envs.signals import Overlay


@compiled
def settle_options(desk: Desk, b: int, t: int) -> None:
    """Let options end before bar `t` opens: those that expired, and those that are assigned early.

    From the last slot to the first, because whoever is gone gives its slot to the last.
    """
    if not has_offers(desk):
        return
    for i in range(desk.book.accounts[b].n_positions - 1, -1, -1):
        position = desk.book.positions[b, i]
        if position.overlay == Overlay.NONE or not desk.book.options[b, i].contracts > 0.0:
            continue
        if is_promise(position):
            settle_put(desk, b, i, t)
        else:
            settle_call(desk, b, i, t)


@compiled
def has_expired(desk: Desk, option: Record, t: int, s: int) -> bool:
    """Return whether the day of expiry lies before that of bar `t`."""
    return option.expiry < desk.tape.offers[t, s].day


@compiled
def settle_call(desk: Desk, b: int, i: int, t: int) -> None:
    """Let the calls of position `i` expire, or be assigned: at expiry, or for a dividend."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    gain = position.last_price - option.strike
    if has_expired(desk, option, t, position.symbol):
        if gain > 0.0:
            call_away(desk, b, i, t)
        else:
            end_option(desk, b, i, t, Exit.EXPIRED)
    elif gain > 0.0 and desk.tape.calendar[t].has_action:
        action = desk.tape.actions[t, position.symbol]
        if action.dividend > 0.0 and option.price - gain < action.dividend * action.split:
            call_away(desk, b, i, t)


@compiled
def call_away(desk: Desk, b: int, i: int, t: int) -> None:
    """Deliver the shares of position `i` that its calls lie on, at the strike."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    strike = desk.book.options[b, i].strike
    units = end_option(desk, b, i, t, Exit.ASSIGNED)
    account.cash += units * strike
    account.traded += units * strike
    position.realised += units * (strike - position.entry_price)
    hold(account, position, -units)
    write_fill(desk.ledger, b, position, (t, -units, strike, 0.0, Exit.ASSIGNED))
    left = position.units - units
    position.base_units *= left / position.units
    if left > FORGIVEN * position.units:
        position.units = left
        return
    finish(desk, b, i, t, Exit.ASSIGNED)


@compiled
def settle_put(desk: Desk, b: int, i: int, t: int) -> None:
    """Let the puts of position `i` expire, or be assigned: at expiry, or without time value."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    gain = option.strike - option.spot
    if has_expired(desk, option, t, position.symbol):
        if gain > 0.0:
            take_shares(desk, b, i, t)
        else:
            drop_promise(desk, b, i, end_option(desk, b, i, t, Exit.EXPIRED), Exit.EXPIRED)
            finish(desk, b, i, t, Exit.EXPIRED)
    elif gain > 0.0 and option.price - gain <= NOTHING * option.strike:
        take_shares(desk, b, i, t)


@compiled
def take_shares(desk: Desk, b: int, i: int, t: int) -> None:
    """Buy the promised shares at the strike: from now on position `i` is an ordinary long."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    strike, spot = desk.book.options[b, i].strike, desk.book.options[b, i].spot
    units = end_option(desk, b, i, t, Exit.ASSIGNED)
    account.cash -= units * strike
    account.traded += units * strike
    hold(account, position, -position.units)
    position.last_price, position.overlay = spot, Overlay.NONE
    hold(account, position, position.units)
    place_stop(position, spot, position.distance / spot, desk.rules[0])
    write_fill(desk.ledger, b, position, (t, units, strike, 0.0, Exit.ASSIGNED))
