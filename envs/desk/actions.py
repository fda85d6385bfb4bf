"""Splits and dividends of what is held, before a bar opens: the book is re-based, equity is not."""

from benbot.envs.arrays import Record
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.options import is_promise, split_option


@compiled
def apply_actions(desk: Desk, b: int, t: int) -> None:
    """Apply the corporate actions of bar `t` to the positions of account `b`."""
    if not desk.tape.calendar[t].has_action:
        return
    account = desk.book.accounts[b]
    for i in range(account.n_positions):
        position = desk.book.positions[b, i]
        action = desk.tape.actions[t, position.symbol]
        if action.split != 1.0:
            split_position(position, action.split)
            split_option(desk.book.options[b, i], action.split)
        if action.dividend != 0.0 and not is_promise(position):
            pay_dividend(account, position, action.dividend)


@compiled
def split_position(position: Record, ratio: float) -> None:
    """Make `ratio` new units of each old one; what the position is worth stays."""
    position.units *= ratio
    position.base_units *= ratio
    position.entry_price /= ratio
    position.last_price /= ratio
    position.stop /= ratio
    position.initial_stop /= ratio
    position.best /= ratio
    position.distance /= ratio
    position.target /= ratio
    position.partial /= ratio


@compiled
def pay_dividend(account: Record, position: Record, dividend: float) -> None:
    """Pay money per unit; the price falls by as much, so stops follow it and targets wait."""
    income = position.units * dividend
    account.cash += income
    account.net -= income
    account.gross -= income if position.units > 0.0 else -income
    position.income += income
    position.last_price -= dividend
    position.stop -= dividend
    position.initial_stop -= dividend
    position.best -= dividend
