"""The gates of the account, by numbers that can be checked by hand."""

from typing import Any

import pytest

from benbot.envs.desk.breakers import breaker_of
from benbot.envs.desk.reasons import Breaker, Exit
from benbot.envs.desk.rules import DeskRules
from tests.envs.desk.answers import Change, Rules, Trial, answers, hold_another, verdicts

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


@pytest.mark.parametrize(("capital", "verdict"), [(25_000.0, "PASSED"), (24_999.99, "DAY_TRADING")])
def test_an_account_of_exactly_the_limit_is_no_small_one(
    trial: Trial, rules: Rules, capital: float, verdict: str
) -> None:
    account = trial(3, rules=rules(capital=capital, day_trading=DAY_TRADER | {"day_trades": 0}))
    account.want(0)
    account.run()
    assert verdicts(account) == [verdict]


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((1, 0, 1, 0, 0), "PASSED"),
        ((3, 0, 0, 0, 0), "DAY_TRADING"),
        ((0, 0, 0, 0, 3), "DAY_TRADING"),
        ((1, 0, 1, 0, 1), "DAY_TRADING"),
    ],
)
def test_as_many_day_trades_as_the_limit_are_too_many_whichever_session_had_them(
    trial: Trial, rules: Rules, counts: tuple[int, ...], verdict: str
) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER | {"day_trades": 3})
    account = trial(4, rules=small)
    account.session[:] = 0  # so that the counts stay where they are
    account.run()
    account.account["day_trades"] = counts
    account.want(1)
    account.run()
    assert verdicts(account) == [verdict]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (3, ["PASSED", "PASSED", "PASSED"]),
        (2, ["PASSED", "PASSED", "DAILY_TRADES"]),
        (1, ["PASSED", "DAILY_TRADES", "DAILY_TRADES"]),
    ],
)
def test_the_last_trade_of_a_day_is_the_one_that_reaches_the_limit(
    trial: Trial, rules: Rules, limit: int, expected: list[str]
) -> None:
    account = trial(5, n_symbols=3, rules=rules(limits={"daily_trades": limit}))
    account.session[:] = 0
    for s in range(3):
        account.want(s, s=s)
    account.run(3)
    assert verdicts(account) == expected
    assert account.account["trades_today"] == limit


def test_a_round_trip_over_night_is_no_day_trade(trial: Trial, rules: Rules) -> None:
    small = rules(capital=20_000.0, day_trading=DAY_TRADER)
    account = trial(5, rules=small)
    account.want(0)
    account.shape(2, low=80.0)
    account.want(2)
    account.run(3)
    assert verdicts(account) == ["PASSED", "PASSED"]


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
