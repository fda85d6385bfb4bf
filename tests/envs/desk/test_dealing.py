"""Who fills an order: the rules, or a venue whose answers stand in the ledger."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import RecordArray
from benbot.envs.desk.ledger import ORDER, open_ledger
from benbot.envs.desk.reasons import Exit, Verdict

COSTS = {"costs": {"half_spread": 0.001, "commission_minimum": 5.0}}
HELD = 80.0  # units at a stop of an eighth, a risk of 1 % of 100,000 and a price of 100
COST = 0.001 * 8_000.0 + 5.0


def asking(trial: Callable[..., Any], rules: Callable[..., Any], room: int = 4) -> Any:  # noqa: ANN401
    """Return an account that wants the only symbol at the close of bar 0, at a venue."""
    one = trial(6, rules=rules(**COSTS))
    ledger = open_ledger(1, fills=9, trades=9, decisions=9, orders=room)
    one.desk = one.desk._replace(ledger=ledger)
    one.want(0)
    return one


def orders_of(one: Any) -> RecordArray:  # noqa: ANN401
    ledger = one.desk.ledger
    return ledger.orders[0, : ledger.n_orders[0]]  # type: ignore[no-any-return]


def answer(one: Any, *answers: tuple[float, float, float]) -> None:  # noqa: ANN401
    """Write (filled, price, cost) of the first orders into the ledger, and count anew."""
    ledger = one.desk.ledger
    ledger.n_orders[0] = 0
    ledger.orders[0] = np.zeros((), ORDER)
    for row, (filled, price, cost) in zip(ledger.orders[0], answers, strict=False):
        row["is_answered"] = 1
        row["filled"], row["fill_price"], row["cost"] = filled, price, cost


def test_an_order_without_an_answer_fills_as_the_rules_expect(
    trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules)
    one.shape(1, open=101.0, high=101.0)
    one.run()
    (order,) = orders_of(one)
    expected = (0, 0, Exit.NONE, 0, HELD, 101.0, pytest.approx(0.001 * HELD * 101.0 + 5.0))
    names = ("symbol", "strategy", "reason", "is_answered", "units", "price", "cost")
    assert tuple(order[name] for name in names) == expected
    assert one.positions["entry_price"].tolist() == [101.0]
    assert one.fills["cost"][0] == order["cost"]


def test_without_room_for_orders_none_is_written_down(
    trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules, room=0)
    one.run()
    assert one.desk.ledger.n_orders[0] == 0
    assert one.positions["units"].tolist() == [HELD]
    assert one.account["cash"] == 100_000.0 - 8_000.0 - COST


def test_what_the_venue_filled_is_what_is_booked(
    trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules)
    answer(one, (30.0, 102.0, 7.0))
    one.run()
    assert one.positions["units"].tolist() == [30.0]
    assert one.positions["entry_price"].tolist() == [102.0]
    assert one.positions["initial_stop"].tolist() == [102.0 * 0.875]
    assert one.positions["costs"].tolist() == [7.0]
    assert one.account["cash"] == 100_000.0 - 30.0 * 102.0 - 7.0
    (fill,) = one.fills
    assert (fill["units"], fill["price"], fill["cost"]) == (30.0, 102.0, 7.0)


def test_an_entry_of_which_nothing_filled_is_not_tradable(
    trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules)
    answer(one, (0.0, 100.0, 0.0))
    one.run()
    assert not one.positions.size
    assert one.fills.size == 0
    assert one.account["cash"] == 100_000.0
    assert one.decisions["verdict"].tolist() == [Verdict.NOT_TRADABLE]


@pytest.mark.parametrize(("sold", "left"), [(80.0, 0.0), (20.0, 60.0), (0.0, 80.0)])
def test_an_exit_leaves_what_the_venue_did_not_fill(
    sold: float, left: float, trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules)
    answer(one, (HELD, 100.0, 0.0))
    one.run()
    one.want(0, 0.0)
    one.shape(2, low=80.0)
    answer(one, (-sold, 87.0, 2.0 if sold else 0.0))
    one.run()
    (order,) = orders_of(one)
    assert (order["reason"], order["units"], order["price"]) == (Exit.STOP, -HELD, 87.5)
    assert one.positions["units"].sum() == left
    paid = sold * 87.0 - (2.0 if sold else 0.0)
    assert one.account["cash"] == 100_000.0 - 8_000.0 + paid
    assert len(one.trades) == (left == 0.0)
    if not left:
        assert one.trades["exit_price"].tolist() == [87.0]
        assert one.trades["profit"].tolist() == [80.0 * -13.0 - 2.0]


@pytest.mark.parametrize(("filled", "held"), [(0.0, 40.0), (40.0, 80.0), (10.0, 50.0)])
def test_so_does_an_enlargement(
    filled: float, held: float, trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = asking(trial, rules)
    one.weigh(0.5, cash=0.5)
    answer(one, (40.0, 100.0, 0.0))
    one.run()
    one.weigh(1.0)
    answer(one, (filled, 100.0, 0.0))
    one.run()
    (order,) = orders_of(one)
    assert (order["reason"], order["units"]) == (Exit.NONE, 40.0)
    assert one.positions["units"].tolist() == [held]


def test_an_order_for_which_there_is_no_room_is_counted_and_not_filled(
    trial: Callable[..., Any], rules: Callable[..., Any]
) -> None:
    one = trial(4, n_symbols=2, rules=rules(**COSTS))
    one.desk = one.desk._replace(ledger=open_ledger(1, decisions=9, orders=1))
    one.want(0, 0.02, s=0)
    one.want(0, 0.01, s=1)
    one.run()
    assert one.desk.ledger.n_orders[0] == 2
    assert one.positions["symbol"].tolist() == [0]
    assert one.decisions["verdict"].tolist() == [Verdict.PASSED, Verdict.NOT_TRADABLE]
