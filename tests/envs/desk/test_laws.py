"""What holds for every market, every rule and every sequence of weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray, RecordArray
from benbot.envs.desk.floor import lend
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from tests.envs.desk.comparison import assert_same_with_ledger
from tests.envs.desk.steps import THOROUGH
from tests.envs.desk.tapes import (
    PRICES,
    K,
    S,
    T,
    World,
    open_desk,
    random_world,
    rule_books,
    seeds,
    trade,
    trade_through,
    with_section,
)


class Bookkeeper:
    """Counts the money of one account from its fills, corporate actions and closes alone."""

    def __init__(self, capital: float) -> None:
        self.cash = capital
        self.units = np.zeros(S)
        self.price = np.zeros(S)

    def open_bar(self, actions: RecordArray) -> None:
        """Split what is held, and pay its dividends."""
        self.units *= actions["split"]
        self.cash += self.units @ actions["dividend"]
        self.price = self.price / actions["split"] - actions["dividend"]

    def close_bar(self, fills: RecordArray, close: FloatArray, borrow_rate: FloatArray) -> float:
        """Return the equity at the close; the rate is that of the bar, not of a year."""
        for fill in fills:
            self.cash -= fill["units"] * fill["price"] + fill["cost"]
            self.units[fill["symbol"]] += fill["units"]
        self.units[np.abs(self.units) < 1e-9] = 0.0
        seen = np.isfinite(close)
        self.price[seen] = close[seen]
        self.cash -= borrow_rate @ np.maximum(-self.units * self.price, 0.0)
        return float(self.cash + self.units @ self.price)


@settings(max_examples=15 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_no_money_appears_or_vanishes(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules, room=2_000)
    floor, keeper, n_seen = lend(desk), Bookkeeper(rules.capital), 0
    for t in range(T - 1):
        growth = trade(floor, world, t)
        n_fills = desk.ledger.n_fills[0]
        fills = desk.ledger.fills[0, n_seen:n_fills]
        rate = world.tape.bars["borrow_rate"][t + 1]
        rate = np.where(np.isinf(rate), rules.gates.borrow_rate, rate)
        before = desk.book.accounts["previous_equity"][0]
        keeper.open_bar(world.tape.actions[t + 1])
        close, years = world.tape.bars["close"][t + 1], world.tape.year_share[t + 1]
        equity = keeper.close_bar(fills, close, rate * years)
        account = desk.book.accounts[0]
        assert account["equity"] == pytest.approx(equity, rel=1e-9)
        assert account["cash"] == pytest.approx(keeper.cash, rel=1e-9, abs=1e-6)
        assert account["traded"] == pytest.approx(np.abs(fills["units"] * fills["price"]).sum())
        if equity > 0.0:
            assert growth[0] == pytest.approx(np.log(equity / before), abs=1e-9)
        n_seen = n_fills


@settings(max_examples=15 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_a_flat_account_earned_the_profit_of_its_round_trips(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    for name in PRICES:
        last_price = world.tape.bars[name][T - 2 :]
        last_price[np.isnan(last_price)] = 40.0  # so that everything can be sold
    world.tape.bars["room"][T - 1] = np.inf
    world.weights[T - 2, :, :K] = 0.0
    world.tape.value[T - 2] = 0.0
    desk = trade_through(world, rules, room=2_000)
    trades = desk.ledger.trades[0, : desk.ledger.n_trades[0]]
    account = desk.book.accounts[0]
    assert account["n_positions"] == 0
    assert account["n_closed"] == len(trades)
    assert account["equity"] - rules.capital == pytest.approx(
        trades["profit"].sum(), abs=1e-9 * rules.capital
    )


@settings(max_examples=15 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_missing_prices_and_opinions_leave_no_trace_in_the_book(
    seed: int, rules: DeskRules
) -> None:
    desk = trade_through(random_world(seed, 3), rules)
    for b, n in enumerate(desk.book.accounts["n_positions"]):
        parts = (desk.book.accounts[b], desk.book.sleeves[b], desk.book.positions[b, :n])
        for part in parts:
            for name in part.dtype.names:
                assert np.isfinite(part[name]).all(), name


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_a_ledger_changes_nothing(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    assert_same_with_ledger(
        trade_through(world, rules, room=500).book, trade_through(world, rules, room=0).book
    )


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_a_share_split_changes_no_money(seed: int, rules: DeskRules) -> None:
    """Times a power of two, so that not a bit may differ; lots and ticks are not split."""
    world = random_world(seed)
    rules = with_section(rules, "execution", lot=0.0, tick=0.0)
    before = trade_through(world, rules)
    split, actions = world.tape.bars.copy(), world.tape.actions.copy()
    actions["dividend"] /= 4.0
    for name in PRICES:
        split[name] /= 4.0
    tape = world.tape._replace(bars=split, actions=actions)
    after = trade_through(World(tape, world.weights), rules)
    np.testing.assert_array_equal(after.book.accounts, before.book.accounts)
    n = before.book.accounts["n_positions"][0]
    np.testing.assert_array_equal(
        after.book.positions["units"][0, :n], 4.0 * before.book.positions["units"][0, :n]
    )


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_without_weight_nothing_is_ever_traded(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    world.weights[:] = [0.0] * K + [1.0]
    desk = trade_through(world, rules, room=10)
    assert desk.ledger.n_fills[0] == 0
    assert desk.ledger.n_decisions[0] == 0
    assert desk.book.accounts["equity"][0] == rules.capital


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_the_limits_hold_at_every_bar(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules, room=2_000)
    floor = lend(desk)
    for t in range(T - 1):
        trade(floor, world, t)
        account = desk.book.accounts[0]
        positions = desk.book.positions[0, : account["n_positions"]]
        assert (
            len(set(positions["symbol"].tolist())) == len(positions) <= rules.limits.max_positions
        )
        assert account["trades_today"] <= rules.limits.daily_trades
        assert (positions["base_units"] > 0.0).all()
        assert rules.limits.allow_short or (positions["units"] > 0.0).all()
        assert account["gross"] == pytest.approx(
            np.abs(positions["units"] * positions["last_price"]).sum()
        )
    decisions = desk.ledger.decisions[0, : desk.ledger.n_decisions[0]]
    wanted, allowed = np.abs(decisions["wanted"]), np.abs(decisions["allowed"])
    forgiven = 1.0 + 2e-9  # of a lot, by rounding
    assert (allowed <= np.nan_to_num(wanted) * forgiven).all()
    assert (allowed <= rules.sizing.position_cap * forgiven).all()
    assert (allowed <= 1.0 - rules.limits.cash_buffer + 1e-12).all()


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books)
def test_a_stop_never_moves_away_from_the_price(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules)
    floor = lend(desk)
    stops: dict[tuple[int, int], float] = {}
    for t in range(T - 1):
        trade(floor, world, t)
        for position in desk.book.positions[0, : desk.book.accounts["n_positions"][0]]:
            place = (int(position["symbol"]), int(position["opened"]))
            side, stop = np.sign(position["units"]), float(position["stop"])
            assert side * stop >= side * stops.get(place, stop)
            stops[place] = stop
        action = world.tape.actions[min(t + 2, T - 1)]  # they move with the next bar's actions
        for symbol, opened in stops:
            stops[symbol, opened] /= action["split"][symbol]
            stops[symbol, opened] -= action["dividend"][symbol]


# Whoever pays more has less, and must neither be halted, nor refused, nor trimmed for it.
PATIENT = {
    "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
    "gates": {"spread": 1.0, "borrow_rate": 10.0, "var": 1.0, "participation": 1.0},
    "limits": {"beta": 100.0},
    "sizing": {"no_trade_band": 0.99},
}


@settings(max_examples=12 * THOROUGH)
@given(
    seed=seeds,
    side=st.sampled_from([-1.0, 1.0]),
    cheap=st.floats(0.0, 0.01),
    dearer=st.floats(0.0, 0.01),
    field=st.sampled_from(["half_spread", "impact"]),
)
def test_higher_costs_never_make_the_same_trade_richer(
    seed: int, side: float, cheap: float, dearer: float, field: str
) -> None:
    scale = 1.0 if field == "half_spread" else 1e-3
    equity = []
    for cost in (cheap, cheap + dearer):
        world = random_world(seed)
        world.tape.bars[field] = scale * cost
        world.tape.value[:] = 0.0
        world.tape.value[3, 0, 1] = 0.01 * side
        world.tape.regime[3] = 0
        world.weights[:] = [1.0] + [0.0] * K
        world.tape.bars["room"] = np.inf
        rules = DeskRules.model_validate(PATIENT)
        desk = trade_through(world, rules, room=10)
        reasons = desk.ledger.fills["reason"][0, : desk.ledger.n_fills[0]]
        assert (reasons == Exit.NONE).sum() <= 1
        equity.append(desk.book.accounts["equity"][0])
    assert equity[1] <= equity[0]


@settings(max_examples=12 * THOROUGH)
@given(seed=seeds, rules=rule_books, k=st.integers(0, K - 1))
def test_the_account_of_one_strategy_never_trades_for_another(
    seed: int, rules: DeskRules, k: int
) -> None:
    world = random_world(seed)
    world.weights[:] = np.eye(K + 1)[k]
    desk = trade_through(world, rules, room=2_000)
    assert (desk.ledger.fills["strategy"][0, : desk.ledger.n_fills[0]] == k).all()
