"""The round trips of every sleeve, for whoever wants to learn from them.

The sleeves trade once more through a tape whose values they have written already, and with the
same values an account does the same. A trade that was closed in bar t is known at its close.
"""

import numpy as np

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.book import open_book
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.cycle import trade_bar
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend, take_floor
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.loan import Words
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import LEAST_CAPITAL, open_sleeve
from benbot.envs.desk.tape import Tape

FIRST_ROOM = 4096  # trades of a sleeve; more of them are counted, and then there is room


def sleeve_trades(tape: Tape, rules: DeskRules) -> RecordArray:
    """Return all round trips (N,) of TRADE in the order of their closing.

    Of one bar those of the first strategy come first. What is still open at the end is left out,
    and so is what a sleeve held when it was opened anew.
    """
    n_strategies = tape.value.shape[1]
    room = FIRST_ROOM
    while True:
        ledger = open_ledger(n_strategies, trades=room)
        book = open_book(n_strategies, n_strategies, rules.limits.max_positions)
        floor = lend(Desk(book, tape, rules.without_breakers().record(), ledger))
        trade_sleeves(floor.words)
        if not ledger.n_trades.max() > room:
            break
        room = int(ledger.n_trades.max())
    own = [ledger.trades[k, :n] for k, n in enumerate(ledger.n_trades.tolist())]
    trades = np.concatenate(own)
    ordered: RecordArray = trades[np.argsort(trades["closed"], kind="stable")]
    return ordered


@compiled
def trade_sleeves(floor: Words) -> None:
    """Trade every sleeve through the whole tape; the ledger keeps what it has room for."""
    desk, contest = take_floor(floor)
    for k in range(desk.book.sleeves.shape[1]):
        open_sleeve(desk, k, 0)
    for t in range(desk.tape.bars.shape[0] - 1):
        for k in range(desk.book.sleeves.shape[1]):
            trade_bar(desk, contest, k, t)
            if not desk.book.accounts[k].equity > LEAST_CAPITAL * desk.rules[0].capital:
                open_sleeve(desk, k, t + 1)
