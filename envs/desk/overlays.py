"""Covered calls and secured puts in the life of a position: how they begin, and what ends them.

`docs/desk.md`, section 16, is the law of it. Each function is one line in the steps of the desk,
and does nothing where no strategy writes options.
"""

from benbot.envs.desk.book import NOBODY
from benbot.envs.desk.breakers import may_enter
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import LEAST_SCORE
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.fills import (
    free_slot,
    hold,
    last_close,
    note_day_trade,
    open_position,
    place_stop,
    sell,
)
from benbot.envs.desk.ledger import write_trade
from benbot.envs.desk.options import (
    MULTIPLIER,
    begin_overlay,
    buy_back,
    choose_option,
    has_offers,
    in_hundreds,
    is_covered,
    is_promise,
    overlay_of,
    split_of,
    whole_contracts,
    write_options,
)
from benbot.envs.desk.orders import Answer, Ask, Leave, Order
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.signals import Overlay

# Entries.


@compiled
def ask_price(desk: Desk, t: int, k: int, s: int, side: float) -> float:
    """Return at what price a candidate of bar `t` is decided: a put at its strike."""
    if overlay_of(desk, k, side) == Overlay.SECURED_PUT:
        return desk.tape.offers[t, s].put / split_of(desk, t + 1, s)
    return last_close(desk, t, s)


@compiled
def contract_gate(desk: Desk, t: int, k: int, s: int, side: float) -> int:
    """Refuse to write what has no price or no contract; pass who writes nothing."""
    overlay = overlay_of(desk, k, side)
    if overlay == Overlay.NONE:
        return Verdict.PASSED
    offer = desk.tape.offers[t, s]
    if not offer.volatility > 0.0:
        return Verdict.NO_VOLATILITY
    strike = offer.call if overlay == Overlay.COVERED_CALL else offer.put
    return Verdict.PASSED if strike > 0.0 else Verdict.NO_CONTRACT


@compiled
def in_contracts(desk: Desk, ask: Ask, answer: Answer) -> Answer:
    """Round what the gates allow to whole contracts, where options are to be written."""
    units = in_hundreds(desk, ask.strategy, answer.units)
    if units == answer.units:
        return answer
    allowed = units * ask.price
    if not (units > 0.0 and allowed >= desk.rules[0].sizing_smallest_order):
        return Answer(0.0, 0.0, Verdict.TOO_SMALL, answer.limit)
    return Answer(allowed, units, answer.verdict, answer.limit)


@compiled
def open_order(desk: Desk, b: int, t: int, order: Order) -> bool:
    """Fill an order of the close of bar `t`, of shares or of puts; say whether any filled."""
    if overlay_of(desk, order.strategy, order.units) == Overlay.SECURED_PUT:
        return promise(desk, b, t, order)
    return open_position(desk, b, t, order)


@compiled
def promise(desk: Desk, b: int, t: int, order: Order) -> bool:
    """Write puts at the open after bar `t`; say whether they pay for it."""
    account, s = desk.book.accounts[b], order.symbol
    i = account.n_positions
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    position.symbol, position.strategy = s, order.strategy
    position.units = position.realised = position.income = position.costs = 0.0
    position.overlay = begin_overlay(desk, b, i, order.strategy, 1.0)
    choose_option(desk, b, i, t)
    if not write_options(desk, b, i, t, order.units / MULTIPLIER):
        return False
    account.n_positions += 1
    position.units, position.base_units = order.units, order.base_units
    position.entry_price = position.last_price = option.strike
    position.notional = order.units * option.strike
    position.opened = position.watched = t + 1
    position.missing = position.partial_done = 0
    position.partner = NOBODY
    position.regime, position.diamond = desk.tape.regime[t], desk.tape.sizing[t, s].diamond
    option.spot = last_close(desk, t, s)
    place_stop(position, option.strike, order.stop, desk.rules[0])
    hold(account, position, order.units)
    account.trades_today += 1
    return True


@compiled
def write_calls(desk: Desk, b: int, t: int) -> None:
    """Write calls at the open after bar `t` on the shares that have none and are wanted."""
    if not has_offers(desk) or not may_enter(desk.book.accounts[b]):
        return
    for i in range(desk.book.accounts[b].n_positions):
        if may_write(desk, b, i, t):
            choose_option(desk, b, i, t)
            units = desk.book.positions[b, i].units
            write_options(desk, b, i, t, whole_contracts(units, MULTIPLIER))


