"""Sections 7 and 11: exits."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit
from tests.reference.scenes import FLAT, GONE, market_of, rules_of, story_of, wants


def test_a_stop_that_is_gapped_through_fills_at_the_open() -> None:
    story = story_of(market_of([FLAT, FLAT, (85.0, 95.0, 80.0, 95.0)]))
    (trade,) = story.trades
    assert (trade.exit_price, trade.reason, trade.profit) == (85.0, Exit.STOP, -1_500.0)
    assert story.equity[2] == 98_500.0


def test_a_stop_of_a_short_is_above() -> None:
    market = market_of([FLAT, (100.0, 114.0, 99.0, 100.0)])
    (trade,) = story_of(market, signals=wants(market, [-1])).trades
    assert trade.exit_price == pytest.approx(112.5)
    assert (trade.side, trade.opened, trade.closed) == (-1, 1, 1)


def test_a_trailing_stop_follows_the_best_price_of_the_bar_before() -> None:
    story = story_of(market_of([FLAT, (100.0, 120.0, 95.0, 120.0), (120.0, 130.0, 100.0, 125.0)]))
    (trade,) = story.trades
    assert (trade.exit_price, trade.reason) == (pytest.approx(101.25), Exit.TRAILING_STOP)


def test_a_target_closes_all_of_it() -> None:
    market = market_of([FLAT, FLAT, (100.0, 126.0, 99.0, 118.0)])
    (trade,) = story_of(market, rules_of(exits={"target": 2.0})).trades
    assert (trade.exit_price, trade.reason) == (125.0, Exit.TARGET)


def test_a_part_is_taken_and_the_rest_breaks_even() -> None:
    # The trailing stop lies 125 below the best price and plays no part.
    rules = rules_of(exits={"partial": 1.0, "partial_share": 0.25, "trailing_multiple": 10.0})
    market = market_of([FLAT, FLAT, (105.0, 113.0, 101.0, 108.0), (108.0, 108.0, 99.0, 101.0)])
    story = story_of(market, rules)
    taken, rest = story.fills[1:]
    assert (taken.units, taken.price, taken.reason) == (-25.0, 112.5, Exit.PARTIAL)
    assert (rest.units, rest.price, rest.reason) == (-75.0, 100.0, Exit.BREAK_EVEN)
    assert story.trades[0].profit == pytest.approx(312.5)


def test_a_part_and_the_rest_may_leave_in_one_bar() -> None:
    market = market_of([FLAT, FLAT, (105.0, 113.0, 99.0, 108.0)])
    story = story_of(market, rules_of(exits={"partial": 1.0}))
    assert [f.reason for f in story.fills[1:]] == [Exit.PARTIAL, Exit.BREAK_EVEN]
    assert story.fills[2].price == 100.0


def test_a_part_of_which_anything_fills_is_taken_and_the_rest_stays_for_want_of_room() -> None:
    market = market_of([FLAT, FLAT, (105.0, 113.0, 99.0, 108.0)], volume=[1e9, 1e9, 20.0])
    story = story_of(market, rules_of(exits={"partial": 1.0}))
    taken, rest = story.fills[1:]
    assert (taken.units, taken.reason) == (pytest.approx(-20.0 * 108.0 / 112.5), Exit.PARTIAL)
    assert (rest.units, rest.reason) == (pytest.approx(-20.0 * 108.0 / 100.0), Exit.BREAK_EVEN)
    (position,) = story.positions
    assert position.units == pytest.approx(100.0 - 19.2 - 21.6)
    assert position.base_units == pytest.approx(100.0 - 19.2 - 21.6)
    assert (position.partial_taken, position.stop, position.last_price) == (True, 100.0, 108.0)


def test_a_part_of_which_nothing_fills_is_not_taken() -> None:
    market = market_of([FLAT, FLAT, (105.0, 113.0, 99.0, 108.0)], volume=[1e9, 1e9, 20.0])
    rules = rules_of(exits={"partial": 1.0, "trailing_multiple": 10.0}, execution={"lot": 50.0})
    story = story_of(market, rules)
    (position,) = story.positions
    assert (position.units, position.base_units) == (100.0, 100.0)
    assert (position.partial_taken, position.stop, position.last_price) == (False, 87.5, 108.0)


@pytest.mark.parametrize(
    ("exits", "diamond", "reason"),
    [({"time_stop": 2}, False, Exit.TIME), ({"diamond_time_stop": 2}, True, Exit.DIAMOND)],
)
def test_time_closes_a_position(exits: dict[str, int], diamond: bool, reason: Exit) -> None:
    market = market_of([FLAT] * 5)
    signals = replace(wants(market, [1]), diamond=np.full((5, 1), diamond))
    (trade,) = story_of(market, rules_of(exits=exits), signals).trades
    assert (trade.opened, trade.closed, trade.reason) == (1, 3, reason)


def test_a_position_of_a_strategy_without_weight_is_closed() -> None:
    story = story_of(market_of([FLAT] * 3), weights=[[1.0, 0.0], [0.0, 1.0]])
    assert story.trades[0].reason == Exit.WEIGHT


def test_more_cash_makes_every_position_smaller() -> None:
    rules = rules_of(sizing={"position_cap": 0.5, "risk_per_trade": 0.0625})
    story = story_of(market_of([FLAT] * 3), rules, weights=[[1.0, 0.0], [1.0, 0.8]])
    assert story.fills[1].units == pytest.approx(-300.0)  # 20 % of equity may be tied
    assert story.fills[1].reason == Exit.WEIGHT


def test_a_symbol_without_a_price_for_long_is_closed_at_its_last() -> None:
    market = market_of([FLAT, (100.0, 101.0, 100.0, 101.0), GONE, GONE, GONE])
    (trade,) = story_of(market, rules_of(exits={"delisted_after": 2})).trades
    assert (trade.closed, trade.exit_price, trade.reason) == (4, 101.0, Exit.DELISTED)
