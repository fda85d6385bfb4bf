"""Laws of options over random worlds: money is conserved, and no promise is without its cover.

Whoever checks them counts again from what the ledger says and what the market did.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.black_scholes import Contract, american_price
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit
from benbot.envs.signals import Overlay
from tests.envs.desk.comparison import assert_same_records
from tests.envs.desk.option_worlds import EVENTFUL, option_world
from tests.envs.desk.steps import (
    ROUNDING,
    Step,
    open_desk,
    positions_of,
    steps_of,
    tape_of,
    written,
)
from tests.envs.desk.worlds import FIRST, World

N_NIGHTLY = 500
ENDED = (Exit.ASSIGNED, Exit.EXPIRED)


class Bookkeeper:
    """Counts cash, units and open options of one account from its ledger and the market alone.

    What ended before the bar opened is counted before its corporate actions, all else after them.
    """

    def __init__(self, world: World) -> None:
        self.world, self.market = world, world.market
        self.cash = world.rules.capital
        self.units = np.zeros(self.market.n_symbols)
        self.price = np.zeros(self.market.n_symbols)
        self.open: dict[int, dict[str, Any]] = defaultdict(dict)

    def close_bar(self, t: int, fills: RecordArray, options: RecordArray) -> None:
        before = [one for one in fills if one["reason"] == Exit.ASSIGNED]
        ended = np.isin(options["reason"], ENDED)
        for fill in before:
            self._fill(fill)
        for option in options[ended]:
            self._trade(option)
        self._act(t)
        for fill in fills[fills["reason"] != Exit.ASSIGNED]:
            self._fill(fill)
        for option in options[~ended]:
            self._trade(option)
        close = self.market.close[t] * self.market.unadjusted[t]
        self.price = np.where(self.market.tradable[t], close, self.price)
        self._borrow(t)

    def owed(self, t: int) -> float:
        """Return what all open options are worth at the close of bar `t`."""
        total, day = 0.0, int(self.market.days[t].astype(np.int64))
        for s, option in self.open.items():
            if option:
                is_call, years = option["call"], (option["expiry"] - day) / 365.0
                contract = Contract(
                    is_call,
                    self.price[s],
                    option["strike"],
                    years,
                    option["volatility"],
                    self.world.rules.options.rate,
                )
                total += option["contracts"] * option["multiplier"] * american_price(contract)
        return total

    def see(self, tape: Any, t: int) -> None:  # noqa: ANN401
        """Learn the volatilities known at the close of bar `t`."""
        for s, option in self.open.items():
            known = tape.offers["volatility"][t, s]
            if option and known > 0.0:
                option["volatility"] = float(known)

    def _fill(self, fill: Any) -> None:  # noqa: ANN401
        self.cash -= fill["units"] * fill["price"] + fill["cost"]
        self.units[fill["symbol"]] += fill["units"]
        self.units[np.abs(self.units) < 1e-9] = 0.0

    def _trade(self, row: Any) -> None:  # noqa: ANN401
        units = row["contracts"] * row["multiplier"]
        self.cash -= units * row["price"] + row["cost"]
        s = int(row["symbol"])
        if row["contracts"] < 0.0:
            assert not self.open[s], "one option a symbol"
            self.open[s] = {
                "call": row["overlay"] == Overlay.COVERED_CALL,
                **{name: float(row[name]) for name in ("strike", "multiplier", "volatility")},
                "expiry": int(row["expiry"]),
                "contracts": -float(row["contracts"]),
            }
            return
        for name in ("strike", "multiplier"):
            assert row[name] == pytest.approx(self.open[s][name], rel=1e-12)
        self.open[s]["contracts"] -= float(row["contracts"])
        if self.open[s]["contracts"] == 0.0:
            self.open[s] = {}

    def _act(self, t: int) -> None:
        split, dividend = self.market.split[t], self.market.dividend[t]
        self.units *= split
        self.cash += float(self.units @ dividend)
        self.price = self.price / split - dividend
        for s, option in self.open.items():
            if option:
                option["strike"] /= split[s]
                option["multiplier"] *= split[s]

    def _borrow(self, t: int) -> None:
        rate = self.market.borrow_rate[t]
        rate = np.where(np.isnan(rate), self.world.rules.costs.borrow_rate, rate)
        rate = np.where(np.isinf(rate), self.world.rules.gates.borrow_rate, rate)
        year = np.timedelta64(365, "D")
        share = (self.market.timestamps[t] - self.market.timestamps[t - 1]) / year
        self.cash -= float(share) * float(rate @ np.maximum(-self.units * self.price, 0.0))


def option_steps(world: World) -> Iterator[tuple[Desk, Step, RecordArray]]:
    """Yield the desk after each bar, the step, and the option fills of the bar."""
    desk = open_desk(tape_of(world), world.rules)
    room = world.market.n_bars * world.market.n_symbols * 6
    ledger = open_ledger(1, fills=room, trades=room, decisions=room, options=room)
    desk = desk._replace(ledger=ledger)
    seen = 0
    for step in steps_of(desk, world):
        yield desk, step, written(desk, "options")[seen:]
        seen = int(desk.ledger.n_options[0])


def check_money(seed: int) -> set[tuple[int, int]]:
    """Count the money of one path again, bar by bar; return what became of its options."""
    world, seen = option_world(seed), set[tuple[int, int]]()
    keeper = Bookkeeper(world)
    for desk, step, options in option_steps(world):
        t = step.t + 1
        keeper.close_bar(t, step.fills, options)
        keeper.see(desk.tape, t)
        seen |= {(int(one["overlay"]), int(one["reason"])) for one in options}
        equity = keeper.cash + float(keeper.units @ keeper.price) - keeper.owed(t)
        scale = ROUNDING * max(abs(equity), world.rules.capital)
        assert step.after["cash"] == pytest.approx(keeper.cash, rel=0.0, abs=scale)
        assert step.after["equity"] == pytest.approx(equity, rel=0.0, abs=scale)
        check_cover(desk, keeper)
        check_ends(options)
        check_hundreds(step.fills, world)
        check_profit(desk, step, world)
    return seen


def check_cover(desk: Desk, keeper: Bookkeeper) -> None:
    """No call without its shares, no put without its collateral."""
    held = positions_of(desk.book)
    options = desk.book.options[0, : held.size]
    for position, option in zip(held, options, strict=True):
        units = option["contracts"] * option["multiplier"]
        if position["overlay"] == Overlay.COVERED_CALL:
            assert position["units"] == pytest.approx(keeper.units[position["symbol"]])
            assert units <= position["units"] * (1.0 + 1e-8)
        elif position["overlay"] == Overlay.SECURED_PUT:
            assert keeper.units[position["symbol"]] == 0.0
            collateral = position["units"] * position["last_price"]
            assert collateral >= units * option["strike"] * (1.0 - 1e-12)
    gross = float(np.abs(held["units"] * held["last_price"]).sum())
    assert desk.book.accounts["gross"][0] == pytest.approx(gross, rel=1e-9, abs=1e-6)


def check_hundreds(fills: RecordArray, world: World) -> None:
    """Shares for covered calls are bought in whole contracts."""
    covers = np.array(world.signals.overlay)[fills["strategy"]] == Overlay.COVERED_CALL
    bought = fills["units"][covers & (fills["reason"] == Exit.NONE) & (fills["units"] > 0.0)]
    np.testing.assert_array_equal(bought % 100.0, 0.0)


def check_ends(options: RecordArray) -> None:
    """Whoever ends at expiry is assigned exactly where exercise gains something."""
    for row in options[np.isin(options["reason"], ENDED)]:
        gain = row["spot"] - row["strike"]
        gain = gain if row["overlay"] == Overlay.COVERED_CALL else -gain
        assert (row["reason"] == Exit.ASSIGNED) == (gain > 0.0)
        assert row["price"] == row["cost"] == 0.0


def check_profit(desk: Desk, step: Step, world: World) -> None:
    """Profits of closed and open round trips are what equity has gained."""
    held = positions_of(desk.book)
    options = desk.book.options[0, : held.size]
    due = options["contracts"] * options["multiplier"] * options["price"]
    due = np.where(held["overlay"] != Overlay.NONE, due, 0.0)
    open_profit = held["units"] * (held["last_price"] - held["entry_price"]) - due
    profit = (open_profit + held["realised"] + held["income"] - held["costs"]).sum()
    profit += written(desk, "trades")["profit"].sum()
    scale = 10.0 * ROUNDING * max(abs(step.after["equity"]), world.rules.capital)
    assert step.after["equity"] - world.rules.capital == pytest.approx(profit, abs=scale)


def test_no_money_appears_or_vanishes_where_options_are_written() -> None:
    seen = set().union(*(check_money(seed) for seed in EVENTFUL))
    for overlay in (Overlay.COVERED_CALL, Overlay.SECURED_PUT):
        for reason in (*ENDED, Exit.OPTION_PROFIT, Exit.OPTION_TIME, Exit.WEIGHT, Exit.DELISTED):
            assert (overlay, reason) in seen, f"no {overlay.name} ended for {reason.name}"


@pytest.mark.nightly
@pytest.mark.parametrize("first", range(0, N_NIGHTLY, 50))
def test_no_money_appears_or_vanishes_in_many_worlds_of_options(first: int) -> None:
    seen = [check_money(1_000 + seed) for seed in range(first, first + 50)]
    assert any(seen)


@pytest.mark.parametrize("seed", EVENTFUL[:3])
def test_many_accounts_are_each_of_them_alone(seed: int) -> None:
    world = option_world(seed)
    tape, growth = tape_of(world), np.zeros(3)
    shares = np.random.default_rng(seed).permuted(np.stack([world.weights] * 3), axis=2)
    together = open_desk(tape, world.rules, 3)
    alone = [open_desk(tape, world.rules) for _ in shares]
    floors = [lend(desk) for desk in (together, *alone)]
    for i in range(len(world.weights)):
        for floor, weights in zip(floors, [shares, *shares[:, None]], strict=True):
            book = floor.lent.desk.book
            book.sleeves["weight"] = weights[:, i, :-1]
            book.accounts["cash_weight"] = weights[:, i, -1]
            n_accounts = len(weights)
            trade_bars(floor, np.full(n_accounts, FIRST + i), growth[:n_accounts])
    for b, desk in enumerate(alone):
        assert_same_records(together.book.accounts[b : b + 1], desk.book.accounts)
        n = int(desk.book.accounts["n_positions"][0])
        assert_same_records(together.book.positions[b, :n], desk.book.positions[0, :n])
        writes = desk.book.positions["overlay"][0, :n] != Overlay.NONE
        own = desk.book.options[0, :n][writes]
        assert_same_records(together.book.options[b, :n][writes], own)
