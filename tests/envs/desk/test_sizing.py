"""How large a position is, and how it follows the weight of its strategy.

The trial account has 100,000; one standard risk over a stop of 1/8 buys 8,000.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.book import open_book
from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sizing import learn_performance, performance_scale

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


def bought(account: Any) -> float:  # noqa: ANN401
    """Return the notional of the only fill, at the price of 100."""
    (fill,) = account.fills
    return float(fill["units"] * 100.0)


def test_a_stop_that_is_hit_costs_one_percent_of_equity(trial: Trial) -> None:
    account = trial(3)
    account.want(0)
    account.shape(1, low=87.5)
    account.run()
    assert account.fills["reason"].tolist() == [Exit.NONE, Exit.STOP]
    assert account.equity == 99_000.0


def test_the_stop_of_a_diamond_costs_two_percent(trial: Trial) -> None:
    account = trial(3)
    account.stop[:] = 0.25
    account.sizing["diamond"][0, 0] = 1
    account.want(0)
    account.shape(1, low=75.0)
    account.run()
    assert account.equity == 98_000.0


def test_a_position_is_at_most_a_tenth_of_equity(trial: Trial) -> None:
    account = trial(3)
    account.stop[:] = 0.03125
    account.want(0)
    account.run()
    assert bought(account) == 10_000.0


@pytest.mark.parametrize(("weight", "notional"), [(0.25, 4_000.0), (0.5, 8_000.0), (1.0, 12_000.0)])
def test_risk_is_the_weight_times_the_number_of_strategies_up_to_three(
    trial: Trial, rules: Rules, weight: float, notional: float
) -> None:
    account = trial(3, n_strategies=4, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[:] = 0.25
    account.want(0, k=2)
    account.weigh(0.0, 0.0, weight, 0.0, cash=1.0 - weight)
    account.desk.rules["limits_cash_buffer"] = 0.0
    account.run()
    assert bought(account) == notional


def test_no_weight_opens_nothing(trial: Trial) -> None:
    account = trial(3, n_strategies=2)
    account.want(0, 0.9)
    account.weigh(0.0, 1.0)
    account.run(2)
    assert not account.fills.size
    assert not account.decisions.size


def test_no_weight_closes_what_its_strategy_held_at_the_next_open(trial: Trial) -> None:
    account = trial(4, n_symbols=2, n_strategies=2)
    account.want(0, k=0, s=0)
    account.want(0, k=1, s=1)
    account.run()
    account.weigh(0.0, 1.0)
    account.run()
    (trade,) = account.trades
    assert (trade["strategy"], trade["closed"], trade["reason"]) == (0, 2, Exit.WEIGHT)
    assert account.positions["strategy"].tolist() == [1]


@pytest.mark.parametrize(
    ("weight", "units"),
    [(0.6, []), (0.4, []), (0.625, []), (0.65, [24.0]), (0.375, []), (0.35, [-24.0])],
)
def test_a_position_follows_its_weight_only_beyond_a_quarter(
    trial: Trial, rules: Rules, weight: float, units: list[float]
) -> None:
    account = trial(4, n_strategies=2, rules=rules(sizing={"position_cap": 0.5}))
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.weigh(weight, 1.0 - weight)
    account.run()
    assert account.fills["units"][1:].tolist() == pytest.approx(units)


def test_a_position_that_has_grown_beyond_the_band_is_cut_back_to_the_cap(trial: Trial) -> None:
    account = trial(4)
    account.stop[:] = 0.03125
    account.want(0)
    account.run()
    account.bars[["low"]][2:] = 100.0
    account.move(2, 200.0)
    account.run(1)
    assert account.positions["units"].tolist() == [100.0]
    account.run()
    assert account.fills["units"].tolist() == pytest.approx([100.0, -45.0])  # 11,000 of 110,000


def test_a_change_below_the_smallest_order_is_not_traded(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_strategies=2, rules=rules(sizing={"smallest_order": 3_000.0}))
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.weigh(0.35, 0.65)
    account.run()
    assert len(account.fills) == 1


def test_what_would_be_left_below_the_smallest_order_is_sold_as_well(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, n_strategies=2, rules=rules(sizing={"smallest_order": 100.0}))
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.weigh(0.005, 0.995)
    account.run()
    assert account.fills["units"].tolist() == [80.0, -80.0]
    assert account.trades["reason"].tolist() == [Exit.WEIGHT]
    assert not account.positions.size


@pytest.mark.parametrize(("weight", "units"), [(0.125, -60.0), (0.124, -80.0), (0.0, -80.0)])
def test_a_position_of_exactly_the_smallest_order_stays_and_a_smaller_one_leaves(
    trial: Trial, rules: Rules, weight: float, units: float
) -> None:
    account = trial(4, n_strategies=2, rules=rules(sizing={"smallest_order": 2_000.0}))
    account.want(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.weigh(weight, 1.0 - weight)
    account.run()
    assert account.fills["units"].tolist() == [80.0, units]
    assert account.fills["reason"][1] == Exit.WEIGHT
    assert account.trades["reason"].tolist() == ([] if units == -60.0 else [Exit.WEIGHT])


def test_an_order_below_the_smallest_is_refused(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(sizing={"smallest_order": 8_001.0}))
    account.want(0)
    account.run()
    assert not account.fills.size


def test_a_position_that_cannot_grow_is_not_filled_with_nothing(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_strategies=2, rules=rules(limits={"daily_trades": 1}))
    account.session[:] = 0
    account.want(0)
    account.weigh(0.25, 0.25, cash=0.5)
    account.run()
    account.weigh(0.5, 0.5)
    account.run()
    assert len(account.fills) == 1
    assert account.account["trades_today"] == 1


@pytest.mark.parametrize(
    ("n_closed", "winnings", "losings", "scale"),
    [
        (9, 3.0, 1.0, 1.0),  # too few round trips to tell
        (10, 3.0, 1.0, 1.5),
        (10, 1.5, 1.0, 1.5),
        (10, 1.25, 1.0, 1.25),
        (10, 1.0, 1.0, 1.0),
        (10, 0.75, 1.0, 0.75),
        (10, 0.5, 1.0, 0.5),
        (10, 0.1, 1.0, 0.5),
        (10, 1.0, 0.0, 1.5),  # never lost
        (10, 0.0, 0.0, 0.5),  # nothing won
        (10, np.nan, 1.0, 0.5),
    ],
)
def test_size_follows_the_profit_factor_linearly_between_its_ends(
    trial: Trial, n_closed: int, winnings: float, losings: float, scale: float
) -> None:
    account = trial(3)
    account.run()
    account.account["n_closed"] = n_closed
    account.account["winnings"], account.account["losings"] = winnings, losings
    account.stop[:] = 0.25
    account.want(1)
    account.run()
    assert bought(account) == pytest.approx(4_000.0 * scale)


def test_round_trips_fade_from_the_profit_factor() -> None:
    rules = DeskRules.model_validate({"sizing": {"scale_memory": 2, "scale_after": 1}}).record()[0]
    account = open_book(1, 1, 1).accounts[0]
    for outcome in (0.08, -0.02, -0.02):
        learn_performance(account, outcome, rules)
    assert account["n_closed"] == 3
    assert account["winnings"] == pytest.approx(0.02)
    assert account["losings"] == pytest.approx(0.03)
    assert performance_scale(account, rules) == pytest.approx(0.5 + (2.0 / 3.0 - 0.5))


def test_a_round_trip_counts_after_its_costs(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(costs={"half_spread": 0.005}, exits={"time_stop": 1}))
    account.want(0)
    account.run(2)
    assert account.account["winnings"] == 0.0
    assert account.account["losings"] == pytest.approx(0.01)


POOR = {"below": 25_000.0}


def test_a_poor_account_risks_less(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(capital=20_000.0, poor=POOR))
    account.want(0)
    account.shape(1, low=87.5)
    account.run()
    assert account.equity == pytest.approx(20_000.0 * (1.0 - 0.007))


def test_a_poor_account_has_no_larger_risk_for_diamonds(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(capital=20_000.0, poor=POOR))
    account.sizing["diamond"][:] = 1
    account.want(0)
    account.run()
    assert bought(account) == pytest.approx(20_000.0 * 0.056)


def test_a_poor_account_never_risks_more_than_a_rich_one(trial: Trial, rules: Rules) -> None:
    careful = rules(capital=20_000.0, poor=POOR, sizing={"risk_per_trade": 0.005})
    account = trial(3, rules=careful)
    account.want(0)
    account.run()
    assert bought(account) == pytest.approx(20_000.0 * 0.04)


def test_a_poor_account_has_a_cap_of_its_own(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(capital=20_000.0, poor=POOR | {"position_cap": 0.05}))
    account.want(0)
    account.run()
    assert bought(account) == pytest.approx(1_000.0)


def test_an_account_is_poor_below_the_line_and_not_on_it(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(capital=25_000.0, poor=POOR))
    account.want(0)
    account.run()
    assert bought(account) == pytest.approx(25_000.0 * 0.08)
