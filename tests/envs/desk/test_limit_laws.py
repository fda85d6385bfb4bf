"""Laws of the gates over random worlds: nothing passes without them, and all caps hold.

Whoever checks them counts again from what the ledger says and what the market did; the book is
looked at only to be compared with that.
"""

from typing import Any

import numpy as np

from benbot.envs.arrays import Float32Array, RecordArray
from benbot.envs.desk.book import Book
from benbot.envs.desk.floor import lend
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.tape import UNKNOWN_SECTOR, Tape
from tests.envs.desk.comparison import assert_same_book
from tests.envs.desk.steps import (
    AT_THE_CLOSE,
    ENTERED,
    NORMAL_95,
    ROUNDING,
    Step,
    law,
    open_desk,
    steps_of,
    tape_of,
    trade_bar,
)
from tests.envs.desk.worlds import World, random_world

# Nothing is bought or sold short without a gate that let it pass.


def decision_price(step: Step, symbol: int, world: World) -> float:
    """Return the price at which an order was decided: the last one, after splits and dividends."""
    t, market = step.t, world.market
    held = step.held[step.held["symbol"] == symbol]
    last = held["last_price"][0] if len(held) else market.close[t, symbol]
    last *= 1.0 if len(held) else market.unadjusted[t, symbol]
    return float(last / market.split[t + 1, symbol] - market.dividend[t + 1, symbol])


def check_gates(seed: int) -> None:
    world = random_world(seed)
    for step in steps_of(open_desk(tape_of(world), world.rules), world):
        opened = step.fills[step.fills["reason"] == Exit.NONE]
        passed = step.decisions[np.isin(step.decisions["verdict"], ENTERED)]
        assert (step.decisions["bar"] == step.t).all()
        assert len(opened) == len(passed)
        for fill in opened:
            assert fill["bar"] == step.t + 1
            own = passed[
                (passed["symbol"] == fill["symbol"]) & (passed["strategy"] == fill["strategy"])
            ]
            (decision,) = own
            allowed, wanted = decision["allowed"], decision["wanted"]
            units = allowed * step.before["equity"] / decision_price(step, fill["symbol"], world)
            assert 0.0 < fill["units"] / units <= 1.0 + ROUNDING
            assert 0.0 < allowed / wanted <= 1.0 + ROUNDING
        for decision in step.decisions[~np.isin(step.decisions["verdict"], ENTERED)]:
            assert decision["allowed"] == 0.0


test_no_trade_without_a_passed_gate, test_no_trade_without_a_passed_gate_in_many_worlds = law(
    check_gates
)


# Every cap holds after every fill, at the prices of the decision.


class Account:
    """What one account holds while the orders of one bar fill, at the prices of the decision."""

    def __init__(self, step: Step, world: World, tape: Tape) -> None:
        self.rules, self.facts = world.rules, tape.facts[step.t]
        row = tape.calendar["risk_row"][step.t]
        n_symbols = world.market.n_symbols
        unknown = np.full((n_symbols, n_symbols), np.nan)
        self.covariance = tape.covariance[row].astype(np.float64) if row >= 0 else unknown
        self.equity, self.cash_weight = (
            float(step.before["equity"]),
            float(step.after["cash_weight"]),
        )
        self.price = np.array([decision_price(step, s, world) for s in range(n_symbols)])
        self.worth, self.owner = np.zeros(n_symbols), np.full(n_symbols, -1)
        for position in step.held:
            s = position["symbol"]
            units = position["units"] * world.market.split[step.t + 1, s]
            self.worth[s], self.owner[s] = units * self.price[s], position["strategy"]

    def fill(self, fill: Any) -> None:  # noqa: ANN401
        s = int(fill["symbol"])
        self.deviation_before = self._deviation()
        self.worth[s] += fill["units"] * self.price[s]
        self.owner[s] = fill["strategy"]
        if abs(self.worth[s]) < ROUNDING * self.equity:
            self.worth[s] = 0.0

    def excess(self, fill: Any) -> dict[str, float]:  # noqa: ANN401
        """Return how far each cap was overstepped by a fill that opened or enlarged, of equity."""
        s, side = int(fill["symbol"]), float(np.sign(fill["units"]))
        size, limits, gates = np.abs(self.worth), self.rules.limits, self.rules.gates
        poor = self.equity < self.rules.poor.below
        cap = min(self.rules.sizing.position_cap, self.rules.poor.position_cap if poor else 1.0)
        reserve = max(limits.cash_buffer, self.cash_weight)
        tied = (
            self.worth.clip(min=0.0).sum() + limits.short_margin * (-self.worth.clip(max=0.0)).sum()
        )
        sector = self.facts["sector"]
        caps = {
            "position": (size[s], cap),
            "gross": (size.sum(), limits.gross),
            "net": (side * self.worth.sum(), limits.net),
            "strategy": (size[self.owner == fill["strategy"]].sum(), limits.strategy),
            "capital": (tied, 1.0 - reserve),
            "liquidity": (abs(fill["units"]) * self.price[s], np.inf),
        }
        if sector[s] != UNKNOWN_SECTOR:
            caps["sector"] = (size[sector == sector[s]].sum(), limits.sector)
        if limits.beta < 100.0:
            caps["beta"] = (self._beta(s, side), limits.beta)
        # A hedge that finds less room than it was allowed may end beyond the limit, but lowers it.
        if gates.var < 1.0 and not self._deviation() < self.deviation_before:
            caps["var"] = (NORMAL_95 * self._deviation(), gates.var)
        if gates.participation < 1.0:
            order = abs(fill["units"]) * self.price[s]
            caps["liquidity"] = (order, gates.participation * self.facts["adv"][s] / self.equity)
        return {name: used / self.equity - cap for name, (used, cap) in caps.items()}

    def _beta(self, s: int, side: float) -> float:
        """Return the exposure to the universe on the side to which the order moved it."""
        held = self.worth != 0.0
        exposure = float(self.worth[held] @ self.facts["beta"][held].astype(np.float64))
        return float(np.sign(side * self.facts["beta"][s])) * exposure

    def _deviation(self) -> float:
        held = np.flatnonzero(self.worth)
        variance = self.worth[held] @ self.covariance[np.ix_(held, held)] @ self.worth[held]
        return float(np.sqrt(max(variance, 0.0)))


