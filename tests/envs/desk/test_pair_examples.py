"""What happens to two legs that are one trade, in numbers that can be checked by hand.

A stop of 12.5 % and a risk of 1 % of 100,000 make a position of 8,000, which is 80 units at 100.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


def outcome(account: Any) -> list[tuple[int, str, str]]:  # noqa: ANN401
    """Return symbol, verdict and limit of every decision."""
    return [
        (int(row["symbol"]), Verdict(row["verdict"]).name, Verdict(row["limit"]).name)
        for row in account.decisions
    ]


def held(account: Any) -> dict[int, float]:  # noqa: ANN401
    return {int(row["symbol"]): float(row["units"]) for row in account.positions}


def exits(account: Any) -> dict[int, str]:  # noqa: ANN401
    return {int(row["symbol"]): Exit(row["reason"]).name for row in account.trades}


# Entries.


def test_both_legs_open_together_and_know_each_other(trial: Trial) -> None:
    account = trial(3, n_symbols=3)
    account.want_pair(0, legs=(2, 1))
    account.run()
    assert held(account) == {1: -80.0, 2: 80.0}
    assert sorted(account.positions[["symbol", "partner"]].tolist()) == [(1, 2), (2, 1)]
    assert outcome(account) == [(1, "PASSED", "PASSED"), (2, "PASSED", "PASSED")]
    assert account.account["n_refused"] == 0


def test_the_shares_are_the_proportion_of_the_legs(trial: Trial) -> None:
    account = trial(3, n_symbols=2)
    account.want_pair(0)
    account.legs["share"][0, 0] = 1.0, 0.5
    account.run()
    assert held(account) == {0: 80.0, 1: -40.0}


def test_the_stop_that_allows_the_smaller_pair_counts_for_both_legs(trial: Trial) -> None:
    account = trial(3, n_symbols=2)
    account.want_pair(0)
    account.stop[0, 0, 1] = 0.25  # 4,000
    account.run()
    assert held(account) == {0: 40.0, 1: -40.0}


def test_the_position_cap_is_that_of_the_larger_leg(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=2, rules=rules(sizing={"position_cap": 0.04}))
    account.want_pair(0)
    account.legs["share"][0, 0] = 0.5, 1.0
    account.run()
    assert held(account) == {0: 20.0, 1: -40.0}


@pytest.mark.parametrize("loser", [0, 1])
def test_a_leg_whose_other_leg_is_won_by_somebody_else_is_refused(trial: Trial, loser: int) -> None:
    account = trial(3, n_symbols=2, n_strategies=2)
    account.want_pair(0)
    account.want(0, 0.02, k=1, s=loser)
    account.weigh(0.5, 0.5)
    account.run()
    assert held(account) == {loser: 80.0}
    refused = [row for row in outcome(account) if row[1] == "PARTNER"]
    assert refused == [(1 - loser, "PARTNER", "PASSED")]
    assert account.account["n_refused"] == 1


def test_a_leg_without_a_partner_opens_nothing(trial: Trial) -> None:
    account = trial(3, n_symbols=2)
    account.pairing[0] = 0
    account.want(0)
    account.run()
    assert held(account) == {}
    assert outcome(account) == [(0, "PARTNER", "PASSED")]
    assert np.isnan(account.decisions["wanted"]).all()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("SYMBOL_HALTED", lambda account: account.facts["age"].__setitem__((0, 1), np.inf)),
        ("NOT_TRADABLE", lambda account: account.bars["open"].__setitem__((1, 1), np.nan)),
        ("BORROW", lambda account: account.bars["borrow_rate"].__setitem__((0, 1), np.inf)),
        ("SPREAD", lambda account: account.bars["half_spread"].__setitem__((0, 1), 0.6)),
    ],
)
def test_what_one_leg_may_not_have_neither_has(
    trial: Trial, name: str, spoil: Callable[[Any], None]
) -> None:
    account = trial(3, n_symbols=2)
    account.want_pair(0)
    spoil(account)
    account.run()
    assert held(account) == {}
    assert outcome(account) == [(0, "PARTNER", "PASSED"), (1, name, "PASSED")]
    assert account.account["n_refused"] == 2


def test_a_pair_needs_two_slots_and_two_trades(trial: Trial, rules: Rules) -> None:
    for limits, name in (({"max_positions": 2}, "CAPACITY"), ({"daily_trades": 2}, "DAILY_TRADES")):
        account = trial(3, n_symbols=3, n_strategies=2, rules=rules(limits=limits))
        account.session[:] = 0
        account.want_pair(1, value=0.02)
        account.want(0, k=1, s=2)
        account.run(2)
        assert held(account) == {2: 80.0}
        assert outcome(account)[1:] == [(0, name, "PASSED"), (1, name, "PASSED")]


def test_a_refused_pair_leaves_the_slot_to_the_next(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=3, n_strategies=2, rules=rules(limits={"max_positions": 1}))
    account.want_pair(0, value=0.02)
    account.want(0, 0.01, k=1, s=2)
    account.run()
    assert held(account) == {2: 80.0}


# Rooms.


def test_both_legs_are_cut_by_what_is_left_for_both(trial: Trial, rules: Rules) -> None:
    """12,000 of gross: the first leg takes its 8,000, which leaves the second one half."""
    account = trial(3, n_symbols=2, rules=rules(limits={"gross": 0.12}))
    account.want_pair(0)
    account.run()
    assert held(account) == {0: 40.0, 1: -40.0}
    assert outcome(account) == [(0, "CLIPPED", "PARTNER"), (1, "CLIPPED", "GROSS")]


def test_the_first_leg_is_cut_for_itself_and_the_second_with_it(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"participation": 0.05}))
    account.want_pair(0)
    account.facts["adv"][0, 0] = 40_000.0  # of which 5 % are 2,000
    account.run()
    assert held(account) == {0: 20.0, 1: -20.0}
    assert outcome(account) == [(0, "CLIPPED", "LIQUIDITY"), (1, "CLIPPED", "PARTNER")]


def test_the_second_leg_makes_room_for_nobody_that_it_does_not_hedge(
    trial: Trial, rules: Rules
) -> None:
    """Shorts of 8,000 are the limit of net; a long of 4,000 lets 4,000 more be sold, not 8,000.

    Asked again for half of the pair, the long is 2,000 and lets no 4,000 be sold: nothing at all.
    """
    account = trial(4, n_symbols=3, n_strategies=2, rules=rules(limits={"net": 0.08}))
    account.want(0, -0.01, k=1, s=2)
    account.want_pair(1, value=0.02)
    account.legs["share"][1, 0, :2] = 0.5, 1.0
    account.run(2)
    assert held(account) == {2: -80.0}
    assert outcome(account)[1:] == [(0, "PARTNER", "PASSED"), (1, "NET", "PASSED")]


def test_the_net_limit_is_that_of_both_together(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=3, n_strategies=2, rules=rules(limits={"net": 0.08}))
    account.want(0, -0.01, k=1, s=2)
    account.want_pair(1, value=0.02)
    account.run(2)
    assert held(account) == {0: 80.0, 1: -80.0, 2: -80.0}


# Fills.


@pytest.mark.parametrize(("volumes", "units"), [((80e3, 40e3), 20.0), ((40e3, 80e3), 20.0)])
def test_the_shorter_of_two_rooms_cuts_both_legs_once_whichever_is_heard_first(
    trial: Trial, rules: Rules, volumes: tuple[float, float], units: float
) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"participation": 0.05}))
    account.want_pair(0)
    account.facts["adv"][0] = volumes  # 4,000 and 2,000 may be traded of 8,000 wanted
    account.run()
    assert held(account) == {0: units, 1: -units}


@pytest.mark.parametrize("adv", [33_333.3, 70_707.07, 99_999.9, 123_456.7])
def test_rounding_does_not_cut_a_leg_twice(trial: Trial, rules: Rules, adv: float) -> None:
    account = trial(
        3, n_symbols=2, rules=rules(gates={"participation": 0.05}, execution={"lot": 0.0})
    )
    account.want_pair(0)
    account.facts["adv"][0] = np.inf, adv
    account.run()
    assert held(account) == pytest.approx({0: adv / 2000.0, 1: -adv / 2000.0})


def test_a_bar_without_room_for_one_order_cuts_both(trial: Trial) -> None:
    account = trial(3, n_symbols=2)
    account.want_pair(0)
    account.bars["room"][1, 1] = 2_000.0
    account.run()
    assert held(account) == {0: 20.0, 1: -20.0}


def test_without_room_for_a_lot_of_one_leg_nothing_fills(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=2, rules=rules(execution={"lot": 10.0}))
    account.want_pair(0)
    account.bars["room"][1, 1] = 900.0
    account.run()
    assert held(account) == {}
    assert [row[1] for row in outcome(account)] == ["NOT_TRADABLE", "NOT_TRADABLE"]


# Exits.


def opened(trial: Trial, n_bars: int = 6, **more: Any) -> Any:  # noqa: ANN401
    account = trial(n_bars, n_symbols=2, **more)
    account.want_pair(0)
    account.run()
    return account


@pytest.mark.parametrize("leg", [0, 1])
def test_when_one_leg_turns_both_leave(trial: Trial, leg: int) -> None:
    account = opened(trial)
    account.want(1, -0.01 if leg == 0 else 0.01, s=leg)
    account.run()
    assert exits(account) == {leg: "REVERSAL", 1 - leg: "PARTNER"}


@pytest.mark.parametrize("leg", [0, 1])
def test_when_one_leg_is_stopped_the_other_leaves_at_the_next_open(trial: Trial, leg: int) -> None:
    account = opened(trial)
    account.move(2, 80.0 if leg == 0 else 120.0, s=leg)
    account.run()
    assert exits(account) == {leg: "STOP"}
    account.run()
    assert exits(account) == {leg: "STOP", 1 - leg: "PARTNER"}


def test_a_leg_waits_for_a_partner_that_cannot_be_traded(trial: Trial) -> None:
    account = opened(trial)
    account.want(1, -0.01, s=0)
    account.want(2, -0.01, s=0)
    for name in ("open", "high", "low", "close"):
        account.bars[name][2, 1] = np.nan
    account.run()
    assert exits(account) == {}
    account.run()
    assert exits(account) == {0: "REVERSAL", 1: "PARTNER"}


def test_a_breaker_waits_for_nobody(trial: Trial, rules: Rules) -> None:
    account = trial(6, n_symbols=2, rules=rules(breakers={"daily_loss": 0.002}))
    account.want_pair(0)
    account.shape(1, s=0, close=95.0, low=95.0)  # 400 of 100,000
    for name in ("open", "high", "low", "close"):
        account.bars[name][2, 1] = np.nan
    account.run(2)
    assert exits(account) == {0: "BREAKER"}
    account.run()
    assert exits(account) == {0: "BREAKER", 1: "PARTNER"}


def test_a_pair_is_reduced_with_its_weight_and_never_enlarged(trial: Trial) -> None:
    account = trial(6, n_symbols=2, n_strategies=2)
    account.want_pair(0)
    account.weigh(0.5, 0.5)
    account.run()
    account.weigh(1.0, 0.0)  # twice as much is wanted
    account.run()
    assert held(account) == {0: 80.0, 1: -80.0}
    account.weigh(0.25, 0.75)
    account.run()
    assert held(account) == {0: 40.0, 1: -40.0}


def test_a_leg_that_was_opened_alone_later_is_nobodys_partner(trial: Trial) -> None:
    """The slot of a leg is used again."""
    account = opened(trial, n_bars=8)
    account.want(1, -0.01, s=0)
    account.run()
    account.pairing[0] = -1
    account.want(2, 0.01, s=0)
    account.run()
    assert account.positions[["symbol", "partner"]].tolist() == [(0, -1)]
    account.run(2)
    assert held(account) == {0: 80.0}


# What is left behind where one leg fails, and what is not.


def with_a_dearer_remainder(trial: Trial, rules: Rules, leg: int) -> Any:  # noqa: ANN401
    """Return an account of whose pair one leg finds no room for a lot once it is cut.

    80 units are a large order, which pays the mean price of the bar, 50: 600 are room for 12. Cut
    to 10 it is a small one, which pays the open, 100, at which there is room for 6.
    """
    execution = {"style": "vwap", "large": 0.01, "lot": 10.0}
    account = trial(5, n_symbols=2, rules=rules(execution=execution))
    account.want_pair(0)
    account.shape(1, s=leg, high=100.0, low=20.0, close=30.0)
    account.facts["adv"][0, leg] = 300_000.0
    account.bars["room"][1, leg] = 600.0
    account.bars["open"][2, leg] = 100.0
    account.stop[0, 0] = 0.125
    return account


def test_a_first_leg_that_fills_nothing_leaves_the_second_alone(trial: Trial, rules: Rules) -> None:
    account = with_a_dearer_remainder(trial, rules, leg=0)
    account.run()
    assert held(account) == {}
    assert [row[1] for row in outcome(account)] == ["NOT_TRADABLE", "NOT_TRADABLE"]
    assert account.account["n_refused"] == 2


def test_a_second_leg_that_fills_nothing_leaves_an_orphan_that_is_closed(
    trial: Trial, rules: Rules
) -> None:
    account = with_a_dearer_remainder(trial, rules, leg=1)
    account.run()
    assert held(account) == {0: 10.0}
    assert [row[1] for row in outcome(account)] == ["PASSED", "NOT_TRADABLE"]
    assert account.account["n_refused"] == 1
    account.run()
    assert exits(account) == {0: "PARTNER"}


def test_two_legs_without_partners_open_nothing(trial: Trial) -> None:
    account = trial(3, n_symbols=2)
    account.want_pair(0)
    account.legs["partner"] = -1
    account.run()
    assert outcome(account) == [(0, "PARTNER", "PASSED"), (1, "PARTNER", "PASSED")]


def test_the_value_at_risk_of_the_second_leg_is_that_beside_the_first(
    trial: Trial, rules: Rules
) -> None:
    """Deviations of 1 % and no correlation: 70 a day are allowed, which is all of one leg of 7,000.

    What was never held is forgotten: the third symbol has all of it.
    """
    quantile = 1.6448536269514722
    account = trial(3, n_symbols=3, n_strategies=2, rules=rules(gates={"var": 7e-4 * quantile}))
    account.want_pair(0, value=0.02)
    account.want(0, 0.01, k=1, s=2)
    account.run()
    assert outcome(account) == [
        (0, "PARTNER", "PASSED"),
        (1, "VALUE_AT_RISK", "VALUE_AT_RISK"),
        (2, "CLIPPED", "VALUE_AT_RISK"),
    ]
    assert held(account) == {2: pytest.approx(70.0)}


def test_who_opens_the_symbol_of_a_leg_that_is_gone_is_no_partner(trial: Trial) -> None:
    """The first leg is stopped; the second cannot be traded, so it waits, while another opens."""
    account = trial(6, n_symbols=2, n_strategies=2)
    account.want_pair(0)
    account.run()
    account.shape(2, s=0, low=80.0)
    account.run()
    assert exits(account) == {0: "STOP"}
    account.want(2, k=1, s=0)
    for name in ("open", "high", "low", "close"):
        account.bars[name][3, 1] = np.nan
    account.run()
    assert held(account) == {0: 79.2, 1: -80.0}  # 1 % was lost
    account.run()
    assert exits(account) == {0: "STOP", 1: "PARTNER"}
