"""What the embedded broker pays, fills, splits and refuses; numbers that can be checked by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benbot.envs.desk.rules import Costs, DeskRules, Execution, Exits
from benbot.envs.errors import OrderRefused
from benbot.envs.market.market import market_from_prices
from benbot.paper.replay import Playback
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from benbot.paper.venue import OrderKind, OrderStatus, Refusal, TimeInForce
from tests.paper.scenes import BARS_A_DAY, FREE, Played, buy, known, limit, sell, stop

CLOSE = datetime(2026, 1, 5, 21, tzinfo=UTC)
DAY = timedelta(days=1)
GTC, OPENING = TimeInForce.GTC, TimeInForce.OPENING
LONG_AGO = CLOSE - 400 * DAY


class World:
    """One symbol A, a bar a day; `now` stands at the close of bar 0 at first."""

    def __init__(
        self,
        rows: list[tuple[float, float, float, float]],
        rules: DeskRules = FREE,
        account: SimulatedAccount | None = None,
        **facts: list[float],
    ) -> None:
        bars = np.array(rows, np.float64)
        prices = {name: bars[:, [i]] for i, name in enumerate(("open", "high", "low", "close"))}
        known = {name: np.array(fact, np.float64)[:, None] for name, fact in facts.items()}
        in_prices = {name: known.pop(name) for name in ("volume", "spread") if name in known}
        if "halted" in known:
            known["halted"] = known["halted"] > 0.0
        stamps = np.datetime64(CLOSE.replace(tzinfo=None), "us") + np.arange(
            len(rows)
        ) * np.timedelta64(1, "D")
        market = market_from_prices(stamps, ("A",), prices | in_prices)
        market = replace(market, **known)
        self.now = CLOSE
        playback = Playback(market, rules, lambda: self.now)
        self.venue = SimulatedVenue(playback, account or SimulatedAccount())

    def close_of(self, bar: int) -> None:
        self.now = CLOSE + bar * DAY

    def within(self, bar: int) -> None:
        self.now = CLOSE + bar * DAY - timedelta(hours=2)

    def filled(self, identifier: str) -> tuple[OrderStatus, float, float | None]:
        order = self.venue.order(identifier)
        assert order is not None
        return order.status, order.filled_units, order.filled_price


FLAT = (100.0, 100.0, 100.0, 100.0)
DIP = (100.0, 104.0, 95.0, 102.0)


def test_an_order_of_the_close_fills_at_the_next_open() -> None:
    world = World([FLAT, (103.0, 105.0, 99.0, 101.0)])
    world.venue.submit(buy("b", "A", time_in_force=OPENING))
    world.close_of(1)
    assert world.filled("b") == (OrderStatus.FILLED, 10.0, 103.0)
    assert world.venue.account().equity == 100_000.0 + 10.0 * (101.0 - 103.0)


def test_a_fill_costs_half_the_spread_and_the_commission() -> None:
    costs = Costs(commission_rate=0.001, commission_per_order=1.0, impact=0.0)
    world = World([FLAT, FLAT], DeskRules(costs=costs), spread=[0.01, 0.02])
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    (fill,) = world.venue.fills(LONG_AGO)
    assert fill.cost == pytest.approx(1_000.0 * 0.01 + 1_000.0 * 0.001 + 1.0)
    assert world.venue.account().cash == pytest.approx(100_000.0 - 1_000.0 - 12.0)


def test_a_bar_fills_no_more_than_it_has_room_for_and_the_rest_of_an_opening_is_cancelled() -> None:
    rules = DeskRules(costs=Costs(participation=0.1, half_spread=0.0))
    world = World([FLAT, FLAT, FLAT], rules, volume=[1e4, 50.0, 1e4])
    world.venue.submit(buy("b", "A", time_in_force=OPENING))
    world.close_of(1)
    assert world.filled("b") == (OrderStatus.CANCELLED, 5.0, 100.0)


def test_what_a_bar_has_no_room_for_may_fill_in_the_next() -> None:
    rules = DeskRules(costs=Costs(participation=0.1, half_spread=0.0))
    world = World([FLAT, FLAT, (101.0,) * 4], rules, volume=[1e4, 50.0, 1e4])
    world.venue.submit(buy("b", "A", time_in_force=GTC))
    world.close_of(1)
    assert world.filled("b") == (OrderStatus.PARTIALLY_FILLED, 5.0, 100.0)
    world.close_of(2)
    assert world.filled("b") == (OrderStatus.FILLED, 10.0, pytest.approx(100.5))
    assert [fill.units for fill in world.venue.fills(LONG_AGO)] == [5.0, 5.0]


def test_the_room_of_a_bar_is_used_once() -> None:
    rules = DeskRules(costs=Costs(participation=0.1, half_spread=0.0))
    world = World([FLAT, FLAT, FLAT], rules, volume=[1e4, 50.0, 1e4])
    world.venue.submit(buy("b", "A", **limit(101.0, GTC)))
    world.close_of(1)
    assert world.filled("b") == (OrderStatus.PARTIALLY_FILLED, 5.0, 100.0)


def test_units_are_whole_lots_where_a_bar_has_little_room() -> None:
    rules = DeskRules(costs=Costs(participation=0.1), execution=Execution(lot=2.0))
    world = World([FLAT, FLAT], rules, volume=[1e4, 50.0])
    world.venue.submit(buy("b", "A", time_in_force=OPENING))
    world.close_of(1)
    assert world.filled("b")[1] == 4.0


def test_a_large_order_pays_the_mean_price_of_its_slices_when_the_bar_is_over() -> None:
    rules = DeskRules(
        costs=Costs(half_spread=0.0, impact=0.0, participation=1.0),
        execution=Execution(style="twap", slices=4, large=0.001),
    )
    world = World([FLAT, FLAT, (100.0, 110.0, 100.0, 110.0)], rules, volume=[1e3] * 3)
    world.close_of(1)  # before, nobody knows what is traded in a day
    world.venue.submit(buy("b", "A", 100.0, time_in_force=OPENING))
    world.within(2)
    assert world.filled("b")[1] == 0.0
    world.close_of(2)
    assert world.filled("b") == (OrderStatus.FILLED, 100.0, 105.0)  # half of the way


@pytest.mark.parametrize(("level", "price"), [(97.0, 97.0), (101.0, 100.0), (94.9, None)])
def test_a_stop_fills_at_its_price_or_at_a_worse_open(level: float, price: float | None) -> None:
    world = World([FLAT, FLAT, DIP])
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    world.venue.submit(sell("s", "A", **stop(level)))
    world.close_of(2)
    assert world.filled("s")[2] == price


@pytest.mark.parametrize(("level", "price"), [(103.0, 103.0), (99.0, 100.0), (104.1, None)])
def test_a_limit_fills_at_its_price_or_at_a_better_open(level: float, price: float | None) -> None:
    world = World([FLAT, FLAT, DIP])
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    world.venue.submit(sell("s", "A", **limit(level, GTC)))
    world.close_of(2)
    assert world.filled("s")[2] == price


def test_of_a_stop_and_a_target_in_one_bar_the_stop_came_first() -> None:
    world = World([FLAT, FLAT, DIP])
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    world.venue.submit(sell("target", "A", 5.0, **limit(103.0, GTC)))
    world.venue.submit(sell("stop", "A", 5.0, **stop(97.0)))
    world.close_of(2)
    symbols = [fill.client_order_id for fill in world.venue.fills(LONG_AGO)]
    assert symbols == ["b", "stop", "target"]


def test_an_order_within_a_bar_knows_nothing_of_its_range() -> None:
    world = World([FLAT, FLAT, DIP])
    world.venue.submit(buy("b", "A"))
    world.within(2)
    world.venue.submit(sell("stop", "A", 5.0, **stop(97.0)))
    world.venue.submit(sell("limit", "A", 5.0, **limit(103.0, GTC)))
    world.close_of(2)
    assert world.filled("stop")[1] == world.filled("limit")[1] == 0.0


def test_an_order_within_a_bar_that_its_close_meets_fills_there() -> None:
    world = World([FLAT, FLAT, (100.0, 104.0, 95.0, 96.0)])
    world.venue.submit(buy("b", "A"))
    world.within(2)
    world.venue.submit(sell("stop", "A", 5.0, **stop(97.0)))
    world.close_of(2)
    assert world.filled("stop") == (OrderStatus.FILLED, 5.0, 96.0)


def test_an_order_within_a_bar_fills_at_what_is_shown() -> None:
    world = World([FLAT, (100.0, 120.0, 100.0, 120.0)])
    world.within(1)
    order = world.venue.submit(buy("b", "A"))
    assert (order.status, order.filled_price) == (OrderStatus.FILLED, 100.0)


def test_a_short_position_pays_for_what_it_borrows() -> None:
    world = World([FLAT, FLAT, FLAT], borrow_rate=[0.365, 0.365, 0.73])
    world.venue.submit(sell("s", "A"))
    world.close_of(1)
    assert world.venue.account().cash == pytest.approx(101_000.0 - 1.0)
    world.close_of(2)
    assert world.venue.account().cash == pytest.approx(101_000.0 - 3.0)


def test_what_nobody_lends_is_not_sold_short() -> None:
    world = World([FLAT, FLAT], borrow_rate=[np.inf, np.inf])
    with pytest.raises(OrderRefused, match="A cannot be sold short") as refusal:
        world.venue.submit(sell("s", "A"))
    assert refusal.value.reason == Refusal.NOT_SHORTABLE


def test_without_credit_nothing_is_sold_short_and_no_more_is_bought_than_there_is_cash() -> None:
    world = World([FLAT, FLAT], account=SimulatedAccount(multiplier=1.0))
    with pytest.raises(OrderRefused, match="cannot be sold short"):
        world.venue.submit(sell("s", "A"))
    with pytest.raises(OrderRefused, match=r"insufficient buying power: A costs 100100\.00"):
        world.venue.submit(buy("b", "A", 1_001.0))
    assert not world.venue.account().may_short
    assert world.venue.submit(buy("c", "A", 1_000.0)).is_open


def test_a_split_multiplies_units_divides_prices_and_cancels_what_waits() -> None:
    after = (50.0, 50.0, 50.0, 50.0)
    world = World([FLAT, FLAT, after], split=[1.0, 1.0, 2.0])
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    world.venue.submit(sell("s", "A", **stop(90.0)))
    world.close_of(2)
    (position,) = world.venue.positions()
    assert (position.units, position.entry_price, position.last_price) == (20.0, 50.0, 50.0)
    assert world.venue.account().equity == pytest.approx(100_000.0)
    order = world.venue.order("s")
    assert order is not None
    assert (order.status, order.note) == (OrderStatus.CANCELLED, "split of 2")


@pytest.mark.parametrize(("side", "cash"), [(buy, 99_000.0 + 30.0), (sell, 101_000.0 - 30.0)])
def test_a_dividend_is_paid_to_who_holds_and_by_who_is_short(side: object, cash: float) -> None:
    world = World([FLAT, FLAT, FLAT], dividend=[0.0, 0.0, 3.0], borrow_rate=[0.0] * 3)
    world.venue.submit(side("o", "A"))  # type: ignore[operator]
    world.close_of(2)
    assert world.venue.account().cash == pytest.approx(cash)


def test_what_is_halted_does_not_trade_and_the_order_waits() -> None:
    world = World([FLAT, FLAT, FLAT], halted=[0, 1, 0])
    world.venue.submit(buy("b", "A", time_in_force=GTC))
    world.close_of(1)
    assert world.filled("b")[1] == 0.0
    world.close_of(2)
    assert world.filled("b")[0] is OrderStatus.FILLED


def test_an_opening_that_does_not_come_ends_the_order_for_it() -> None:
    world = World([FLAT, (np.nan,) * 4, FLAT])
    world.venue.submit(buy("b", "A", time_in_force=OPENING))
    world.close_of(1)
    assert world.filled("b")[0] is OrderStatus.EXPIRED


def test_what_is_delisted_is_paid_out_at_its_last_price() -> None:
    gone = (np.nan,) * 4
    rules = FREE.model_copy(update={"exits": Exits(delisted_after=1)})
    world = World([FLAT, FLAT, gone, gone], rules)
    world.venue.submit(buy("b", "A"))
    world.close_of(1)
    world.venue.submit(sell("s", "A", **limit(120.0, GTC)))
    world.close_of(2)
    assert len(world.venue.positions()) == 1
    world.close_of(3)
    assert list(world.venue.positions()) == []
    assert world.venue.account().cash == pytest.approx(100_000.0)
    assert [one.status for one in (world.venue.order("s"),) if one] == [OrderStatus.CANCELLED]
    order = world.venue.order("delisted-0-3")
    assert order is not None
    assert (order.status, order.filled_units) == (OrderStatus.FILLED, 10.0)


def test_an_account_of_which_nothing_is_left_may_not_trade() -> None:
    world = World([FLAT, FLAT, (400.0,) * 4])
    world.venue.submit(sell("s", "A", 900.0))
    world.close_of(2)
    account = world.venue.account()
    assert account.equity < 0.0
    assert not account.may_trade
    with pytest.raises(OrderRefused, match="nothing is left") as refusal:
        world.venue.submit(buy("b", "A"))
    assert refusal.value.reason == Refusal.RESTRICTED


def test_a_symbol_that_had_no_price_yet_is_refused() -> None:
    world = World([(np.nan,) * 4, FLAT])
    with pytest.raises(OrderRefused, match="A has had no price yet"):
        world.venue.submit(buy("b", "A"))


def test_a_seed_says_which_orders_fill_in_parts() -> None:
    def parts(seed: int) -> list[float]:
        account = SimulatedAccount(partials=1.0, seed=seed)
        world = World([FLAT] * 9, account=account)
        world.venue.submit(buy("b", "A", time_in_force=GTC))
        world.close_of(8)
        return [fill.units for fill in world.venue.fills(LONG_AGO)]

    assert parts(1) == parts(1) != parts(2)
    assert all(0.0 < part < 10.0 for part in parts(1))


def test_a_market_of_closes_fills_at_the_next_close() -> None:
    close = np.array([[100.0], [110.0], [120.0]])
    stamps = np.datetime64(CLOSE.replace(tzinfo=None), "us") + np.arange(3) * np.timedelta64(1, "D")
    market = market_from_prices(stamps, ("A",), {"close": close})
    now = [CLOSE]
    venue = SimulatedVenue(Playback(market, FREE, lambda: now[0]), SimulatedAccount())
    assert venue.submit(buy("b", "A", time_in_force=OPENING)).filled_units == 0.0
    now[0] = CLOSE + DAY - timedelta(hours=1)
    assert venue.submit(buy("c", "A", kind=OrderKind.MARKET)).filled_units == 0.0
    now[0] = CLOSE + DAY
    for identifier in ("b", "c"):
        order = venue.order(identifier)
        assert order is not None
        assert order.filled_price == 110.0


def test_a_clock_that_goes_back_brings_nothing_back() -> None:
    world = World([FLAT, FLAT, (110.0,) * 4])
    world.venue.submit(buy("b", "A"))
    world.close_of(2)
    before = world.venue.account(), list(world.venue.fills(LONG_AGO))
    world.close_of(1)
    assert (world.venue.account(), list(world.venue.fills(LONG_AGO))) == before
    assert world.venue.submit(buy("b", "A")).status is OrderStatus.FILLED
    assert [one.units for one in world.venue.positions()] == [10.0]


def test_an_order_for_the_opening_that_comes_after_it_waits_for_the_next() -> None:
    scene = Played(None, BARS_A_DAY, FREE)
    scene.venue.submit(buy("b", "UP", time_in_force=OPENING))
    scene.step(3)
    assert known(scene, "b").filled_units == 0.0
    scene.close_market()
    assert known(scene, "b").is_open
    scene.open_market()
    assert known(scene, "b").filled_price == scene.price("UP")
