"""What a fill costs, and how much of an order fills, by numbers.

The trial account buys 80 at 100: a notional of 8,000.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.book import open_account, open_book
from benbot.envs.desk.cycle import trade_bars
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.floor import lend
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.market.liquidity import estimated_half_spread
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

INF, NAN = np.inf, np.nan
FREE = {"half_spread": 0.0, "commission_rate": 0.0}


def reasons(account: Any) -> list[str]:  # noqa: ANN401
    return [Exit(int(fill["reason"])).name for fill in account.fills]


def verdicts(account: Any) -> list[str]:  # noqa: ANN401
    return [Verdict(int(d["verdict"])).name for d in account.decisions]


def always_long(n_bars: int) -> Signals:
    shape = (n_bars, 1, 1)
    return Signals(("k",), (0,), np.ones(shape, np.int8), np.ones(shape), np.full(shape, 0.125))


def market_of(**facts: Any) -> Market:  # noqa: ANN401
    """Return a market of one symbol with a bar a day."""
    columns = {name: np.asarray(fact, np.float64)[:, None] for name, fact in facts.items()}
    stamps = np.arange(len(columns["close"])).astype("datetime64[D]")
    return market_from_prices(stamps, ("A",), columns)


# Commission.


@pytest.mark.parametrize(
    ("costs", "bought", "sold"),
    [
        ({"commission_per_unit": 0.01}, 0.8, 0.8),  # 80 units
        ({"commission_per_order": 1.5}, 1.5, 1.5),
        ({"commission_rate": 0.0001}, 0.8, 1.0),  # of 8,000, then of 10,000
        ({"commission_minimum": 0.9, "commission_rate": 0.0001}, 0.9, 1.0),
        ({"commission_minimum": 5.0, "commission_per_order": 1.0}, 5.0, 5.0),
        (
            {
                "commission_minimum": 1.0,
                "commission_per_order": 1.0,
                "commission_per_unit": 0.01,
                "commission_rate": 0.0001,
            },
            2.6,  # 1 + 0.8 + 0.8
            2.8,  # 1 + 0.8 + 1
        ),
        ({"half_spread": 0.0005, "commission_minimum": 1.0}, 5.0, 6.0),  # 4 + 1, 5 + 1
    ],
)
def test_every_order_pays_its_commission(
    trial: Trial, rules: Rules, costs: dict[str, float], bought: float, sold: float
) -> None:
    account = trial(4, rules=rules(costs=FREE | costs, exits={"time_stop": 1}))
    account.want(0)
    account.move(2, 125.0)
    account.run(2)
    assert account.fills["cost"].tolist() == pytest.approx([bought, sold])
    assert account.equity == pytest.approx(102_000.0 - bought - sold)
    assert account.trades["costs"].tolist() == pytest.approx([bought + sold])


def test_every_part_of_a_position_is_an_order(trial: Trial, rules: Rules) -> None:
    parts = rules(costs=FREE | {"commission_per_order": 1.0}, exits={"partial": 1.0, "target": 2.0})
    account = trial(4, rules=parts)
    account.want(0)
    account.shape(2, high=126.0, low=101.0, close=110.0)
    account.run(2)
    assert reasons(account) == ["NONE", "PARTIAL", "TARGET"]
    assert account.trades["costs"].tolist() == pytest.approx([3.0])


# Spread.


def test_an_estimated_spread_is_the_one_known_at_the_traded_bar_before(rules: Rules) -> None:
    rng = np.random.default_rng(3)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 40)))
    opened = close * np.exp(rng.normal(0.0, 0.01, 40))
    facts = {
        "open": opened,
        "high": 1.01 * np.maximum(opened, close),
        "low": 0.99 * np.minimum(opened, close),
        "close": close,
    }
    for fact in facts.values():
        fact[30] = NAN
    market = market_of(**facts, spread=np.where(np.arange(40) == 35, 0.004, NAN))
    estimate = estimated_half_spread(market)[:, 0]
    assert np.isnan(estimate[:20]).all()
    assert (estimate[20:30] > 0.0).all()
    regime = np.full(40, 4, np.int8)
    paying = rules(costs={"half_spread": 0.0003, "spread": "estimated"})
    half_spread = record_tape(market, always_long(40), regime, paying).bars["half_spread"][:, 0]
    assert half_spread[:21].tolist() == [0.0003] * 21  # nothing is estimated yet
    assert half_spread[21:30].tolist() == estimate[20:29].tolist()
    assert half_spread[30] == 0.0003  # has no price
    assert half_spread[31] == estimate[29]  # the last that was known
    assert half_spread[35] == 0.002  # quoted
    assert half_spread[36] == estimate[35]
    fixed = record_tape(market, always_long(40), regime, rules(costs={"half_spread": 0.0003}))
    assert set(fixed.bars["half_spread"][:, 0].tolist()) == {0.0003, 0.002}

    tape = record_tape(market, always_long(40), regime, paying)
    desk = Desk(open_book(1, 1, 10), tape, paying.record(), open_ledger(1, fills=5))
    open_account(desk.book, 0, 100_000.0, 26)
    desk.book.sleeves["weight"], desk.book.accounts["cash_weight"] = 1.0, 0.0
    trade_bars(lend(desk), np.array([26]), np.zeros(1))
    fill = desk.ledger.fills[0, 0]
    assert fill["bar"] == 27
    assert fill["price"] == opened[27]
    assert fill["cost"] == pytest.approx(estimate[26] * fill["units"] * opened[27])


# Borrowing.


def test_a_short_pays_the_rate_of_the_market_the_usual_one_or_that_of_the_gate(
    trial: Trial, rules: Rules
) -> None:
    market = market_of(close=[100.0] * 6, borrow_rate=[0.03, NAN, 0.03, NAN, INF, 0.0])
    paying = rules(costs={"borrow_rate": 0.05}, gates={"borrow_rate": 0.25})
    account = trial(6, rules=paying)
    account.bars[:] = blank_tape(market, always_long(6), account.regime, paying).bars
    account.want(0, -0.01)
    account.run(5)
    # A hundredth of a year a bar, from bar 1 on, of 8,000.
    yearly = 0.05 + 0.03 + 0.05 + 0.25 + 0.0
    assert account.positions["costs"].tolist() == pytest.approx([8_000.0 * 0.01 * yearly])
    assert account.equity == pytest.approx(100_000.0 - 80.0 * yearly)


def test_a_short_pays_on_what_it_is_worth_now(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(costs={"borrow_rate": 0.05}))
    account.want(0, -0.01)
    account.move(2, 90.0)
    account.run(2)
    assert account.positions["costs"].tolist() == pytest.approx([4.0 + 3.6])


# Room to fill.


def test_a_fill_takes_no_more_than_its_share_of_what_the_bar_trades(
    trial: Trial, rules: Rules
) -> None:
    market = market_of(close=[100.0] * 4, volume=[1e6, 300.0, 1e6, 1e6])
    sharing = rules(costs={"participation": 0.1})
    account = trial(4, rules=sharing)
    account.bars[:] = blank_tape(market, always_long(4), account.regime, sharing).bars
    assert account.bars["room"][1, 0] == pytest.approx(3_000.0)  # 0.1 × 300 × 100
    account.bars["impact"] = 0.0
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == pytest.approx([30.0])
    assert account.positions["base_units"].tolist() == [80.0]
    assert verdicts(account) == ["PASSED"]
    assert account.decisions["allowed"].tolist() == pytest.approx([0.08])
    account.run()  # the rest was cancelled, and is asked for anew because the weight wants it
    assert account.fills["units"].tolist() == pytest.approx([30.0, 50.0])
    assert account.decisions["enlarges"].tolist() == [0, 1]


def test_room_counts_at_the_price_of_the_fill(trial: Trial) -> None:
    account = trial(3)
    account.shape(1, open=104.0, high=104.0)
    account.bars["room"][1, 0] = 3_120.0
    account.want(0)
    account.run()
    assert account.fills["units"].tolist() == pytest.approx([30.0])
    assert account.positions["stop"].tolist() == [91.0]  # 104 less an eighth


@pytest.mark.parametrize(
    ("lot", "room", "units"), [(0.0, 3_500.0, [35.0]), (10.0, 3_500.0, [30.0]), (40.0, 3_500.0, [])]
)
def test_what_there_is_room_for_is_rounded_to_lots_again(
    trial: Trial, rules: Rules, lot: float, room: float, units: list[float]
) -> None:
    account = trial(3, rules=rules(execution={"lot": lot}, costs={"commission_per_order": 1.0}))
    account.bars["room"][1, 0] = room
    account.want(0)
    account.run()
    assert account.fills["units"].tolist() == units
    if not units:  # leaves everything as it was
        assert verdicts(account) == ["NOT_TRADABLE"]
        assert account.decisions["allowed"].tolist() == [0.0]
        assert account.account["trades_today"] == 0
        assert account.equity == 100_000.0
        assert not account.positions.size


def test_an_enlargement_without_room_is_not_tradable(trial: Trial, rules: Rules) -> None:
    account = trial(4, n_strategies=2, rules=rules(execution={"lot": 20.0}))
    account.want(0)
    account.weigh(0.25, 0.75)
    account.run()
    account.bars["room"][2, 0] = 1_900.0
    account.weigh(0.5, 0.5)
    account.run()
    assert verdicts(account) == ["PASSED", "NOT_TRADABLE"]
    assert account.positions["units"].tolist() == [40.0]
    assert account.account["trades_today"] == 0


def test_of_an_exit_only_what_there_is_room_for_is_done(trial: Trial, rules: Rules) -> None:
    priced = rules(costs=FREE | {"commission_per_order": 1.0}, exits={"time_stop": 1})
    account = trial(5, rules=priced)
    account.want(0)
    account.bars["room"][2, 0] = 3_000.0
    account.run(2)
    assert account.fills["units"].tolist() == pytest.approx([80.0, -30.0])
    assert not account.trades.size
    assert account.account["cash"] == pytest.approx(100_000.0 - 5_000.0 - 2.0)
    account.run()
    assert account.fills["units"].tolist() == pytest.approx([80.0, -30.0, -50.0])
    assert account.trades["costs"].tolist() == pytest.approx([3.0])


def test_every_order_has_the_room_for_itself(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=rules(exits={"partial": 1.0, "target": 2.0}))
    account.want(0)
    account.bars["room"][2, 0] = 5_000.0  # 44 units at 112.5 and 40 at 125
    account.shape(2, high=126.0, low=101.0, close=110.0)
    account.run(2)
    assert account.fills["units"].tolist() == pytest.approx([80.0, -40.0, -40.0])


# Execution styles. Bar 1 opens at 100, ranges from 95 to 110 and closes at 108.

URGENT = (np.sinh(1.0) - np.sinh(0.5)) / np.sinh(1.0)  # share of the first of two slices: 0.5566
STYLES = [
    ("open", 100.0, 1.0),
    ("twap", 104.0, 0.5**0.5),  # half of the way
    ("vwap", 313.0 / 3.0, 0.5**0.5),  # (110 + 95 + 108) / 3
    # The slices trade after a quarter and three quarters of the way: 103.77.
    (
        "almgren_chriss",
        100.0 + 8.0 * (0.25 * URGENT + 0.75 * (1.0 - URGENT)),
        URGENT**1.5 + (1.0 - URGENT) ** 1.5,
    ),
]


def styled(rules: Rules, style: str, **sections: Any) -> DeskRules:  # noqa: ANN401
    execution = {"style": style, "slices": 2, "urgency": 1.0, "large": 0.01}
    return rules(execution=execution, **sections)


@pytest.mark.parametrize(("style", "price", "factor"), STYLES)
def test_a_large_order_fills_in_slices_and_pays_less_impact(
    trial: Trial, rules: Rules, style: str, price: float, factor: float
) -> None:
    account = trial(4, rules=styled(rules, style))
    account.facts["adv"] = 100_000.0  # of which 1,000 is large
    account.bars["impact"] = 1e-5
    account.shape(1, high=110.0, low=95.0, close=108.0)
    account.want(0)
    account.run()
    (fill,) = account.fills
    assert fill["price"] == pytest.approx(price)
    notional = 80.0 * price
    assert fill["cost"] == pytest.approx(notional * 1e-5 * factor * notional**0.5)
    assert account.positions["stop"].tolist() == pytest.approx(
        [max(price * 0.875, 110.0 - 1.5 * 0.125 * price) if style == "open" else price * 0.875]
    )


@pytest.mark.parametrize(("style", "price", "factor"), STYLES)
def test_an_exit_of_the_close_fills_in_the_same_style(
    trial: Trial, rules: Rules, style: str, price: float, factor: float
) -> None:
    account = trial(4, rules=styled(rules, style, exits={"time_stop": 1}))
    account.facts["adv"][1] = 100_000.0
    account.bars["impact"] = 1e-5
    account.shape(2, high=110.0, low=95.0, close=108.0)
    account.want(0)
    account.run(2)
    _, fill = account.fills
    assert fill["price"] == pytest.approx(price)
    notional = 80.0 * price
    assert fill["cost"] == pytest.approx(notional * 1e-5 * factor * notional**0.5)


@pytest.mark.parametrize(("style", "price", "factor"), STYLES)
def test_a_stop_fills_at_its_own_price_in_every_style(
    trial: Trial, rules: Rules, style: str, price: float, factor: float
) -> None:
    del price, factor
    account = trial(4, rules=styled(rules, style))
    account.facts["adv"] = 100_000.0
    account.bars["impact"] = 1e-5
    account.shape(2, low=80.0, close=90.0)
    account.want(0)
    account.run(2)
    _, fill = account.fills
    assert (fill["price"], fill["reason"]) == (87.5, Exit.STOP)
    assert fill["cost"] == pytest.approx(7_000.0 * 1e-5 * 7_000.0**0.5)


@pytest.mark.parametrize("style", ["twap", "vwap", "almgren_chriss"])
@pytest.mark.parametrize("adv", [800_000.0, INF])
def test_an_order_that_is_not_large_fills_at_once(
    trial: Trial, rules: Rules, style: str, adv: float
) -> None:
    account = trial(4, rules=styled(rules, style))
    account.facts["adv"] = adv  # 8,000 is not above a hundredth of it
    account.bars["impact"] = 1e-5
    account.shape(1, high=110.0, low=80.0, close=108.0)
    account.want(0)
    account.run()
    assert account.fills["price"].tolist() == [100.0, 87.5]  # and its stop is watched
    assert account.fills["cost"][0] == pytest.approx(8_000.0 * 1e-5 * 8_000.0**0.5)


@pytest.mark.parametrize(("known", "after", "price"), [(1e5, 1e9, 313.0 / 3.0), (1e9, 1e5, 100.0)])
def test_an_order_is_large_by_what_was_known_when_it_was_decided(
    trial: Trial, rules: Rules, known: float, after: float, price: float
) -> None:
    account = trial(4, rules=styled(rules, "vwap"))
    account.facts["adv"][0], account.facts["adv"][1:] = known, after
    account.shape(1, high=110.0, low=95.0, close=108.0)
    account.want(0)
    account.run()
    assert account.fills["price"].tolist() == pytest.approx([price])


def test_a_new_position_in_slices_is_not_watched_before_it_is_complete(
    trial: Trial, rules: Rules
) -> None:
    account = trial(5, rules=styled(rules, "twap", exits={"target": 2.0}))
    account.facts["adv"] = 100_000.0
    account.shape(1, low=80.0, high=140.0)
    account.want(0)
    account.run()
    assert account.positions["units"].tolist() == [80.0]
    assert account.positions["stop"].tolist() == [87.5]  # nor does it trail
    account.shape(2, low=87.0)
    account.run()
    assert reasons(account) == ["NONE", "STOP"]


def test_what_is_large_is_judged_before_the_room(trial: Trial, rules: Rules) -> None:
    account = trial(4, rules=styled(rules, "twap"))
    account.facts["adv"] = 700_000.0  # 8,000 is large, the 520 that there is room for are not
    account.shape(1, high=110.0, close=108.0)
    account.bars["room"][1, 0] = 520.0
    account.want(0)
    account.run()
    assert account.fills["price"].tolist() == [104.0]
    assert account.fills["units"].tolist() == pytest.approx([5.0])
