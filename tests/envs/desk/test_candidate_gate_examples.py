"""The gates of a candidate, by numbers that can be checked by hand."""

from typing import Any

import numpy as np
import pytest

from tests.envs.desk.answers import (
    INF,
    NAN,
    Change,
    Rules,
    Trial,
    answers,
    asked_once,
    hold_another,
    verdicts,
)


@pytest.mark.parametrize(
    ("age", "limit", "verdict"),
    [
        (0.0, 0.0, "PASSED"),
        (1.0, 0.0, "STALE"),
        (3.0, 3.0, "PASSED"),
        (4.0, 3.0, "STALE"),
        (NAN, 3.0, "STALE"),
        (INF, 3.0, "SYMBOL_HALTED"),
    ],
)
def test_a_price_that_is_too_old_or_of_a_halted_symbol_is_not_traded(
    trial: Trial, rules: Rules, age: float, limit: float, verdict: str
) -> None:
    def grow_old(account: Any) -> None:  # noqa: ANN401
        account.facts["age"][0, 0] = age

    assert asked_once(trial, rules(gates={"age": limit}), grow_old) == verdict


@pytest.mark.parametrize(
    ("half_spread", "verdict"),
    [(0.0025, "PASSED"), (0.002501, "SPREAD"), (NAN, "SPREAD"), (INF, "SPREAD")],
)
def test_the_whole_spread_of_the_decision_s_bar_is_compared_with_its_limit(
    trial: Trial, rules: Rules, half_spread: float, verdict: str
) -> None:
    def widen(account: Any) -> None:  # noqa: ANN401
        account.bars["half_spread"][:, 0] = (half_spread, 0.01, 0.01)  # the fill's is not asked

    assert asked_once(trial, rules(gates={"spread": 0.005}), widen) == verdict


@pytest.mark.parametrize(
    ("regime", "value", "is_meant", "verdict"),
    [
        (2, 0.01, False, "STRESS"),
        (2, 0.01, True, "PASSED"),
        (2, -0.01, False, "PASSED"),
        (0, 0.01, False, "PASSED"),
        (8, 0.01, False, "PASSED"),
    ],
)
def test_nothing_is_bought_in_a_bear_market_of_high_volatility_but_by_who_means_to(
    trial: Trial, rules: Rules, regime: int, value: float, is_meant: bool, verdict: str
) -> None:
    def stress(account: Any) -> None:  # noqa: ANN401
        account.regime[0] = regime
        account.stress[0] = is_meant

    assert asked_once(trial, rules(gates={"stress": True}), stress, value) == verdict
    assert asked_once(trial, rules(gates={"stress": False}), stress, value) == "PASSED"


@pytest.mark.parametrize(
    ("rate", "side", "verdict"),
    [
        (0.25, -1.0, "PASSED"),
        (0.26, -1.0, "BORROW"),
        (INF, -1.0, "BORROW"),
        (NAN, -1.0, "BORROW"),
        (INF, 1.0, "PASSED"),
    ],
)
def test_what_is_too_dear_to_borrow_is_not_sold_short(
    trial: Trial, rules: Rules, rate: float, side: float, verdict: str
) -> None:
    def lend(account: Any) -> None:  # noqa: ANN401
        account.bars["borrow_rate"][:, 0] = (rate, 9.0, 9.0)  # only the decision's bar is asked

    assert asked_once(trial, rules(gates={"borrow_rate": 0.25}), lend, 0.01 * side) == verdict


def test_what_cannot_be_borrowed_is_refused_before_what_moves_with_a_position(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"correlation": 0.75, "borrow_rate": 0.25}))
    account.relate(np.full((2, 2), NAN))
    account.bars["borrow_rate"][0, 1] = INF
    account.want(0, 0.02, s=0)
    account.want(0, -0.01, s=1)
    account.run()
    assert verdicts(account) == ["PASSED", "BORROW"]


