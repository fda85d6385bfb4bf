"""What every venue does with orders."""

from datetime import timedelta

import pytest

from benbot.envs.errors import OrderRefused
from benbot.paper.venue import OrderKind, OrderStatus, Refusal, TimeInForce
from tests.paper.scenes import CAPITAL, Scene, buy, done, known, limit, sell, stop

GTC, IOC, OPENING = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.OPENING
LONG_AGO = timedelta(days=400)


def n_fills(scene: Scene) -> int:
    return len(scene.venue.fills(scene.venue.clock().now - LONG_AGO))


def refused(scene: Scene, intent: object) -> str:
    with pytest.raises(OrderRefused) as refusal:
        scene.venue.submit(intent)  # type: ignore[arg-type]
    return refusal.value.reason


def test_a_market_order_fills(scene: Scene) -> None:
    order = done(scene, buy("b-1", "UP"))
    assert (order.status, order.filled_units) == (OrderStatus.FILLED, 10.0)
    assert order.filled_price == pytest.approx(scene.price("UP"))
    assert order.status.is_terminal
    assert not order.is_open


def test_an_order_is_told_as_it_was_sent(scene: Scene) -> None:
    intent = buy("b-1", "DOWN", 3.0, **limit(90.5, GTC))
    scene.venue.submit(intent)
    order = known(scene, "b-1")
    assert order.is_of(intent)
    assert (order.kind, order.limit, order.time_in_force) == (OrderKind.LIMIT, 90.5, GTC)
    assert order.submitted_at is not None
    assert order.submitted_at.utcoffset() == timedelta(0)
    assert order.venue_order_id


def test_what_is_answered_to_an_order_is_that_order(scene: Scene) -> None:
    order = scene.venue.submit(buy("b-1"))
    assert (order.client_order_id, order.units) == ("b-1", 10.0)
    assert order.venue_order_id == known(scene, "b-1").venue_order_id


def test_an_order_that_was_never_sent_is_not_there(scene: Scene) -> None:
    assert scene.venue.order("never-sent") is None


def test_an_order_that_is_done_is_not_open(scene: Scene) -> None:
    done(scene, buy("b-1"))
    assert list(scene.venue.open_orders()) == []


def test_an_order_that_waits_is_open(scene: Scene) -> None:
    order = done(scene, buy("b-1", **limit(40.0)))
    assert order.is_open
    assert [one.client_order_id for one in scene.venue.open_orders()] == ["b-1"]
    assert n_fills(scene) == 0


def test_open_orders_come_the_oldest_first(scene: Scene) -> None:
    for identifier in ("z", "a", "m"):
        scene.venue.submit(buy(identifier, **limit(40.0, GTC)))
    assert [one.client_order_id for one in scene.venue.open_orders()] == ["z", "a", "m"]


def test_a_limit_that_the_market_meets_fills_at_the_market(scene: Scene) -> None:
    order = done(scene, buy("b-1", **limit(55.0)))
    assert order.status is OrderStatus.FILLED
    assert order.filled_price == pytest.approx(50.0)


