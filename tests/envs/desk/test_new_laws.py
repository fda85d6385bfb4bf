"""Laws of the desk over random worlds: with splits, dividends, borrowing, partial fills and halts.

Whoever checks them counts again from what the ledger says and what the market did; the book is
looked at only to be compared with that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import BoolArray, FloatArray, RecordArray, frozen
from benbot.envs.desk.book import Book, open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk, bare
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import UNKNOWN_SECTOR, Tape, tied_symbols
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals
from tests.envs.desk.worlds import FIRST, World, random_rules, random_weights, random_world

PRICES = ("open", "high", "low", "close")
ENTERED = (Verdict.PASSED, Verdict.CLIPPED)
AT_THE_CLOSE = (  # reasons of orders that were decided at a close
    Exit.NONE,
    Exit.TIME,
    Exit.REVERSAL,
    Exit.WEIGHT,
    Exit.BREAKER,
    Exit.DIAMOND,
)
NORMAL_95 = 1.6448536269514722
ROUNDING = 1e-9

FEW, MANY = settings(max_examples=40), settings(max_examples=600)
seeds = st.integers(0, 2**32 - 1)


def law(check: Callable[[int], None]) -> tuple[Any, Any]:
    """Return the same law for every commit and, over many more worlds, for every night."""

    def of_few(seed: int) -> None:
        check(seed)

    def of_many(seed: int) -> None:
        check(seed)

    return FEW(given(seed=seeds)(of_few)), pytest.mark.nightly(MANY(given(seed=seeds)(of_many)))


# How a world is traded.


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


def trade_bar(desk: Desk, world: World, i: int, b: int = 0) -> None:
    """Trade the `i`-th bar with its weights and what the venue noted."""
    account = desk.book.accounts[b]
    desk.book.sleeves["weight"][b], account["cash_weight"] = (
        world.weights[i, :-1],
        world.weights[i, -1],
    )
    account["api_failures"], account["stale_quotes"] = world.venue[i]
    trade_bars(bare(desk), np.array([FIRST + i]), np.zeros(1))


def written(desk: Desk, kind: str, b: int = 0) -> RecordArray:
    records: RecordArray = getattr(desk.ledger, kind)[b, : getattr(desk.ledger, f"n_{kind}")[b]]
    return records


def positions_of(book: Book, b: int = 0) -> RecordArray:
    taken: RecordArray = book.positions[b, : book.accounts["n_positions"][b]]
    return taken


def steps_of(desk: Desk, world: World) -> Iterator[Step]:
    for i in range(len(world.weights)):
        before, held = desk.book.accounts[0].copy(), positions_of(desk.book).copy()
        n_fills, n_decisions = desk.ledger.n_fills[0], desk.ledger.n_decisions[0]
        trade_bar(desk, world, i)
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


def assert_same_records(first: RecordArray, second: RecordArray) -> None:
    for name in first.dtype.names or ():
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def assert_same_book(first: Book, second: Book) -> None:
    """Every account and sleeve, and the slots that are taken; old slots may hold anything."""
    assert_same_records(first.accounts, second.accounts)
    assert_same_records(first.sleeves, second.sleeves)
    for b in range(first.accounts.size):
        assert_same_records(positions_of(first, b), positions_of(second, b))


# 1. Money is conserved.


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


# 2. Nothing is bought or sold short without a gate that let it pass.


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


# 3. Every cap holds after every fill, at the prices of the decision.


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


# 4. Money has no natural unit. Volumes stay, so what is traded in money scales with the prices.

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
    bars, facts = tape.bars.copy(), tape.facts.copy()
    for name in (*PRICES, "room"):
        bars[name] *= factor
    bars["impact"] /= np.sqrt(factor)
    facts["dividend"] *= factor
    facts["adv"] *= factor
    return tape._replace(bars=bars, facts=facts)


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


# 5. The order of the symbols means nothing.


def shuffled_market(market: Market, order: Any) -> Market:  # noqa: ANN401
    facts = (*PRICES, "volume", "spread", "tradable", "halted", "borrow_rate", "unadjusted")
    columns = {name: getattr(market, name)[:, order] for name in (*facts, "split", "dividend")}
    names = {
        name: tuple(getattr(market, name)[s] for s in order) for name in ("symbols", "sectors")
    }
    return replace(market, **columns, **names)


@FEW
@given(seed=seeds)
def test_the_order_of_the_symbols_means_nothing(seed: int) -> None:
    """Confidences are drawn without ties; betas are off, whose mean over symbols is rounded."""
    world, rng = random_world(seed), np.random.default_rng(seed)
    asked = world.signals.direction != 0
    sure = rng.uniform(0.1, 1.0, asked.shape).astype(np.float32)
    limits = world.rules.limits.model_copy(update={"beta": 100.0})
    world = replace(
        world,
        signals=replace(world.signals, confidence=sure),
        rules=world.rules.model_copy(update={"limits": limits}),
    )
    order = rng.permutation(world.market.n_symbols)
    signals = replace(
        world.signals,
        diamond=world.signals.diamond[:, order],
        **{
            name: getattr(world.signals, name)[:, :, order]
            for name in ("direction", "confidence", "stop_distance")
        },
    )
    other = replace(world, market=shuffled_market(world.market, order), signals=signals)
    (own, equity), (changed, other_equity) = trade_through(world), trade_through(other)
    np.testing.assert_array_equal(equity, other_equity)
    for kind in ("fills", "trades", "decisions"):
        records = written(changed, kind).copy()
        records["symbol"] = order[records["symbol"]]
        expected = written(own, kind)
        if kind == "decisions":  # those of one close stand in no particular order
            by = ["bar", "enlarges", "symbol"]
            expected, records = np.sort(expected, order=by), np.sort(records, order=by)
        assert_same_records(expected, records)


# 6. Many accounts at once are each one alone.


@FEW
@given(seed=seeds)
def test_many_accounts_at_once_are_each_one_alone(seed: int) -> None:
    world, rng = random_world(seed), np.random.default_rng(seed)
    tape, n_accounts = tape_of(world), 3
    n_decisions, n_strategies = len(world.weights), world.signals.n_strategies
    weights = np.stack([random_weights(rng, n_decisions, n_strategies) for _ in range(n_accounts)])
    start = np.array([0, 7, 3])  # each stands at a bar of its own

    def trade(accounts: list[int]) -> Desk:
        desk = open_desk(tape, world.rules, len(accounts))
        growth = np.zeros(len(accounts))
        for i in range(n_decisions - int(start.max())):
            at = start[accounts] + i
            desk.book.sleeves["weight"] = weights[accounts, at, :-1]
            desk.book.accounts["cash_weight"] = weights[accounts, at, -1]
            trade_bars(bare(desk), FIRST + at, growth)
        return desk

    many = trade([0, 1, 2])
    for b in range(n_accounts):
        alone = trade([b])
        assert_same_book(Book(*(part[b : b + 1] for part in many.book)), alone.book)
        for kind in ("fills", "trades", "decisions"):
            assert_same_records(written(many, kind, b), written(alone, kind))


# 7. What is not a number opens nothing, and stays out of the book.


def spoil(tape: Tape, rng: np.random.Generator) -> Tape:
    """Return a tape with missing bars, and NaN in everything that a gate must survive."""

    def holes(shape: tuple[int, ...], share: float = 0.03) -> BoolArray:
        spoilt: BoolArray = rng.random(shape) < share
        return spoilt

    bars, facts, shape = tape.bars.copy(), tape.facts.copy(), tape.bars.shape
    missing = holes(shape)
    for name in PRICES:
        bars[name][missing] = np.nan
    bars["borrow_rate"][holes(shape)] = np.nan
    for name in ("adv", "deviation", "age", "beta", "budget"):
        facts[name][holes(shape)] = np.nan
    value, stop, covariance = tape.value.copy(), tape.stop.copy(), tape.covariance.copy()
    value[holes(value.shape)] = np.nan
    value[:, :, shape[1] :] = 0.0  # behind the symbols there is nothing
    stop[holes(stop.shape)] = np.nan
    unknown = holes(covariance.shape)
    covariance[unknown | unknown.transpose(0, 2, 1)] = np.nan
    return tape._replace(
        bars=bars,
        facts=facts,
        value=value,
        stop=frozen(stop),
        covariance=covariance,
        tied=tied_symbols(covariance, 0.75),
    )


def numbers_behind(tape: Tape, rules: DeskRules, decision: Any) -> dict[str, float]:  # noqa: ANN401
    """Return what must be a number, or the trade was none."""
    t, k, s = int(decision["bar"]), int(decision["strategy"]), int(decision["symbol"])
    now, facts = tape.bars[t, s], tape.facts[t, s]
    numbers = {"open": tape.bars["open"][t + 1, s], "age": facts["age"]}
    if not decision["enlarges"]:
        numbers |= {"close": now["close"], "value": tape.value[t, k, s], "stop": tape.stop[t, k, s]}
        numbers["budget"] = facts["budget"]
        if rules.sizing.method == "volatility":
            numbers["deviation"] = facts["deviation"]
    if decision["wanted"] < 0.0:
        numbers["borrow rate"] = now["borrow_rate"]
    if rules.limits.beta < 100.0:
        numbers["beta"] = facts["beta"]
    if rules.gates.participation < 1.0:
        numbers["adv"] = facts["adv"]
    if rules.gates.var < 1.0:
        numbers["variance"] = tape.covariance[tape.calendar["risk_row"][t], s, s]
    return numbers


def check_numbers(seed: int) -> None:
    world = random_world(seed)
    tape = spoil(tape_of(world), np.random.default_rng(seed))
    desk, _ = trade_through(world, tape)
    decisions = written(desk, "decisions")
    for decision in decisions[np.isin(decisions["verdict"], ENTERED)]:
        for name, number in numbers_behind(tape, world.rules, decision).items():
            assert not np.isnan(number), f"{name} at bar {decision['bar']}: {decision}"
    for part in (desk.book.accounts, desk.book.sleeves, positions_of(desk.book)):
        for name in set(part.dtype.names or ()) - {"portfolio_variance"}:
            assert np.isfinite(part[name]).all(), name
    for kind in ("fills", "trades"):
        for name in written(desk, kind).dtype.names or ():
            assert np.isfinite(written(desk, kind)[name]).all(), name


(
    test_what_is_not_a_number_opens_nothing_and_stays_out_of_the_book,
    test_what_is_not_a_number_opens_nothing_in_many_worlds,
) = law(check_numbers)


# 8. Without weight nothing is opened, and what is held is closed.


@FEW
@given(seed=seeds, n_bars=st.integers(0, 40))
def test_without_weight_nothing_is_opened_and_what_is_held_is_closed(
    seed: int, n_bars: int
) -> None:
    world = random_world(seed)
    world.weights[n_bars:] = 0.0
    tape = tape_of(world)
    desk = open_desk(tape, world.rules)
    for step in steps_of(desk, world):
        if step.t < FIRST + n_bars:
            continue
        assert not (step.fills["reason"] == Exit.NONE).any()
        assert not step.decisions.size
        left = set(positions_of(desk.book)["symbol"].tolist())
        for position in step.held:
            fill = tape.bars[step.t + 1, position["symbol"]]
            prices = max(fill["open"], fill["high"], fill["close"])
            units = abs(position["units"]) * tape.facts["split"][step.t + 1, position["symbol"]]
            if fill["open"] > 0.0 and fill["room"] >= units * prices:
                assert position["symbol"] not in left
    if n_bars == 0:
        assert not written(desk, "fills").size
        assert desk.book.accounts["equity"][0] == world.rules.capital


# 9. Higher costs never end richer.


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


# 10. Who is refused leaves no trace.


def silenced(tape: Tape, t: int, held: RecordArray) -> Tape:
    """Return the tape as if nobody had asked for anything at bar `t`.

    Who holds a position still may want out of it, so faintly that it wins no symbol.
    """
    value = tape.value.copy()
    value[t] = 0.0
    for position in held:
        k, s = position["strategy"], position["symbol"]
        value[t, k, s] = 1e-30 * np.sign(np.nan_to_num(tape.value[t, k, s]))
    return tape._replace(value=value)


def check_refusals(seed: int) -> None:
    world = random_world(seed)
    tape = tape_of(world)
    desk = open_desk(tape, world.rules)
    before = Book(*(part.copy() for part in desk.book))
    for i, step in enumerate(steps_of(desk, world)):
        entries = step.decisions[step.decisions["enlarges"] == 0]
        if entries.size and not np.isin(entries["verdict"], ENTERED).any():
            quiet = open_desk(silenced(tape, step.t, step.held), world.rules)
            for own, other in zip(quiet.book, before, strict=True):
                own[:] = other
            trade_bar(quiet, world, i)
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


# 11. Where the rules are symmetric, a mirrored market under mirrored opinions earns the same.

LEVEL = 128.0  # what every symbol trades for whenever somebody may enter


@dataclass
class Path:
    """Moves of S symbols around the level, (T, S), and where an opinion may open a position."""

    move: FloatArray
    home: BoolArray
    missing: BoolArray


def random_path(rng: np.random.Generator, n_bars: int, n_symbols: int) -> Path:
    """Return paths that leave the level and come back to it for two bars now and then."""
    move = rng.integers(-60, 61, (n_bars, n_symbols)) / 4.0
    rests = rng.random((n_bars, n_symbols)) < 0.35
    rests[1:] |= rests[:-1].copy()
    move[rests] = 0.0
    home = np.zeros(rests.shape, np.bool_)
    home[:-1] = rests[:-1] & rests[1:]
    missing = ~rests & (rng.random(rests.shape) < 0.1)
    return Path(move, home, missing)


def symmetric_rules(seed: int) -> DeskRules:
    """Return random rules of which none tells a long from a short, or looks at a price's level."""
    tree = random_rules(np.random.default_rng(seed)).model_dump()
    # Positions are small, for a cap counts money, of which a long has more when the price rises.
    tree["sizing"] |= {"no_trade_band": 0.99, "smallest_order": 0.0, "position_cap": 1.0}
    tree["sizing"] |= {"risk_per_trade": 0.001, "risk_per_diamond": 0.001, "kelly_fraction": 0.001}
    tree["sizing"]["method"] = "kelly" if tree["sizing"]["method"] == "kelly" else "risk"
    tree["limits"] |= {"allow_short": True, "short_margin": 1.0, "cash_buffer": 0.0, "gross": 10.0}
    tree["limits"] |= {"net": 10.0, "sector": 10.0, "strategy": 10.0, "beta": 100.0}
    tree["gates"] |= {"stress": False, "correlation": 1.0, "var": 1.0, "participation": 1.0}
    tree["costs"] |= dict.fromkeys(
        (
            "half_spread",
            "impact",
            "borrow_rate",
            "commission_rate",
            "commission_per_unit",
            "commission_per_order",
            "commission_minimum",
        ),
        0.0,
    )
    tree["costs"]["spread"] = "fixed"
    tree["execution"] |= {"tick": 0.0, "lot": 0.0}
    tree["portfolio"]["method"] = "independent"
    tree["poor"] |= {"open_risk": 1.0, "position_cap": 1.0, "risk_per_trade": 0.001}
    return DeskRules.model_validate(tree)


