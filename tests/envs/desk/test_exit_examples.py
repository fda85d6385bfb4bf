"""Targets, partial exits, ticks, diamonds and exits that find no room, by numbers.

The trial account buys 80 at 100 with a stop at 87.5: the distance is 12.5. A short is the mirror
image, with its stop at 112.5.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.market import market_from_prices
from benbot.envs.signals import Signals

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

NAN = np.nan
TARGET = {"target": 2.0}  # at 125, or 75 for a short
PARTIAL = {"partial": 1.0, "partial_share": 0.5}  # at 112.5, or 87.5


def holding(trial: Trial, rules: DeskRules, side: float = 1.0, n_bars: int = 12) -> Any:  # noqa: ANN401
    """Return an account that opened at bar 1 and stands at its close."""
    account = trial(n_bars, rules=rules)
    account.want(0, 0.01 * side)
    account.run()
    return account


def exits(account: Any) -> list[tuple[int, float, float, str]]:  # noqa: ANN401
    """Return bar, units, price and reason of everything that was closed."""
    left = account.fills[account.fills["reason"] != Exit.NONE]
    return [
        (int(f["bar"]), float(f["units"]), float(f["price"]), Exit(int(f["reason"])).name)
        for f in left
    ]


# Targets.


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({"high": 124.99}, []),
        ({"high": 125.0}, [(2, -80.0, 125.0, "TARGET")]),
        ({"high": 140.0}, [(2, -80.0, 125.0, "TARGET")]),
        ({"open": 130.0, "high": 131.0}, [(2, -80.0, 130.0, "TARGET")]),  # a gap above it
        ({"high": 140.0, "low": 87.5}, [(2, -80.0, 87.5, "STOP")]),  # the bad one comes first
    ],
)
def test_a_target_is_taken_where_the_range_reaches_it(
    trial: Trial, rules: Rules, prices: dict[str, float], expected: list[Any]
) -> None:
    account = holding(trial, rules(exits=TARGET))
    assert account.positions["target"].tolist() == [125.0]
    account.shape(2, **prices)
    account.run()
    assert exits(account) == expected


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ({"low": 75.01}, []),
        ({"low": 75.0}, [(2, 80.0, 75.0, "TARGET")]),
        ({"open": 70.0, "low": 69.0}, [(2, 80.0, 70.0, "TARGET")]),
        ({"low": 60.0, "high": 112.5}, [(2, 80.0, 112.5, "STOP")]),
    ],
)
def test_the_target_of_a_short_lies_below(
    trial: Trial, rules: Rules, prices: dict[str, float], expected: list[Any]
) -> None:
    account = holding(trial, rules(exits=TARGET), side=-1.0)
    assert account.positions["target"].tolist() == [75.0]
    account.shape(2, **prices)
    account.run()
    assert exits(account) == expected


def test_a_target_may_be_taken_in_the_bar_that_filled_the_order(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(exits=TARGET))
    account.want(0)
    account.shape(1, high=126.0)
    account.run()
    assert exits(account) == [(1, -80.0, 125.0, "TARGET")]
    assert account.equity == 102_000.0  # 80 × 25


def test_a_target_is_measured_from_the_fill(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(exits=TARGET | PARTIAL))
    account.want(0)
    account.move(1, 104.0)  # the distance is 13
    account.run()
    assert account.positions["target"].tolist() == [130.0]
    assert account.positions["partial"].tolist() == [117.0]


# Partial exits.


def test_at_the_first_target_a_share_is_sold_and_the_stop_goes_to_break_even(
    trial: Trial, rules: Rules
) -> None:
    account = holding(trial, rules(exits={"partial": 1.0, "partial_share": 0.25}))
    account.move(2, 110.0)
    account.shape(2, low=101.0, high=113.0)
    account.run()
    assert exits(account) == [(2, -20.0, 112.5, "PARTIAL")]
    (position,) = account.positions
    assert position["units"] == 60.0
    assert position["stop"] == 100.0  # 113 less 18.75 is lower
    assert position["initial_stop"] == 87.5
    assert position["base_units"] == 60.0
    assert position["partial_done"] == 1
    assert position["partial"] == 0.0
    account.move(3, 113.0)  # is not taken twice, and its weight does not buy back what was sold
    account.run(4)
    assert len(account.fills) == 2


@pytest.mark.parametrize(
    ("side", "prices", "expected"),
    [
        (1.0, {"high": 112.49, "low": 101.0}, []),
        (1.0, {"high": 112.5, "low": 101.0}, [(2, -40.0, 112.5, "PARTIAL")]),
        (-1.0, {"low": 87.51, "high": 99.0}, []),
        (-1.0, {"low": 87.5, "high": 99.0}, [(2, 40.0, 87.5, "PARTIAL")]),
    ],
)
def test_the_first_target_is_taken_where_the_range_just_reaches_it(
    trial: Trial, rules: Rules, side: float, prices: dict[str, float], expected: list[Any]
) -> None:
    account = holding(trial, rules(exits=PARTIAL), side)
    account.move(2, 100.0 + 5.0 * side)
    account.shape(2, **prices)
    account.run()
    assert exits(account) == expected


@pytest.mark.parametrize(
    ("prices", "price"),
    [({"low": 100.0}, 100.0), ({"open": 98.0, "low": 97.0}, 98.0)],
)
def test_what_is_left_after_a_partial_exit_breaks_even(
    trial: Trial, rules: Rules, prices: dict[str, float], price: float
) -> None:
    account = holding(trial, rules(exits=PARTIAL))
    account.move(2, 110.0)
    account.shape(2, low=101.0, high=113.0)
    account.shape(3, **prices)
    account.run(2)
    assert exits(account) == [(2, -40.0, 112.5, "PARTIAL"), (3, -40.0, price, "BREAK_EVEN")]
    assert account.equity == 100_000.0 + 40.0 * 12.5 + 40.0 * (price - 100.0)


def test_a_bar_that_reaches_the_first_target_and_the_entry_price_does_both(
    trial: Trial, rules: Rules
) -> None:
    account = holding(trial, rules(exits=PARTIAL))
    account.shape(2, low=100.0, high=113.0)
    account.run()
    assert exits(account) == [(2, -40.0, 112.5, "PARTIAL"), (2, -40.0, 100.0, "BREAK_EVEN")]


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (
            {"low": 101.0, "high": 126.0},
            [(2, -40.0, 112.5, "PARTIAL"), (2, -40.0, 125.0, "TARGET")],
        ),
        (
            {"open": 118.0, "low": 117.0, "high": 126.0},
            [(2, -40.0, 118.0, "PARTIAL"), (2, -40.0, 125.0, "TARGET")],
        ),
        (
            {"open": 130.0, "low": 129.0, "high": 131.0},
            [(2, -40.0, 130.0, "PARTIAL"), (2, -40.0, 130.0, "TARGET")],
        ),
        # Back at the entry price comes before the target, and the stop before everything.
        (
            {"low": 99.0, "high": 126.0},
            [(2, -40.0, 112.5, "PARTIAL"), (2, -40.0, 100.0, "BREAK_EVEN")],
        ),
        ({"low": 87.0, "high": 126.0}, [(2, -80.0, 87.5, "STOP")]),
    ],
)
def test_both_targets_in_one_bar(
    trial: Trial, rules: Rules, prices: dict[str, float], expected: list[Any]
) -> None:
    account = holding(trial, rules(exits=TARGET | PARTIAL))
    account.shape(2, **prices)
    account.run()
    assert exits(account) == expected
    assert len(account.trades) == 1


def test_a_short_takes_its_first_target_below(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=PARTIAL), side=-1.0)
    account.move(2, 90.0)
    account.shape(2, low=87.0, high=99.0)
    account.shape(3, high=100.0)
    account.run()
    assert account.positions["units"].tolist() == [-40.0]
    assert account.positions["base_units"].tolist() == [40.0]
    assert account.positions["stop"].tolist() == [100.0]
    account.run()
    assert exits(account) == [(2, 40.0, 87.5, "PARTIAL"), (3, 40.0, 100.0, "BREAK_EVEN")]


def test_a_stop_that_trailed_beyond_the_entry_price_stays_there(trial: Trial, rules: Rules) -> None:
    close_by = rules(exits=PARTIAL | {"trailing_multiple": 0.5})
    account = holding(trial, close_by)
    account.move(2, 110.0)
    account.shape(2, low=101.0)  # the stop trails to 110 − 6.25
    account.run()
    assert account.positions["stop"].tolist() == [103.75]
    account.shape(3, high=112.5, low=104.0)
    account.run()
    assert account.positions["stop"].tolist() == [106.25]  # 112.5 − 6.25, after the partial exit
    account.shape(4, low=106.0)
    account.run()
    assert exits(account) == [(3, -40.0, 112.5, "PARTIAL"), (4, -40.0, 106.25, "TRAILING_STOP")]


def test_a_partial_exit_below_one_lot_is_none(trial: Trial, rules: Rules) -> None:
    lots = rules(exits={"partial": 1.0, "partial_share": 0.1}, execution={"lot": 10.0})
    account = holding(trial, lots)  # a tenth are 8
    account.shape(2, high=113.0)
    account.run()
    assert exits(account) == []
    assert account.positions["stop"].tolist() == [94.25]  # trails, and nothing breaks even
    assert account.positions["partial"].tolist() == [112.5]


# Diamonds.


@pytest.mark.parametrize(("is_diamond", "expected"), [(1, (3, "DIAMOND")), (0, (5, "TIME"))])
def test_a_diamond_has_less_time(
    trial: Trial, rules: Rules, is_diamond: int, expected: tuple[int, str]
) -> None:
    account = trial(12, rules=rules(exits={"diamond_time_stop": 2, "time_stop": 4}))
    account.sizing["diamond"][0, 0] = (
        is_diamond  # of the decision; what comes later changes nothing
    )
    account.sizing["diamond"][1:, 0] = 1 - is_diamond
    account.want(0)
    account.run(8)
    assert [(bar, reason) for bar, _, _, reason in exits(account)] == [expected]


def test_of_both_time_stops_in_one_bar_that_of_the_diamond_is_named(
    trial: Trial, rules: Rules
) -> None:
    account = trial(6, rules=rules(exits={"diamond_time_stop": 2, "time_stop": 2}))
    account.sizing["diamond"] = 1
    account.want(0)
    account.run(3)
    assert exits(account) == [(3, -100.0, 100.0, "DIAMOND")]  # twice the risk, at the cap


# Ticks.


@pytest.mark.parametrize(
    ("side", "stop", "target", "partial"),
    [(1.0, 88.0, 119.0, 113.0), (-1.0, 112.0, 81.0, 87.0)],
)
def test_a_first_stop_is_rounded_towards_the_fill_and_targets_away_from_it(
    trial: Trial, rules: Rules, side: float, stop: float, target: float, partial: float
) -> None:
    """Unrounded they are 87.5, 118.75 and 112.5, or their mirror images."""
    ticks = rules(execution={"tick": 1.0}, exits={"target": 1.5, "partial": 1.0})
    account = holding(trial, ticks, side)
    (position,) = account.positions
    assert (position["stop"], position["initial_stop"]) == (stop, stop)
    assert (position["target"], position["partial"]) == (target, partial)
    assert position["distance"] == 12.5


@pytest.mark.parametrize(("side", "best", "stop"), [(1.0, 120.0, 101.0), (-1.0, 80.0, 99.0)])
def test_a_trailed_stop_is_rounded_away_from_the_best_price(
    trial: Trial, rules: Rules, side: float, best: float, stop: float
) -> None:
    account = holding(trial, rules(execution={"tick": 1.0}), side)
    middle = 100.0 + side * 5.0
    account.shape(2, open=middle, close=middle, low=min(middle, best), high=max(middle, best))
    account.run()
    assert account.positions["stop"].tolist() == [stop]  # 18.75 behind is 101.25, or 98.75


@pytest.mark.parametrize(("side", "stop"), [(1.0, 80.0), (-1.0, 120.0)])
def test_a_stop_that_would_reach_the_fill_lies_one_tick_farther(
    trial: Trial, rules: Rules, side: float, stop: float
) -> None:
    account = holding(trial, rules(execution={"tick": 20.0}), side)
    assert account.positions["stop"].tolist() == [stop]


def test_prices_below_one_have_a_hundredth_of_the_tick(trial: Trial, rules: Rules) -> None:
    account = trial(3, rules=rules(execution={"tick": 0.01}, exits={"partial": 1.5, "target": 4.0}))
    account.move(0, 0.81)
    account.want(0)
    account.run()
    (position,) = account.positions
    assert position["stop"] == pytest.approx(0.7088)  # 0.70875
    assert position["partial"] == pytest.approx(0.9619)  # 0.961875
    assert position["target"] == pytest.approx(1.22)  # 1.215, which is above 1


def test_a_price_that_is_a_multiple_of_the_tick_stays(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(execution={"tick": 0.1}, exits=TARGET))
    assert account.positions["stop"].tolist() == pytest.approx([87.5], rel=1e-12)
    assert account.positions["target"].tolist() == pytest.approx([125.0], rel=1e-12)


# Room to fill.


@pytest.mark.parametrize("room", [0.0, 3_000.0])
def test_an_exit_that_finds_no_room_leaves_its_rest_with_all_its_prices(
    trial: Trial, rules: Rules, room: float
) -> None:
    patient = rules(exits=TARGET, sizing={"no_trade_band": 0.9})  # or its weight would buy it back
    account = holding(trial, patient)
    account.bars["room"][2, 0] = room
    account.shape(2, low=80.0, high=110.0, close=86.0)
    account.shape(3, open=85.0, low=84.0, close=84.0)
    before = account.positions[0].copy()
    account.run()
    sold = room / 87.5  # at the stop
    (position,) = account.positions
    assert position["units"] == pytest.approx(80.0 - sold)
    assert position["last_price"] == 86.0
    for name in ("stop", "initial_stop", "best", "target", "entry_price"):
        assert position[name] == before[name]
    assert position["base_units"] == pytest.approx(80.0 - sold)
    account.run()  # the next bar opens below the stop
    assert exits(account)[-1] == (3, pytest.approx(sold - 80.0), 85.0, "STOP")
    (trade,) = account.trades
    assert trade["exit_price"] == 85.0
    assert trade["profit"] == pytest.approx(-12.5 * sold - 15.0 * (80.0 - sold))


def test_an_exit_of_the_close_that_finds_no_room_is_decided_anew(
    trial: Trial, rules: Rules
) -> None:
    account = holding(trial, rules())
    account.bars["room"][2, 0] = 3_000.0
    account.want(1, -1e-25)  # wants out, and nothing else
    account.run(3)
    assert exits(account) == [(2, -30.0, 100.0, "REVERSAL")]
    # Nobody wants out any more: what is left stays, and its weight does not buy back the rest.
    assert account.positions["units"].tolist() == [50.0]


def test_a_time_stop_that_finds_no_room_goes_on(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits={"time_stop": 2}))
    account.bars["room"][3:5, 0] = 3_000.0
    account.run(4)
    assert exits(account) == [
        (3, -30.0, 100.0, "TIME"),
        (4, -30.0, 100.0, "TIME"),
        (5, -20.0, 100.0, "TIME"),
    ]


def test_a_halted_symbol_cannot_be_left(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules())
    account.bars["room"][2:4, 0] = 0.0
    account.shape(2, low=80.0, close=90.0)
    account.want(2, -0.01)
    account.run(2)
    assert exits(account) == []
    assert account.positions["units"].tolist() == [80.0]
    account.want(3, -0.01)
    account.run()
    assert exits(account) == [(4, -80.0, 100.0, "REVERSAL")]


def test_a_target_that_finds_no_room_moves_no_stop(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=TARGET))
    account.bars["room"][2, 0] = 1_250.0
    account.shape(2, high=130.0, close=126.0)
    account.run()
    assert exits(account) == [(2, -10.0, 125.0, "TARGET")]
    (position,) = account.positions
    assert (position["stop"], position["best"], position["last_price"]) == (87.5, 100.0, 126.0)


def test_a_partial_exit_that_finds_some_room_is_taken(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=PARTIAL))
    account.bars["room"][2, 0] = 1_125.0  # 10 units at 112.5
    account.move(2, 110.0)
    account.shape(2, low=101.0, high=113.0)
    account.run()
    assert exits(account) == [(2, -10.0, 112.5, "PARTIAL")]
    (position,) = account.positions
    assert (position["stop"], position["partial_done"]) == (100.0, 1)
    assert position["base_units"] == pytest.approx(70.0)


def test_a_partial_exit_that_finds_no_room_lets_the_stop_trail(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules(exits=PARTIAL))
    account.bars["room"][2, 0] = 0.0
    account.shape(2, high=113.0)
    account.run()
    assert exits(account) == []
    (position,) = account.positions
    assert (position["stop"], position["partial_done"]) == (94.25, 0)  # 113 − 18.75
    assert position["partial"] == 112.5


def test_a_symbol_that_is_gone_needs_no_room(trial: Trial, rules: Rules) -> None:
    gone = np.array([1.0, 1.0, NAN, NAN, NAN])[:, None]
    market = market_from_prices(
        np.arange(5).astype("datetime64[D]"),
        ("A",),
        {"close": 100.0 * gone, "volume": 1e6 * gone, "halted": np.isnan(gone)},
    )
    shape = (5, 1, 1)
    signals = Signals(("k",), (0,), np.ones(shape, np.int8), np.ones(shape), np.full(shape, 0.125))
    prompt = rules(exits={"delisted_after": 1}, costs={"participation": 1e-3})
    account = trial(5, rules=prompt)
    account.bars[:] = blank_tape(market, signals, account.regime, prompt).bars
    account.bars["impact"] = account.bars["half_spread"] = 0.0
    account.want(0)
    account.run(3)
    assert exits(account) == [(3, -80.0, 100.0, "DELISTED")]
    assert account.equity == 100_000.0


def test_a_room_that_is_not_a_number_fills_nothing(trial: Trial, rules: Rules) -> None:
    account = holding(trial, rules())
    account.bars["room"][2, 0] = np.nan
    account.shape(2, low=80.0, close=90.0)
    account.run()
    assert exits(account) == []
    assert account.positions["units"].tolist() == [80.0]
    assert account.account["cash"] == 92_000.0
