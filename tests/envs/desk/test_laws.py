"""What holds for every market, every rule and every sequence of weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray, IntArray, RecordArray, frozen
from benbot.envs.desk.book import Book, open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk, bare
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import BAR, Tape

T, K, S = 48, 3, 5
PRICES = ["open", "high", "low", "close"]

fractions = st.sampled_from
rule_books = st.builds(
    lambda **sections: DeskRules.model_validate(sections),
    capital=fractions([20_000.0, 100_000.0]),
    sizing=st.fixed_dictionaries(
        {
            "risk_per_trade": fractions([0.002, 0.01, 0.05]),
            "position_cap": fractions([0.05, 0.1, 0.6]),
            "no_trade_band": fractions([0.0, 0.25]),
            "smallest_order": fractions([0.0, 100.0]),
            "scale_after": fractions([1, 10]),
        }
    ),
    limits=st.fixed_dictionaries(
        {
            "max_positions": fractions([1, 3, 10]),
            "daily_trades": fractions([0, 2, 50]),
            "cash_buffer": fractions([0.0, 0.05]),
            "allow_short": st.booleans(),
        }
    ),
    breakers=st.fixed_dictionaries(
        {"drawdown": fractions([0.05, 1.0]), "daily_loss": fractions([0.02, 1.0])}
    ),
    costs=st.fixed_dictionaries(
        {
            "half_spread": fractions([0.0, 0.0005]),
            "commission_rate": fractions([0.0, 0.0001]),
            "borrow_rate": fractions([0.0, 0.05]),
        }
    ),
    exits=st.fixed_dictionaries(
        {"time_stop": fractions([1, 5, 63]), "delisted_after": fractions([1, 10])}
    ),
)
seeds = st.integers(0, 2**32 - 1)


@dataclass
class World:
    """A random tape, and the weights that B accounts choose at each of its bars."""

    tape: Tape
    weights: FloatArray  # (T, B, K+1)

    @property
    def n_accounts(self) -> int:
        return self.weights.shape[1]


def random_world(seed: int, n_accounts: int = 1) -> World:
    rng = np.random.default_rng(seed)
    bars = random_bars(rng)
    asked = rng.choice([-1.0, 0.0, 1.0], (T, K, S), p=[0.15, 0.7, 0.15])
    value = asked * rng.uniform(0.0, 0.02, (T, K, S))
    stop = rng.choice([0.01, 0.03, 0.1, 0.5], (T, K, S))
    value[rng.random(value.shape) < 0.02] = np.nan
    stop[rng.random(stop.shape) < 0.02] = np.nan
    tape = Tape(
        bars=bars,
        value=value.astype(np.float32),
        stop=frozen(stop.astype(np.float32)),
        diamond=frozen(rng.random((T, S)) < 0.1),
        session=frozen(np.arange(T) // int(rng.integers(1, 5))),
        regime=rng.choice([-1, 0, 4, 8], T, p=[0.1, 0.3, 0.3, 0.3]).astype(np.int8),
        sleeve_return=rng.normal(0.0, 0.01, (T, K)),
        year_share=np.full(T, 0.01),
    )
    weights = rng.dirichlet(np.full(K + 1, 0.5), (T, n_accounts))
    weights[rng.random(weights.shape) < 0.2] = 0.0
    return World(tape, weights)


def random_bars(rng: np.random.Generator) -> RecordArray:
    """Return bars with jumps; whole bars and the spread of others are missing."""
    close = 50.0 * np.exp(np.cumsum(0.03 * rng.standard_t(2.5, (T, S)).clip(-20.0, 20.0), axis=0))
    bars = np.zeros((T, S), BAR)
    bars["close"] = close
    bars["open"] = close * np.exp(rng.normal(0.0, 0.02, (T, S)))
    bars["high"] = np.maximum(bars["open"], close) * rng.uniform(1.0, 1.05, (T, S))
    bars["low"] = np.minimum(bars["open"], close) * rng.uniform(0.95, 1.0, (T, S))
    missing = rng.random((T, S)) < 0.1
    missing[rng.integers(5, T) :, 0] = True
    for name in PRICES:
        bars[name][missing] = np.nan
    bars["half_spread"] = rng.choice([0.0, 0.0005, 0.005], (T, S))
    bars["impact"] = rng.choice([0.0, 1e-5], (T, S))
    return bars


def open_desk(world: World, rules: DeskRules, room: int = 0) -> Desk:
    n_accounts = world.n_accounts
    book = open_book(n_accounts, K, rules.limits.max_positions)
    for b in range(n_accounts):
        open_account(book, b, rules.capital, world.tape.session[0])
    ledger = open_ledger(n_accounts, fills=room, trades=room, decisions=room)
    return Desk(book, world.tape, rules.record(), ledger)


def trade(desk: Desk, world: World, t: int) -> FloatArray:
    desk.book.sleeves["weight"] = world.weights[t, :, :K]
    desk.book.accounts["cash_weight"] = world.weights[t, :, K]
    growth = np.zeros(world.n_accounts)
    trade_bars(bare(desk), np.full(world.n_accounts, t), growth)
    return growth


def trade_through(world: World, rules: DeskRules, room: int = 0, n_bars: int = T - 1) -> Desk:
    desk = open_desk(world, rules, room)
    for t in range(n_bars):
        trade(desk, world, t)
    return desk


def assert_same_book(first: Book, second: Book) -> None:
    """Every account and sleeve, and the slots that are taken; old slots may hold anything."""
    np.testing.assert_array_equal(first.accounts, second.accounts)
    np.testing.assert_array_equal(first.sleeves, second.sleeves)
    for b, n in enumerate(first.accounts["n_positions"]):
        np.testing.assert_array_equal(first.positions[b, :n], second.positions[b, :n])


class Bookkeeper:
    """Counts the money of one account from its fills and the closes alone."""

    def __init__(self, capital: float) -> None:
        self.cash = capital
        self.units = np.zeros(S)
        self.price = np.zeros(S)

    def close_bar(self, fills: RecordArray, close: FloatArray, borrow_rate: float) -> float:
        """Return the equity at the close."""
        for fill in fills:
            self.cash -= fill["units"] * fill["price"] + fill["cost"]
            self.units[fill["symbol"]] += fill["units"]
        self.units[np.abs(self.units) < 1e-9] = 0.0
        seen = np.isfinite(close)
        self.price[seen] = close[seen]
        self.cash -= borrow_rate * np.maximum(-self.units * self.price, 0.0).sum()
        return float(self.cash + self.units @ self.price)


@settings(max_examples=60)
@given(seed=seeds, rules=rule_books)
def test_no_money_appears_or_vanishes(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules, room=2_000)
    keeper, n_seen = Bookkeeper(rules.capital), 0
    for t in range(T - 1):
        growth = trade(desk, world, t)
        n_fills = desk.ledger.n_fills[0]
        fills = desk.ledger.fills[0, n_seen:n_fills]
        rate = rules.costs.borrow_rate * world.tape.year_share[t + 1]
        before = desk.book.accounts["previous_equity"][0]
        equity = keeper.close_bar(fills, world.tape.bars["close"][t + 1], rate)
        account = desk.book.accounts[0]
        assert account["equity"] == pytest.approx(equity, rel=1e-9)
        assert account["cash"] == pytest.approx(keeper.cash, rel=1e-9, abs=1e-6)
        assert account["traded"] == pytest.approx(np.abs(fills["units"] * fills["price"]).sum())
        if equity > 0.0:
            assert growth[0] == pytest.approx(np.log(equity / before), abs=1e-9)
        n_seen = n_fills


@settings(max_examples=60)
@given(seed=seeds, rules=rule_books)
def test_a_flat_account_earned_the_profit_of_its_round_trips(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    for name in PRICES:
        last_price = world.tape.bars[name][T - 2 :]
        last_price[np.isnan(last_price)] = 40.0  # so that everything can be sold
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


@settings(max_examples=60)
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


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_many_accounts_at_once_are_each_one_alone(seed: int, rules: DeskRules) -> None:
    world = random_world(seed, 4)
    many = trade_through(world, rules)
    for b in range(4):
        alone = trade_through(World(world.tape, world.weights[:, b : b + 1]), rules)
        one = Book(*(part[b : b + 1] for part in many.book))
        assert_same_book(one, alone.book)


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_accounts_at_bars_of_their_own_are_each_one_alone(seed: int, rules: DeskRules) -> None:
    world = random_world(seed, 3)
    starts: IntArray = np.array([0, 7, 3])

    def last_book(accounts: IntArray) -> Book:
        desk = open_desk(World(world.tape, world.weights[:, accounts]), rules)
        bars, growth = starts[accounts].copy(), np.zeros(accounts.size)
        for _ in range(30):
            desk.book.sleeves["weight"] = world.weights[bars, accounts, :K]
            desk.book.accounts["cash_weight"] = world.weights[bars, accounts, K]
            trade_bars(bare(desk), bars, growth)
            bars += 1
        return desk.book

    many = last_book(np.arange(3))
    for b in range(3):
        assert_same_book(Book(*(part[b : b + 1] for part in many)), last_book(np.array([b])))


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_a_ledger_changes_nothing(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    assert_same_book(
        trade_through(world, rules, room=500).book, trade_through(world, rules, room=0).book
    )


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books, t=st.integers(1, T - 2))
def test_what_comes_after_a_bar_changes_nothing_until_it(
    seed: int, rules: DeskRules, t: int
) -> None:
    world = random_world(seed)
    known = trade_through(world, rules, n_bars=t)
    other = random_world(seed + 1).tape
    future: dict[str, Any] = {}
    for name, array in world.tape._asdict().items():
        changed = np.concatenate([array[: t + 1], getattr(other, name)[t + 1 :]])
        future[name] = changed if array.flags.writeable else frozen(changed)
    changed_future = World(Tape(**future), world.weights)
    assert_same_book(trade_through(changed_future, rules, n_bars=t).book, known.book)


@settings(max_examples=80)
@given(seed=seeds, rules=rule_books, t=st.integers(0, T - 2))
def test_a_decision_and_its_fills_do_not_see_the_bar_in_which_they_fill(
    seed: int, rules: DeskRules, t: int
) -> None:
    """All that a decision at the close of bar t may use of bar t + 1 is its open and its costs."""
    world = random_world(seed)
    rng = np.random.default_rng(seed)
    bars, other = world.tape.bars.copy(), random_world(seed + 1).tape
    filling = bars[t + 1]
    filling["close"] *= rng.uniform(0.7, 1.4, S)
    filling["high"] = 1.1 * np.maximum(filling["close"], filling["open"])
    filling["low"] = 0.9 * np.minimum(filling["close"], filling["open"])
    later: dict[str, Any] = {}
    for name in ("value", "stop", "diamond", "regime", "sleeve_return"):
        array = getattr(world.tape, name)
        changed = np.concatenate([array[: t + 1], getattr(other, name)[t + 1 :]])
        later[name] = changed if array.flags.writeable else frozen(changed)
    blind = World(world.tape._replace(bars=bars, **later), world.weights)
    decided, filled = [], []
    for one in (world, blind):
        ledger = trade_through(one, rules, room=2_000, n_bars=t + 1).ledger
        decided.append(ledger.decisions[0, : ledger.n_decisions[0]])
        fills = ledger.fills[0, : ledger.n_fills[0]]
        inside = np.isin(fills["reason"], [Exit.STOP, Exit.TRAILING_STOP, Exit.DELISTED])
        filled.append(fills[(fills["bar"] <= t) | ~inside])
    for first, second in (decided, filled):
        for name in first.dtype.names:
            np.testing.assert_array_equal(first[name], second[name])


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_a_share_split_changes_no_money(seed: int, rules: DeskRules) -> None:
    """Times a power of two, so that not a bit may differ."""
    world = random_world(seed)
    before = trade_through(world, rules)
    split = world.tape.bars.copy()
    for name in PRICES:
        split[name] /= 4.0
    after = trade_through(World(world.tape._replace(bars=split), world.weights), rules)
    np.testing.assert_array_equal(after.book.accounts, before.book.accounts)
    n = before.book.accounts["n_positions"][0]
    np.testing.assert_array_equal(
        after.book.positions["units"][0, :n], 4.0 * before.book.positions["units"][0, :n]
    )


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_without_weight_nothing_is_ever_traded(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    world.weights[:] = [0.0] * K + [1.0]
    desk = trade_through(world, rules, room=10)
    assert desk.ledger.n_fills[0] == 0
    assert desk.ledger.n_decisions[0] == 0
    assert desk.book.accounts["equity"][0] == rules.capital


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_the_limits_hold_at_every_bar(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules, room=2_000)
    for t in range(T - 1):
        trade(desk, world, t)
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
    assert (allowed <= np.nan_to_num(wanted) * (1.0 + 1e-12)).all()
    assert (allowed <= rules.sizing.position_cap * (1.0 + 1e-12)).all()
    assert (allowed <= 1.0 - rules.limits.cash_buffer + 1e-12).all()


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books)
def test_a_stop_never_moves_away_from_the_price(seed: int, rules: DeskRules) -> None:
    world = random_world(seed)
    desk = open_desk(world, rules)
    stops: dict[tuple[int, int], float] = {}
    for t in range(T - 1):
        trade(desk, world, t)
        for position in desk.book.positions[0, : desk.book.accounts["n_positions"][0]]:
            place = (int(position["symbol"]), int(position["opened"]))
            side, stop = np.sign(position["units"]), float(position["stop"])
            assert side * stop >= side * stops.get(place, stop)
            stops[place] = stop


@settings(max_examples=40)
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
        rules = DeskRules.model_validate({"breakers": {"drawdown": 1.0, "daily_loss": 1.0}})
        desk = trade_through(world, rules, room=10)
        reasons = desk.ledger.fills["reason"][0, : desk.ledger.n_fills[0]]
        assert (reasons == Exit.NONE).sum() <= 1
        equity.append(desk.book.accounts["equity"][0])
    assert equity[1] <= equity[0]


@settings(max_examples=40)
@given(seed=seeds, rules=rule_books, k=st.integers(0, K - 1))
def test_the_account_of_one_strategy_never_trades_for_another(
    seed: int, rules: DeskRules, k: int
) -> None:
    world = random_world(seed)
    world.weights[:] = np.eye(K + 1)[k]
    desk = trade_through(world, rules, room=2_000)
    assert (desk.ledger.fills["strategy"][0, : desk.ledger.n_fills[0]] == k).all()
