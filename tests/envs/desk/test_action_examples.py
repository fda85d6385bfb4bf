"""Splits and dividends of what is held, and of what is bought on the day itself, by numbers.

The trial account buys 80 at 100 with a stop at 87.5, a first target at 112.5 and one at 125; a
short is the mirror image. What a symbol does not trade for is not what it is worth: equity stays.
"""

from collections.abc import Callable
from typing import Any

import pytest

from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

NAN = float("nan")
EXITS = {"partial": 1.0, "target": 2.0}


def holding(trial: Trial, rules: DeskRules, side: float = 1.0) -> Any:  # noqa: ANN401
    """Return an account that opened at bar 1 and stands at its close."""
    account = trial(8, rules=rules)
    account.want(0, 0.01 * side)
    account.run()
    return account


def assert_holds(account: Any, **expected: float) -> None:  # noqa: ANN401
    """Compare fields of the only position."""
    (position,) = account.positions
    assert {name: float(position[name]) for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_split_makes_two_of_one_and_changes_no_money(
    trial: Trial, rules: Rules, side: float
) -> None:
    account = holding(trial, rules(exits=EXITS), side)
    account.act(2, split=2.0)
    account.move(2, 50.0)
    assert account.run() == 0.0
    assert_holds(
        account,
        units=160.0 * side,
        base_units=160.0,
        entry_price=50.0,
        last_price=50.0,
        stop=50.0 - 6.25 * side,
        initial_stop=50.0 - 6.25 * side,
        best=50.0,
        distance=6.25,
        partial=50.0 + 6.25 * side,
        target=50.0 + 12.5 * side,
        notional=8_000.0,
        income=0.0,
    )
    assert account.equity == 100_000.0
    assert account.account["gross"] == 8_000.0
    account.run(3)
    assert len(account.fills) == 1  # its weight wants what it has


def test_a_reverse_split_makes_one_of_ten(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=EXITS))
    account.act(2, split=0.1)
    account.move(2, 1_000.0)
    account.run()
    assert_holds(account, units=8.0, entry_price=1_000.0, stop=875.0, target=1_250.0)
    assert account.equity == pytest.approx(100_000.0, rel=1e-15)


def test_a_stop_is_hit_at_the_price_after_the_split(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules())
    account.act(2, split=2.0)
    account.move(2, 50.0)
    account.shape(3, low=43.75)
    account.run(2)
    (trade,) = account.trades
    assert (trade["exit_price"], trade["reason"], trade["closed"]) == (43.75, Exit.STOP, 3)
    assert trade["profit"] == -1_000.0
    assert account.equity == 99_000.0


def test_a_dividend_is_paid_to_who_holds_a_symbol(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=EXITS))
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    assert account.run() == 0.0
    assert_holds(
        account,
        units=80.0,
        base_units=80.0,
        entry_price=100.0,
        last_price=98.0,
        stop=85.5,
        initial_stop=85.5,
        best=98.0,
        distance=12.5,
        partial=112.5,  # targets stay
        target=125.0,
        income=160.0,
    )
    assert account.account["cash"] == 92_160.0
    assert account.account["gross"] == 7_840.0
    assert account.equity == 100_000.0


def test_a_dividend_is_paid_by_who_is_short(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=EXITS), side=-1.0)
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    assert account.run() == 0.0
    assert_holds(
        account,
        units=-80.0,
        entry_price=100.0,
        stop=110.5,
        initial_stop=110.5,
        best=98.0,
        partial=87.5,
        target=75.0,
        income=-160.0,
    )
    assert account.account["cash"] == 107_840.0
    assert account.equity == 100_000.0


@pytest.mark.parametrize(("dividend", "n_trades"), [(2.0, 0), (0.0, 1)])
def test_a_price_that_falls_by_its_dividend_hits_no_stop(
    trial: Trial, rules: Rules, dividend: float, n_trades: int
) -> None:
    account = holding(trial, rules())
    account.act(2, dividend=dividend)
    account.move(2, 98.0)
    account.shape(2, low=86.0)  # above 85.5, below 87.5
    account.run()
    assert len(account.trades) == n_trades


def test_a_first_stop_remains_one_after_a_dividend(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules())
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    account.shape(2, low=85.0)
    account.run()
    (trade,) = account.trades
    assert (trade["exit_price"], trade["reason"]) == (85.5, Exit.STOP)
    assert trade["profit"] == pytest.approx(160.0 - 80.0 * 14.5)


def test_a_first_stop_of_a_short_remains_one_after_a_dividend(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(), side=-1.0)
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    account.run()
    account.shape(3, high=110.5)
    account.run()
    (trade,) = account.trades
    assert (trade["exit_price"], trade["reason"], trade["closed"]) == (110.5, Exit.STOP, 3)
    assert trade["profit"] == pytest.approx(-160.0 - 80.0 * 10.5)


