"""A refused trade's shadow is the trade that an account without the gate makes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.ledger import DECISION
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.shadow import shadow_trades

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

COSTS = {"half_spread": 0.001, "commission_rate": 0.0002, "borrow_rate": 0.05}
CAPITAL = 100_000.0


def walk(account: Any, seed: int = 3) -> Any:  # noqa: ANN401
    """Let every price of an account's market walk at random."""
    rng = np.random.default_rng(seed)
    shape = account.bars.shape
    account.bars["close"] = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    account.bars["open"] = account.bars["close"] * np.exp(rng.normal(0.0, 0.01, shape))
    account.bars["high"] = np.maximum(account.bars["open"], account.bars["close"]) * 1.01
    account.bars["low"] = np.minimum(account.bars["open"], account.bars["close"]) * 0.99
    return account


def shadows_of(account: Any, decisions: RecordArray | None = None) -> RecordArray:  # noqa: ANN401
    """Return the shadows of an account's own decisions, or of others, at its capital."""
    own = account.decisions if decisions is None else decisions
    last = len(account.bars) - 1
    return shadow_trades(
        account.desk.tape, account.rules, own, np.full(len(own), account.rules.capital), last
    )


def decision(wanted: float, bar: int = 0, s: int = 0) -> RecordArray:
    row = np.zeros(1, DECISION)
    row["bar"], row["symbol"], row["wanted"], row["verdict"] = bar, s, wanted, Verdict.STRESS
    return row


# Each: a gate, rules under which it refuses, and who asks.
GATES: list[tuple[Verdict, dict[str, Any], float]] = [
    (Verdict.BORROW, {"gates": {"borrow_rate": 0.01}}, -0.01),
    (Verdict.SPREAD, {"gates": {"spread": 0.0001}}, 0.01),
    (Verdict.STRESS, {"gates": {"stress": True}}, 0.01),
    (Verdict.DAILY_TRADES, {"limits": {"daily_trades": 0}}, 0.01),
    (Verdict.BETA, {"limits": {"beta": 1e-12}}, -0.01),
]


@pytest.mark.parametrize(("gate", "gated", "value"), GATES)
@pytest.mark.parametrize("exits", [{}, {"partial": 0.25, "target": 0.75}, {"time_stop": 4}])
def test_a_refused_trade_earns_what_an_account_without_the_gate_earns(
    trial: Trial,
    rules: Rules,
    gate: Verdict,
    gated: dict[str, Any],
    value: float,
    exits: dict[str, float],
) -> None:
    def account_of(sections: dict[str, Any]) -> Any:  # noqa: ANN401
        uncapped = {"position_cap": 1.0}  # or a position that grows beyond it would be trimmed
        own = rules(costs=COSTS, exits=exits, sizing=uncapped, **sections)
        account = walk(trial(40, rules=own))
        account.regime[:] = 2
        account.want(0, value)
        account.want(20, -np.copysign(1e-30, value))  # who is still there wants out
        account.act(6, split=2.0, dividend=1.0)
        for name in ("open", "high", "low", "close"):
            account.bars[name][6:] *= 0.5
        return account

    refused, free = account_of(gated), account_of({})
    refused.run(39)
    free.run(39)
    assert Verdict(refused.decisions["verdict"][0]) == gate
    assert not refused.fills.size

    (shadow,) = shadows_of(refused, refused.decisions[:1])
    (trade,) = free.trades
    assert shadow["profit"] * CAPITAL == pytest.approx(trade["profit"], abs=1e-8)
    assert shadow["notional"] * CAPITAL == pytest.approx(trade["notional"], rel=1e-12)
    assert (shadow["closed"], shadow["reason"]) == (trade["closed"], trade["reason"])
    assert trade["profit"] != 0.0


