"""Every way to size a position, by numbers that can be checked by hand.

The trial account has 100,000; one standard risk over a stop of 1/8 buys 8,000, 80 units at 100.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sizing import whole_lots
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.market.market import market_from_prices
from benbot.envs.signals import Signals

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

NAN = np.nan
UNCAPPED = {"position_cap": 1.0}


def verdicts(account: Any) -> list[str]:  # noqa: ANN401
    return [Verdict(int(d["verdict"])).name for d in account.decisions]


# Methods.


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_volatility_sizing_adds_the_same_volatility_a_year_whatever_the_symbol(
    trial: Trial, rules: Rules, side: float
) -> None:
    steady = rules(sizing={"method": "volatility", "volatility_per_trade": 0.02} | UNCAPPED)
    account = trial(3, n_symbols=2, rules=steady)
    account.sizing["deviation"][0] = (0.01, 0.04)
    account.want(0, 0.02 * side, s=0)
    account.want(0, 0.01 * side, s=1)
    account.run()
    fraction = 0.02 / (0.01 * np.sqrt(252.0))  # 12.6 %
    units = 1_000.0 * fraction
    assert account.positions["units"].tolist() == pytest.approx([side * units, side * units / 4.0])
    assert account.positions["base_units"].tolist() == pytest.approx([units, units / 4.0])


def test_volatility_sizing_does_not_look_at_the_stop(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(sizing={"method": "volatility"} | UNCAPPED))
    account.sizing["deviation"] = 0.02
    account.stop[:] = 0.5
    account.want(0)
    account.run()
    # 0.02 / (0.02 × 15.8745)
    assert account.positions["units"].tolist() == pytest.approx([1_000.0 / 252.0**0.5])


@pytest.mark.parametrize("deviation", [NAN, 0.0])
def test_a_volatility_that_is_not_known_or_none_opens_nothing(
    trial: Trial, rules: Rules, deviation: float
) -> None:
    account = trial(3, rules=rules(sizing={"method": "volatility"}))
    account.sizing["deviation"] = deviation
    account.want(0)
    account.run()
    assert verdicts(account) == ["BAD_NUMBER"]
    assert not account.fills.size


def test_kelly_bets_a_share_of_the_value_over_the_variance(trial: Trial, rules: Rules) -> None:
    bold = rules(sizing={"method": "kelly", "kelly_fraction": 0.25} | UNCAPPED)
    account = trial(3, n_symbols=3, n_strategies=2, rules=bold)
    account.variance[0] = (0.0025, 0.01)
    account.want(0, 0.003, k=0, s=0)  # 0.25 × 0.003 / 0.0025 = 30 %
    account.want(0, -0.001, k=0, s=1)  # 10 %, short
    account.want(0, 0.002, k=1, s=2)  # 0.25 × 0.002 / 0.01 = 5 %
    account.run()
    units = dict(zip(account.positions["symbol"], account.positions["units"], strict=True))
    assert units == pytest.approx({0: 300.0, 1: -100.0, 2: 50.0}, rel=1e-6)


def test_kelly_is_capped_like_every_other_method(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(sizing={"method": "kelly"}))
    account.want(0, 0.05)  # 0.25 × 0.05 / 0.0025 = 500 %
    account.run()
    assert account.positions["units"].tolist() == [100.0]
    assert account.positions["base_units"].tolist() == pytest.approx([5_000.0], rel=1e-6)


@pytest.mark.parametrize(
    ("budget", "units", "verdict"),
    [
        (0.5, [40.0], "PASSED"),
        (2.0, [160.0], "PASSED"),
        (0.0, [], "BAD_NUMBER"),
        (NAN, [], "BAD_NUMBER"),
    ],
)
def test_the_budget_of_a_symbol_multiplies_its_risk(
    trial: Trial, rules: Rules, budget: float, units: list[float], verdict: str
) -> None:
    account = trial(3, rules=rules(sizing=UNCAPPED))
    account.sizing["budget"][0, 0] = budget
    account.want(0)
    account.run()
    assert verdicts(account) == [verdict]
    assert account.positions["units"].tolist() == units
    assert account.positions["base_units"].tolist() == units


def test_every_factor_of_a_size_multiplies_and_the_cap_comes_last(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_strategies=4, rules=rules(sizing={"position_cap": 0.2, "weight_cap": 2.0}))
    account.sizing["budget"][0, 0] = 0.5
    account.want(0)
    account.weigh(0.75, 0.25, 0.0, 0.0)  # 0.75 × 4 = 3, capped at 2
    account.run()
    assert account.positions["units"].tolist() == [80.0]  # 8 % × 0.5 × 2
    assert account.positions["base_units"].tolist() == [40.0]


# Scale.


def test_the_scale_is_that_of_the_close_before_the_exits_of_the_bar(
    trial: Trial, rules: Rules
) -> None:
    quick = rules(sizing={"scale_after": 1}, exits={"time_stop": 1})
    account = trial(5, n_symbols=2, rules=quick)
    account.want(0, s=0)
    account.move(2, 90.0, s=0)
    account.want(1, s=1)  # decided before anybody knows that symbol 0 loses at the open of bar 2
    account.run(2)
    assert account.account["scale"] == 1.0
    assert account.positions["units"].tolist() == [80.0]
    assert account.equity == 99_200.0
    account.want(2, s=0)
    account.run()
    # The only round trip lost: half of 8 % of 99,200, at 90.
    assert account.account["scale"] == 0.5
    assert account.positions["units"].tolist() == pytest.approx([3_968.0 / 90.0])


def test_an_account_that_recovers_and_wins_multiplies_both_scales(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, rules=rules(sizing={"scale_after": 1} | UNCAPPED))
    account.run()
    account.account["n_closed"], account.account["winnings"] = 1, 1.0  # never lost: × 1.5
    account.account["drawdown_state"] = 3  # recovers: × 0.5
    account.account["peak"] = 200_000.0
    account.want(1)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([60.0])


def test_the_scale_is_linear_between_the_profit_factors_of_the_rules(
    trial: Trial, rules: Rules
) -> None:
    wide = {"scale_after": 1, "profit_factor_low": 0.5, "profit_factor_high": 2.5}
    account = trial(4, rules=rules(sizing=wide))
    account.run()
    account.account["n_closed"] = 1
    account.account["winnings"], account.account["losings"] = 1.0, 1.0
    account.want(1)
    account.run()
    assert account.account["scale"] == 0.75  # a quarter of the way from 0.5 to 1.5
    assert account.positions["units"].tolist() == [60.0]


def test_an_account_on_the_line_is_not_poor_and_has_no_cap_of_its_own(
    trial: Trial, rules: Rules
) -> None:
    line = {"below": 100_000.0, "position_cap": 0.05}
    account = trial(3, rules=rules(poor=line))
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == [80.0]


# Lots.


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_a_thousandth_of_a_millionth_of_a_lot_is_forgiven_and_no_more(
    rules: Rules, side: float
) -> None:
    record = rules(execution={"lot": 1.0}).record()[0]
    assert whole_lots(side * (80.0 - 0.5e-9), record) == side * 80.0
    assert whole_lots(side * (80.0 - 1.5e-9), record) == side * 79.0


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("lot", "units"),
    [(1.0, 80.0), (7.0, 77.0), (25.0, 75.0), (80.0, 80.0), (0.3, 79.8), (0.1, 80.0)],
)
def test_units_are_rounded_towards_none_to_whole_lots(
    trial: Trial, rules: Rules, side: float, lot: float, units: float
) -> None:
    account = trial(3, rules=rules(execution={"lot": lot}))
    account.want(0, 0.01 * side)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([side * units])
    (decision,) = account.decisions
    assert decision["wanted"] == pytest.approx(0.08 * side)
    assert decision["allowed"] == pytest.approx(side * units / 1_000.0)  # after rounding


def test_lots_never_carry_a_position_above_its_cap(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(execution={"lot": 30.0}))
    account.stop[:] = 0.03125  # wants 32 %, may have 100 units
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == [90.0]


@pytest.mark.parametrize(
    ("lot", "smallest"),
    [(81.0, 0.0), (70.0, 7_500.0)],  # no lot at all, or 7,000 instead of 8,000
)
def test_what_is_too_small_after_rounding_is_refused(
    trial: Trial, rules: Rules, lot: float, smallest: float
) -> None:
    account = trial(3, rules=rules(execution={"lot": lot}, sizing={"smallest_order": smallest}))
    account.want(0)
    account.run()
    assert verdicts(account) == ["TOO_SMALL"]
    assert account.decisions["allowed"].tolist() == [0.0]
    assert not account.fills.size


def test_a_room_below_one_lot_is_too_small_and_the_limit_says_why(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, rules=rules(execution={"lot": 30.0}, limits={"gross": 0.02}))
    account.want(0)
    account.run()
    assert verdicts(account) == ["TOO_SMALL"]
    assert account.decisions["limit"].tolist() == [Verdict.GROSS]


def test_a_part_is_sold_in_whole_lots_and_the_rest_without_rounding(
    trial: Trial, rules: Rules
) -> None:
    account = trial(6, n_strategies=2, rules=rules(execution={"lot": 25.0}))
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == [75.0]
    account.weigh(0.25, 0.75)  # wants 40: 35 less, of which one lot is sold
    account.run()
    account.act(3, split=1.5)
    account.move(3, 100.0 / 1.5)
    account.weigh(0.0, 1.0)
    account.run()
    assert account.fills["units"].tolist() == [75.0, -25.0, -75.0]  # 50 × 1.5
    assert account.trades["reason"].tolist() == [Exit.WEIGHT]


def test_a_change_below_one_lot_is_not_traded(trial: Trial, rules: Rules) -> None:
    account = trial(
        5, n_strategies=2, rules=rules(execution={"lot": 40.0}, sizing={"no_trade_band": 0.0})
    )
    account.want(0)
    account.run()
    account.weigh(0.3, 0.7)  # 32 less
    account.run()
    account.weigh(0.7, 0.3)  # 32 more
    account.run()
    assert account.fills["units"].tolist() == [80.0]
    assert verdicts(account) == ["PASSED", "TOO_SMALL"]


# The variance that Kelly divides by.


def test_the_variance_of_round_trips_is_learned_from_those_of_the_sleeve(rules: Rules) -> None:
    price = np.array([100.0, 100.0, 110.0, 110.0, 104.5, 104.5])[:, None]
    direction = np.array([1, -1, 1, -1, 0, 0], np.int8)[:, None, None]
    market = market_from_prices(
        np.arange(6).astype("datetime64[D]"),
        ("A",),
        dict.fromkeys(("open", "high", "low", "close"), price),
    )
    shape = direction.shape
    signals = Signals(("k",), (0,), direction, np.ones(shape), np.full(shape, 0.125))
    # Long from 100 to 110, out by a change of mind that sells nothing short; then 110 to 104.5.
    learning = rules(
        value={"shrinkage": 20.0},
        sizing={"kelly_deviation": 0.05},
        limits={"allow_short": False},
    )
    tape = record_tape(market, signals, np.full(6, 4, np.int8), learning)
    prior = 0.05**2
    assert tape.variance[:, 0].tolist() == pytest.approx(
        [
            prior,
            prior,
            (20.0 * prior + 0.1**2) / 21.0,  # sold at the open of bar 2: +10 %
            (20.0 * prior + 0.1**2) / 21.0,
            (20.0 * prior + 0.1**2 + 0.05**2) / 22.0,  # from 110 to 104.5: −5 %
            (20.0 * prior + 0.1**2 + 0.05**2) / 22.0,
        ]
    )