def symmetric_world(seed: int, side: int) -> World:
    """Return a market of closes only, above and below the level, or its mirror image."""
    rng, (n_bars, n_strategies, n_symbols) = np.random.default_rng(seed), (60, 3, 5)
    path = random_path(rng, n_bars, n_symbols)
    close = np.where(path.missing, np.nan, LEVEL + side * path.move)
    shape = (n_bars, n_strategies, n_symbols)
    direction = rng.choice([-1, 0, 1], shape)
    # Away from the level an opinion has no confidence: it may close a position and opens none.
    confidence = rng.uniform(0.1, 1.0, shape) * path.home[:, None, :]
    signals = Signals(
        tuple(f"k{k}" for k in range(n_strategies)),
        (0,) * n_strategies,
        (side * direction).astype(np.int8),
        confidence.astype(np.float32),
        rng.choice([0.03125, 0.0625, 0.125], shape).astype(np.float32),
        rng.random((n_bars, n_symbols)) < 0.2,
    )
    market = market_from_prices(
        np.datetime64("2020-01-01") + np.arange(n_bars),
        tuple(f"S{s}" for s in range(n_symbols)),
        {"close": close},
        session=np.arange(n_bars) // 2,
    )
    weights = np.zeros((n_bars - 1 - FIRST, n_strategies + 1))
    weights[:, :-1] = rng.dirichlet(np.full(n_strategies, 2.0))
    return World(
        market,
        signals,
        rng.choice([-1, 0, 4, 8], n_bars, p=[0.1, 0.3, 0.3, 0.3]).astype(np.int8),
        symmetric_rules(seed),
        weights,
        np.zeros((n_bars - 1 - FIRST, 2), np.int64),
    )


