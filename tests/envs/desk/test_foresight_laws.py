"""What a decision, and the fills of its orders, must not have seen."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.book import Book
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from tests.envs.desk.comparison import assert_same_book, assert_same_field, assert_same_records
from tests.envs.desk.steps import THOROUGH
from tests.envs.desk.tapes import (
    S,
    T,
    World,
    open_desk,
    random_world,
    rule_books,
    seeds,
    spliced,
    trade,
    trade_through,
    with_section,
)

# Exits that the prices inside a bar make; all others were decided at the close before it.
INSIDE = [
    Exit.STOP,
    Exit.TRAILING_STOP,
    Exit.BREAK_EVEN,
    Exit.PARTIAL,
    Exit.TARGET,
    Exit.DELISTED,
]

KINDS = ("decisions", "fills", "trades")
# What bar t + 1 is filled by and valued at.
FILLING = ("bars", "actions", "session", "calendar", "year_share", "sleeve_return")


@settings(max_examples=20 * THOROUGH)
@given(seed=seeds, rules=rule_books, t=st.integers(1, T - 2))
def test_what_comes_after_a_bar_changes_nothing_until_it(
    seed: int, rules: DeskRules, t: int
) -> None:
    world = random_world(seed)
    known = trade_through(world, rules, n_bars=t)
    changed_future = World(spliced(world.tape, random_world(seed + 1).tape, t), world.weights)
    assert_same_book(trade_through(changed_future, rules, n_bars=t).book, known.book)


@settings(max_examples=40 * THOROUGH)
@given(seed=seeds, rules=rule_books, t=st.integers(0, T - 2))
def test_a_decision_and_its_fills_do_not_see_the_bar_in_which_they_fill(
    seed: int, rules: DeskRules, t: int
) -> None:
    """All that a decision may use of the next bar is its open, costs, room and corporate actions.

    Orders that are worked over the bar have its other prices; the law is of all others.
    """
    world, other = random_world(seed), random_world(seed + 1).tape
    rules = with_section(rules, "execution", style="open")
    rng = np.random.default_rng(seed)
    bars = world.tape.bars.copy()
    filling = bars[t + 1]
    filling["close"] *= rng.uniform(0.7, 1.4, S)
    filling["high"] = 1.1 * np.maximum(filling["close"], filling["open"])
    filling["low"] = 0.9 * np.minimum(filling["close"], filling["open"])
    filling["borrow_rate"] = 0.3
    kept = ("bars", "actions", "session", "calendar", "year_share")
    later = spliced(world.tape, other, t, kept)
    blind = World(later._replace(bars=bars), world.weights)
    decided, filled = [], []
    for one in (world, blind):
        ledger = trade_through(one, rules, room=2_000, n_bars=t + 1).ledger
        decided.append(ledger.decisions[0, : ledger.n_decisions[0]])
        fills = ledger.fills[0, : ledger.n_fills[0]]
        inside = np.isin(fills["reason"], INSIDE)
        filled.append(fills[(fills["bar"] <= t) | ~inside])
    for first, second in (decided, filled):
        for name in first.dtype.names:
            np.testing.assert_array_equal(first[name], second[name])


def knowing(tape: Tape, other: Tape, t: int) -> Tape:
    """Return a tape that is the other after bar `t`, but for what fills and values bar t + 1.

    What is traded in a day, how a symbol moves, its age and its budget are those of another market.
    """
    return spliced(tape, other, t, FILLING)


def dearer(tape: Tape, t: int, rng: np.random.Generator) -> Tape:
    """Return a tape whose bar `t` costs something else."""
    bars = tape.bars.copy()
    bars["half_spread"][t] = rng.choice([0.0, 0.001, 0.2], S)
    bars["impact"][t] = rng.choice([0.0, 1e-3], S)
    bars["borrow_rate"][t] = rng.choice([0.0, 0.3, np.inf], S)
    return tape._replace(bars=bars)


def records_of(desk: Desk) -> dict[str, RecordArray]:
    return {
        kind: getattr(desk.ledger, kind)[0, : getattr(desk.ledger, f"n_{kind}")[0]]
        for kind in KINDS
    }


class Retrial(NamedTuple):
    """One bar that was traded twice, from the same book: with the records of the bar alone."""

    held: RecordArray  # before it
    own: Desk
    other: Desk


def retrials(world: World, rules: DeskRules, change: Callable[[int], Tape]) -> Iterator[Retrial]:
    """Trade every bar t twice: on the world's own tape, and on `change(t)`.

    The desks are the same two at every bar, so that each is lent once.
    """
    own = lend(open_desk(world, rules, room=100))
    tape = Tape(*(part.copy() for part in world.tape))
    other = lend(open_desk(World(tape, world.weights), rules, room=100))
    for t in range(T - 1):
        overwrite(tape, change(t))
        before = own.lent.desk.book
        held = before.positions[0, : before.accounts["n_positions"][0]].copy()
        overwrite(other.lent.desk.book, before)
        for floor in (own, other):
            for kind in KINDS:
                getattr(floor.lent.desk.ledger, f"n_{kind}")[0] = 0
            trade(floor, world, t)
        yield Retrial(held, own.lent.desk, other.lent.desk)


def overwrite(parts: Tape | Book, others: Tape | Book) -> None:
    for own, other in zip(parts, others, strict=True):
        own[...] = other


@settings(max_examples=20 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_the_facts_of_the_bar_that_fills_an_order_change_nothing_in_it(
    seed: int, rules: DeskRules
) -> None:
    """Also for orders that are worked over the bar, which are large by what was known before."""
    world, other = random_world(seed), random_world(seed + 1).tape
    for bar in retrials(world, rules, lambda t: knowing(world.tape, other, t)):
        assert_same_book(bar.own.book, bar.other.book)
        for kind, records in records_of(bar.own).items():
            assert_same_records(records, records_of(bar.other)[kind])


@settings(max_examples=20 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_the_costs_of_the_bar_that_fills_an_order_change_only_what_it_costs(
    seed: int, rules: DeskRules
) -> None:
    world, rng = random_world(seed), np.random.default_rng(seed)
    for bar in retrials(world, rules, lambda t: dearer(world.tape, t + 1, rng)):
        own, other = records_of(bar.own), records_of(bar.other)
        assert_same_records(own["decisions"], other["decisions"])
        for name in ("bar", "symbol", "strategy", "units", "price", "reason"):
            assert_same_field(own["fills"], other["fills"], name)


@settings(max_examples=20 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_who_held_a_symbol_at_the_close_asks_for_nothing_more_of_it(
    seed: int, rules: DeskRules
) -> None:
    """On the side that it held, whether the position is kept or leaves at the next open."""
    world = random_world(seed)
    for bar in retrials(world, rules, lambda t: world.tape):
        held = {(p["symbol"], p["strategy"], np.sign(p["units"])) for p in bar.held}
        for one in records_of(bar.own)["decisions"]:
            value = world.tape.value[one["bar"], one["strategy"], one["symbol"]]
            if not one["enlarges"]:
                assert (one["symbol"], one["strategy"], np.sign(value)) not in held