@compiled
def may_write(desk: Desk, b: int, i: int, t: int) -> bool:
    """Return whether position `i` has no call, and one may be written at the open after bar `t`."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    if not is_covered(position) or option.contracts > 0.0 or option.resumes > t + 1:
        return False
    s, enough = position.symbol, whole_contracts(position.units, MULTIPLIER) > 0.0
    is_complete = position.watched <= t + 1
    wanted = desk.tape.value[t, position.strategy, s] > LEAST_SCORE
    offer = desk.tape.offers[t, s]
    offered = offer.volatility > 0.0 and offer.call > 0.0
    return enough and is_complete and wanted and offered and is_open(desk, t + 1, s)


@compiled
def is_open(desk: Desk, t: int, s: int) -> bool:
    """Return whether options on a symbol trade in bar `t`: where the symbol itself does."""
    bar = desk.tape.bars[t, s]
    return bar.open > 0.0 and bar.room > 0.0


# Exits.


@compiled
def tend_option(desk: Desk, b: int, i: int, t: int, reason: int) -> int:
    """Buy back at the next open what was written, where it is time; return why to leave, or NONE.

    Shares outlive their calls; a put that is bought back leaves nothing. `reason` is why the
    position leaves anyway.
    """
    position = desk.book.positions[b, i]
    if position.overlay == Overlay.NONE or reason != Exit.NONE:
        return reason
    reason = reason_to_buy_back(desk, b, i, t)
    if reason == Exit.NONE or is_promise(position):
        return reason
    if is_open(desk, t + 1, position.symbol):
        spot = desk.tape.bars[t + 1, position.symbol].open
        buy_back(desk, b, i, t + 1, (desk.book.options[b, i].contracts, spot, reason))
    return Exit.NONE


@compiled
def reason_to_buy_back(desk: Desk, b: int, i: int, t: int) -> int:
    """Return why what position `i` wrote should be bought back at the next open, or NONE."""
    option, rules = desk.book.options[b, i], desk.rules[0]
    if not option.contracts > 0.0:
        return Exit.NONE
    if option.price < (1.0 - rules.options_take_profit) * option.premium:
        return Exit.OPTION_PROFIT
    days = option.expiry - desk.tape.offers[t, desk.book.positions[b, i].symbol].day
    soon = rules.options_close_days > 0 and days <= rules.options_close_days
    return Exit.OPTION_TIME if soon else Exit.NONE


@compiled
def close_some(desk: Desk, b: int, i: int, t: int, leave: Leave) -> bool:
    """Close a share of position `i`, shares or puts, inside bar `t`; say whether all is gone."""
    if is_promise(desk.book.positions[b, i]):
        return withdraw(desk, b, i, t, leave)
    return sell(desk, b, i, t, leave)


@compiled
def withdraw(desk: Desk, b: int, i: int, t: int, leave: Leave) -> bool:
    """Buy back a share of the puts of position `i` in bar `t`; say whether all are gone."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    spot = desk.tape.bars[t, position.symbol].open
    if leave.reason == Exit.DELISTED:
        spot = option.spot
    elif not is_open(desk, t, position.symbol):
        return False
    contracts = whole_contracts(leave.share * option.contracts, 1.0)
    if not contracts > 0.0:
        return False
    all_of_it = contracts == option.contracts
    buy_back(desk, b, i, t, (contracts, spot, leave.reason))
    drop_promise(desk, b, i, contracts * option.multiplier, leave.reason)
    if all_of_it:
        finish(desk, b, i, t, leave.reason)
    return all_of_it


@compiled
def drop_promise(desk: Desk, b: int, i: int, units: float, reason: int) -> None:
    """Promise so many units less."""
    position = desk.book.positions[b, i]
    hold(desk.book.accounts[b], position, -units)
    if reason != Exit.WEIGHT:  # or its weight would write again what was bought back
        position.base_units *= 1.0 - units / position.units
    position.units -= units


@compiled
def finish(desk: Desk, b: int, i: int, t: int, reason: int) -> None:
    """End the round trip of position `i`, of which nothing is left, in bar `t` at the strike."""
    position, strike = desk.book.positions[b, i], desk.book.options[b, i].strike
    write_trade(desk.ledger, b, position, (t, strike, reason, 1.0))
    note_day_trade(desk, b, i, t)
    free_slot(desk, b, i)


@compiled
def share_in_contracts(desk: Desk, b: int, i: int, share: float) -> float:
    """Return the share of position `i` that its whole contracts within `share` are."""
    position = desk.book.positions[b, i]
    if position.overlay == Overlay.NONE:
        return share
    option = desk.book.options[b, i]
    multiplier = option.multiplier if option.contracts > 0.0 else MULTIPLIER
    return whole_contracts(share * position.units, multiplier) * multiplier / position.units
