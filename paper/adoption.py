"""What others did to the account, taken into the book: the venue's word is the truth.

A position that somebody else closed, in whole or in part, is closed in the book. What somebody else
bought is theirs: it is noted beside the book, and the money that is in it is money that was taken
out. So is every other change of cash that no fill of ours explains; it moves neither drawdown nor
the day's loss, because nobody earned or lost it by trading.
"""

import numpy as np

from benbot.envs.arrays import Record
from benbot.envs.desk.book import NOBODY, Book

SCALED = ("previous_equity", "day_equity", "peak", "recovery_peak")
CENT = 0.01


def flow(account: Record, money: float) -> None:
    """Put money into the account, or take it out where it is negative."""
    before = float(account["equity"])
    account["cash"] += money
    account["equity"] += money
    if before > 0.0 and account["equity"] > 0.0:
        for name in SCALED:
            account[name] *= float(account["equity"]) / before


def close_units(book: Book, i: int, units: float, price: float) -> None:
    """Close signed units, of its own sign, of position `i` at a price that cost nothing."""
    account, position = book.accounts[0], book.positions[0, i]
    held = float(position["units"])
    worth = units * float(position["last_price"])
    account["cash"] += units * price
    account["net"] -= worth
    account["gross"] -= abs(worth)
    position["realised"] += units * (price - float(position["entry_price"]))
    position["base_units"] *= (held - units) / held
    position["units"] = held - units
    if units == held:
        _free(book, i)


def is_same_money(one: float, other: float) -> bool:
    """Return whether two sums differ by no more than rounding."""
    return abs(one - other) <= CENT + 1e-9 * max(abs(one), abs(other))


def is_same_units(one: float, other: float) -> bool:
    """Return whether two holdings differ by no more than rounding."""
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other))


def _free(book: Book, i: int) -> None:
    last = int(book.accounts[0]["n_positions"]) - 1
    for slots in (book.positions, book.options):
        slots[0, i] = slots[0, last]
    book.positions["symbol"][0, last] = NOBODY
    book.accounts[0]["n_positions"] = last
    np.add(book.accounts["n_closed"], 1, out=book.accounts["n_closed"])
