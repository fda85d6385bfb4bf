"""Options that positions write: what they are worth, and how they are sold and bought back.

A covered call lies on shares that are held. A secured put is held as the shares that it may become:
see `book.Book`. Only these two are written, so every option here is owed, never owned.

contracts   of `multiplier` units each
price       account currency per unit of the symbol, positive; the position owes it
spot        price of the symbol
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.black_scholes import Contract, american_price, greeks
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import write_option
from benbot.envs.desk.reasons import Exit
from benbot.envs.market.market import CALENDAR_DAYS_PER_YEAR
from benbot.envs.signals import Overlay

MULTIPLIER = 100.0  # units of a new contract
FORGIVEN = 1e-9  # of a contract: what rounding may have taken from a whole number of them
NOTHING = 1e-9  # of the strike: a premium, or a time value, that is none
DAYS_PER_YEAR = float(CALENDAR_DAYS_PER_YEAR)


@compiled
def has_offers(desk: Desk) -> bool:
    """Return whether some strategy writes options at all."""
    return desk.tape.offers.shape[0] > 0


@compiled
def overlay_of(desk: Desk, k: int, side: float) -> int:
    """Return what strategy `k` writes on this side, `Overlay`; shorts write nothing."""
    if not has_offers(desk) or side < 0.0:
        return Overlay.NONE.value
    return int(desk.tape.overlay[k])


@compiled
def is_promise(position: Record) -> bool:
    """Return whether the position is a written put: nothing is held, its units are promised."""
    return position.overlay == Overlay.SECURED_PUT


@compiled
def is_covered(position: Record) -> bool:
    """Return whether calls lie, or may lie, on the position."""
    return position.overlay == Overlay.COVERED_CALL


@compiled
def whole_contracts(units: float, multiplier: float) -> float:
    """Return how many contracts so many units, positive, are enough for."""
    return np.floor(units / multiplier + FORGIVEN)


@compiled
def in_hundreds(desk: Desk, k: int, units: float) -> float:
    """Return units that strategy `k` opens, in whole contracts where it writes options on them."""
    if overlay_of(desk, k, units) == Overlay.NONE:
        return units
    return MULTIPLIER * whole_contracts(units, MULTIPLIER)


@compiled
def begin_overlay(desk: Desk, b: int, i: int, k: int, side: float) -> int:
    """Return what the new position `i` of strategy `k` writes, and forget what its slot wrote."""
    overlay = overlay_of(desk, k, side)
    if overlay != Overlay.NONE:
        option = desk.book.options[b, i]
        option.contracts = option.premium = option.price = option.strike = option.spot = 0.0
        option.volatility, option.multiplier = np.nan, MULTIPLIER
        option.expiry = option.resumes = option.is_synthetic = 0
    return overlay


@compiled
def move_option(desk: Desk, b: int, i: int, last: int) -> None:
    """Let the options of a position follow it from slot `last` into slot `i`."""
    if has_offers(desk):
        desk.book.options[b, i] = desk.book.options[b, last]


@compiled
def contract_of(desk: Desk, b: int, i: int, t: int, spot: float) -> Contract:
    """Return what position `i` has written as it stands at the close of bar `t`, at a spot."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    days = option.expiry - desk.tape.offers[t, position.symbol].day
    rate = desk.rules[0].options_rate
    is_call = position.overlay == Overlay.COVERED_CALL
    return Contract(is_call, spot, option.strike, days / DAYS_PER_YEAR, option.volatility, rate)


@compiled
def option_cost(contracts: float, units: float, own: float, rules: Record) -> float:
    """Return what it costs to trade options of price `own` on so many units, positive."""
    return contracts * rules.options_fee_per_contract + rules.options_half_spread * own * units


@compiled
def choose_option(desk: Desk, b: int, i: int, t: int) -> None:
    """Note in position `i` the option that was offered at the close of bar `t`.

    A split of the next bar comes before its open.
    """
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    offer = desk.tape.offers[t, position.symbol]
    is_call = position.overlay == Overlay.COVERED_CALL
    split = split_of(desk, t + 1, position.symbol)
    option.strike = (offer.call if is_call else offer.put) / split
    option.expiry, option.volatility = offer.expiry, offer.volatility
    option.is_synthetic, option.multiplier = offer.is_synthetic, MULTIPLIER


@compiled
def split_of(desk: Desk, t: int, s: int) -> float:
    """Return by how much a symbol splits before the open of bar `t`."""
    return desk.tape.actions[t, s].split if desk.tape.calendar[t].has_action else 1.0


