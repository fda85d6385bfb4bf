"""The oracle itself, on markets so small that every number can be checked by hand.

Unless a test says otherwise: one strategy with all the weight is long symbol 0 from the close of
bar 0 with a stop of 12.5 %, so it risks 1.25 % of 100,000 in a position of 10,000, nothing costs
anything, and no gate looks at more than money.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals
from tests.reference import Story, trade_market
from tests.reference.book import Account, Bar, Desk, Position, open_account, opinions_of
from tests.reference.breakers import act_on_breakers
from tests.reference.facts import Facts
from tests.reference.gates import larger_root
from tests.reference.orders import performance_scale, protective_stop, style_numbers, to_tick
from tests.reference.record import Record

Candle = tuple[float, float, float, float]

FLAT: Candle = (100.0, 100.0, 100.0, 100.0)
FREE = {
    "sizing": {"risk_per_trade": 0.0125},
    "costs": {
        "half_spread": 0.0,
        "commission_rate": 0.0,
        "impact": 0.0,
        "borrow_rate": 0.0,
        "participation": 1.0,
    },
    "gates": {"correlation": 1.0, "var": 1.0, "participation": 1.0, "min_sessions": 2},
    "limits": {"beta": 100.0},
    "poor": {"below": 0.0},
    "breakers": {"drawdown": 1.0, "daily_loss": 1.0},
}


def rules_of(**sections: dict[str, Any]) -> DeskRules:
    """Return rules without costs or statistics, but for what is given, section by section."""
    rules = DeskRules()
    names = {*FREE, *sections}
    return rules.model_copy(
        update={
            name: getattr(rules, name).model_copy(
                update={**FREE.get(name, {}), **sections.get(name, {})}
            )
            for name in names
        }
    )


def market_of(*symbols: Sequence[Candle], session: Sequence[int] = (), **facts: Any) -> Market:  # noqa: ANN401
    """Return a market of one list of (open, high, low, close) a symbol, a day a bar."""
    candles = np.array(symbols, dtype=np.float64).transpose(1, 0, 2)
    prices = {
        name: candles[:, :, i].copy() for i, name in enumerate(("open", "high", "low", "close"))
    }
    prices |= {
        name: table(facts.pop(name), candles.shape[:2])
        for name in ("volume", "spread")
        if name in facts
    }
    market = market_from_prices(
        np.datetime64("2021-01-01") + np.arange(len(candles)),
        tuple(f"S{s}" for s in range(len(symbols))),
        prices,
        session=np.asarray(session) if len(session) else None,
        sectors=facts.pop("sectors", None),
    )
    for name, value in facts.items():
        object.__setattr__(market, name, table(value, candles.shape[:2]))
    return market


def table(value: Any, shape: tuple[int, int]) -> np.ndarray:  # noqa: ANN401
    """Return a column of one value a bar, or one value, as a table."""
    values = np.asarray(value)
    return np.broadcast_to(values[:, None] if values.ndim == 1 else values, shape).copy()


def wants(market: Market, *columns: Sequence[int], stop: float = 0.125) -> Signals:
    """Return a strategy for each column, which says what it wants of symbol 0 at each bar."""
    direction = np.zeros((market.n_bars, len(columns), market.n_symbols), np.int8)
    for k, column in enumerate(columns):
        direction[: len(column), k, 0] = column
    shape = direction.shape
    names = tuple(f"k{k}" for k in range(len(columns)))
    ones = np.ones(shape, np.float32)
    return Signals(names, (0,) * len(columns), direction, ones, np.float32(stop) * ones)


def story_of(
    market: Market,
    rules: DeskRules | None = None,
    signals: Signals | None = None,
    weights: Sequence[Sequence[float]] | None = None,
    **more: Any,  # noqa: ANN401
) -> Story:
    signals = wants(market, [1]) if signals is None else signals
    all_in = [[1.0] * signals.n_strategies + [0.0]] * (market.n_bars - 1)
    return trade_market(
        market,
        signals,
        more.pop("regime", np.zeros(market.n_bars, np.int64)),
        rules_of() if rules is None else rules,
        more.pop("budgets", np.ones((market.n_bars, market.n_symbols), np.float32)),
        np.array(all_in if weights is None else weights),
        more.pop("first", 0),
        **more,
    )


# Sections 2 and 10: facts.


def facts_of(market: Market, **sections: dict[str, Any]) -> Facts:
    return Facts(market, rules_of(**sections), None)


def closes(*prices: float) -> list[Candle]:
    return [(p, p, p, p) for p in prices]


def test_a_covariance_is_a_decaying_mean_of_products_of_session_returns() -> None:
    r, q = [0.01, -0.02, 0.03, 0.04], [0.02, 0.01, -0.01, 0.05]
    market = market_of(
        closes(*np.exp(np.cumsum([0.0, *r])).tolist()),
        closes(*np.exp(np.cumsum([0.0, *q])).tolist()),
    )
    risk = facts_of(market, gates={"memory": 0.5, "min_sessions": 3, "beta_memory": 0.5}).risk
    expected = (0.25 * 0.0002 + 0.5 * -0.0002 - 0.0003) / 1.75
    assert risk.covariance(4, 0, 1) == pytest.approx(expected, rel=1e-6)
    assert math.isnan(risk.covariance(3, 0, 1))  # the session of bar 3 is not known to be over
    mean = [0.015, -0.005, 0.01]
    slope = (0.25 * 0.01 * 0.015 + 0.5 * 0.02 * 0.005 + 0.03 * 0.01) / (
        sum(w * m * m for w, m in zip([0.25, 0.5, 1.0], mean, strict=True))
    )
    assert risk.beta(4, 0) == pytest.approx(slope, rel=1e-6)


def test_covariances_stay_between_two_refreshes_and_know_complete_sessions_only() -> None:
    market = market_of(closes(1.0, 1.1, 1.0, 1.2, 1.1, 1.3), session=[0, 1, 2, 3, 4, 4])
    risk = facts_of(market, gates={"memory": 0.5, "refresh": 2}).risk
    assert risk.row == [-1, 0, 0, 2, 2, 2]
    a, b = math.log(1.1) ** 2, math.log(1.0 / 1.1) ** 2
    assert risk.covariance(4, 0, 0) == pytest.approx((0.5 * a + b) / 1.5, rel=1e-6)


def test_impact_is_of_the_bars_before() -> None:
    prices = closes(100.0, 110.0, 99.0, 99.0)
    facts = facts_of(market_of(prices, volume=[10.0, 20.0, 30.0, 40.0]), costs={"impact": 2.0})
    squares = math.log(1.1) ** 2, math.log(0.9) ** 2
    assert [row[0] for row in facts.impact[:2]] == [0.0, 0.0]
    assert facts.impact[2][0] == pytest.approx(2.0 * math.log(1.1) / math.sqrt((1000 + 2200) / 2))
    sigma = math.sqrt(0.94 * squares[0] + 0.06 * squares[1])
    assert facts.impact[3][0] == pytest.approx(2.0 * sigma / math.sqrt((1000 + 2200 + 2970) / 3))


def test_adv_is_of_complete_sessions_and_room_of_the_bar_itself() -> None:
    days = [0, 0, 1, 1, 1, 2]
    market = market_of(closes(*[10.0] * 6), session=days, volume=[0.0, 3.0, np.nan, 5.0, 2.0, 5.0])
    facts = facts_of(market, costs={"participation": 0.1})
    assert [row[0] for row in facts.adv] == [math.inf, math.inf, 30.0, 30.0, 30.0, 50.0]
    assert [row[0] for row in facts.room] == [math.inf, 3.0, math.inf, 5.0, 2.0, 5.0]


def test_age_counts_from_the_last_price() -> None:
    gone = (math.nan,) * 4
    facts = facts_of(market_of([gone, FLAT, gone, gone, FLAT], halted=[False] * 4 + [True]))
    assert [row[0] for row in facts.age] == [math.inf, 0.0, 1.0, 2.0, math.inf]


def test_an_estimated_spread_was_known_at_the_traded_bar_before() -> None:
    gone = (math.nan,) * 4
    market = market_of([FLAT, gone, FLAT, FLAT], spread=[np.nan, np.nan, np.nan, 0.004])
    rules = rules_of(costs={"spread": "estimated", "half_spread": 0.01})
    facts = Facts(market, rules, [[0.003], [0.5], [0.004], [0.005]])
    assert [row[0] for row in facts.half_spread] == [0.01, 0.01, 0.003, 0.002]


def test_execution_styles_are_three_numbers() -> None:
    assert style_numbers("open", 8, 1.0) == (0.0, 0.0, 1.0)
    assert style_numbers("vwap", 4, 1.0) == (0.0, 1.0, 0.5)
    assert style_numbers("twap", 4, 1.0) == pytest.approx((0.5, 0.0, 0.5))
    first = 1.0 - math.sinh(0.5) / math.sinh(1.0)
    drift, _, factor = style_numbers("almgren_chriss", 2, 1.0)
    assert drift == pytest.approx(0.25 * first + 0.75 * (1.0 - first))
    assert factor == pytest.approx(first**1.5 + (1.0 - first) ** 1.5)


# Sections 9, 10 and 12: positions.


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


# Section 5: corporate actions.


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


# Sections 7 and 11: exits.


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
    gone = (math.nan,) * 4
    market = market_of([FLAT, (100.0, 101.0, 100.0, 101.0), gone, gone, gone])
    (trade,) = story_of(market, rules_of(exits={"delisted_after": 2})).trades
    assert (trade.closed, trade.exit_price, trade.reason) == (4, 101.0, Exit.DELISTED)


# Section 4: breakers.


def bar_of(account: Account, t: int = 0, venue: tuple[int, int] = (0, 0), **sections: Any) -> Bar:  # noqa: ANN401
    market = market_of([FLAT] * 12)
    rules = rules_of(**sections)
    facts = Facts(market, rules, None)
    desk = Desk(facts, opinions_of(wants(market, [1])), [0] * 12, [[1.0]] * 12, rules, [Record()])
    return Bar(desk, account, t, [1.0, 0.0], [[0.0]], venue)


def test_a_drawdown_halts_for_a_while_and_then_trades_half_until_recovered() -> None:
    account = open_account(100.0, 0)
    rules = {"breakers": {"drawdown": 0.05, "cooldown": 2, "daily_loss": 1.0}}
    states = []
    for t, equity in enumerate([96.0, 95.0, 94.0, 94.0, 97.0, 98.0]):
        account.equity = equity
        act_on_breakers(bar_of(account, t, **rules))
        states.append(account.state)
    halted, recovering = Breaker.DRAWDOWN, Breaker.RECOVERING
    # It tripped in session 1, so the fills of sessions 2 and 3 are lost, and that of 4 is not.
    assert states == [Breaker.NORMAL, halted, halted, recovering, recovering, Breaker.NORMAL]
    assert account.halted_until == 4


def test_a_recovering_account_is_measured_from_its_new_peak() -> None:
    account = open_account(100.0, 0)
    account.state, account.equity, account.recovery_peak = Breaker.RECOVERING, 90.0, 94.0
    act_on_breakers(bar_of(account, breakers={"drawdown": 0.05, "daily_loss": 1.0}))
    assert account.state == Breaker.RECOVERING
    account.equity = 89.0
    act_on_breakers(bar_of(account, breakers={"drawdown": 0.05, "daily_loss": 1.0}))
    assert account.state == Breaker.DRAWDOWN


def test_a_daily_loss_flattens_until_the_next_day() -> None:
    session = [0, 0, 0, 0, 1, 1]
    bars = [FLAT, FLAT, (95.0, 95.0, 95.0, 95.0), *[(94.0, 94.0, 94.0, 94.0)] * 3]
    market = market_of(bars, session=session)
    rules = rules_of(breakers={"daily_loss": 0.005, "drawdown": 1.0})
    story = story_of(market, rules, wants(market, [1] * 6))
    (trade,) = story.trades
    assert (trade.closed, trade.exit_price, trade.reason) == (3, 94.0, Exit.BREAKER)
    # The winner of bar 2 was dropped, because it was held; that of bar 3 is refused; and the day
    # of bar 4 is a new one.
    assert [(d.bar, d.verdict) for d in story.decisions] == [
        (0, Verdict.PASSED),
        (3, Verdict.HALTED),
        (4, Verdict.PASSED),
    ]


def test_the_days_roll_with_the_sessions_of_the_fills() -> None:
    account = open_account(100.0, 0)
    account.trades_today, account.day_trades = 7, [1, 2, 3, 4, 5]
    act_on_breakers(bar_of(account, t=3))
    assert account.trades_today == 0
    assert account.day_trades == [2, 3, 4, 5, 0]


def test_a_day_starts_from_the_equity_before_its_first_bar() -> None:
    account = open_account(100.0, 0)
    account.equity, account.previous_equity, account.daily_loss = 80.0, 90.0, True
    act_on_breakers(bar_of(account, t=1))
    assert (account.session, account.day_equity, account.daily_loss) == (1, 90.0, False)


def test_trades_and_day_trades_are_counted() -> None:
    account = story_of(market_of([FLAT, (100.0, 100.0, 80.0, 90.0)])).account
    assert (account.trades_today, account.day_trades) == (1, [0, 0, 0, 0, 1])
    account = story_of(market_of([FLAT, FLAT, (100.0, 100.0, 80.0, 90.0)])).account
    assert (account.trades_today, account.day_trades) == (0, [0] * 5)


@pytest.mark.parametrize("venue", [(3, 0), (0, 3)])
def test_a_venue_that_fails_halts(venue: tuple[int, int]) -> None:
    story = story_of(market_of([FLAT, FLAT]), venue=np.array([venue]))
    assert story.decisions[0].verdict == Verdict.HALTED


# Section 8: gates.


GONE: Candle = (math.nan,) * 4


@pytest.mark.parametrize(
    ("verdict", "scene"),
    [
        (Verdict.UNKNOWN_REGIME, {"regime": [-1, -1]}),
        (Verdict.DAILY_TRADES, {"limits": {"daily_trades": 0}}),
        (Verdict.DAY_TRADING, {"day_trading": {"enabled": True, "below": 1e9, "day_trades": 0}}),
        (Verdict.CAPACITY, {"limits": {"max_positions": 0}}),
        (Verdict.CAPITAL, {"weights": [[0.5, 1.0]]}),
        (Verdict.CLOSE_CALL, {"wanted": ([1], [-1])}),
        (Verdict.NOT_TRADABLE, {"bars": [FLAT, GONE]}),
        (Verdict.NOT_TRADABLE, {"facts": {"halted": [False, True]}}),
        (Verdict.BAD_NUMBER, {"budget": math.nan}),
        (Verdict.SYMBOL_HALTED, {"facts": {"halted": [True, False]}}),
        (Verdict.SPREAD, {"facts": {"spread": [0.006, 0.0]}}),
        (Verdict.STRESS, {"regime": [2, 2]}),
        (Verdict.BORROW, {"wanted": ([-1],), "facts": {"borrow_rate": [math.inf, 0.0]}}),
        (Verdict.GROSS, {"limits": {"gross": 0.0}}),
        (Verdict.NET, {"limits": {"net": 0.0}}),
        (Verdict.SECTOR, {"limits": {"sector": 0.0}, "facts": {"sectors": ("banks",)}}),
        (Verdict.CONCENTRATION, {"limits": {"strategy": 0.0}}),
        (Verdict.BETA, {"limits": {"beta": 1.5}}),
        (
            Verdict.LIQUIDITY,
            {
                "bars": [FLAT] * 3,
                "wanted": ([0, 1],),
                "gates": {"participation": 0.05},
                "facts": {"volume": [10.0] * 3},
            },
        ),
        (Verdict.VALUE_AT_RISK, {"gates": {"var": 0.03}}),
        (Verdict.OPEN_RISK, {"poor": {"below": 1e9, "open_risk": 0.0}}),
        (Verdict.TOO_SMALL, {"execution": {"lot": 101.0}}),
        (Verdict.TOO_SMALL, {"sizing": {"risk_per_trade": 0.00001}}),
    ],
)
def test_a_gate_refuses_and_says_which(verdict: Verdict, scene: dict[str, Any]) -> None:
    scene = dict(scene)
    market = market_of(scene.pop("bars", [FLAT, FLAT]), **scene.pop("facts", {}))
    signals, n_bars = wants(market, *scene.pop("wanted", ([1],))), market.n_bars
    story = story_of(
        market,
        signals=signals,
        weights=scene.pop("weights", [[0.5] * signals.n_strategies + [0.0]] * (n_bars - 1)),
        regime=np.array(scene.pop("regime", [0] * n_bars)),
        budgets=np.full((n_bars, 1), scene.pop("budget", 1.0), np.float32),
        rules=rules_of(**scene),
    )
    (decision,) = story.decisions
    assert decision.verdict == verdict
    assert decision.allowed == 0.0
    assert not story.fills


def test_a_strategy_that_means_to_is_heard_in_stress() -> None:
    market = market_of([FLAT, FLAT])
    signals = wants(market, [1])
    object.__setattr__(signals, "stress", np.array([True]))
    story = story_of(market, signals=signals, regime=np.array([2, 2]))
    assert story.decisions[0].verdict == Verdict.PASSED


def test_a_symbol_that_another_strategy_holds_is_a_duplicate() -> None:
    market = market_of([FLAT] * 3)
    story = story_of(market, signals=wants(market, [1, 0], [0, 1]), weights=[[0.5, 0.5, 0.0]] * 2)
    assert [d.verdict for d in story.decisions] == [Verdict.PASSED, Verdict.DUPLICATE]


def test_capital_has_to_last_for_the_costs() -> None:
    rules = rules_of(costs={"half_spread": 0.002, "commission_rate": 0.008})
    story = story_of(market_of([FLAT, FLAT]), rules, weights=[[1.0, 0.95]])
    # What a fill of all of the free 5,000 would cost is kept back; what is bought costs less.
    assert story.fills[0].units == pytest.approx((5_000.0 - 50.0) / 100.0)
    assert story.account.cash == pytest.approx(95_000.0 + 50.0 - 49.5)


def two_symbols(side: int = 1, **sections: Any) -> Story:  # noqa: ANN401
    """Want symbol 0, long, at bar 3, and at bar 4 symbol 1, which did the same until then."""
    moves = closes(100.0, 110.0, 100.0, 100.0, 100.0, 100.0)
    market = market_of(moves, moves, sectors=("banks", "banks"))
    signals = wants(market, [0, 0, 0, 1])
    direction = signals.direction.copy()
    direction[4, 0, 1] = side
    loose = {"position_cap": 1.0, "risk_per_trade": 0.025}
    limits = {"sector": 10.0} | sections.pop("limits", {})
    rules = rules_of(sizing=loose, limits=limits, **sections)
    return story_of(market, rules, replace(signals, direction=direction))


def test_a_twin_of_a_held_symbol_is_correlated() -> None:
    assert two_symbols(gates={"correlation": 0.75}).decisions[1].verdict == Verdict.CORRELATION


def test_a_hedge_may_be_correlated_and_has_more_room() -> None:
    story = two_symbols(
        -1, gates={"correlation": 0.75, "var": 0.02}, limits={"net": 0.1, "beta": 0.1}
    )
    # The first one was clipped, so it asks for the rest at the next close, in vain.
    assert [d.allowed for d in story.decisions] == pytest.approx([0.1, 0.0, -0.2])


@pytest.mark.parametrize(
    ("limit", "rules", "allowed"),
    [
        (Verdict.CAPITAL, {"limits": {"cash_buffer": 0.7}}, 0.1),
        (Verdict.GROSS, {"limits": {"gross": 0.35}}, 0.15),
        (Verdict.NET, {"limits": {"net": 0.33}}, 0.13),
        (Verdict.SECTOR, {"limits": {"sector": 0.25}}, 0.05),
        (Verdict.CONCENTRATION, {"limits": {"strategy": 0.3}}, 0.1),
        (Verdict.BETA, {"limits": {"beta": 0.38}}, 0.18),
        (Verdict.VALUE_AT_RISK, {"gates": {"var": 0.03, "memory": 0.5}}, None),
        # The stop of the first risks 2.5 %, and 1.25 % more is a tenth of the equity.
        (
            Verdict.OPEN_RISK,
            {
                "poor": {
                    "below": 1e9,
                    "open_risk": 0.0375,
                    "position_cap": 1.0,
                    "risk_per_trade": 0.1,
                }
            },
            0.1,
        ),
    ],
)
def test_a_room_clips_what_is_wanted(
    limit: Verdict, rules: dict[str, Any], allowed: float | None
) -> None:
    story = two_symbols(**rules)
    decision = story.decisions[1]
    if allowed is None:
        # ±log 1.1 in sessions 1 and 2, then nothing: the variance was a when the first one was
        # clipped, and is 0.75 a / 1.75 now. It is v (held + x)², as both symbols are twins.
        limit_of_deviation, a = 0.03 / 1.6448536269514722, math.log(1.1) ** 2
        held = limit_of_deviation / math.sqrt(a)
        allowed = limit_of_deviation / math.sqrt(0.75 * a / 1.75) - held
    assert (decision.verdict, decision.limit) == (Verdict.CLIPPED, limit)
    assert decision.wanted == pytest.approx(0.2)
    assert decision.allowed == pytest.approx(allowed, rel=1e-5)


def test_the_larger_root_is_out_of_reach_of_a_small_hedge() -> None:
    # (x − 3)² = 1 at 2 and 4; above that limit before, and still so with less than 2.
    assert larger_root(1.0, -3.0, 8.0, wanted=1.9) == 0.0
    assert larger_root(1.0, -3.0, 8.0, wanted=2.1) == 4.0
    assert larger_root(1.0, 3.0, 9.1, wanted=2.1) == 0.0


# Sections 6 and 13: candidates and sleeves.


@pytest.mark.parametrize(
    ("confidence", "heard"),
    [
        ([[0.3, 0.5], [0.5, 0.4]], [(0, 1), (1, 0)]),  # as strong: the first symbol is first
        ([[0.3, 0.5], [0.4, 0.4]], [(1, 0), (0, 1)]),
        ([[0.5, 0.5], [0.5, 0.5]], [(0, 0), (1, 0)]),  # as strong: the first strategy wins
    ],
)
def test_the_strongest_score_wins_its_symbol_and_is_heard_first(
    confidence: list[list[float]], heard: list[tuple[int, int]]
) -> None:
    market = market_of([FLAT, FLAT], [FLAT, FLAT])
    signals = wants(market, [1], [1])
    direction = np.ones_like(signals.direction)
    signals = replace(signals, direction=direction, confidence=np.array([confidence] * 2))
    story = story_of(market, signals=signals, weights=[[0.5, 0.5, 0.0]])
    assert [(d.symbol, d.strategy) for d in story.decisions] == heard


def test_expected_value_is_shrunk_to_what_is_known_of_the_strategy() -> None:
    record = Record()
    for value, regime, symbol in ((0.05, 1, 0), (-0.01, 1, 1), (0.02, 0, 0)):
        record.add(value, regime, symbol)
    overall = (20 * 0.002 + 0.06) / 23
    here, own = (20 * overall + 0.04) / 22, (20 * overall + 0.07) / 22
    rules = DeskRules()
    assert record.expected(rules, 1, 0) == pytest.approx(here + own - overall)
    assert record.expected(rules, -1, 0) == pytest.approx(own)
    assert record.expected(rules, 2, 3) == pytest.approx(overall)
    assert record.variance(rules) == pytest.approx((20 * 0.0025 + 0.0030) / 23)


def test_a_sleeve_trades_its_strategy_alone_and_teaches_its_value() -> None:
    market = market_of([FLAT, FLAT, (85.0, 95.0, 80.0, 95.0), FLAT, FLAT])
    signals = wants(market, [1, 0, 0, 1], [0, 0, 0, 1])
    story = story_of(market, signals=signals, weights=[[0.0, 0.0, 1.0]] * 4)
    assert story.equity == [100_000.0] * 5
    assert story.sleeve_returns[2] == [pytest.approx(math.log(0.985)), 0.0]
    # The only trade returned −15 %, decided in this regime and in this symbol.
    assert story.values[2] == [[0.0], [0.0]]
    assert story.values[3][0][0] == pytest.approx(0.0001, rel=1e-6)
    assert story.values[3][1][0] == pytest.approx(0.002, rel=1e-6)


def test_a_ruined_sleeve_is_opened_anew() -> None:
    crash = (0.1, 0.1, 0.1, 0.1)
    market = market_of([FLAT, FLAT, crash, crash, crash])
    rules = rules_of(
        sizing={"risk_per_trade": 0.125, "position_cap": 1.0},
        limits={"cash_buffer": 0.0},
        costs={"commission_minimum": 500.0},
    )
    signals = wants(market, [1, 0, 1])
    story = story_of(market, rules, signals, weights=[[0.0, 1.0]] * 4)
    assert story.sleeve_returns[2] == [-5.0]
    assert story.sleeve_returns[3] == [pytest.approx(math.log(0.995))]


def test_an_account_knows_nothing_of_the_bars_after() -> None:
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(0.03 * rng.standard_normal((40, 2)), axis=0))
    market = market_of(*(closes(*close[:, s].tolist()) for s in range(2)))
    direction = rng.choice([-1, 0, 1], (40, 2, 2))
    signals = replace(wants(market, [1], [1]), direction=direction)
    weights = rng.dirichlet(np.ones(3), 39)
    whole = story_of(market, rules_of(), signals, weights)
    short = Signals(
        signals.strategies,
        signals.warmup,
        direction[:30],
        signals.confidence[:30],
        signals.stop_distance[:30],
    )
    part = story_of(market.until(30), rules_of(), short, weights[:29])
    assert len(whole.fills) > 20
    assert part.equity == whole.equity[:30]
    assert part.values == whole.values[:30]
    assert part.fills == [fill for fill in whole.fills if fill.bar < 30]


def test_equity_is_what_was_earned() -> None:
    rng = np.random.default_rng(5)
    close = 50.0 * np.exp(np.cumsum(0.03 * rng.standard_normal((120, 3)), axis=0))
    opened = close * np.exp(0.01 * rng.standard_normal(close.shape))
    high, low = 1.01 * np.maximum(opened, close), 0.99 * np.minimum(opened, close)
    candles = np.stack([opened, high, low, close], axis=-1).transpose(1, 0, 2)
    market = market_of(
        *candles.tolist(),
        volume=rng.uniform(1e3, 1e5, close.shape),
        split=rng.choice([1.0] * 9 + [2.0], close.shape),
        dividend=rng.choice([0.0] * 9 + [0.5], close.shape),
    )
    direction = rng.choice([-1, 0, 1], (30, 2, 3)).repeat(4, axis=0)
    rules = DeskRules().model_copy(update={"breakers": rules_of().breakers})
    exits = rules.exits.model_copy(update={"partial": 0.5, "target": 2.0})
    story = story_of(
        market,
        rules.model_copy(update={"exits": exits}),
        replace(wants(market, [1], [1]), direction=direction),
        rng.dirichlet(np.ones(3), 119),
    )
    earned = sum(trade.profit for trade in story.trades)
    open_profit = sum(
        p.realised + p.income - p.costs + p.units * (p.last_price - p.entry_price)
        for p in story.positions
    )
    assert {trade.side for trade in story.trades} == {-1, 1}
    assert any(trade.income for trade in story.trades)
    assert story.equity[-1] == pytest.approx(100_000.0 + earned + open_profit, rel=1e-12)


def test_a_position_has_the_sign_of_its_side() -> None:
    position = Position(0, 0, False, 1, base_units=-5.0, last_price=10.0, units=-5.0)
    assert (position.side, position.worth) == (-1, -50.0)
