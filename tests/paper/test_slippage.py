"""What fills cost beside the model: in round numbers, and nothing at all where a replay fills."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.paper.slippage import Execution, executions_of, fills_of_trade, slippage_of
from tests.paper.replays import heard_stretch

BOUGHT = Execution(
    bar=5,
    stage=0,
    sequence=0,
    symbol="AAA",
    strategy="trend",
    reason="NONE",
    units=100.0,
    price=50.10,
    cost=1.0,
    model_price=50.0,
    model_cost=6.0,
)


def test_slippage_is_the_money_beyond_the_model_over_the_notional() -> None:
    # 100 units cost 10 more than at 50.00, and 5 less in costs: 5 of 5,000 are 10 basis points.
    assert BOUGHT.excess == pytest.approx(5.0)
    assert BOUGHT.slippage == pytest.approx(10.0)


def test_who_sells_for_less_slips_as_much_as_who_buys_for_more() -> None:
    sold = replace(BOUGHT, units=-100.0, price=49.90, reason="STOP")
    assert sold.slippage == pytest.approx(10.0)
    better = replace(BOUGHT, units=-100.0, price=50.20)
    assert better.slippage == pytest.approx(-50.0)


def test_a_spread_that_a_broker_hides_in_the_price_is_no_slippage() -> None:
    hidden = replace(BOUGHT, price=50.06, cost=0.0)
    assert hidden.slippage == pytest.approx(0.0)


def test_several_fills_are_weighed_by_money() -> None:
    large = replace(BOUGHT, units=300.0, price=50.0, cost=6.0)  # as the model says
    assert slippage_of([BOUGHT, large]) == pytest.approx(2.5)
    assert np.isnan(slippage_of([]))


def test_a_replay_fills_as_the_model_says_to_the_last_digit(traded: Any) -> None:  # noqa: ANN401
    rows, history = traded.rows, traded.stretch.history
    made = executions_of(rows.intents, history.tape, history.rules)
    assert len(made) > 30
    assert {"NONE", "STOP", "REVERSAL"} <= {one.reason for one in made}
    assert [one.cost for one in made] == [one.model_cost for one in made]
    assert {one.slippage for one in made} == {0.0}


def test_every_round_trip_has_its_own_fills(traded: Any) -> None:  # noqa: ANN401
    rows, history = traded.rows, traded.stretch.history
    made = executions_of(rows.intents, history.tape, history.rules)
    assert len(rows.trades) > 10
    taken = []
    for trade in rows.trades:
        fills = fills_of_trade(trade, made)
        taken += [(one.bar, one.stage, one.sequence) for one in fills]
        assert fills[0].reason == "NONE"
        assert fills[-1].reason == trade["reason"]
        assert sum(one.units for one in fills) == pytest.approx(0.0, abs=1e-9)
        assert fills[-1].price == trade["exit_price"]
    assert len(taken) == len(set(taken))


def test_what_closed_and_opened_again_in_one_bar_is_told_apart() -> None:
    left = replace(BOUGHT, bar=7, sequence=0, units=-100.0, reason="REVERSAL")
    again = replace(BOUGHT, bar=7, sequence=1, units=-40.0)
    stopped = replace(BOUGHT, bar=7, stage=1, units=40.0, reason="STOP")
    other = replace(BOUGHT, strategy="reversion")
    made = [BOUGHT, other, left, again, stopped]
    trade = {"symbol": "AAA", "strategy": "trend"}
    first = {**trade, "opened": 5, "closed": 7, "number": 0}
    second = {**trade, "opened": 7, "closed": 7, "number": 1000}
    assert fills_of_trade(first, made) == [BOUGHT, left]
    assert fills_of_trade(second, made) == [again, stopped]


def test_what_nobody_sent_is_no_fill_of_a_venue() -> None:
    stretch, _ = heard_stretch()
    row = {"filled": 10.0, "fill_price": None}  # booked by the desk: delisted
    assert executions_of([row], stretch.history.tape, stretch.history.rules) == []