@compiled
def write_options(desk: Desk, b: int, i: int, t: int, contracts: float) -> bool:
    """Sell contracts of the noted option at the open after bar `t`; say whether they pay for it.

    Nothing is written for less than it costs, nor for nothing.
    """
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    contract = contract_of(desk, b, i, t, desk.tape.bars[t + 1, position.symbol].open)
    own, units = american_price(contract), contracts * option.multiplier
    least = option_cost(contracts, units, own, desk.rules[0]) + NOTHING * option.strike * units
    if not own * units > least:
        return False
    option.premium = option.price = own
    option.contracts = contracts
    settle_option(desk, b, i, (t + 1, -contracts, own, Exit.NONE), contract)
    return True


@compiled
def buy_back(desk: Desk, b: int, i: int, t: int, bought: tuple[float, float, int]) -> None:
    """Buy (contracts, spot, reason) of what position `i` wrote, inside bar `t`.

    Volatility and days are those of the close before.
    """
    contracts, spot, reason = bought
    option = desk.book.options[b, i]
    contract = contract_of(desk, b, i, t - 1, spot)
    option.contracts -= contracts
    if not option.contracts > 0.0:
        option.resumes = t + 1
    settle_option(desk, b, i, (t, contracts, american_price(contract), reason), contract)


@compiled
def settle_option(
    desk: Desk, b: int, i: int, fill: tuple[int, float, float, int], contract: Contract
) -> None:
    """Pay for (bar, contracts, price, reason), negative contracts are sold, and note it."""
    account, position = desk.book.accounts[b], desk.book.positions[b, i]
    _, contracts, own, _ = fill
    units = contracts * desk.book.options[b, i].multiplier
    cost = option_cost(abs(contracts), abs(units), own, desk.rules[0])
    account.cash -= units * own + cost
    account.costs += cost
    account.traded += abs(units) * own
    position.realised -= units * own
    position.costs += cost
    write_option(
        desk.ledger, b, position, desk.book.options[b, i], fill, (cost, contract, greeks(contract))
    )


@compiled
def end_option(desk: Desk, b: int, i: int, t: int, reason: int) -> float:
    """Let what position `i` wrote end before bar `t` opens, for nothing; return its units."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    spot = option.spot if is_promise(position) else position.last_price
    contract = contract_of(desk, b, i, t - 1, spot)
    fill = (t, option.contracts, 0.0, reason)
    units = option.contracts * option.multiplier
    option.contracts, option.resumes = 0.0, t
    write_option(desk.ledger, b, position, option, fill, (0.0, contract, greeks(contract)))
    return units


@compiled
def uncover(desk: Desk, b: int, i: int, t: int, sold: tuple[float, float, int]) -> None:
    """Buy back the calls that would lie on nothing after (units, price, reason) are sold."""
    position, option = desk.book.positions[b, i], desk.book.options[b, i]
    units, spot, reason = sold
    covered = whole_contracts(position.units - units, option.multiplier)
    if option.contracts > covered:
        buy_back(desk, b, i, t, (option.contracts - covered, spot, reason))


@compiled
def split_option(option: Record, ratio: float) -> None:
    """Make contracts of `ratio` times as many units; what they are worth stays."""
    option.multiplier *= ratio
    option.strike /= ratio
    option.price /= ratio
    option.premium /= ratio
    option.spot /= ratio


@compiled
def due(desk: Desk, b: int, t: int) -> float:
    """Mark all options at the close of bar `t`; return what the account owes beside its positions.

    That is what it would pay to be rid of the options, and for puts the shares that are promised
    and not held, which its positions show at the strike.
    """
    if not has_offers(desk):
        return 0.0
    total = 0.0
    for i in range(desk.book.accounts[b].n_positions):
        position, option = desk.book.positions[b, i], desk.book.options[b, i]
        if position.overlay == Overlay.NONE or not option.contracts > 0.0:
            continue
        offer = desk.tape.offers[t, position.symbol]
        if offer.volatility > 0.0:
            option.volatility, option.is_synthetic = offer.volatility, offer.is_synthetic
        spot = option.spot if is_promise(position) else position.last_price
        option.price = american_price(contract_of(desk, b, i, t, spot))
        total += option.contracts * option.multiplier * option.price
        total += position.units * position.last_price if is_promise(position) else 0.0
    return total
