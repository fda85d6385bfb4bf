"""When a position leaves, and where its stop stands.

The trial account buys 80 at 100 with a stop at 87.5.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]


@pytest.fixture
def long(trial: Trial) -> Any:  # noqa: ANN401
    """An account that bought at the open of bar 1 and stands at its close."""
    account = trial(40)
    account.want(0)
    account.run()
    return account


@pytest.fixture
def short(trial: Trial) -> Any:  # noqa: ANN401
    """An account that sold short at the open of bar 1 and stands at its close."""
    account = trial(40)
    account.want(0, -0.01)
    account.run()
    return account


def the_trade(account: Any) -> tuple[int, float, str]:  # noqa: ANN401
    """Return the bar, the price and the reason of the only exit."""
    (trade,) = account.trades
    return int(trade["closed"]), float(trade["exit_price"]), Exit(int(trade["reason"])).name


def test_a_stop_inside_the_bar_fills_at_the_stop(long: Any) -> None:  # noqa: ANN401
    long.shape(2, low=87.0, close=99.0)
    long.run()
    assert the_trade(long) == (2, 87.5, "STOP")
    assert long.equity == 99_000.0


def test_a_stop_is_hit_when_the_range_just_touches_it(long: Any) -> None:  # noqa: ANN401
    long.shape(2, low=87.5)
    long.run()
    assert the_trade(long) == (2, 87.5, "STOP")


def test_a_stop_is_not_hit_a_cent_above_it(long: Any) -> None:  # noqa: ANN401
    long.shape(2, low=87.51)
    long.run()
    assert not long.trades.size


def test_a_gap_through_the_stop_fills_at_the_open(long: Any) -> None:  # noqa: ANN401
    long.shape(2, open=80.0, low=79.0, close=85.0)
    long.run()
    assert the_trade(long) == (2, 80.0, "STOP")
    assert long.equity == 98_400.0


def test_a_stop_may_be_hit_in_the_bar_that_filled_the_order(trial: Trial) -> None:
    account = trial(3)
    account.want(0)
    account.shape(1, low=80.0)
    account.run()
    assert the_trade(account) == (1, 87.5, "STOP")


def test_a_stop_is_measured_from_the_fill_and_not_from_the_decision(trial: Trial) -> None:
    account = trial(3)
    account.want(0)
    account.move(1, 104.0)
    account.run()
    assert account.positions["stop"].tolist() == [91.0]


def test_a_short_stop_lies_above_and_fills_at_the_open_after_a_gap(short: Any) -> None:  # noqa: ANN401
    assert short.positions["stop"].tolist() == [112.5]
    short.shape(2, high=112.5)
    short.run()
    assert the_trade(short) == (2, 112.5, "STOP")
    assert short.equity == 99_000.0


def test_a_short_position_that_gaps_through_its_stop_fills_at_the_open(short: Any) -> None:  # noqa: ANN401
    short.shape(2, open=120.0, high=121.0, close=119.0)
    short.run()
    assert the_trade(short) == (2, 120.0, "STOP")


def test_a_stop_fills_at_the_close_in_a_market_of_closes(long: Any) -> None:  # noqa: ANN401
    long.move(2, 86.0)
    long.run()
    assert the_trade(long) == (2, 86.0, "STOP")


def test_a_trailing_stop_follows_the_best_price_and_never_moves_back(long: Any) -> None:  # noqa: ANN401
    stops = []
    for t, high in ((2, 106.0), (3, 120.0), (4, 110.0), (5, 104.0)):
        long.shape(t, open=102.0, high=high, low=102.0, close=102.0)
        long.run()
        stops.append(float(long.positions["stop"][0]))
    assert stops == [87.5, 101.25, 101.25, 101.25]  # 1.5 × 12.5 behind 120


def test_a_trailing_stop_that_is_hit_says_so(long: Any) -> None:  # noqa: ANN401
    long.shape(2, high=130.0, close=125.0)
    long.shape(3, open=120.0, low=111.0, high=120.0, close=119.0)
    long.run(2)
    assert the_trade(long) == (3, 111.25, "TRAILING_STOP")


def test_a_bar_is_judged_by_the_stop_that_was_fixed_before_it(long: Any) -> None:  # noqa: ANN401
    long.shape(2, high=130.0, low=88.0, close=100.0)  # its own high would put the stop at 111.25
    long.run()
    assert not long.trades.size
    assert long.positions["stop"].tolist() == [111.25]


def test_a_short_trailing_stop_follows_downwards(short: Any) -> None:  # noqa: ANN401
    short.shape(2, low=80.0, close=85.0, open=90.0, high=90.0)
    short.shape(3, low=84.0, close=90.0, open=85.0, high=95.0)
    short.run(2)
    assert short.positions["stop"].tolist() == [98.75]
    short.shape(4, high=98.75, open=90.0, low=90.0, close=92.0)
    short.run()
    assert the_trade(short) == (4, 98.75, "TRAILING_STOP")


@pytest.mark.parametrize("n_bars", [1, 2, 5])
def test_a_time_stop_closes_after_so_many_bars(trial: Trial, rules: Rules, n_bars: int) -> None:
    account = trial(9, rules=rules(exits={"time_stop": n_bars}))
    account.want(0)
    account.run(n_bars + 1)
    assert the_trade(account) == (1 + n_bars, 100.0, "TIME")


def test_after_a_time_stop_the_same_side_waits_for_the_next_close(
    trial: Trial, rules: Rules
) -> None:
    account = trial(9, rules=rules(exits={"time_stop": 2}))
    for t in range(8):
        account.want(t)
    account.run(4)
    assert account.trades["closed"].tolist() == [3]
    assert account.positions["opened"].tolist() == [4]


def test_a_reversal_closes_at_the_next_open(long: Any) -> None:  # noqa: ANN401
    long.want(1, -1e-6)
    long.desk.rules["limits_allow_short"] = 0
    long.shape(2, open=101.0, high=101.0)
    long.run()
    assert the_trade(long) == (2, 101.0, "REVERSAL")
    assert not long.positions.size


def test_an_opinion_that_merely_ends_keeps_the_position(long: Any) -> None:  # noqa: ANN401
    long.run(5)
    assert long.positions["units"].tolist() == [80.0]


def test_the_opinion_of_another_strategy_reverses_nothing(trial: Trial) -> None:
    account = trial(4, n_strategies=2)
    account.want(0, k=0)
    account.want(1, -0.01, k=1)
    account.run(2)
    assert account.positions["strategy"].tolist() == [0]


def test_an_exit_waits_for_a_price(long: Any) -> None:  # noqa: ANN401
    for name in ("open", "high", "low", "close"):
        long.shape(2, **{name: np.nan})
    long.want(1, -0.01)
    long.want(2, -0.01)
    long.run()
    assert long.positions["units"].tolist() == [80.0]
    assert long.equity == 100_000.0
    long.run()
    assert the_trade(long) == (3, 100.0, "REVERSAL")


def test_a_symbol_without_a_price_for_too_long_is_closed_at_its_last_one(long: Any) -> None:  # noqa: ANN401
    long.shape(1, close=95.0)
    long.positions["last_price"] = 95.0
    for name in ("open", "high", "low", "close"):
        long.bars[name][2:, 0] = np.nan
    long.run(10)
    assert long.positions["missing"].tolist() == [10]
    long.run()
    assert the_trade(long) == (12, 95.0, "DELISTED")
    assert long.equity == 100_000.0 - 400.0
    assert long.account["gross"] == 0.0


def test_a_price_that_comes_back_forgets_the_bars_without_one(long: Any) -> None:  # noqa: ANN401
    for name in ("open", "high", "low", "close"):
        long.bars[name][2:12, 0] = np.nan
        long.bars[name][13:18, 0] = np.nan
    long.run(16)
    assert long.positions["units"].tolist() == [80.0]
    assert long.positions["missing"].tolist() == [5]


def test_the_last_position_moves_into_the_slot_of_one_that_left(trial: Trial) -> None:
    account = trial(5, n_symbols=3)
    for s in range(3):
        account.want(0, 0.03 - 0.01 * s, s=s)
    account.shape(2, s=0, low=87.0)
    account.run(2)
    assert account.positions["symbol"].tolist() == [2, 1]
    assert account.trades["symbol"].tolist() == [0]
    account.shape(3, s=1, low=87.0)
    account.shape(3, s=2, low=87.0)
    account.run()
    assert not account.positions.size
    assert sorted(account.trades["symbol"].tolist()) == [0, 1, 2]