@pytest.mark.parametrize(
    ("correlation", "sides", "verdict"),
    [
        (0.875, (1, 1), "CORRELATION"),
        (0.875, (-1, -1), "CORRELATION"),
        (0.875, (1, -1), "PASSED"),
        (-0.875, (1, 1), "PASSED"),
        (-0.875, (-1, 1), "CORRELATION"),
        (0.75, (1, 1), "CORRELATION"),  # not below the limit
        (0.5, (1, 1), "PASSED"),
        (NAN, (1, 1), "CORRELATION"),
        (NAN, (1, -1), "CORRELATION"),
    ],
)
def test_what_moves_with_a_position_is_refused_sides_counted(
    trial: Trial, rules: Rules, correlation: float, sides: tuple[int, int], verdict: str
) -> None:
    for limit, expected in ((0.75, verdict), (1.0, "PASSED")):
        account = trial(3, n_symbols=2, rules=rules(gates={"correlation": limit}))
        account.relate(np.array([[1.0, correlation], [correlation, 1.0]]), deviation=0.125)
        account.want(0, 0.02 * sides[0], s=0)
        account.want(0, 0.01 * sides[1], s=1)
        account.run()
        assert verdicts(account) == ["PASSED", expected]


def test_without_covariances_the_first_position_passes_and_the_second_does_not(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"correlation": 0.75}))
    account.calendar["risk_row"] = -1
    account.sizing["deviation"] = NAN
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert verdicts(account) == ["PASSED", "CORRELATION"]


@pytest.mark.parametrize("budget", [0.0, NAN])
def test_who_wants_exactly_nothing_is_refused_as_a_bad_number(
    trial: Trial, rules: Rules, budget: float
) -> None:
    """And not as too small, whatever the smallest order is."""
    for smallest in (0.0, 100.0):
        account = trial(3, rules=rules(sizing={"smallest_order": smallest}))
        account.sizing["budget"] = budget
        account.want(0)
        account.run()
        assert answers(account) == [("BAD_NUMBER", "PASSED")]
        assert account.decisions["wanted"] == pytest.approx([budget], nan_ok=True)


# Each fault of the candidate, strategy 1 in symbol 0 at bar 1, and what cures it, in order.
CANDIDATE_FAULTS: list[tuple[str, Change]] = [
    ("CLOSE_CALL", lambda a: a.want(1, 0.0, k=2)),
    ("DUPLICATE", lambda a: a.want(0, 0.0)),
    ("STRESS", lambda a: a.regime.__setitem__(1, 4)),
    ("CORRELATION", lambda a: a.relate(np.eye(2))),
    ("NOT_TRADABLE", lambda a: a.bars["room"].__setitem__((2, 0), INF)),
    ("BAD_NUMBER", lambda a: a.stop.__setitem__((1, 1, 0), 0.125)),
    ("SYMBOL_HALTED", lambda a: a.facts["age"].__setitem__((1, 0), 1.0)),
    ("STALE", lambda a: a.facts["age"].__setitem__((1, 0), 0.0)),
    ("SPREAD", lambda a: a.bars["half_spread"].__setitem__((1, 0), 0.0)),
    ("LIQUIDITY", lambda a: a.facts["adv"].__setitem__((1, 0), INF)),
    ("PASSED", lambda a: None),
]


@pytest.mark.parametrize("n_cures", range(len(CANDIDATE_FAULTS)))
def test_of_several_gates_of_a_candidate_the_first_is_the_reason(
    trial: Trial, rules: Rules, n_cures: int
) -> None:
    strict = {"stress": True, "correlation": 0.75, "spread": 0.01, "participation": 0.05}
    account = trial(4, n_symbols=2, n_strategies=3, rules=rules(gates=strict))
    account.want(0, 0.02)
    hold_another(account)
    account.want(1, 0.02, k=1)
    account.want(1, -0.019, k=2)
    account.regime[1] = 2
    account.relate(np.array([[1.0, NAN], [NAN, 1.0]]))
    account.bars["room"][2, 0] = 0.0
    account.stop[1, 1, 0] = 1.0
    account.facts["age"][1, 0] = INF
    account.bars["half_spread"][1, 0] = 0.2
    account.facts["adv"][1, 0] = 0.0
    for _, cure in CANDIDATE_FAULTS[:n_cures]:
        cure(account)
    account.desk.rules["gates_correlation"] = 1.0
    account.run()
    account.desk.rules["gates_correlation"] = 0.75
    account.run()
    assert verdicts(account)[-1] == CANDIDATE_FAULTS[n_cures][0]