def check_caps(seed: int) -> None:
    world = random_world(seed)
    tape = tape_of(world)
    for step in steps_of(open_desk(tape, world.rules), world):
        account = Account(step, world, tape)
        for fill in step.fills:
            if fill["reason"] not in AT_THE_CLOSE:
                break
            account.fill(fill)
            if fill["reason"] == Exit.NONE:
                for name, excess in account.excess(fill).items():
                    assert excess <= 1e-8, f"{name} at bar {step.t}: {excess} of equity too much"
        assert step.after["trades_today"] <= world.rules.limits.daily_trades
        assert step.after["n_positions"] <= world.rules.limits.max_positions


test_every_cap_holds_after_every_fill, test_every_cap_holds_after_every_fill_in_many_worlds = law(
    check_caps
)


# Who is refused leaves no trace.


def silenced(tape: Tape, t: int, held: RecordArray) -> Float32Array:
    """Return the values of a tape as if nobody had asked for anything at bar `t`.

    Who holds a position still may want out of it, so faintly that it wins no symbol.
    """
    value = tape.value.copy()
    value[t] = 0.0
    for position in held:
        k, s = position["strategy"], position["symbol"]
        value[t, k, s] = 1e-30 * np.sign(np.nan_to_num(tape.value[t, k, s]))
    return value


def check_refusals(seed: int) -> None:
    world = random_world(seed)
    tape = tape_of(world)
    desk = open_desk(tape, world.rules)
    quiet = open_desk(tape._replace(value=tape.value.copy()), world.rules)
    floor = lend(quiet)
    before = Book(*(part.copy() for part in desk.book))
    for i, step in enumerate(steps_of(desk, world)):
        entries = step.decisions[step.decisions["enlarges"] == 0]
        if entries.size and not np.isin(entries["verdict"], ENTERED).any():
            quiet.tape.value[:] = silenced(tape, step.t, step.held)
            for own, other in zip(quiet.book, before, strict=True):
                own[:] = other
            trade_bar(floor, world, i)
            if not desk.book.accounts["blocked"][0]:
                assert desk.book.accounts["n_refused"][0] == entries.size
            assert quiet.book.accounts["n_refused"][0] == 0
            # How many asked is noted, and the variance that a gate computed is kept for the next.
            for name in ("n_winners", "n_refused", "portfolio_variance"):
                quiet.book.accounts[name] = desk.book.accounts[name]
            assert_same_book(desk.book, quiet.book)
        before = Book(*(part.copy() for part in desk.book))


test_who_is_refused_leaves_no_trace, test_who_is_refused_leaves_no_trace_in_many_worlds = law(
    check_refusals
)
