"""Sections 5, 9, 10 and 12: positions, from their size to the mark."""

import math

import numpy as np
import pytest

from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from tests.reference.book import open_account
from tests.reference.orders import performance_scale, protective_stop, to_tick
from tests.reference.scenes import FLAT, Candle, closes, market_of, rules_of, story_of, wants


def test_a_long_earns_what_the_price_does() -> None:
    story = story_of(market_of([FLAT, (102.0, 104.0, 101.0, 103.0), (103.0, 105.0, 103.0, 105.0)]))
    (fill,) = story.fills
    assert (fill.bar, fill.units, fill.price, fill.reason) == (1, 100.0, 102.0, Exit.NONE)
    assert story.equity == [100_000.0, 100_100.0, 100_300.0]
    assert story.growth[1] == pytest.approx(math.log(100_300 / 100_100))
    (position,) = story.positions
    assert position.initial_stop == pytest.approx(102.0 * 0.875)
    assert position.stop == 89.25  # 105 less one and a half times 12.75 lies lower


def test_a_short_pays_for_its_loan() -> None:
    market = market_of([FLAT, (100.0, 100.0, 90.0, 90.0)], borrow_rate=[0.0, 0.2])
    story = story_of(market, signals=wants(market, [-1]))
    fee = 0.2 * 9_000.0 / 365.0
    assert story.positions[0].units == -100.0
    assert story.equity[1] == pytest.approx(101_000.0 - fee, rel=1e-9)
    assert story.positions[0].costs == pytest.approx(fee, rel=1e-6)


def test_a_position_is_scaled_in_at_a_mean_price_and_scaled_out_again() -> None:
    bars = [FLAT, FLAT, (120.0, 120.0, 120.0, 120.0), (110.0, 110.0, 110.0, 110.0)]
    market = market_of(bars)
    story = story_of(
        market,
        rules_of(sizing={"risk_per_trade": 0.00625}),
        weights=[[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]],
    )
    assert [f.units for f in story.fills] == [25.0, 25.0, -37.5]
    assert [f.price for f in story.fills] == [100.0, 120.0, 110.0]
    (position,) = story.positions
    assert position.entry_price == 110.0
    assert position.notional == 5_500.0
    assert position.realised == 0.0
    assert [d.verdict for d in story.decisions] == [Verdict.PASSED] * 2
    assert story.decisions[1].wanted == pytest.approx(0.025)
    assert story.equity[2] == 100_500.0


def test_costs_are_spread_impact_and_commission() -> None:
    rules = rules_of(
        costs={
            "half_spread": 0.001,
            "impact": 0.5,
            "commission_per_order": 1.0,
            "commission_per_unit": 0.01,
            "commission_rate": 0.0002,
        }
    )
    market = market_of(closes(100.0, 110.0, 100.0, 100.0), volume=1e6)
    signals = wants(market, [0, 0, 1])
    story = story_of(market, rules, signals)
    variance = 0.94 * math.log(1.1) ** 2 + 0.06 * math.log(100 / 110) ** 2
    impact = 0.5 * math.sqrt(variance * 10_000 / (310e6 / 3))
    assert story.fills[0].cost == pytest.approx(10_000 * (0.001 + impact) + 1.0 + 1.0 + 2.0)


def test_a_commission_has_a_minimum() -> None:
    rules = rules_of(costs={"commission_rate": 0.0001, "commission_minimum": 5.0})
    assert story_of(market_of([FLAT, FLAT]), rules).equity[1] == 99_995.0


def test_an_order_larger_than_the_room_to_fill_is_cut_and_an_exit_goes_on() -> None:
    market = market_of([FLAT] * 5, volume=[1e9, 400.0, 300.0, 300.0, 1e9])
    rules = rules_of(costs={"participation": 0.1}, execution={"lot": 20.0})
    story = story_of(market, rules, wants(market, [1, -1, -1, -1]))
    assert [f.units for f in story.fills[:3]] == [40.0, -20.0, -20.0]
    assert [f.reason for f in story.fills[:3]] == [Exit.NONE, Exit.REVERSAL, Exit.REVERSAL]
    assert Verdict.DUPLICATE in [d.verdict for d in story.decisions]
    assert story.trades[0].notional == 4_000.0


def test_a_large_order_is_worked_over_the_bar_and_its_stop_not_watched() -> None:
    volume = [1_000.0, 1_000.0, np.nan]
    market = market_of([FLAT, FLAT, (100.0, 110.0, 50.0, 104.0)], volume=volume)
    rules = rules_of(execution={"style": "vwap", "slices": 4, "large": 0.05})
    story = story_of(market, rules, wants(market, [0, 1]))
    assert story.fills[0].price == pytest.approx((110 + 50 + 104) / 3)
    assert len(story.positions) == 1
    assert story.positions[0].last_price == 104.0


