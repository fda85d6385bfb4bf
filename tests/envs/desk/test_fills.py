"""What a fill costs and when it happens, in numbers that can be checked by hand.

The trial account has 100,000 and risks 1 % over a stop of 1/8: it buys 8,000 of a price of 100.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import market_from_prices
from benbot.envs.signals import Signals

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


def test_an_order_of_this_close_fills_at_the_next_open(trial: Trial) -> None:
    account = trial(3)
    account.want(0)
    account.shape(1, open=104.0, high=110.0, close=110.0)
    growth = account.run()

    assert account.fills[["bar", "units", "price"]].tolist() == [(1, 80.0, 104.0)]
    assert account.account["cash"] == 100_000.0 - 80.0 * 104.0
    assert account.equity == 100_000.0 + 80.0 * 6.0
    assert growth == pytest.approx(np.log(1.0048))


def test_an_order_in_a_market_of_closes_fills_at_the_next_close(trial: Trial) -> None:
    closes = np.array([[100.0], [110.0], [121.0]])
    market = market_from_prices(np.arange(3).astype("datetime64[D]"), ("A",), {"close": closes})
    signals = Signals(
        ("k",), (0,), np.ones((3, 1, 1), np.int8), np.ones((3, 1, 1)), np.full((3, 1, 1), 0.125)
    )
    account = trial(3)
    account.bars[:] = blank_tape(market, signals, account.regime, account.rules).bars
    account.want(0)
    assert account.run() == 0.0
    assert account.fills[["bar", "units", "price"]].tolist() == [(1, 80.0, 110.0)]
    assert account.run() == pytest.approx(np.log(1.0088))


def test_a_fill_pays_half_the_spread_and_the_commission(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(costs={"half_spread": 0.001, "commission_rate": 0.0002}))
    account.want(0)
    account.run()

    assert account.fills["cost"].tolist() == pytest.approx([9.6])  # 8,000 × 0.0012
    assert account.account["costs"] == pytest.approx(9.6)
    assert account.account["traded"] == 8_000.0
    assert account.account["cash"] == pytest.approx(100_000.0 - 8_000.0 - 9.6)
    assert account.equity == pytest.approx(100_000.0 - 9.6)


def test_a_sale_pays_on_its_own_notional(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(costs={"half_spread": 0.001}, exits={"time_stop": 1}))
    account.want(0)
    account.shape(2, open=125.0, high=125.0)
    account.run(2)

    assert account.fills["cost"].tolist() == pytest.approx([8.0, 10.0])
    assert account.equity == pytest.approx(100_000.0 + 80.0 * 25.0 - 18.0)


def test_four_times_the_size_pays_twice_the_impact_rate(trial: Trial, rules: Rules) -> None:
    rates = []
    for risk in (0.0025, 0.01):
        account = trial(3, rules=rules(sizing={"risk_per_trade": risk}))
        account.bars["impact"] = 1e-5
        account.want(0)
        account.run()
        (fill,) = account.fills
        rates.append(fill["cost"] / (fill["units"] * fill["price"]))
    assert rates == pytest.approx([1e-5 * 2_000.0**0.5, 1e-5 * 8_000.0**0.5])
    assert rates[1] == pytest.approx(2.0 * rates[0])


def test_the_costs_are_those_of_the_bar_that_fills(trial: Trial) -> None:
    account = trial(3)
    account.bars["half_spread"][:, 0] = (0.5, 0.001, 0.5)
    account.want(0)
    account.run()
    assert account.fills["cost"].tolist() == pytest.approx([8.0])


def test_a_short_sale_brings_cash_and_gains_when_the_price_falls(trial: Trial) -> None:
    account = trial(3)
    account.want(0, -0.01)
    account.shape(1, close=90.0, low=90.0)
    account.run()
    assert account.account["cash"] == 108_000.0
    assert account.equity == 100_800.0
    assert account.account["gross"] == 7_200.0
    assert account.account["net"] == -7_200.0


def test_a_short_position_pays_to_borrow_for_the_time_it_is_held(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, rules=rules(costs={"borrow_rate": 0.05}, exits={"time_stop": 2}))
    account.year_share[:] = (0.01, 0.01, 0.03, 0.01)
    account.want(0, -0.01)
    account.run(2)
    assert account.account["costs"] == pytest.approx(8_000.0 * 0.05 * 0.03)
    account.run()
    paid = 8_000.0 * 0.05 * 0.04
    assert account.equity == pytest.approx(100_000.0 - paid)
    assert account.trades["costs"].tolist() == pytest.approx([paid])
    assert account.trades["profit"].tolist() == pytest.approx([-paid])


def test_a_long_position_borrows_nothing(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(costs={"borrow_rate": 0.05}))
    account.want(0)
    account.run(3)
    assert account.equity == 100_000.0


def test_enlarging_a_position_averages_its_entry_price(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_strategies=2, rules=rules(sizing={"position_cap": 0.5}))
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.shape(1, close=100.0)
    account.shape(2, open=110.0, high=110.0)
    account.weigh(1.0, 0.0)
    account.run()

    assert account.fills["units"].tolist() == [80.0, 80.0]
    (position,) = account.positions
    assert position["units"] == 160.0
    assert position["entry_price"] == pytest.approx(105.0)
    assert position["notional"] == pytest.approx(16_800.0)


def test_a_part_that_is_sold_leaves_the_entry_price_and_realises_its_profit(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.shape(2, open=110.0, high=110.0)
    account.weigh(0.25, 0.75)
    account.run()

    assert account.fills["units"].tolist() == [80.0, -40.0]
    (position,) = account.positions
    assert position["units"] == 40.0
    assert position["entry_price"] == 100.0
    assert position["realised"] == 400.0
    assert not account.trades.size
