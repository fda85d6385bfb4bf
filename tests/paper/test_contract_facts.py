"""What every venue answers: its clock, its account, its positions and its fills."""

from datetime import datetime, timedelta

import pytest

from benbot.envs.errors import InvalidParameter
from benbot.paper.venue import TimeInForce
from tests.paper.scenes import CAPITAL, Scene, buy, done, known, limit, sell

LONG_AGO = timedelta(days=400)


def began(scene: Scene) -> datetime:
    return scene.venue.clock().now - LONG_AGO


def test_times_are_in_utc(scene: Scene) -> None:
    clock = scene.venue.clock()
    for time in (clock.now, clock.next_open, clock.next_close):
        assert time.utcoffset() == timedelta(0)


def test_the_market_is_open_within_its_session(scene: Scene) -> None:
    assert scene.venue.clock().is_open


def test_the_session_ends_before_the_next_one_begins(scene: Scene) -> None:
    clock = scene.venue.clock()
    assert clock.now < clock.next_close < clock.next_open


def test_the_market_is_closed_after_its_session(scene: Scene) -> None:
    scene.close_market()
    clock = scene.venue.clock()
    assert not clock.is_open
    assert clock.now < clock.next_open < clock.next_close


def test_the_next_session_begins_when_it_was_said_to(scene: Scene) -> None:
    scene.close_market()
    expected = scene.venue.clock().next_open
    scene.open_market()
    clock = scene.venue.clock()
    assert clock.is_open
    assert timedelta(0) <= clock.now - expected <= timedelta(minutes=5)


def test_time_goes_on(scene: Scene) -> None:
    before = scene.venue.clock().now
    scene.step()
    assert scene.venue.clock().now > before


def test_an_account_begins_with_its_capital(scene: Scene) -> None:
    account = scene.venue.account()
    assert (account.cash, account.equity) == (CAPITAL, CAPITAL)
    assert account.may_trade
    assert account.may_open
    assert account.account_id


def test_buying_power_is_there_before_anything_is_bought(scene: Scene) -> None:
    assert scene.venue.account().buying_power >= CAPITAL


def test_nothing_is_held_at_first(scene: Scene) -> None:
    assert list(scene.venue.positions()) == []
    assert list(scene.venue.open_orders()) == []
    assert list(scene.venue.fills(began(scene))) == []


def test_what_was_bought_is_held(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 7.0))
    (position,) = scene.venue.positions()
    assert (position.symbol, position.units) == ("UP", 7.0)
    assert position.entry_price == pytest.approx(scene.price("UP"))
    assert position.last_price == pytest.approx(scene.price("UP"))


def test_what_was_sold_short_is_held_with_a_sign(scene: Scene) -> None:
    done(scene, sell("s-1", "DOWN", 4.0))
    (position,) = scene.venue.positions()
    assert (position.symbol, position.units) == ("DOWN", -4.0)


def test_positions_come_in_order_of_symbols(scene: Scene) -> None:
    for i, symbol in enumerate(("UP", "DOWN", "FLAT")):
        done(scene, buy(f"b-{i}", symbol))
    assert [one.symbol for one in scene.venue.positions()] == ["DOWN", "FLAT", "UP"]


def test_cash_falls_by_what_the_fills_say(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 7.0))
    (fill,) = scene.venue.fills(began(scene))
    expected = CAPITAL - fill.units * fill.price - fill.cost
    assert scene.venue.account().cash == pytest.approx(expected, abs=1e-6)


def test_selling_short_brings_cash(scene: Scene) -> None:
    done(scene, sell("s-1", "DOWN", 4.0))
    (fill,) = scene.venue.fills(began(scene))
    expected = CAPITAL + fill.units * fill.price - fill.cost
    assert scene.venue.account().cash == pytest.approx(expected, abs=1e-6)


def test_equity_is_cash_and_what_is_held(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 7.0))
    done(scene, buy("b-2", "DOWN", 3.0))
    scene.step(2)
    account = scene.venue.account()
    worth = sum(one.units * (one.last_price or 0.0) for one in scene.venue.positions())
    assert account.equity == pytest.approx(account.cash + worth, abs=1e-6)


def test_a_position_follows_its_price(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 100.0))
    before = scene.venue.account().equity
    scene.step()
    assert scene.venue.account().equity == pytest.approx(before + 100.0)


def test_a_short_position_loses_when_the_price_rises(scene: Scene) -> None:
    done(scene, sell("s-1", "UP", 100.0))
    before = scene.venue.account().equity
    scene.step()
    assert scene.venue.account().equity == pytest.approx(before - 100.0, abs=1.0)  # and a fee


def test_a_fill_names_its_order(scene: Scene) -> None:
    order = done(scene, buy("b-1", "UP", 7.0))
    (fill,) = scene.venue.fills(began(scene))
    assert (fill.venue_order_id, fill.symbol) == (order.venue_order_id, "UP")
    assert fill.client_order_id in (None, "b-1")
    assert (fill.units, fill.signed_units) == (7.0, 7.0)


