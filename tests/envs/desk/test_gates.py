"""Every gate refuses what it should, with its reason, and nothing else."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


def verdicts(account: Any) -> list[tuple[int, str]]:  # noqa: ANN401
    """Return the symbol and the name of the verdict of every decision."""
    return [(int(d["symbol"]), Verdict(int(d["verdict"])).name) for d in account.decisions]


def test_the_best_candidates_take_the_slots_that_there_are(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=4, rules=rules(limits={"max_positions": 2}))
    for s, value in enumerate((0.01, -0.04, 0.02, 0.03)):
        account.want(0, value, s=s)
    account.run()
    assert verdicts(account)[:2] == [(1, "PASSED"), (3, "PASSED")]
    assert sorted(verdicts(account)[2:]) == [(0, "CAPACITY"), (2, "CAPACITY")]
    assert account.positions["symbol"].tolist() == [1, 3]
    assert account.account["n_winners"] == 4
    assert account.account["n_refused"] == 2


def test_a_position_that_leaves_at_the_open_makes_room_for_another(
    trial: Trial, rules: Rules
) -> None:
    small = rules(limits={"max_positions": 1}, exits={"time_stop": 1})
    account = trial(4, n_symbols=2, rules=small)
    account.want(0, s=0)
    account.want(1, s=1)
    account.run(2)
    assert account.positions["symbol"].tolist() == [1]


def test_a_day_has_so_many_trades(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=3, rules=rules(limits={"daily_trades": 2}))
    for s in range(3):
        account.want(0, 0.03 - 0.01 * s, s=s)
    account.want(1, s=2)
    account.run()
    assert verdicts(account)[-1] == (2, "DAILY_TRADES")
    assert account.account["trades_today"] == 2
    account.run()  # another day
    assert verdicts(account)[-1] == (2, "PASSED")
    assert account.account["trades_today"] == 1


def test_an_order_counts_for_the_session_in_which_it_fills(trial: Trial, rules: Rules) -> None:
    account = trial(5, n_symbols=3, rules=rules(limits={"daily_trades": 1}))
    account.session[:] = (0, 0, 1, 1, 2)
    account.want(0, s=0)  # fills in session 0
    account.want(1, s=1)  # decided in session 0, fills in session 1
    account.want(2, s=2)  # decided and filled in session 1, which has had its trade
    account.run(3)
    assert verdicts(account) == [(0, "PASSED"), (1, "PASSED"), (2, "DAILY_TRADES")]


def test_an_enlargement_is_a_trade_and_a_reduction_is_none(trial: Trial) -> None:
    account = trial(6, n_strategies=2)
    account.session[:] = 0
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    account.weigh(0.5, 0.5)
    account.run()
    assert account.account["trades_today"] == 2
    account.weigh(0.25, 0.75)
    account.run()
    account.weigh(0.0, 1.0)
    account.run()
    assert account.account["trades_today"] == 2
    assert len(account.fills) == 4


def test_a_buffer_of_cash_is_never_invested(trial: Trial, rules: Rules) -> None:
    lavish = rules(limits={"cash_buffer": 0.05}, sizing={"position_cap": 1.0})
    account = trial(3, n_symbols=2, rules=lavish)
    account.stop[:] = 0.015625  # wants 64 % of equity
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert verdicts(account) == [(0, "PASSED"), (1, "CLIPPED")]
    assert account.positions["units"].tolist() == pytest.approx([640.0, 310.0])
    assert account.account["cash"] == pytest.approx(5_000.0)


def test_the_share_of_cash_is_real_cash(trial: Trial, rules: Rules) -> None:
    lavish = rules(limits={"cash_buffer": 0.05}, sizing={"position_cap": 1.0})
    account = trial(3, n_symbols=3, rules=lavish)
    account.stop[:] = 0.015625
    for s in range(3):
        account.want(0, 0.03 - 0.01 * s, s=s)
    account.weigh(0.6, cash=0.4)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([384.0, 216.0])
    assert account.account["cash"] == pytest.approx(40_000.0)
    assert verdicts(account)[-1] == (2, "CAPITAL")


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("cash", "held"), [(0.5, 0.5), (0.9, 0.1), (0.97, 0.03), (0.2, 0.95)])
def test_what_is_held_makes_way_for_the_share_of_cash(
    trial: Trial, rules: Rules, side: float, cash: float, held: float
) -> None:
    """One of six strategies has all the weight there is; a fifth of cash lies within the band."""
    usual = rules(sizing={"position_cap": 0.1}, limits={"cash_buffer": 0.05})
    account = trial(4, n_symbols=10, n_strategies=6, rules=usual)
    for s in range(10):
        account.want(0, 0.01 * side, s=s)
    account.weigh(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    account.run()
    assert account.account["gross"] / account.equity == pytest.approx(0.95)
    account.weigh(1.0 - cash, 0.0, 0.0, 0.0, 0.0, 0.0, cash=cash)
    account.run()
    assert account.account["gross"] / account.equity == pytest.approx(held, rel=1e-3)
    account.run()
    assert account.account["gross"] / account.equity == pytest.approx(held, rel=1e-3)


@pytest.mark.parametrize(
    ("cash", "units"),
    [
        (0.2, [640.0, -160.0]),  # all of the 80,000 may be tied up
        (0.4, [640.0, -160.0]),  # 60,000: a quarter too much, which is not beyond the band
        (0.5, [400.0, -100.0]),
        (0.6, [320.0, -80.0]),
        (1.0, []),
    ],
)
def test_more_cash_trims_longs_and_shorts_by_the_same_share(
    trial: Trial, rules: Rules, cash: float, units: list[float]
) -> None:
    account = trial(4, n_symbols=2, n_strategies=2, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[0, 0] = (0.015625, 0.0625)
    account.want(0, 0.02, s=0)
    account.want(0, -0.01, s=1)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.positions["units"].tolist() == [640.0, -160.0]
    account.weigh(0.5, 0.0, cash=cash)
    account.run()
    assert account.positions["units"].tolist() == units
    assert set(account.fills["reason"][2:].tolist()) <= {Exit.WEIGHT}


def test_nothing_is_enlarged_into_the_share_of_cash(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_symbols=2, n_strategies=2, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[:] = 0.03125  # a standard risk buys 32 %
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.weigh(0.25, 0.75)
    account.run()
    assert account.positions["units"].tolist() == [160.0, 160.0]
    account.weigh(0.75, 0.0, cash=0.25)  # asks for 48 % each
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([270.0, 480.0])
    assert account.account["cash"] == pytest.approx(25_000.0)


def test_short_positions_use_up_capital_too(trial: Trial, rules: Rules) -> None:
    account = trial(3, n_symbols=2, rules=rules(sizing={"position_cap": 1.0}))
    account.stop[:] = 0.015625
    account.want(0, -0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([-640.0, 360.0])


def test_a_symbol_that_is_held_is_not_bought_again(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0, k=0)
    account.run()
    account.want(1, k=1)
    account.run()
    assert verdicts(account) == [(0, "PASSED"), (0, "DUPLICATE")]
    assert account.positions["units"].tolist() == [80.0]


def test_the_opposite_of_what_is_held_is_a_duplicate_too(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0, k=0)
    account.run()
    account.want(1, -0.01, k=1)
    account.run()
    assert verdicts(account)[-1] == (0, "DUPLICATE")
    assert account.positions["units"].tolist() == [80.0]


def test_a_symbol_without_a_price_at_the_fill_is_not_traded(trial: Trial) -> None:
    account = trial(4, n_symbols=2)
    for name in ("open", "high", "low", "close"):
        account.shape(1, s=0, **{name: np.nan})
    account.want(0, 0.02, s=0)
    account.want(0, 0.01, s=1)
    account.run()
    assert verdicts(account) == [(0, "NOT_TRADABLE"), (1, "PASSED")]
    assert account.positions["symbol"].tolist() == [1]
    assert account.equity == 100_000.0


def test_nothing_is_opened_in_an_unknown_regime(trial: Trial) -> None:
    account = trial(4)
    account.regime[0] = -1
    account.want(0)
    account.want(1)
    account.run(2)
    assert verdicts(account) == [(0, "UNKNOWN_REGIME"), (0, "PASSED")]


def test_nothing_is_enlarged_in_an_unknown_regime(trial: Trial) -> None:
    account = trial(5, n_strategies=2)
    account.regime[1] = -1
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    account.weigh(0.5, 0.5)
    account.run()
    assert account.positions["units"].tolist() == [40.0]
    account.run()
    assert account.positions["units"].tolist() == [80.0]


def test_nothing_is_enlarged_without_a_price_at_the_decision(trial: Trial) -> None:
    account = trial(6, n_strategies=2)
    account.want(0)
    account.weigh(0.25, 0.75)
    for name in ("open", "high", "low", "close"):
        account.shape(2, **{name: np.nan})
    account.facts["age"][2] = 1.0
    account.run(2)
    account.weigh(0.5, 0.5)
    account.run()
    assert account.positions["units"].tolist() == [40.0]
    assert account.decisions["verdict"].tolist() == [Verdict.PASSED, Verdict.STALE]
    account.run()
    assert account.positions["units"].tolist() == [80.0]


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize("bad", [NAN, INF, 0.0, -1.0, 1.0])
def test_a_stop_that_is_no_fraction_opens_nothing(trial: Trial, bad: float) -> None:
    account = trial(3)
    account.stop[0] = bad
    account.want(0)
    account.run()
    assert verdicts(account) == [(0, "BAD_NUMBER")]
    assert account.equity == 100_000.0


@pytest.mark.parametrize("bad", [NAN, INF, 0.0, -1.0])
def test_a_close_that_is_no_price_opens_nothing(trial: Trial, bad: float) -> None:
    account = trial(3)
    account.shape(0, close=bad)
    account.want(0)
    account.run()
    assert verdicts(account) == [(0, "BAD_NUMBER")]
    assert account.equity == 100_000.0


@pytest.mark.parametrize("bad", [NAN, INF, 0.0, -1.0])
def test_an_open_that_is_no_price_fills_nothing(trial: Trial, bad: float) -> None:
    account = trial(3)
    account.shape(1, open=bad)
    account.want(0)
    account.run()
    assert verdicts(account) == [(0, "NOT_TRADABLE")]


def test_a_value_or_a_weight_that_is_no_number_never_wins(trial: Trial) -> None:
    account = trial(4, n_symbols=2, n_strategies=2)
    account.want(0, NAN, k=0, s=0)
    account.want(0, 0.01, k=1, s=1)
    account.run()
    assert verdicts(account) == [(1, "PASSED")]
    account.weigh(NAN, 0.5)
    account.want(1, 0.01, k=0, s=0)
    account.run()
    assert account.positions["symbol"].tolist() == [1]


def test_an_equity_that_is_no_number_halts_the_account(trial: Trial) -> None:
    account = trial(4)
    account.run()
    account.account["equity"] = NAN
    account.want(1)
    account.run()
    assert verdicts(account) == [(0, "HALTED")]
    # Each breaker alone would have halted it.
    assert account.account["day_halted"] == 1
    assert account.account["drawdown_state"] == Breaker.DRAWDOWN


def test_a_winner_below_the_smallest_order_is_too_small(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(sizing={"smallest_order": 8_001.0}))
    account.want(0)
    account.run()
    assert verdicts(account) == [(0, "TOO_SMALL")]


def test_a_poor_account_may_lose_only_so_much_at_all_its_stops(trial: Trial, rules: Rules) -> None:
    poor = rules(capital=20_000.0, poor={"below": 25_000.0}, sizing={"smallest_order": 1.0})
    account = trial(5, n_symbols=4, rules=poor)
    for s in range(4):
        account.want(0, 0.04 - 0.01 * s, s=s)
    account.run()
    assert verdicts(account) == [
        (0, "PASSED"),  # 0.7 %
        (1, "PASSED"),  # 0.7 %
        (2, "CLIPPED"),  # 0.1 % is left of 1.5 %
        (3, "OPEN_RISK"),
    ]
    at_risk = (account.positions["units"] * 12.5).sum()
    assert at_risk == pytest.approx(0.015 * 20_000.0)


def test_a_poor_account_enlarges_no_further_than_its_open_risk(trial: Trial, rules: Rules) -> None:
    poor = rules(capital=20_000.0, poor={"below": 25_000.0, "open_risk": 0.01})
    account = trial(4, n_strategies=4, rules=poor)
    account.want(0)
    account.weigh(0.25, 0.25, 0.25, 0.25)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([11.2])
    account.weigh(0.75, 0.25, 0.0, 0.0)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([16.0])  # 200 at risk


def test_allowed_and_wanted_are_written_as_fractions_of_equity(trial: Trial, rules: Rules) -> None:
    tight = rules(limits={"cash_buffer": 0.96})
    account = trial(3, rules=tight)
    account.want(0, -0.01)
    account.run()
    (decision,) = account.decisions
    assert Verdict(decision["verdict"]) is Verdict.CLIPPED
    assert decision["wanted"] == pytest.approx(-0.08)
    assert decision["allowed"] == pytest.approx(-0.04)
    assert (decision["bar"], decision["symbol"], decision["strategy"]) == (0, 0, 0)
