"""How a random world is traded, bar by bar, and what makes a law of it.

Worlds have splits, dividends, borrowing, partial fills and halts.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray, RecordArray
from benbot.envs.desk.book import Book, open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import FloorLoan, lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import Tape
from tests.envs.desk.worlds import FIRST, World

PRICES = ("open", "high", "low", "close")
ENTERED = (Verdict.PASSED, Verdict.CLIPPED)
AT_THE_CLOSE = (  # reasons of orders that were decided at a close
    Exit.NONE,
    Exit.TIME,
    Exit.REVERSAL,
    Exit.WEIGHT,
    Exit.BREAKER,
    Exit.DIAMOND,
    Exit.PARTNER,
)
NORMAL_95 = 1.6448536269514722
ROUNDING = 1e-9

THOROUGH = int(os.environ.get("BENBOT_THOROUGH", "1"))  # times as many worlds, by night
FEW, MANY = settings(max_examples=20 * THOROUGH), settings(max_examples=600)
seeds = st.integers(0, 2**32 - 1)


def law(check: Callable[[int], None]) -> tuple[Any, Any]:
    """Return the same law for every commit and, over many more worlds, for every night."""

    def of_few(seed: int) -> None:
        check(seed)

    def of_many(seed: int) -> None:
        check(seed)

    return FEW(given(seed=seeds)(of_few)), pytest.mark.nightly(MANY(given(seed=seeds)(of_many)))


class Step(NamedTuple):
    """One bar of one account: from the close of bar `t` to that of the next.

    `before` and `after` are copies of the account, `held` of its positions at the close of bar t.
    """

    t: int
    before: Any
    after: Any
    held: RecordArray
    fills: RecordArray
    decisions: RecordArray


def tape_of(world: World) -> Tape:
    return record_tape(world.market, world.signals, world.regime, world.rules)


def open_desk(tape: Tape, rules: DeskRules, n_accounts: int = 1) -> Desk:
    """Return a desk whose accounts stand at the close of bar `FIRST`."""
    n_bars, n_strategies = tape.variance.shape
    book = open_book(n_accounts, n_strategies, rules.limits.max_positions)
    for b in range(n_accounts):
        open_account(book, b, rules.capital, tape.session[FIRST])
    room = n_bars * (tape.bars.shape[1] + 1) * 4
    ledger = open_ledger(n_accounts, fills=room, trades=room, decisions=room)
    return Desk(book, tape, rules.record(), ledger)


def trade_bar(floor: FloorLoan, world: World, i: int, b: int = 0) -> None:
    """Trade the `i`-th bar with its weights and what the venue noted.

    To lend a desk takes as long as a thousand bars, so whoever trades many lends it once.
    """
    book = floor.lent.desk.book
    account = book.accounts[b]
    book.sleeves["weight"][b], account["cash_weight"] = (
        world.weights[i, :-1],
        world.weights[i, -1],
    )
    account["api_failures"], account["stale_quotes"] = world.venue[i]
    trade_bars(floor, np.array([FIRST + i]), np.zeros(1))


def written(desk: Desk, kind: str, b: int = 0) -> RecordArray:
    records: RecordArray = getattr(desk.ledger, kind)[b, : getattr(desk.ledger, f"n_{kind}")[b]]
    return records


def positions_of(book: Book, b: int = 0) -> RecordArray:
    taken: RecordArray = book.positions[b, : book.accounts["n_positions"][b]]
    return taken


def steps_of(desk: Desk, world: World) -> Iterator[Step]:
    floor = lend(desk)
    for i in range(len(world.weights)):
        before, held = desk.book.accounts[0].copy(), positions_of(desk.book).copy()
        n_fills, n_decisions = desk.ledger.n_fills[0], desk.ledger.n_decisions[0]
        trade_bar(floor, world, i)
        yield Step(
            FIRST + i,
            before,
            desk.book.accounts[0].copy(),
            held,
            written(desk, "fills")[n_fills:],
            written(desk, "decisions")[n_decisions:],
        )


def trade_through(world: World, tape: Tape | None = None) -> tuple[Desk, FloatArray]:
    """Return the desk at the end, and the equity at every close."""
    desk = open_desk(tape_of(world) if tape is None else tape, world.rules)
    return desk, np.array([float(step.after["equity"]) for step in steps_of(desk, world)])
