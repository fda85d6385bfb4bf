"""Laws of money over random worlds: it is conserved, has no natural unit, and costs take it.

Whoever checks them counts again from what the ledger says and what the market did; the book is
looked at only to be compared with that.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from tests.envs.desk.comparison import assert_same_records
from tests.envs.desk.steps import (
    FEW,
    PRICES,
    ROUNDING,
    law,
    open_desk,
    positions_of,
    seeds,
    steps_of,
    tape_of,
    trade_through,
    written,
)
from tests.envs.desk.worlds import FIRST, World, random_world

# Money is conserved.


class Bookkeeper:
    """Counts the money of one account from fills, corporate actions and closes alone."""

    def __init__(self, world: World) -> None:
        self.market, self.rules = world.market, world.rules
        n_symbols = self.market.n_symbols
        self.cash, self.fees = world.rules.capital, 0.0
        self.units, self.price = np.zeros(n_symbols), np.zeros(n_symbols)

    def close_bar(self, t: int, fills: RecordArray) -> None:
        market = self.market
        self.units *= market.split[t]
        self.cash += float(self.units @ market.dividend[t])
        self.price = self.price / market.split[t] - market.dividend[t]
        for fill in fills:
            assert fill["bar"] == t
            self.cash -= fill["units"] * fill["price"] + fill["cost"]
            self.fees += fill["cost"]
            self.units[fill["symbol"]] += fill["units"]
        self.units[np.abs(self.units) < 1e-9] = 0.0
        close = market.close[t] * market.unadjusted[t]
        self.price = np.where(market.tradable[t], close, self.price)
        self._borrow(t)

    def _borrow(self, t: int) -> None:
        rate = self.market.borrow_rate[t]
        rate = np.where(np.isnan(rate), self.rules.costs.borrow_rate, rate)
        rate = np.where(np.isinf(rate), self.rules.gates.borrow_rate, rate)
        year = np.timedelta64(365, "D")
        share = (self.market.timestamps[t] - self.market.timestamps[t - 1]) / year
        fee = float(share) * float(rate @ np.maximum(-self.units * self.price, 0.0))
        self.cash -= fee
        self.fees += fee

    @property
    def equity(self) -> float:
        return float(self.cash + self.units @ self.price)


def check_money(seed: int) -> None:
    world = random_world(seed)
    desk = open_desk(tape_of(world), world.rules)
    keeper, paid = Bookkeeper(world), 0.0
    for step in steps_of(desk, world):
        keeper.close_bar(step.t + 1, step.fills)
        scale = ROUNDING * max(abs(keeper.equity), world.rules.capital)
        assert step.after["equity"] == pytest.approx(keeper.equity, rel=0.0, abs=scale)
        assert step.after["cash"] == pytest.approx(keeper.cash, rel=0.0, abs=scale)
        paid += step.after["costs"]
        assert paid == pytest.approx(keeper.fees, rel=0.0, abs=scale)
        held = positions_of(desk.book)
        open_profit = held["units"] * (held["last_price"] - held["entry_price"])
        profit = (open_profit + held["realised"] + held["income"] - held["costs"]).sum()
        profit += written(desk, "trades")["profit"].sum()
        assert step.after["equity"] - world.rules.capital == pytest.approx(profit, abs=10.0 * scale)


test_no_money_appears_or_vanishes, test_no_money_appears_or_vanishes_in_many_worlds = law(
    check_money
)


# Money has no natural unit. Volumes stay, so what is traded in money scales with the prices.

SCALED = {  # fields that are money, or money per unit
    "accounts": (
        "cash",
        "equity",
        "previous_equity",
        "day_equity",
        "peak",
        "recovery_peak",
        "gross",
        "net",
        "traded",
        "costs",
    ),
    "positions": (
        "last_price",
        "stop",
        "best",
        "distance",
        "target",
        "partial",
        "costs",
        "entry_price",
        "initial_stop",
        "realised",
        "income",
        "notional",
    ),
    "fills": ("price", "cost"),
    "trades": ("entry_price", "exit_price", "notional", "income", "costs", "profit"),
    "decisions": (),
}


def in_other_money(rules: DeskRules, factor: float) -> DeskRules:
    tree = rules.model_dump()
    tree["capital"] *= factor
    for section, name in (
        ("sizing", "smallest_order"),
        ("poor", "below"),
        ("day_trading", "below"),
        ("costs", "commission_per_unit"),
        ("costs", "commission_per_order"),
        ("costs", "commission_minimum"),
    ):
        tree[section][name] *= factor
    return DeskRules.model_validate(tree)


def without_ticks(rules: DeskRules) -> DeskRules:
    return rules.model_copy(update={"execution": rules.execution.model_copy(update={"tick": 0.0})})


def tape_in_other_money(tape: Tape, factor: float) -> Tape:
    bars, facts, actions = tape.bars.copy(), tape.facts.copy(), tape.actions.copy()
    for name in (*PRICES, "room"):
        bars[name] *= factor
    bars["impact"] /= np.sqrt(factor)
    actions["dividend"] *= factor
    facts["adv"] *= factor
    return tape._replace(bars=bars, facts=facts, actions=actions)


def assert_scaled(own: Desk, other: Desk, factor: float) -> None:
    for kind, names in SCALED.items():
        first, second = [
            {"accounts": desk.book.accounts, "positions": positions_of(desk.book)}[kind]
            if kind in {"accounts", "positions"}
            else written(desk, kind)
            for desk in (own, other)
        ]
        first = first.copy()
        for name in names:
            first[name] *= factor
        known = first["portfolio_variance"] >= 0.0 if kind == "accounts" else ()
        if kind == "accounts":
            first["portfolio_variance"][known] *= factor * factor
        assert_same_records(first, second)


@FEW
@given(seed=seeds, factor=st.sampled_from([1 / 64, 4.0, 1024.0]))
def test_in_another_currency_everything_is_the_same(seed: int, factor: float) -> None:
    """Powers of 4, whose roots are exact, so that not a bit may differ."""
    world = random_world(seed)
    world = replace(world, rules=without_ticks(world.rules))
    tape = tape_of(world)
    own, _ = trade_through(world, tape)
    other = replace(world, rules=in_other_money(world.rules, factor))
    assert_scaled(own, trade_through(other, tape_in_other_money(tape, factor))[0], factor)


def without_logarithms(rules: DeskRules) -> DeskRules:
    """Return rules that use nothing that is computed from returns, which rounding would change."""
    tree = without_ticks(rules).model_dump()
    tree["costs"] |= {"impact": 0.0, "spread": "fixed"}
    tree["gates"] |= {"correlation": 1.0, "var": 1.0}
    tree["limits"]["beta"] = 100.0
    tree["portfolio"]["method"] = "independent"
    tree["sizing"]["method"] = "risk"
    return DeskRules.model_validate(tree)


@FEW
@given(seed=seeds, factor=st.sampled_from([0.125, 2.0, 1024.0]))
def test_a_market_in_another_currency_is_traded_alike(seed: int, factor: float) -> None:
    """From the market on, sleeves and their values included."""
    world = random_world(seed)
    world = replace(world, rules=without_logarithms(world.rules))
    facts = {name: getattr(world.market, name) * factor for name in (*PRICES, "dividend")}
    other = replace(
        world,
        market=replace(world.market, **facts),
        rules=in_other_money(world.rules, factor),
    )
    tape, scaled = tape_of(world), tape_of(other)
    np.testing.assert_array_equal(tape.value, scaled.value)
    np.testing.assert_array_equal(tape.sleeve_return, scaled.sleeve_return)
    assert_scaled(trade_through(world, tape)[0], trade_through(other, scaled)[0], factor)


# Higher costs never end richer.


def asking_once(world: World, tape: Tape, i: int) -> tuple[World, Tape]:
    """Return a world whose opinions are all of one bar, under rules that costs cannot change.

    All orders are sized by the same equity, the first. Exits follow prices and time alone: the
    weights never move, the band is wide, nothing halts, and the cap binds only what is bought.
    """
    tree = world.rules.model_dump()
    tree["breakers"] |= {"drawdown": 1.0, "daily_loss": 1.0}
    tree["poor"]["below"] = tree["day_trading"]["below"] = 0.0
    tree["sizing"] |= {"no_trade_band": 0.99, "smallest_order": 0.0, "position_cap": 0.05}
    tree["limits"] |= {"cash_buffer": 0.0, "short_margin": 1.0}
    tree["gates"] |= {"spread": 1.0, "borrow_rate": 100.0}
    tree["execution"]["lot"] = 0.0
    weights = np.full_like(world.weights, 1.0 / (world.weights.shape[1] - 1))
    weights[:, -1] = 0.0
    tree["costs"]["commission_per_unit"] = 0.0
    value, bars = np.zeros_like(tape.value), tape.bars.copy()
    value[FIRST + i] = tape.value[FIRST + i]
    regime = np.full_like(tape.regime, -1)  # or what had no room to fill would be enlarged later
    regime[FIRST + i] = 4
    # Where hardly anything is traded, an order would cost more than there is to pay for it.
    bars["impact"] = np.minimum(bars["impact"], 0.01 / np.sqrt(world.rules.capital))
    changed = replace(
        world, rules=DeskRules.model_validate(tree), weights=weights, venue=0 * world.venue
    )
    return changed, tape._replace(value=value, bars=bars, regime=regime)


def dearer(world: World, tape: Tape, rng: np.random.Generator) -> tuple[World, Tape]:
    bars = tape.bars.copy()
    bars["half_spread"] += rng.choice([0.0, 0.01])
    bars["impact"] *= rng.choice([1.0, 3.0])
    bars["borrow_rate"] += rng.choice([0.0, 1.0])
    costs = world.rules.costs.model_copy(
        update={
            "commission_rate": world.rules.costs.commission_rate + rng.choice([0.0, 0.001]),
            "commission_per_unit": rng.choice([0.0, 1e-4]),
            "commission_per_order": world.rules.costs.commission_per_order + rng.choice([0.0, 2.0]),
            "commission_minimum": world.rules.costs.commission_minimum + 5.0,
        }
    )
    rules = world.rules.model_copy(update={"costs": costs})
    return replace(world, rules=rules), tape._replace(bars=bars)


@FEW
@given(seed=seeds, i=st.integers(5, 40))
def test_higher_costs_never_end_richer_on_the_same_trades(seed: int, i: int) -> None:
    world = random_world(seed)
    world, tape = asking_once(world, tape_of(world), i % len(world.weights))
    (desk, equity) = trade_through(world, tape)
    (other, poorer) = trade_through(*dearer(world, tape, np.random.default_rng(seed)))
    for name in ("bar", "symbol", "strategy", "units", "price", "reason"):
        np.testing.assert_array_equal(written(desk, "fills")[name], written(other, "fills")[name])
    tolerance = 1e-12 * world.rules.capital
    assert (poorer <= equity + tolerance).all()
    assert (written(other, "fills")["cost"] >= written(desk, "fills")["cost"]).all()