def test_the_clipped_part_and_the_allowed_part_together_are_the_whole_trade(
    trial: Trial, rules: Rules
) -> None:
    def account_of(**limits: float) -> Any:  # noqa: ANN401
        lazy = {"no_trade_band": 0.9}  # or it would try to buy the missing part later
        quick = rules(costs=COSTS, limits=limits, exits={"time_stop": 7}, sizing=lazy)
        account = walk(trial(30, rules=quick))
        account.want(0)
        account.run(29)
        return account

    clipped, free = account_of(gross=0.05), account_of()
    assert clipped.decisions["verdict"][0] == Verdict.CLIPPED
    (shadow,) = shadows_of(clipped, clipped.decisions[:1])
    together = clipped.trades["profit"][0] + shadow["profit"] * CAPITAL
    assert together == pytest.approx(free.trades["profit"][0], abs=1e-8)
    assert shadow["notional"] > 0.0


def test_what_is_still_open_at_the_end_is_valued_at_the_last_mark(
    trial: Trial, rules: Rules
) -> None:
    account = trial(6, rules=rules(costs={"half_spread": 0.001}))
    account.move(4, 110.0)
    (shadow,) = shadows_of(account, decision(0.1))
    assert shadow["profit"] == pytest.approx(0.1 * (0.1 - 0.001))  # the exit is not paid for
    assert (shadow["closed"], shadow["reason"]) == (-1, Exit.NONE)
    assert shadow["notional"] == pytest.approx(0.1)


def test_it_meets_the_prices_of_the_next_bar_and_none_after_the_last(
    trial: Trial, rules: Rules
) -> None:
    account = trial(6, rules=rules())
    account.move(2, 200.0)
    account.move(5, 50.0)
    late = decision(0.1, bar=1)
    equity = np.array([CAPITAL])
    for last, profit in ((4, 0.0), (5, 0.2 * -0.75)):  # a gap through the stop fills at the open
        (shadow,) = shadow_trades(account.desk.tape, account.rules, late, equity, last)
        assert shadow["notional"] == pytest.approx(0.2)  # decided at 100, filled at 200
        assert shadow["profit"] == pytest.approx(profit)
    (nothing,) = shadow_trades(account.desk.tape, account.rules, late, equity, 1)
    assert (nothing["notional"], nothing["profit"]) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("wanted", "prices"),
    [
        (np.nan, {}),
        (np.inf, {}),
        (0.0, {}),
        (0.1, {"open": np.nan, "close": np.nan}),
        (0.1, {"room": 0.0}),
    ],
)
def test_what_nobody_could_fill_earns_nothing(
    trial: Trial, rules: Rules, wanted: float, prices: dict[str, float]
) -> None:
    account = trial(4, rules=rules())
    account.move(2, 130.0)
    account.shape(1, **prices)
    (shadow,) = shadows_of(account, decision(wanted))
    assert shadow.tolist() == (0.0, 0.0, -1, Exit.NONE)


def test_a_stop_that_is_no_stop_and_less_than_a_lot_are_not_filled(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, rules=rules(execution={"lot": 100.0}))
    assert shadows_of(account, decision(0.09))["notional"] == 0.0
    assert shadows_of(account, decision(0.19))["notional"] == pytest.approx(0.1)
    wild = trial(4, rules=rules())
    stop = wild.stop.copy()
    stop[0] = 1.0
    tape = wild.desk.tape._replace(stop=stop)
    equity = np.array([CAPITAL])
    (shadow,) = shadow_trades(tape, wild.rules, decision(0.1), equity, 3)
    assert shadow["notional"] == 0.0


def test_each_shadow_is_alone(trial: Trial, rules: Rules) -> None:
    account = walk(trial(40, 3, 2, rules(costs=COSTS, limits={"max_positions": 1})))
    rng = np.random.default_rng(8)
    many = np.zeros(200, DECISION)
    many["bar"] = rng.integers(0, 38, 200)
    many["symbol"], many["strategy"] = rng.integers(0, 3, 200), rng.integers(0, 2, 200)
    many["wanted"] = rng.uniform(-0.2, 0.2, 200)
    together = shadows_of(account, many)
    alone = np.concatenate([shadows_of(account, many[i : i + 1]) for i in range(200)])
    np.testing.assert_array_equal(together, alone)
    assert (together["notional"] > 0.0).all()
    assert len(np.unique(together["reason"])) > 2
