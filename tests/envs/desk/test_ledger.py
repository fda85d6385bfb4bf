"""The ledger says what happened, in records, and admits what it had no room for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from tests.envs.desk.comparison import assert_same_with_ledger

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

COSTS = {"half_spread": 0.001, "commission_rate": 0.0002, "borrow_rate": 0.05}


def busy(trial: Trial, rules: Rules, room: int = 500) -> Any:  # noqa: ANN401
    """Return an account after 60 bars of random opinions, prices and weights."""
    rng = np.random.default_rng(5)
    account = trial(62, 4, 3, rules(costs=COSTS, limits={"max_positions": 3}), room)
    growth = np.exp(np.cumsum(rng.normal(0.0, 0.03, (62, 4)), axis=0))
    account.bars["close"] = 100.0 * growth
    account.bars["open"] = account.bars["close"] * np.exp(rng.normal(0.0, 0.01, (62, 4)))
    account.bars["high"] = np.maximum(account.bars["open"], account.bars["close"]) * 1.01
    account.bars["low"] = np.minimum(account.bars["open"], account.bars["close"]) * 0.99
    opinion = rng.choice([-0.01, 0.0, 0.0, 0.01], account.value.shape)
    account.value[:] = opinion * rng.uniform(0.5, 1.5, account.value.shape)
    for _ in range(60):
        account.weigh(*rng.dirichlet(np.ones(4))[:3])
        account.run()
    return account


def test_a_round_trip_is_written_down_with_its_costs_and_profit(trial: Trial, rules: Rules) -> None:
    account = trial(5, rules=rules(costs={"half_spread": 0.001}, exits={"time_stop": 2}))
    account.want(0, -0.01)
    account.shape(3, open=90.0, low=90.0)
    account.run(3)

    (trade,) = account.trades
    assert (trade["symbol"], trade["strategy"], trade["side"]) == (0, 0, -1)
    assert (trade["opened"], trade["closed"], Exit(trade["reason"])) == (1, 3, Exit.TIME)
    assert (trade["entry_price"], trade["exit_price"]) == (100.0, 90.0)
    assert trade["notional"] == 8_000.0
    assert trade["costs"] == pytest.approx(8.0 + 7.2)
    assert trade["profit"] == pytest.approx(800.0 - 15.2)
    assert account.equity == pytest.approx(100_000.0 + trade["profit"])


def test_fills_say_who_bought_what_where_and_why(trial: Trial, rules: Rules) -> None:
    account = trial(5, n_symbols=2, n_strategies=2, rules=rules(exits={"time_stop": 1}))
    account.want(0, k=1, s=1)
    account.run(2)
    columns = ["bar", "symbol", "strategy", "units", "price", "reason"]
    assert account.fills[columns].tolist() == [
        (1, 1, 1, 80.0, 100.0, Exit.NONE),
        (2, 1, 1, -80.0, 100.0, Exit.TIME),
    ]


def test_the_profits_of_all_round_trips_are_what_the_account_earned(
    trial: Trial, rules: Rules
) -> None:
    account = busy(trial, rules)
    account.value[60:] = 0.0
    account.weigh(0.0, 0.0, 0.0, cash=1.0)
    account.run()
    assert not account.positions.size
    assert len(account.trades) > 20
    assert {-1, 1} <= set(account.trades["side"].tolist())
    assert account.equity - 100_000.0 == pytest.approx(account.trades["profit"].sum(), abs=1e-6)


def test_the_fills_of_a_trade_add_up_to_it(trial: Trial, rules: Rules) -> None:
    account = busy(trial, rules)
    held = account.fills["units"].sum() - account.positions["units"].sum()
    assert held == pytest.approx(0.0, abs=1e-9)


def test_decisions_and_counts_of_the_account_agree(trial: Trial, rules: Rules) -> None:
    account = busy(trial, rules)
    heard = account.decisions[~account.decisions["enlarges"].astype(bool)]
    last = heard[heard["bar"] == account.t - 1]
    assert len(last)
    if account.account["blocked"]:
        assert set(last["verdict"]) == {account.account["blocked"]}
        assert (account.account["n_winners"], account.account["n_refused"]) == (0, 0)
    else:
        refused = (last["verdict"] > Verdict.CLIPPED).sum()
        assert (len(last), refused) == (account.account["n_winners"], account.account["n_refused"])
    opened = account.decisions["verdict"] <= Verdict.CLIPPED
    assert (account.decisions["allowed"][opened] != 0.0).all()
    assert (account.decisions["allowed"][~opened] == 0.0).all()


def test_records_without_room_are_counted_and_change_nothing_else(
    trial: Trial, rules: Rules
) -> None:
    full, small = busy(trial, rules), busy(trial, rules, room=7)
    for kind in ("fills", "trades", "decisions"):
        n = getattr(full.desk.ledger, f"n_{kind}")[0]
        assert n > 7
        assert getattr(small.desk.ledger, f"n_{kind}")[0] == n
        np.testing.assert_array_equal(getattr(small, kind), getattr(full, kind)[:7])
    assert small.equity == full.equity


def test_an_account_trades_the_same_with_and_without_a_ledger(trial: Trial, rules: Rules) -> None:
    on, off = busy(trial, rules), busy(trial, rules, room=0)
    assert on.decisions.size
    assert not off.decisions.size
    assert_same_with_ledger(on.desk.book, off.desk.book)