def check_symmetry(seed: int) -> None:
    """The same units are bought and sold at prices as far from the level, so profits are equal."""
    (own, equity), (mirror, other_equity) = (
        trade_through(symmetric_world(seed, side)) for side in (1, -1)
    )
    np.testing.assert_allclose(equity, other_equity, rtol=ROUNDING)
    for kind, same, opposite, mirrored in (
        ("fills", ("bar", "symbol", "strategy", "reason"), ("units",), ("price",)),
        ("decisions", ("bar", "symbol", "verdict", "limit"), ("wanted", "allowed"), ()),
        ("trades", ("opened", "closed", "reason", "profit"), ("side",), ("exit_price",)),
    ):
        first, second = written(own, kind), written(mirror, kind)
        assert len(first) == len(second)
        for name in same:
            np.testing.assert_allclose(first[name], second[name], rtol=ROUNDING, atol=1e-6)
        for name in opposite:
            np.testing.assert_allclose(first[name], -second[name], rtol=ROUNDING)
        for name in mirrored:
            np.testing.assert_allclose(first[name] - LEVEL, LEVEL - second[name], atol=ROUNDING)


(
    test_a_mirrored_market_under_mirrored_opinions_earns_the_same,
    test_a_mirrored_market_earns_the_same_in_many_worlds,
) = law(check_symmetry)
