"""Every gate and every room, by numbers that can be checked by hand.

The trial account has 100,000 and wants 8,000 behind a stop of 1/8: 80 units at 100.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]
Change = Callable[[Any], None]

NAN, INF = np.nan, np.inf
QUANTILE = 1.6448536269514722  # of the normal distribution, 95 %
SIGMA = 0.0625  # a day; its square is exact as a float32
SAFE = 3_000.0 / (QUANTILE * SIGMA)  # 29,181: a worth whose value at risk is 3 % of 100,000


def answers(account: Any) -> list[tuple[str, str]]:  # noqa: ANN401
    """Return the names of the verdict and of the limit of every decision."""
    return [
        (Verdict(int(d["verdict"])).name, Verdict(int(d["limit"])).name) for d in account.decisions
    ]


def verdicts(account: Any) -> list[str]:  # noqa: ANN401
    return [verdict for verdict, _ in answers(account)]


def asked_once(trial: Trial, rules: DeskRules, change: Change, value: float = 0.01) -> str:
    """Return the verdict on one candidate of an empty account after a change of the market."""
    account = trial(3, rules=rules)
    change(account)
    account.want(0, value)
    account.run()
    (verdict,) = verdicts(account)
    assert len(account.fills) == (verdict in {"PASSED", "CLIPPED"})
    return verdict


# The account's gates.

DAY_TRADER = {"enabled": True, "below": 25_000.0, "day_trades": 1}


def day_trader(trial: Trial, rules: DeskRules, session: list[int]) -> Any:  # noqa: ANN401
    """Return an account that bought in bar 1 and was stopped out in the same bar."""
    account = trial(len(session), rules=rules)
    account.session[:] = session
    account.want(0)
    account.shape(1, low=80.0)
    account.run()
    assert account.trades["reason"].tolist() == [Exit.STOP]
    return account


def test_a_day_trade_of_a_small_account_counts_in_five_sessions(trial: Trial, rules: Rules) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER)
    account = day_trader(trial, small, list(range(8)))
    account.value[1:6, 0, 0] = 0.01
    account.run(5)
    # Orders that fill in sessions 2 to 5 are refused: with session 1 those are five.
    assert verdicts(account) == ["PASSED", *["DAY_TRADING"] * 4, "PASSED"]


def test_sessions_in_which_the_account_did_not_decide_let_day_trades_grow_old_too(
    trial: Trial, rules: Rules
) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER)
    for fill_session, verdict in ((5, "DAY_TRADING"), (6, "PASSED")):
        account = day_trader(trial, small, [0, 1, fill_session, 9])
        account.want(1)
        account.run()
        assert verdicts(account) == ["PASSED", verdict]


def test_a_day_trade_more_is_allowed_until_the_last(trial: Trial, rules: Rules) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER | {"day_trades": 2})
    account = day_trader(trial, small, list(range(6)))
    account.want(1)
    account.shape(2, low=80.0)
    account.want(2)
    account.run(2)
    assert verdicts(account) == ["PASSED", "PASSED", "DAY_TRADING"]


@pytest.mark.parametrize(
    ("capital", "enabled"),
    [(20_000.0, False), (25_300.0, True)],  # after the loss of 1 % it has 25,047
)
def test_a_large_account_and_one_without_the_rule_day_trade_as_they_like(
    trial: Trial, rules: Rules, capital: float, enabled: bool
) -> None:
    free = rules(capital=capital, day_trading=DAY_TRADER | {"enabled": enabled})
    account = day_trader(trial, free, list(range(4)))
    account.want(1)
    account.run()
    assert verdicts(account) == ["PASSED", "PASSED"]


def test_a_round_trip_over_night_is_no_day_trade(trial: Trial, rules: Rules) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER)
    account = trial(5, rules=small)
    account.want(0)
    account.shape(2, low=80.0)
    account.want(2)
    account.run(3)
    assert verdicts(account) == ["PASSED", "PASSED"]


def hold_another(account: Any) -> None:  # noqa: ANN401
    """Let strategy 0 hold symbol 1 from bar 1 on."""
    account.want(0, s=1)


# Each fault of the account, and what cures it, in the order of the law.
ACCOUNT_FAULTS: list[tuple[str, Change, Change]] = [
    (
        "HALTED",
        lambda a: a.account.__setitem__("api_failures", 3),
        lambda a: a.account.__setitem__("api_failures", 0),
    ),
    (
        "UNKNOWN_REGIME",
        lambda a: a.regime.__setitem__(1, -1),
        lambda a: a.regime.__setitem__(1, 4),
    ),
    (
        "DAILY_TRADES",
        lambda a: a.desk.rules.__setitem__("limits_daily_trades", 1),
        lambda a: a.desk.rules.__setitem__("limits_daily_trades", 2),
    ),
    (
        "DAY_TRADING",
        lambda a: a.desk.rules.__setitem__("day_trading_day_trades", 0),
        lambda a: a.desk.rules.__setitem__(
            "day_trading_day_trades", 2
        ),  # the reversal below is one
    ),
    ("CAPACITY", lambda a: None, lambda a: a.want(1, -1e-6, s=1)),  # a reversal frees the slot
    (
        "CAPITAL",
        lambda a: a.desk.rules.__setitem__("sizing_smallest_order", 100_001.0),
        lambda a: a.desk.rules.__setitem__("sizing_smallest_order", 0.0),
    ),
    ("PASSED", lambda a: None, lambda a: None),
]


@pytest.mark.parametrize("n_cures", range(len(ACCOUNT_FAULTS)))
def test_of_several_gates_of_the_account_the_first_is_the_reason(
    trial: Trial, rules: Rules, n_cures: int
) -> None:
    narrow = rules(
        limits={"max_positions": 1},
        day_trading={"enabled": True, "below": 1e6, "day_trades": 3},
    )
    account = trial(4, n_symbols=2, n_strategies=2, rules=narrow)
    account.session[:] = 0
    hold_another(account)
    account.run()
    account.want(1, 0.02, k=1, s=0)
    for _, break_it, _ in ACCOUNT_FAULTS:
        break_it(account)
    for _, _, cure in ACCOUNT_FAULTS[:n_cures]:
        cure(account)
    account.run()
    assert verdicts(account)[1] == ACCOUNT_FAULTS[n_cures][0]


@pytest.mark.parametrize(
    ("buffer", "side", "answer"),
    [
        (0.9996, 1.0, ("CAPITAL", "PASSED")),  # 40 is less than half of the smallest order of 100
        (0.9994, 1.0, ("CAPITAL", "CAPITAL")),  # 60 might do for a short, not for a long
        (0.9994, -1.0, ("CLIPPED", "CAPITAL")),  # 60 is the margin of a short of 120
    ],
)
def test_the_gate_of_capital_asks_for_the_smallest_order_of_either_side(
    trial: Trial, rules: Rules, buffer: float, side: float, answer: tuple[str, str]
) -> None:
    tight = rules(
        limits={"cash_buffer": buffer, "short_margin": 0.5}, sizing={"smallest_order": 100.0}
    )
    account = trial(3, rules=tight)
    account.want(0, 0.01 * side)
    account.run()
    assert answers(account) == [answer]
    if answer[0] == "CLIPPED":
        assert account.positions["units"].tolist() == pytest.approx([-1.2])


@pytest.mark.parametrize(
    ("field", "breaker"),
    [("api_failures", Breaker.API_FAILURES), ("stale_quotes", Breaker.STALE_DATA)],
)
def test_a_venue_that_fails_halts_entries_until_it_does_no_more(
    trial: Trial, field: str, breaker: Breaker
) -> None:
    account = trial(6, n_symbols=2)
    account.want(0, s=1)
    account.value[1:4, 0, 0] = 0.01
    account.run()
    for failures, state in ((2, Breaker.NORMAL), (3, breaker), (0, Breaker.NORMAL)):
        account.account[field] = failures
        account.value[1:4, 0, 0] = 0.01 if failures != 2 else 0.0
        account.run()
        assert breaker_of(account.account) is state
    assert verdicts(account) == ["PASSED", "HALTED", "PASSED"]
    assert account.positions["symbol"].tolist() == [1, 0]  # what was held stayed


def test_of_two_failures_of_the_venue_that_of_its_calls_is_named(trial: Trial) -> None:
    account = trial(3)
    account.want(0)
    account.run(0)
    account.account["api_failures"] = account.account["stale_quotes"] = 7
    account.want(0)
    account.run()
    assert breaker_of(account.account) is Breaker.API_FAILURES
    assert verdicts(account) == ["HALTED"]


# The candidate's gates.


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
    account.facts["deviation"] = NAN
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert verdicts(account) == ["PASSED", "CORRELATION"]


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


# The rooms.


@pytest.mark.parametrize("sides", [(1, 1, 1), (1, -1, -1), (-1, -1, 1)])
def test_longs_and_shorts_together_keep_to_the_gross_limit(
    trial: Trial, rules: Rules, sides: tuple[int, int, int]
) -> None:
    account = trial(3, n_symbols=3, rules=rules(limits={"gross": 0.12}))
    for s, side in enumerate(sides):
        account.want(0, side * (0.03 - 0.01 * s), s=s)
    account.run()
    # 8,000 of 12,000, then the 4,000 that are left, then nothing.
    assert np.abs(account.positions["units"]).tolist() == pytest.approx([80.0, 40.0])
    assert answers(account) == [("PASSED", "PASSED"), ("CLIPPED", "GROSS"), ("GROSS", "GROSS")]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_longs_less_shorts_keep_to_the_net_limit_on_either_side(
    trial: Trial, rules: Rules, side: float
) -> None:
    account = trial(3, n_symbols=4, rules=rules(limits={"net": 0.12}))
    account.want(0, 0.04 * side, s=0)
    account.want(0, 0.03 * side, s=1)
    account.want(0, 0.02 * side, s=2)
    account.want(0, -0.01 * side, s=3)  # the other side has room for 24,000
    account.run()
    assert (side * account.positions["units"]).tolist() == pytest.approx([80.0, 40.0, -80.0])
    assert answers(account) == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "NET"),
        ("NET", "NET"),
        ("PASSED", "PASSED"),
    ]


def test_a_known_sector_has_a_limit_and_the_unknown_one_has_none(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=6, rules=rules(limits={"sector": 0.12}))
    account.facts["sector"][:] = (7, 7, 7, 2, -1, -1)
    for s, side in enumerate((1, -1, 1, 1, 1, 1)):
        account.want(0, side * (0.06 - 0.01 * s), s=s)
    account.run()
    assert np.abs(account.positions["units"]).tolist() == pytest.approx([80, 40, 80, 80, 80])
    assert answers(account)[:4] == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "SECTOR"),  # a short adds to its sector, too
        ("SECTOR", "SECTOR"),
        ("PASSED", "PASSED"),
    ]


def test_what_one_strategy_owns_has_a_limit(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=4, n_strategies=2, rules=rules(limits={"strategy": 0.12}))
    account.want(0, 0.04, k=0, s=0)
    account.want(0, -0.03, k=0, s=1)
    account.want(0, 0.02, k=0, s=2)
    account.want(0, 0.01, k=1, s=3)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([80.0, -40.0, 80.0])
    assert answers(account) == [
        ("PASSED", "PASSED"),
        ("CLIPPED", "CONCENTRATION"),
        ("CONCENTRATION", "CONCENTRATION"),
        ("PASSED", "PASSED"),
    ]


@pytest.mark.parametrize(
    ("beta", "side", "units", "answer"),
    [
        # The position in symbol 0 has a beta of 1: P = 8,000, and the limit is 10,000.
        (2.0, 1, 10.0, ("CLIPPED", "BETA")),  # (10,000 − 8,000) / 2
        (2.0, -1, -80.0, ("PASSED", "PASSED")),  # (10,000 + 8,000) / 2 = 9,000
        (4.0, -1, -45.0, ("CLIPPED", "BETA")),  # (10,000 + 8,000) / 4
        (-4.0, 1, 45.0, ("CLIPPED", "BETA")),
        (-2.0, -1, -10.0, ("CLIPPED", "BETA")),
        (0.0, 1, 80.0, ("PASSED", "PASSED")),
        (NAN, 1, 0.0, ("BETA", "BETA")),
    ],
)
def test_beta_has_a_limit_on_either_side(
    trial: Trial, rules: Rules, beta: float, side: int, units: float, answer: tuple[str, str]
) -> None:
    for limit in (0.1, 100.0):
        account = trial(3, n_symbols=2, rules=rules(limits={"beta": limit}))
        account.facts["beta"][:, 1] = beta
        account.want(0, 0.02, s=0)
        account.want(0, 0.01 * side, s=1)
        account.run()
        if limit == 100.0:  # is no limit, not even for what has no beta
            units, answer = 80.0 * side, ("PASSED", "PASSED")
        assert answers(account) == [("PASSED", "PASSED"), answer]
        assert account.positions["units"][1:].sum() == pytest.approx(units)


@pytest.mark.parametrize("beta", [1.0, 0.0])
def test_a_position_without_a_beta_refuses_the_next(
    trial: Trial, rules: Rules, beta: float
) -> None:
    account = trial(4, n_symbols=2, rules=rules(limits={"beta": 1.0}))
    account.want(0, s=0)
    account.run()
    account.facts["beta"][1] = (NAN, beta)
    account.want(1, s=1)
    account.run()
    assert answers(account)[1] == ("BETA", "BETA")


@pytest.mark.parametrize(
    ("adv", "units", "answer"),
    [
        (1e6, 80.0, ("PASSED", "PASSED")),  # room for 50,000
        (1e5, 50.0, ("CLIPPED", "LIQUIDITY")),
        (0.0, 0.0, ("LIQUIDITY", "LIQUIDITY")),
        (NAN, 0.0, ("LIQUIDITY", "LIQUIDITY")),
        (INF, 80.0, ("PASSED", "PASSED")),
    ],
)
def test_an_order_is_a_small_part_of_what_is_traded_in_a_day(
    trial: Trial, rules: Rules, adv: float, units: float, answer: tuple[str, str]
) -> None:
    for share in (0.05, 1.0):
        account = trial(3, rules=rules(gates={"participation": share}))
        account.facts["adv"][0, 0] = adv
        account.want(0)
        account.run()
        if share == 1.0:
            units, answer = 80.0, ("PASSED", "PASSED")
        assert answers(account) == [answer]
        assert account.positions["units"].sum() == pytest.approx(units)


@pytest.mark.parametrize("side", [1, -1])
def test_value_at_risk_clips_to_exactly_its_limit(trial: Trial, rules: Rules, side: int) -> None:
    account = trial(3, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.eye(1), SIGMA)
    account.stop[:] = 0.015625  # wants 64,000
    account.want(0, 0.01 * side)
    account.run()
    worth = float(account.positions["units"][0]) * 100.0
    assert abs(worth) == pytest.approx(29_181.9, abs=0.1)
    assert QUANTILE * SIGMA * abs(worth) == pytest.approx(0.03 * 100_000.0, rel=1e-12)
    assert answers(account) == [("CLIPPED", "VALUE_AT_RISK")]


def test_independent_positions_share_the_value_at_risk_by_pythagoras(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, n_symbols=5, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.eye(5), SIGMA)
    account.stop[:] = 0.0625  # each wants 16,000
    for s in range(5):
        account.want(0, 0.05 - 0.01 * s, s=s)
    account.run()
    last = np.sqrt(SAFE**2 - 3.0 * 16_000.0**2)  # 9,140
    assert account.positions["units"].tolist() == pytest.approx([160.0] * 3 + [last / 100.0])
    assert answers(account)[3:] == [
        ("CLIPPED", "VALUE_AT_RISK"),
        ("VALUE_AT_RISK", "VALUE_AT_RISK"),
    ]


@pytest.mark.parametrize(
    ("side", "stop", "units", "answer"),
    [
        (1, 0.03125, 0.0, ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # more of the same
        (-1, 0.03125, -320.0, ("PASSED", "PASSED")),  # a hedge of 32,000
        # A hedge of twice the position carries as much risk as the position, the other way round.
        (-1, 0.015625, -2.0 * SAFE / 100.0, ("CLIPPED", "VALUE_AT_RISK")),
    ],
)
def test_a_hedge_passes_where_more_of_the_same_does_not(
    trial: Trial, rules: Rules, side: int, stop: float, units: float, answer: tuple[str, str]
) -> None:
    account = trial(3, n_symbols=2, rules=rules(gates={"var": 0.03}, sizing={"position_cap": 1.0}))
    account.relate(np.ones((2, 2)), SIGMA)
    account.stop[0, 0] = (0.015625, stop)
    account.want(0, 0.02, s=0)
    account.want(0, 0.01 * side, s=1)
    account.run()
    assert answers(account) == [("CLIPPED", "VALUE_AT_RISK"), answer]
    assert account.positions["units"][1:].sum() == pytest.approx(units)


@pytest.mark.parametrize(
    ("stop", "answer"),
    [
        (0.125, ("PASSED", "PASSED")),  # 8,000 is enough of a hedge
        (0.25, ("VALUE_AT_RISK", "VALUE_AT_RISK")),  # 4,000 is not
    ],
)
def test_beyond_the_value_at_risk_only_a_hedge_that_brings_it_back_passes(
    trial: Trial, rules: Rules, stop: float, answer: tuple[str, str]
) -> None:
    account = trial(4, n_symbols=2, rules=rules(sizing={"position_cap": 1.0}))
    account.relate(np.ones((2, 2)), SIGMA)
    account.stop[0] = 0.0625  # holds 16,000
    account.stop[1] = stop
    account.want(0, s=0)
    account.run()
    # 1,000 / (1.645 × 1/16) = 9,727 are within the limit: a hedge needs 6,273 or more.
    account.desk.rules["gates_var"] = 0.01
    account.want(1, -0.01, s=1)
    account.run()
    assert answers(account)[1] == answer


@pytest.mark.parametrize("limit", [0.03, 1.0])
@pytest.mark.parametrize("fault", ["row", "own", "common", "none"])
def test_a_value_at_risk_that_is_not_known_refuses(
    trial: Trial, rules: Rules, fault: str, limit: float
) -> None:
    account = trial(4, n_symbols=2, rules=rules())
    account.relate(np.eye(2))
    account.want(0, s=0)
    account.run()
    account.desk.rules["gates_var"] = limit
    if fault == "row":
        account.calendar["risk_row"] = -1
    else:
        spoilt = {"own": ((1, 1), NAN), "common": ((0, 1), NAN), "none": ((1, 1), 0.0)}
        (i, j), value = spoilt[fault]
        account.covariance[0, i, j] = account.covariance[0, j, i] = value
    account.want(1, s=1)
    account.run()
    refused = ("VALUE_AT_RISK", "VALUE_AT_RISK")
    assert answers(account)[1] == (refused if limit < 1.0 else ("PASSED", "PASSED"))


def test_a_variance_that_is_not_known_stays_out_of_the_book(trial: Trial) -> None:
    account = trial(4, n_symbols=3)
    account.relate(np.array([[1.0, NAN, 0.0], [NAN, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    account.want(0, s=0)
    account.want(0, s=1)
    account.run()
    account.desk.rules["gates_var"] = 0.03
    account.want(1, s=2)
    account.run()
    assert answers(account)[2] == ("VALUE_AT_RISK", "VALUE_AT_RISK")
    assert np.isfinite(account.account["portfolio_variance"])


@pytest.mark.parametrize(
    ("costs", "impact", "cost"),
    [
        ({"half_spread": 0.01}, 0.0, 360.0),  # of the 36,000 that are left
        ({"commission_rate": 0.001, "commission_per_order": 5.0}, 0.0, 41.0),
        ({"commission_per_unit": 0.1}, 0.0, 36.0),  # 360 units
        ({"commission_minimum": 50.0}, 0.0, 50.0),
        ({}, 1e-4, 1e-4 * 36_000.0**1.5),  # 683
    ],
)
def test_the_costs_of_an_order_need_room_beside_it(
    trial: Trial, rules: Rules, costs: dict[str, float], impact: float, cost: float
) -> None:
    free_of_charge = {"half_spread": 0.0, "commission_rate": 0.0}
    priced = rules(costs=free_of_charge | costs, sizing={"position_cap": 1.0})
    account = trial(3, n_symbols=2, rules=priced)
    account.bars["impact"] = impact
    account.stop[:] = 0.015625  # wants 64,000 twice
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([640.0, (36_000.0 - cost) / 100.0])
    assert answers(account) == [("PASSED", "PASSED"), ("CLIPPED", "CAPITAL")]


def test_a_short_needs_its_margin_and_its_costs(trial: Trial, rules: Rules) -> None:
    half = rules(
        limits={"short_margin": 0.5}, costs={"half_spread": 0.01}, sizing={"position_cap": 1.0}
    )
    account = trial(3, n_symbols=2, rules=half)
    account.stop[0, 0] = (0.015625, 0.0078125)  # wants 64,000, then 100,000 at the cap
    account.want(0, 0.02, s=0)
    account.want(0, -0.01, s=1)
    account.run()
    # 36,000 are the margin of 72,000, whose fill costs 720: (36,000 − 720) / 0.5.
    assert account.positions["units"].tolist() == pytest.approx([640.0, -705.6])
    assert answers(account)[1] == ("CLIPPED", "CAPITAL")


def test_a_position_ties_up_money_at_the_price_of_the_decision(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=2, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[:] = 0.015625
    account.want(0, s=0)
    account.move(1, 110.0, s=0)  # filled dearer than decided
    account.want(1, s=1)
    account.run(2)
    # Equity is 100,000, of which 70,400 are tied up in symbol 0 at its close of 110.
    assert account.positions["units"].tolist() == pytest.approx([640.0, 296.0])


@pytest.mark.parametrize(
    ("limits", "units", "answer"),
    [
        ({"gross": 0.05, "net": 0.05, "strategy": 0.05}, 50.0, ("CLIPPED", "GROSS")),
        ({"gross": 0.06, "net": 0.05, "strategy": 0.05}, 50.0, ("CLIPPED", "NET")),
        ({"gross": 0.06, "net": 0.05, "strategy": 0.04}, 40.0, ("CLIPPED", "CONCENTRATION")),
    ],
)
def test_the_first_of_the_least_rooms_is_named(
    trial: Trial,
    rules: Rules,
    limits: dict[str, float],
    units: float,
    answer: tuple[str, str],
) -> None:
    account = trial(3, rules=rules(limits=limits))
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([units])
    assert answers(account) == [answer]


def test_a_room_that_holds_less_than_the_smallest_order_is_the_reason(
    trial: Trial, rules: Rules
) -> None:
    account = trial(3, rules=rules(limits={"gross": 0.05}, sizing={"smallest_order": 5_001.0}))
    account.want(0)
    account.run()
    assert answers(account) == [("GROSS", "GROSS")]


# Enlargements.


def enlarging(trial: Trial, change: Change) -> Any:  # noqa: ANN401
    """Return an account of 40 units after it asked for 40 more under a change."""
    account = trial(4, n_symbols=2, n_strategies=2)
    account.relate(np.eye(2), SIGMA)
    account.session[:] = 0
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    change(account)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.decisions["enlarges"].tolist() == [0, 1]
    return account


def rule(name: str, value: float) -> Change:
    return lambda account: account.desk.rules.__setitem__(name, value)


def stress_it(account: Any) -> None:  # noqa: ANN401
    account.desk.rules["gates_stress"] = 1
    account.regime[1] = 2


def day_trade_it(account: Any) -> None:  # noqa: ANN401
    account.desk.rules["day_trading_enabled"] = 1
    account.desk.rules["day_trading_below"] = 1e6
    account.desk.rules["day_trading_day_trades"] = 0


REFUSALS: list[tuple[str, Change]] = [
    ("HALTED", lambda a: a.account.__setitem__("stale_quotes", 3)),
    ("UNKNOWN_REGIME", lambda a: a.regime.__setitem__(1, -1)),
    ("DAILY_TRADES", rule("limits_daily_trades", 1)),
    ("DAY_TRADING", day_trade_it),
    ("CAPITAL", rule("limits_cash_buffer", 0.96)),  # all 4,000 that are free are tied up
    ("STRESS", stress_it),
    ("NOT_TRADABLE", lambda a: a.bars["room"].__setitem__((2, 0), 0.0)),
    ("SYMBOL_HALTED", lambda a: a.facts["age"].__setitem__((1, 0), INF)),
    ("STALE", lambda a: a.facts["age"].__setitem__((1, 0), 1.0)),
    ("SPREAD", lambda a: a.bars["half_spread"].__setitem__((1, 0), 0.6)),
]


@pytest.mark.parametrize(("reason", "change"), REFUSALS, ids=[name for name, _ in REFUSALS])
def test_an_enlargement_asks_the_same_gates(trial: Trial, reason: str, change: Change) -> None:
    account = enlarging(trial, change)
    assert verdicts(account) == ["PASSED", reason]
    assert account.positions["units"].tolist() == [40.0]


def test_an_enlarged_short_asks_whether_it_can_be_borrowed(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0, -0.01)
    account.weigh(0.25, 0.75)
    account.run()
    account.bars["borrow_rate"][1, 0] = INF
    account.weigh(0.5, 0.5)
    account.run()
    assert verdicts(account) == ["PASSED", "BORROW"]
    assert account.positions["units"].tolist() == [-40.0]


def sector_it(account: Any) -> None:  # noqa: ANN401
    account.facts["sector"][:, 0] = 3
    account.desk.rules["limits_sector"] = 0.05


def dry_it(account: Any) -> None:  # noqa: ANN401
    account.desk.rules["gates_participation"] = 0.01
    account.facts["adv"][1, 0] = 100_000.0


def impoverish_it(account: Any) -> None:  # noqa: ANN401
    account.desk.rules["poor_below"] = 1e6
    account.desk.rules["poor_open_risk"] = 0.00625  # 50 × 12.5 of 100,000


ROOMS: list[tuple[str, Change]] = [  # each has 5,000 in all, so 1,000 beside the 4,000 held
    ("CAPITAL", rule("limits_cash_buffer", 0.95)),
    ("GROSS", rule("limits_gross", 0.05)),
    ("NET", rule("limits_net", 0.05)),
    ("SECTOR", sector_it),
    ("CONCENTRATION", rule("limits_strategy", 0.05)),
    ("BETA", rule("limits_beta", 0.05)),
    ("LIQUIDITY", dry_it),
    ("VALUE_AT_RISK", rule("gates_var", QUANTILE * SIGMA * 0.05)),
    ("OPEN_RISK", impoverish_it),
]


@pytest.mark.parametrize(("reason", "change"), ROOMS, ids=[name for name, _ in ROOMS])
def test_an_enlargement_has_the_same_rooms(trial: Trial, reason: str, change: Change) -> None:
    account = enlarging(trial, change)
    assert answers(account)[1] == ("CLIPPED", reason)
    assert account.positions["units"].tolist() == pytest.approx([50.0])
    assert account.decisions["wanted"][1] == pytest.approx(0.04)
    assert account.decisions["allowed"][1] == pytest.approx(0.01)


def oppose(account: Any) -> None:  # noqa: ANN401
    account.want(1, 0.01, k=0)
    account.want(1, -0.0099, k=1)


def crowd(account: Any) -> None:  # noqa: ANN401
    """Let it hold as many positions as it may, and move with each of them."""
    account.desk.rules["gates_correlation"] = 0.75
    account.relate(np.ones((2, 2)), SIGMA)


def test_an_enlargement_is_no_close_call(trial: Trial) -> None:
    account = trial(4, n_symbols=2, n_strategies=2)
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    oppose(account)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.positions["units"].tolist() == [80.0]


def test_an_enlargement_needs_no_slot_and_asks_for_no_correlation(
    trial: Trial, rules: Rules
) -> None:
    account = trial(4, n_symbols=2, n_strategies=2, rules=rules(limits={"max_positions": 2}))
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.weigh(0.25, 0.75)
    account.run()
    crowd(account)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.positions["units"].tolist() == [80.0, 80.0]


def test_the_stop_of_a_symbol_does_not_matter_to_an_enlargement(trial: Trial) -> None:
    account = enlarging(trial, lambda a: a.stop.__setitem__((1, 0, 0), NAN))
    assert verdicts(account) == ["PASSED", "PASSED"]
