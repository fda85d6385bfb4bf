"""A position that would grow asks the same gates and rooms, but for those of a new one."""

from typing import Any

import numpy as np
import pytest

from tests.envs.desk.answers import (
    INF,
    NAN,
    QUANTILE,
    SIGMA,
    Change,
    Rules,
    Trial,
    answers,
    verdicts,
)


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


def test_a_symbol_without_a_price_at_the_close_is_enlarged_at_its_last_one(
    trial: Trial, rules: Rules
) -> None:
    account = trial(5, n_strategies=2, rules=rules(gates={"age": 1.0}))
    account.want(0)
    account.weigh(0.25, 0.75)
    account.shape(2, open=NAN, high=NAN, low=NAN, close=NAN)
    account.facts["age"][2, 0] = 1.0
    account.run(2)
    account.desk.rules["limits_cash_buffer"] = 0.95
    account.desk.rules["costs_commission_per_unit"] = 0.5
    account.weigh(0.5, 0.5)
    account.run()
    # 1,000 are left beside the 4,000 held, and 10 units at the last price of 100 would cost 5.
    assert answers(account) == [("PASSED", "PASSED"), ("CLIPPED", "CAPITAL")]
    assert account.decisions["allowed"][1] == pytest.approx(0.00995)
    assert account.positions["units"].tolist() == pytest.approx([49.95])