def test_a_limit_to_buy_waits_for_its_price(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", "DOWN", **limit(99.0, GTC)))
    scene.step()
    assert known(scene, "b-1").is_open
    scene.step(2)
    order = known(scene, "b-1")
    assert order.status is OrderStatus.FILLED
    assert order.filled_price == pytest.approx(99.0)


def test_a_limit_to_sell_waits_for_its_price(scene: Scene) -> None:
    done(scene, buy("b-1", "UP"))
    scene.venue.submit(sell("s-1", "UP", **limit(103.0, GTC)))
    scene.step(2)
    assert known(scene, "s-1").is_open
    scene.step()
    assert known(scene, "s-1").filled_price == pytest.approx(103.0)


def test_a_limit_never_fills_at_a_worse_price(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", "DOWN", **limit(98.7, GTC)))
    scene.step(4)
    assert (known(scene, "b-1").filled_price or 0.0) <= 98.7


def test_a_stop_to_sell_waits_until_its_price_was_seen(scene: Scene) -> None:
    done(scene, buy("b-1", "DOWN"))
    scene.venue.submit(sell("s-1", "DOWN", **stop(99.2)))
    scene.step()
    assert known(scene, "s-1").is_open
    scene.step()
    order = known(scene, "s-1")
    assert order.status is OrderStatus.FILLED
    assert order.filled_price == pytest.approx(99.0)
    assert list(scene.venue.positions()) == []


def test_a_stop_to_buy_closes_a_short_position(scene: Scene) -> None:
    done(scene, sell("s-1", "UP"))
    scene.venue.submit(buy("b-1", "UP", **stop(101.5)))
    scene.step()
    assert known(scene, "b-1").is_open
    scene.step()
    assert known(scene, "b-1").filled_price == pytest.approx(102.0)
    assert list(scene.venue.positions()) == []


def test_an_order_that_is_cancelled_never_fills(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", "DOWN", **limit(99.0, GTC)))
    order = scene.venue.cancel("b-1")
    assert order is not None
    assert order.status in (OrderStatus.CANCELLED, OrderStatus.CANCELLING)
    scene.step(4)
    assert known(scene, "b-1").status is OrderStatus.CANCELLED
    assert n_fills(scene) == 0


def test_a_cancelled_order_is_not_open(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", **limit(40.0)))
    scene.venue.cancel("b-1")
    assert list(scene.venue.open_orders()) == []


def test_cancelling_what_is_filled_tells_that_it_is(scene: Scene) -> None:
    done(scene, buy("b-1"))
    order = scene.venue.cancel("b-1")
    assert order is not None
    assert order.status is OrderStatus.FILLED
    assert [one.units for one in scene.venue.positions()] == [10.0]


def test_cancelling_twice_is_cancelling_once(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", **limit(40.0)))
    scene.venue.cancel("b-1")
    again = scene.venue.cancel("b-1")
    assert again is not None
    assert again.status is OrderStatus.CANCELLED


def test_cancelling_what_was_never_sent_finds_nothing(scene: Scene) -> None:
    assert scene.venue.cancel("never-sent") is None


def test_the_same_identifier_is_the_same_order(scene: Scene) -> None:
    first = scene.venue.submit(buy("b-1", **limit(40.0)))
    again = scene.venue.submit(buy("b-1", **limit(40.0)))
    assert again.venue_order_id == first.venue_order_id
    assert len(scene.venue.open_orders()) == 1


def test_the_same_identifier_after_a_fill_does_not_fill_again(scene: Scene) -> None:
    done(scene, buy("b-1"))
    again = scene.venue.submit(buy("b-1"))
    assert again.status is OrderStatus.FILLED
    assert [one.units for one in scene.venue.positions()] == [10.0]
    assert n_fills(scene) == 1


def test_the_same_identifier_after_a_cancellation_stays_cancelled(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", **limit(40.0)))
    scene.venue.cancel("b-1")
    assert scene.venue.submit(buy("b-1", **limit(40.0))).status is OrderStatus.CANCELLED
    assert list(scene.venue.open_orders()) == []


def test_the_same_identifier_after_a_restart_is_the_same_order(scene: Scene) -> None:
    done(scene, buy("b-1"))
    scene.restart()
    scene.venue.submit(buy("b-1"))
    assert [one.units for one in scene.venue.positions()] == [10.0]


@pytest.mark.parametrize(
    "other",
    [buy("b-1", units=11.0), sell("b-1"), buy("b-1", "UP")],
    ids=["units", "side", "symbol"],
)
def test_an_identifier_of_another_order_is_refused(scene: Scene, other: object) -> None:
    done(scene, buy("b-1"))
    assert refused(scene, other) == Refusal.DUPLICATE
    assert n_fills(scene) == 1


def test_a_refused_order_does_not_exist(scene: Scene) -> None:
    refused(scene, buy("b-1", units=1e6))
    assert scene.venue.order("b-1") is None
    assert list(scene.venue.open_orders()) == []


def test_what_was_refused_may_be_asked_for_again(scene: Scene) -> None:
    refused(scene, buy("b-1", units=1e6))
    assert done(scene, buy("b-1", units=1.0)).status is OrderStatus.FILLED


def test_more_than_the_buying_power_is_refused(scene: Scene) -> None:
    units = scene.venue.account().buying_power / 50.0 + 1.0
    assert refused(scene, buy("b-1", units=round(units))) == Refusal.BUYING_POWER


def test_buying_power_counts_orders_that_wait(scene: Scene) -> None:
    units = scene.venue.account().buying_power / 40.0
    scene.venue.submit(buy("b-1", units=round(units * 0.9), **limit(40.0)))
    assert refused(scene, buy("b-2", units=round(units * 0.2))) == Refusal.BUYING_POWER


def test_more_than_is_held_cannot_be_sold_at_once(scene: Scene) -> None:
    done(scene, buy("b-1"))
    assert refused(scene, sell("s-1", units=11.0)) == Refusal.NOT_HELD
    assert [one.units for one in scene.venue.positions()] == [10.0]


def test_what_is_promised_cannot_be_sold_again(scene: Scene) -> None:
    done(scene, buy("b-1"))
    scene.venue.submit(sell("s-1", units=6.0, **limit(60.0)))
    assert refused(scene, sell("s-2", units=5.0, **limit(60.0))) == Refusal.NOT_HELD
    assert scene.venue.submit(sell("s-3", units=4.0, **limit(60.0))).is_open


def test_more_than_is_short_cannot_be_bought_at_once(scene: Scene) -> None:
    done(scene, sell("s-1"))
    assert refused(scene, buy("b-1", units=11.0)) == Refusal.NOT_HELD


def test_orders_that_could_meet_do_not_wait_together(scene: Scene) -> None:
    done(scene, buy("b-1"))
    scene.venue.submit(sell("s-1", **limit(60.0)))
    assert refused(scene, buy("b-2")) == Refusal.WASH_TRADE
    assert scene.venue.submit(buy("b-3", **limit(40.0))).is_open


def test_after_what_waits_is_cancelled_the_other_side_may_come(scene: Scene) -> None:
    done(scene, buy("b-1"))
    scene.venue.submit(sell("s-1", **limit(60.0)))
    scene.venue.cancel("s-1")
    assert done(scene, buy("b-2")).status is OrderStatus.FILLED


def test_a_symbol_that_is_not_there_is_refused(scene: Scene) -> None:
    assert refused(scene, buy("b-1", "NOWHERE")) == Refusal.NOT_TRADABLE


def test_an_exit_needs_no_buying_power(scene: Scene) -> None:
    units = scene.venue.account().buying_power / 50.0 * 0.99
    done(scene, buy("b-1", units=float(round(units))))
    assert scene.venue.account().buying_power < 0.05 * CAPITAL
    assert done(scene, sell("s-1", units=float(round(units)))).status is OrderStatus.FILLED


def test_an_order_for_the_day_ends_with_it(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", **limit(40.0)))
    scene.close_market()
    assert known(scene, "b-1").status is OrderStatus.EXPIRED
    assert list(scene.venue.open_orders()) == []


def test_an_order_until_cancelled_outlives_the_day(scene: Scene) -> None:
    scene.venue.submit(buy("b-1", **limit(40.0, GTC)))
    scene.close_market()
    assert known(scene, "b-1").is_open
    scene.open_market()
    assert known(scene, "b-1").is_open


def test_an_order_that_may_not_wait_is_cancelled(scene: Scene) -> None:
    order = done(scene, buy("b-1", **limit(40.0, IOC)))
    assert (order.status, order.filled_units) == (OrderStatus.CANCELLED, 0.0)


def test_an_order_that_may_not_wait_fills_where_it_can(scene: Scene) -> None:
    assert done(scene, buy("b-1", time_in_force=IOC)).status is OrderStatus.FILLED


def test_an_order_of_the_night_fills_in_the_morning(scene: Scene) -> None:
    scene.close_market()
    assert done(scene, buy("b-1", "UP")).is_open
    assert n_fills(scene) == 0
    scene.open_market()
    order = known(scene, "b-1")
    assert order.status is OrderStatus.FILLED
    assert order.filled_price == pytest.approx(scene.price("UP"))


def test_an_order_of_the_night_can_be_cancelled(scene: Scene) -> None:
    scene.close_market()
    scene.venue.submit(buy("b-1"))
    scene.venue.cancel("b-1")
    scene.open_market()
    assert known(scene, "b-1").status is OrderStatus.CANCELLED
    assert n_fills(scene) == 0


def test_an_order_for_the_opening_fills_at_it(scene: Scene) -> None:
    scene.close_market()
    scene.venue.submit(buy("b-1", "UP", time_in_force=OPENING))
    assert known(scene, "b-1").is_open
    scene.open_market()
    assert known(scene, "b-1").filled_price == pytest.approx(scene.price("UP"))


def test_an_order_for_the_opening_that_it_does_not_meet_is_over(scene: Scene) -> None:
    scene.close_market()
    scene.venue.submit(buy("b-1", **limit(40.0, OPENING)))
    scene.open_market()
    order = known(scene, "b-1")
    assert (order.is_open, order.filled_units) == (False, 0.0)


def test_a_position_can_be_opened_closed_and_opened_again(scene: Scene) -> None:
    for i in range(3):
        done(scene, buy(f"b-{i}", "UP"))
        done(scene, sell(f"s-{i}", "UP"))
    assert list(scene.venue.positions()) == []
    assert n_fills(scene) == 6


def test_from_long_to_short_takes_two_orders(scene: Scene) -> None:
    done(scene, buy("b-1"))
    done(scene, sell("s-1"))
    done(scene, sell("s-2", units=4.0))
    assert [one.units for one in scene.venue.positions()] == [-4.0]


def test_parts_of_a_unit_can_be_bought_for_the_day(scene: Scene) -> None:
    assert done(scene, buy("b-1", units=0.125)).filled_units == 0.125
    assert [one.units for one in scene.venue.positions()] == [0.125]


def test_cash_and_fills_agree_after_many_orders(scene: Scene) -> None:
    for i in range(6):
        symbol = ("UP", "DOWN", "FLAT")[i % 3]
        done(scene, buy(f"b-{i}", symbol, float(i + 1)))
        scene.step()
        if i % 2:
            done(scene, sell(f"s-{i}", symbol, float(i)))
    fills = scene.venue.fills(scene.venue.clock().now - LONG_AGO)
    paid = sum(fill.signed_units * fill.price + fill.cost for fill in fills)
    assert scene.venue.account().cash == pytest.approx(CAPITAL - paid, abs=1e-6)
