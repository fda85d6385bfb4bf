"""The profit of every kind of round trip, against a calculation that is written out.

The trial account has 100,000 and buys or sells 80 at 100.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest

from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

COSTS = {"half_spread": 0.001, "commission_per_order": 1.0}


def assert_earned(
    account: Any,  # noqa: ANN401
    profit: float,
    income: float = 0.0,
    costs: float = 0.0,
) -> None:
    """Compare the only round trip and the equity of the account, which is flat again."""
    (trade,) = account.trades
    assert float(trade["profit"]) == pytest.approx(profit, rel=1e-12)
    assert float(trade["income"]) == pytest.approx(income, rel=1e-12)
    assert float(trade["costs"]) == pytest.approx(costs, rel=1e-12)
    assert not account.positions.size
    assert account.equity == pytest.approx(100_000.0 + profit, rel=1e-12)
    assert account.account["cash"] == account.equity


def test_a_long_earns_what_the_price_rises(trial: Trial, rules: Rules) -> None:
    account = trial(6, rules=rules(exits={"time_stop": 2}))
    account.want(0)
    account.move(3, 110.0)
    account.run(3)
    assert_earned(account, profit=80.0 * (110.0 - 100.0))


def test_a_long_pays_for_both_of_its_fills(trial: Trial, rules: Rules) -> None:
    account = trial(6, rules=rules(exits={"time_stop": 2}, costs=COSTS))
    account.want(0)
    account.move(3, 110.0)
    account.run(3)
    costs = (80.0 * 100.0 * 0.001 + 1.0) + (80.0 * 110.0 * 0.001 + 1.0)  # 9 + 9.8
    assert_earned(account, profit=800.0 - 18.8, costs=costs)


def test_a_short_earns_what_the_price_falls_and_pays_to_borrow(trial: Trial, rules: Rules) -> None:
    borrowing = rules(exits={"time_stop": 2}, costs=COSTS | {"borrow_rate": 0.1})
    account = trial(6, rules=borrowing)
    account.year_share[:] = (0.01, 0.01, 0.02, 0.03, 0.01, 0.01)
    account.want(0, -0.01)
    account.move(2, 95.0)
    account.move(3, 90.0)
    account.run(3)
    fills = (8.0 + 1.0) + (7.2 + 1.0)
    fees = 0.1 * (0.01 * 8_000.0 + 0.02 * 7_600.0)  # bars 1 and 2; at the open of bar 3 it is gone
    assert_earned(account, profit=80.0 * 10.0 - fills - fees, costs=fills + fees)


def test_a_short_loses_what_the_price_rises(trial: Trial, rules: Rules) -> None:
    account = trial(6, rules=rules())
    account.want(0, -0.01)
    account.shape(2, high=115.0)
    account.run(2)
    assert_earned(account, profit=-80.0 * 12.5)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_what_was_bought_in_two_parts_earns_on_both(
    trial: Trial, rules: Rules, side: float
) -> None:
    parts = rules(exits={"time_stop": 2}, costs={"commission_per_order": 1.0})
    account = trial(6, n_strategies=2, rules=parts)
    account.want(0, 0.01 * side)
    account.weigh(0.25, 0.75)
    account.run()  # 40 at 100
    account.move(2, 100.0 + 5.0 * side)
    account.weigh(0.5, 0.5)
    account.run()  # 40 more at 105, or 95 for a short: 4,000 at the close of 100
    account.move(3, 100.0 + 10.0 * side)
    account.run()
    assert account.fills["units"].tolist() == [40.0 * side, 40.0 * side, -80.0 * side]
    (trade,) = account.trades
    assert trade["entry_price"] == pytest.approx(100.0 + 2.5 * side)
    assert trade["notional"] == pytest.approx(80.0 * (100.0 + 2.5 * side))
    assert_earned(account, profit=40.0 * 10.0 + 40.0 * 5.0 - 3.0, costs=3.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_what_is_sold_in_two_parts_earns_on_both(trial: Trial, rules: Rules, side: float) -> None:
    parts = rules(exits={"time_stop": 2}, costs={"commission_per_order": 1.0})
    account = trial(6, n_strategies=2, rules=parts)
    account.want(0, 0.01 * side)
    account.run()
    account.move(2, 100.0 + 5.0 * side)
    account.weigh(0.25, 0.75)
    account.run()  # 40 less at 105, or 95
    account.move(3, 100.0 - 4.0 * side)
    account.run()
    assert account.fills["units"].tolist() == [80.0 * side, -40.0 * side, -40.0 * side]
    (trade,) = account.trades
    assert trade["notional"] == 8_000.0
    assert_earned(account, profit=40.0 * 5.0 - 40.0 * 4.0 - 3.0, costs=3.0)


def test_what_grows_after_a_part_was_sold_earns_on_its_mean_price(
    trial: Trial, rules: Rules
) -> None:
    account = trial(8, n_strategies=2, rules=rules(exits={"time_stop": 3}))
    account.want(0)
    account.run()  # 80 at 100
    account.weigh(0.25, 0.75)
    account.move(2, 110.0)
    account.run()  # 40 less at 110: + 400
    account.weigh(0.375, 0.625)  # 0.75 × 80 = 60 units
    account.move(3, 120.0)
    account.run()  # 20 more at 120: the mean is (40 × 100 + 20 × 120) / 60
    assert account.positions["entry_price"].tolist() == pytest.approx([6_400.0 / 60.0])
    account.move(4, 115.0)
    account.run()
    assert_earned(account, profit=400.0 + 60.0 * 115.0 - 6_400.0)


def test_both_targets_earn_their_own_prices(trial: Trial, rules: Rules) -> None:
    account = trial(6, rules=rules(exits={"partial": 1.0, "partial_share": 0.25, "target": 2.0}))
    account.want(0)
    account.move(2, 110.0)
    account.shape(2, high=113.0, low=101.0)
    account.shape(3, high=125.0)
    account.run(3)
    assert_earned(account, profit=20.0 * 12.5 + 60.0 * 25.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_split_in_between_changes_no_profit(trial: Trial, rules: Rules, side: float) -> None:
    account = trial(6, rules=rules(exits={"time_stop": 2}, costs=COSTS))
    account.want(0, 0.01 * side)
    account.act(2, split=4.0)
    account.move(2, 25.0)
    account.move(3, 27.5)
    account.run(3)
    (trade,) = account.trades
    assert (trade["entry_price"], trade["exit_price"], trade["notional"]) == (25.0, 27.5, 8_000.0)
    costs = (8.0 + 1.0) + (320.0 * 27.5 * 0.001 + 1.0)
    assert_earned(account, profit=side * 320.0 * 2.5 - costs, costs=costs)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_dividend_is_part_of_the_profit(trial: Trial, rules: Rules, side: float) -> None:
    account = trial(6, rules=rules(exits={"time_stop": 2}))
    account.want(0, 0.01 * side)
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    account.move(3, 99.0)
    account.run(3)
    # The price fell by 1, and 2 were paid.
    assert_earned(account, profit=side * 80.0 * (99.0 - 100.0 + 2.0), income=side * 160.0)


def test_a_dividend_on_what_a_split_made_is_counted_after_the_split(
    trial: Trial, rules: Rules
) -> None:
    account = trial(7, n_strategies=2, rules=rules(exits={"time_stop": 4}))
    account.want(0)
    account.run()  # 80 at 100
    account.act(2, split=2.0, dividend=1.0)
    account.move(2, 49.0)
    account.run()  # 160 at 50, and 160 of income
    account.weigh(0.25, 0.75)
    account.run()  # 80 less at 49
    account.act(4, dividend=0.5)
    account.move(4, 48.5)
    account.run()  # 40 of income
    account.move(5, 52.0)
    account.run()
    assert_earned(account, profit=80.0 * (49.0 - 50.0) + 80.0 * (52.0 - 50.0) + 200.0, income=200.0)


def test_a_stop_costs_its_distance_and_a_gap_costs_more(trial: Trial, rules: Rules) -> None:
    for opened, loss in ((100.0, 12.5), (80.0, 20.0)):
        account = trial(4, rules=rules())
        account.want(0)
        account.shape(2, open=opened, low=79.0, close=85.0)
        account.run(2)
        assert_earned(account, profit=-80.0 * loss)


def test_what_is_still_held_has_a_profit_only_in_the_equity(trial: Trial, rules: Rules) -> None:
    account = trial(6, n_symbols=2, n_strategies=2, rules=rules(costs={"borrow_rate": 0.1}))
    account.want(0, 0.02, s=0)
    account.want(0, -0.01, s=1)
    account.move(2, 107.0, s=0)
    account.move(2, 97.0, s=1)
    account.run(2)
    fees = 0.1 * 0.01 * (8_000.0 + 80.0 * 97.0)
    assert not account.trades.size
    assert account.equity == pytest.approx(100_000.0 + 80.0 * 7.0 + 80.0 * 3.0 - fees)


@pytest.mark.parametrize(
    ("before", "after", "growth"),
    [
        (100_000.0, 150_000.0, math.log(1.5)),
        (100_000.0, 0.5, math.log(0.5e-5)),
        (100_000.0, 0.0, -math.inf),
        (100_000.0, -1.0, -math.inf),
        (0.5, 1.0, math.log(2.0)),
        (0.0, 100_000.0, -math.inf),  # who was ruined stays so
        (-1.0, -2.0, -math.inf),
    ],
)
def test_the_growth_of_an_account_that_has_nothing_left_is_minus_infinity(
    trial: Trial, before: float, after: float, growth: float
) -> None:
    account = trial(4)
    account.run()
    account.account["equity"], account.account["cash"] = before, after
    assert account.run() == pytest.approx(growth)
    assert account.equity == after