def test_size_follows_volatility_or_kelly_when_asked() -> None:
    market = market_of(closes(100.0, 101.0, 100.0, 100.0, 100.0))
    signals = wants(market, [0, 0, 0, 1])
    loose = {"position_cap": 1.0}
    story = story_of(market, rules_of(sizing={"method": "volatility", **loose}), signals)
    daily = math.sqrt(math.log(1.01) ** 2)
    assert story.decisions[0].wanted == pytest.approx(0.02 / (daily * math.sqrt(252)), rel=1e-6)
    story = story_of(market, rules_of(sizing={"method": "kelly", **loose}), signals)
    assert story.decisions[0].wanted == pytest.approx(0.25 * 0.002 / 0.05**2, rel=1e-6)


def test_size_follows_the_profit_factor() -> None:
    account = open_account(1.0, 0)
    assert performance_scale(account, DeskRules()) == 1.0
    account.round_trips, account.winnings, account.losings = 10, 1.0, 1.0
    assert performance_scale(account, DeskRules()) == pytest.approx(1.0)
    account.losings = 0.8
    assert performance_scale(account, DeskRules()) == pytest.approx(1.25)
    account.winnings = 0.0
    assert performance_scale(account, DeskRules()) == 0.5


@pytest.mark.parametrize(
    ("bar", "result", "sums"),
    [
        ((85.0, 100.0, 80.0, 100.0), 0.15, ("losings", "winnings")),
        ((112.5, 112.5, 100.0, 100.0), 0.125, ("winnings", "losings")),
    ],
)
def test_older_round_trips_count_for_less(
    bar: Candle, result: float, sums: tuple[str, str]
) -> None:
    market = market_of([FLAT, FLAT, bar, FLAT, bar])
    account = story_of(market, rules_of(exits={"target": 1.0}), wants(market, [1, 0, 1])).account
    assert account.round_trips == 2
    grown, other = (getattr(account, name) for name in sums)
    assert grown == pytest.approx(result * 29 / 30 + result)
    assert other == 0.0


def test_prices_are_rounded_to_their_tick_on_the_careful_side() -> None:
    assert protective_stop(95.123, 100.0, 1, 0.05) == pytest.approx(95.15)
    assert protective_stop(99.99, 100.0, 1, 0.05) == pytest.approx(99.95)
    assert protective_stop(104.87, 100.0, -1, 0.05) == pytest.approx(104.85)
    assert to_tick(0.5012, upwards=True, tick=0.05) == pytest.approx(0.5015)
    assert to_tick(12.30, upwards=True, tick=0.1) == pytest.approx(12.3)


def test_a_split_changes_units_and_prices_but_not_the_equity() -> None:
    bars = [FLAT, FLAT, (50.0, 52.0, 50.0, 51.0)]
    market = market_of(bars, split=[1.0, 1.0, 2.0])
    story = story_of(market)
    (position,) = story.positions
    assert (position.units, position.base_units, position.entry_price) == (200.0, 200.0, 50.0)
    assert position.initial_stop == pytest.approx(43.75)
    assert story.equity[2] == 100_200.0


@pytest.mark.parametrize("side", [1, -1])
def test_a_dividend_is_paid_and_taken_off_the_stop(side: int) -> None:
    bars = [FLAT, FLAT, (98.0, 98.0, 98.0, 98.0)]
    market = market_of(bars, dividend=[0.0, 0.0, 2.0])
    story = story_of(market, signals=wants(market, [side]))
    (position,) = story.positions
    assert position.income == side * 200.0
    assert position.stop == pytest.approx(98.0 - side * 12.5)
    assert position.entry_price == 100.0
    assert story.equity[2] == 100_000.0


def test_a_stop_that_a_dividend_moved_is_still_the_initial_one() -> None:
    market = market_of([FLAT, FLAT, (98.0, 98.0, 85.5, 98.0)], dividend=[0.0, 0.0, 2.0])
    (trade,) = story_of(market).trades
    assert (trade.exit_price, trade.reason, trade.income) == (85.5, Exit.STOP, 200.0)


def test_an_order_after_a_split_is_sized_by_the_re_based_close() -> None:
    market = market_of([FLAT, (25.0, 25.0, 25.0, 25.0)], split=[1.0, 4.0])
    assert story_of(market).fills[0].units == 400.0


def test_traded_prices_are_unadjusted() -> None:
    market = market_of([FLAT, FLAT], unadjusted=[2.0, 2.0])
    assert story_of(market).fills[0].price == 200.0