def test_a_trailing_stop_trails_the_best_price_without_the_dividend(
    trial: Trial, rules: Rules
) -> None:
    account = holding(trial, rules())
    account.move(2, 118.0)
    account.shape(2, high=120.0, low=100.0)
    account.run()
    assert_holds(account, best=120.0, stop=101.25, initial_stop=87.5)  # 18.75 behind
    account.act(3, dividend=2.0)
    account.move(3, 116.0)
    account.shape(3, high=118.5, low=99.5)
    account.run()
    assert_holds(account, best=118.5, stop=99.75, initial_stop=85.5)  # best was 118, the stop 99.25
    account.shape(4, low=99.75)
    account.run()
    (trade,) = account.trades
    assert (trade["exit_price"], trade["reason"]) == (99.75, Exit.TRAILING_STOP)
    assert trade["profit"] == pytest.approx(160.0 - 80.0 * 0.25)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_on_one_day_the_split_comes_before_the_dividend(
    trial: Trial, rules: Rules, side: float
) -> None:
    account = holding(trial, rules(exits=EXITS), side)
    account.act(2, split=2.0, dividend=1.0)
    account.move(2, 49.0)  # 100 / 2 − 1
    assert account.run() == 0.0
    assert_holds(
        account,
        units=160.0 * side,
        entry_price=50.0,
        last_price=49.0,
        stop=49.0 - 6.25 * side,
        best=49.0,
        target=50.0 + 12.5 * side,
        income=160.0 * side,  # 1 for each of 160
    )
    assert account.equity == 100_000.0


@pytest.mark.parametrize(
    ("action", "price", "units"),
    [
        ({"split": 2.0}, 50.0, 160.0),
        ({"dividend": 20.0}, 80.0, 100.0),
        ({"split": 2.0, "dividend": 10.0}, 40.0, 200.0),
    ],
)
def test_who_buys_on_the_day_itself_orders_at_the_price_without_it(
    trial: Trial, rules: Rules, action: dict[str, float], price: float, units: float
) -> None:
    """8,000 of money at the close of 100 as the next open will see it; nothing is paid for it."""
    account = trial(4, rules=rules())
    account.want(0)
    account.act(1, **action)
    account.move(1, price)
    assert account.run() == 0.0
    assert_holds(
        account,
        units=units,
        base_units=units,
        entry_price=price,
        stop=0.875 * price,
        income=0.0,
    )
    assert account.decisions["allowed"].tolist() == [0.08]
    assert account.equity == 100_000.0


def test_a_lot_is_counted_in_units_after_the_split(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(execution={"lot": 7.0}))
    account.want(0)
    account.act(1, split=2.0)
    account.move(1, 50.0)
    account.run()
    assert_holds(account, units=154.0)  # 160 before rounding
    assert account.decisions["allowed"].tolist() == pytest.approx([0.077])


def test_an_enlargement_on_the_day_of_a_split_buys_new_units(trial: Trial, rules: Rules) -> None:
    account = trial(5, n_strategies=2, rules=rules())
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    account.act(2, split=2.0)
    account.move(2, 50.0)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.fills["units"].tolist() == [40.0, 80.0]
    assert_holds(account, units=160.0, entry_price=50.0, base_units=160.0)


def test_a_position_that_leaves_on_the_ex_date_has_its_dividend(trial: Trial, rules: Rules) -> None:
    account = trial(5, rules=rules(exits={"time_stop": 1}))
    account.want(0)
    account.act(2, dividend=2.0)
    account.move(2, 98.0)
    account.run(2)
    (trade,) = account.trades
    assert (trade["income"], trade["profit"]) == (160.0, 0.0)
    assert account.equity == 100_000.0


def test_another_symbol_s_action_changes_nothing(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=2, rules=rules())
    account.want(0, s=0)
    account.act(2, s=1, split=2.0, dividend=5.0)
    account.run(2)
    assert_holds(account, units=80.0, entry_price=100.0, stop=87.5, income=0.0)


# What a dividend leaves to the decisions of the same bar.


@pytest.mark.parametrize("capital", [100_000.0, 625.0])  # 80 units, and half a unit
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("limit", ["gross", "net"])
def test_a_dividend_makes_room_below_a_limit_by_what_it_takes_off_the_position(
    trial: Trial, rules: Rules, capital: float, side: float, limit: str
) -> None:
    tight = rules(capital=capital, limits={limit: 0.1}, sizing={"no_trade_band": 0.9})
    account = trial(4, n_symbols=2, rules=tight)
    account.want(0, 0.01 * side, s=0)
    account.act(2, s=0, dividend=2.0)
    account.move(2, 98.0, s=0)
    account.want(1, 0.01 * side, s=1)
    account.run(2)
    worth = account.positions["units"] * account.positions["last_price"]
    # Of 10 % of equity, 8 % × 0.98 are held once the dividend is paid.
    assert worth.tolist() == pytest.approx([side * 0.0784 * capital, side * 0.0216 * capital])


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_dividend_of_a_symbol_that_does_not_trade_is_off_its_last_price(
    trial: Trial, rules: Rules, side: float
) -> None:
    account = holding(trial, rules(), side)
    account.act(2, dividend=2.0)
    account.shape(2, open=NAN, high=NAN, low=NAN, close=NAN)
    assert account.run() == 0.0
    assert_holds(account, last_price=98.0, best=98.0, income=160.0 * side)
    assert account.equity == 100_000.0
