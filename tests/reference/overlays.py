"""Section 16: covered calls and secured puts in the life of a position."""

from benbot.envs.desk.reasons import Exit
from benbot.envs.signals import Overlay
from tests.reference.book import Bar, Fill, Position
from tests.reference.breakers import halted
from tests.reference.numbers import positive
from tests.reference.options import NEW_MULTIPLIER, buy, end, offer, whole, write
from tests.reference.orders import finish, set_exits

NOTHING = 1e-9


def trades(bar: Bar, s: int) -> bool:
    """Return whether options on a symbol trade in bar t + 1."""
    return positive(bar.facts.open[bar.t + 1][s]) and bar.facts.room[bar.t + 1][s] > 0.0


def open_put(bar: Bar, position: Position, units: float) -> bool:
    """Write the puts of a new position; return whether they pay for it."""
    if not write(bar, position, units / NEW_MULTIPLIER):
        return False
    option = position.option
    assert option is not None
    position.units = units
    position.entry_price = position.last_price = option.strike
    position.notional = units * option.strike
    position.symbol_price = bar.close(position.symbol)
    bar.account.trades_today += 1
    return True


def write_calls(bar: Bar) -> None:
    """Write calls on the covered positions that have none."""
    if halted(bar):
        return
    for position in bar.account.positions:
        s = position.symbol
        contracts = whole(position.units, NEW_MULTIPLIER)
        if (
            position.overlay == Overlay.COVERED_CALL
            and position.option is None
            and position.complete
            and contracts > 0.0
            and bar.values[position.strategy][s] > 1e-20
            and position.writes_from <= bar.t + 1
            and trades(bar, s)
            and offer(bar, s, Overlay.COVERED_CALL) is not None
        ):
            write(bar, position, contracts)


def reason_to_buy_back(bar: Bar, position: Position) -> Exit:
    option, rules = position.option, bar.rules.options
    if option is None:
        return Exit.NONE
    if option.price < (1.0 - rules.take_profit) * option.premium:
        return Exit.OPTION_PROFIT
    near = rules.close_days > 0 and option.expiry - bar.facts.day[bar.t] <= rules.close_days
    return Exit.OPTION_TIME if near else Exit.NONE


def buy_calls_back(bar: Bar, position: Position, reason: Exit) -> None:
    if position.option is not None and trades(bar, position.symbol):
        spot = bar.facts.open[bar.t + 1][position.symbol]
        buy(bar, position, position.option.contracts, spot, reason)


def buy_puts_back(bar: Bar, position: Position, units: float, reason: Exit) -> None:
    """Close units of a secured put, which are whole contracts."""
    option = position.option
    assert option is not None
    delisted = reason == Exit.DELISTED
    contracts = whole(units, option.multiplier)
    if not (delisted or trades(bar, position.symbol)) or contracts == 0.0:
        return
    spot = position.symbol_price if delisted else bar.facts.open[bar.t + 1][position.symbol]
    strike, left = option.strike, option.contracts - contracts
    buy(bar, position, contracts, spot, reason)
    if left == 0.0:
        finish(bar, position, strike, reason)
        return
    closed = contracts * option.multiplier
    if reason != Exit.WEIGHT:
        position.base_units *= 1.0 - closed / position.units
    position.units -= closed


# Expiry and assignment.


def end_options(bar: Bar) -> None:
    for position in reversed(list(bar.account.positions)):
        if position.option is not None:
            end_option(bar, position)


def end_option(bar: Bar, position: Position) -> None:
    option, u, s = position.option, bar.t + 1, position.symbol
    assert option is not None
    gain = option.strike - position.spot if position.is_put else position.spot - option.strike
    if bar.facts.day[u] > option.expiry:
        assign(bar, position) if gain > 0.0 else expire(bar, position)
    elif gain > 0.0 and position.is_put and option.price - gain <= NOTHING * option.strike:
        assign(bar, position)
    elif gain > 0.0 and not position.is_put:
        paid = bar.facts.split[u][s] * bar.facts.dividend[u][s]
        if paid > 0.0 and option.price - gain < paid:
            assign(bar, position)


def expire(bar: Bar, position: Position) -> None:
    option = end(bar, position, Exit.EXPIRED)
    if position.is_put:
        finish(bar, position, option.strike, Exit.EXPIRED)


def assign(bar: Bar, position: Position) -> None:
    option = end(bar, position, Exit.ASSIGNED)
    units, strike = option.units, option.strike
    bought = units if position.is_put else -units
    bar.account.cash -= bought * strike
    bar.account.fills.append(
        Fill(bar.t + 1, position.symbol, position.strategy, bought, strike, 0.0, Exit.ASSIGNED)
    )
    if position.is_put:
        become_long(bar, position)
        return
    position.realised += units * (strike - position.entry_price)
    left = position.units - units
    if left <= NOTHING * position.units:
        finish(bar, position, strike, Exit.ASSIGNED)
    position.base_units *= left / position.units
    position.units = left


def become_long(bar: Bar, position: Position) -> None:
    """Turn an assigned put into an ordinary long position with exits set from the spot."""
    spot, entry = position.symbol_price, position.entry_price
    position.overlay, position.last_price = Overlay.NONE, spot
    position.entry_price = spot
    set_exits(bar.rules, position, position.distance / spot)
    position.entry_price = entry