def test_a_sale_is_a_fill_with_a_sign(scene: Scene) -> None:
    done(scene, buy("b-1"))
    done(scene, sell("s-1", units=4.0))
    bought, sold = sorted(scene.venue.fills(began(scene)), key=lambda one: -one.signed_units)
    assert (bought.signed_units, sold.signed_units) == (10.0, -4.0)


def test_every_fill_has_an_identifier_of_its_own(scene: Scene) -> None:
    for i in range(5):
        done(scene, buy(f"b-{i}"))
    identifiers = [fill.execution_id for fill in scene.venue.fills(began(scene))]
    assert len(set(identifiers)) == len(identifiers) == 5


def test_fills_come_the_oldest_first(scene: Scene) -> None:
    for i in range(3):
        done(scene, buy(f"b-{i}", units=float(i + 1)))
        scene.step()
    fills = scene.venue.fills(began(scene))
    assert [fill.units for fill in fills] == [1.0, 2.0, 3.0]
    assert sorted(fill.time for fill in fills) == [fill.time for fill in fills]


def test_fills_can_be_asked_for_again(scene: Scene) -> None:
    done(scene, buy("b-1"))
    assert list(scene.venue.fills(began(scene))) == list(scene.venue.fills(began(scene)))


def test_fills_begin_at_the_time_that_is_asked_for(scene: Scene) -> None:
    done(scene, buy("b-1", units=1.0))
    scene.step()
    done(scene, buy("b-2", units=2.0))
    first, second = scene.venue.fills(began(scene))
    assert list(scene.venue.fills(second.time)) == [second]
    assert list(scene.venue.fills(first.time)) == [first, second]
    assert list(scene.venue.fills(second.time + timedelta(seconds=1))) == []


def test_fills_of_no_zone_are_not_asked_for(scene: Scene) -> None:
    with pytest.raises(InvalidParameter, match="since must be a time with a zone"):
        scene.venue.fills(datetime(2026, 1, 5))  # noqa: DTZ001


def test_a_position_is_the_sum_of_its_fills(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 7.0))
    scene.step()
    done(scene, buy("b-2", "UP", 3.0))
    done(scene, sell("s-1", "UP", 4.0))
    total = sum(fill.signed_units for fill in scene.venue.fills(began(scene)))
    (position,) = scene.venue.positions()
    assert position.units == total == 6.0


def test_an_enlarged_position_has_the_mean_price(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 1.0))
    first = scene.price("UP")
    scene.step(2)
    done(scene, buy("b-2", "UP", 3.0))
    (position,) = scene.venue.positions()
    assert position.entry_price == pytest.approx((first + 3.0 * scene.price("UP")) / 4.0)


def test_a_reduced_position_keeps_its_price(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 4.0))
    first = scene.price("UP")
    scene.step(2)
    done(scene, sell("s-1", "UP", 1.0))
    (position,) = scene.venue.positions()
    assert (position.units, position.entry_price) == (3.0, pytest.approx(first))


def test_a_closed_position_is_gone_and_its_profit_is_cash(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 100.0))
    scene.step(3)
    done(scene, sell("s-1", "UP", 100.0))
    assert list(scene.venue.positions()) == []
    costs = sum(fill.cost for fill in scene.venue.fills(began(scene)))
    assert scene.venue.account().cash == pytest.approx(CAPITAL + 300.0 - costs)


def test_a_short_position_is_closed_by_buying(scene: Scene) -> None:
    done(scene, sell("s-1", "DOWN", 10.0))
    scene.step(2)
    done(scene, buy("b-1", "DOWN", 10.0))
    assert list(scene.venue.positions()) == []
    costs = sum(fill.cost for fill in scene.venue.fills(began(scene)))
    assert scene.venue.account().cash == pytest.approx(CAPITAL + 10.0 - costs, abs=0.1)


def test_an_order_at_rest_ties_up_buying_power_until_it_is_cancelled(scene: Scene) -> None:
    before = scene.venue.account().buying_power
    done(scene, buy("b-1", units=100.0, **limit(40.0)))
    assert scene.venue.account().buying_power == pytest.approx(before - 4_000.0)
    scene.venue.cancel("b-1")
    assert scene.venue.account().buying_power == pytest.approx(before)


def test_an_account_outlives_whoever_trades_with_it(scene: Scene) -> None:
    done(scene, buy("b-1", "UP", 7.0))
    done(scene, buy("b-2", "DOWN", 5.0, **limit(90.0)))
    before = (
        scene.venue.account(),
        list(scene.venue.positions()),
        list(scene.venue.open_orders()),
        list(scene.venue.fills(began(scene))),
    )
    scene.restart()
    after = (
        scene.venue.account(),
        list(scene.venue.positions()),
        list(scene.venue.open_orders()),
        list(scene.venue.fills(began(scene))),
    )
    assert after == before
    assert known(scene, "b-1").filled_units == 7.0


def test_what_happens_while_nobody_looks_is_told_afterwards(scene: Scene) -> None:
    done(scene, buy("b-1", "DOWN", 5.0, **limit(99.0, TimeInForce.GTC)))
    scene.step(4)
    scene.restart()
    (fill,) = scene.venue.fills(began(scene))
    assert (fill.units, fill.price) == (5.0, 99.0)
    assert list(scene.venue.open_orders()) == []
