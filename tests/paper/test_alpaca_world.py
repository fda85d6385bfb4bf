"""What the world does to an account at Alpaca: halts, splits, overfills, blocks, and long days."""

import threading
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.venue import OrderStatus, Refusal, TimeInForce
from tests.paper.scenes import Emulated, buy, done, emulated, known, limit, sell, stop

GTC = TimeInForce.GTC


def units_of(alpaca: Emulated) -> dict[str, float]:
    return {one.symbol: one.units for one in alpaca.venue.positions()}


def test_an_order_in_a_halted_symbol_waits_until_it_trades_again(alpaca: Emulated) -> None:
    alpaca.emulator.broker.halted.add("UP")
    alpaca.venue.submit(buy("b-1", "UP"))
    alpaca.step(2)
    assert known(alpaca, "b-1").is_open
    assert units_of(alpaca) == {}
    alpaca.emulator.broker.halted.clear()
    assert known(alpaca, "b-1").status is OrderStatus.FILLED


def test_a_stop_in_a_halted_symbol_fills_at_the_price_after_the_halt(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1", "DOWN"))
    alpaca.venue.submit(sell("s-1", "DOWN", **stop(99.7)))
    alpaca.emulator.broker.halted.add("DOWN")
    alpaca.step(4)
    assert known(alpaca, "s-1").is_open
    alpaca.emulator.broker.halted.clear()
    assert known(alpaca, "s-1").filled_price == pytest.approx(98.0)


def test_a_symbol_that_is_not_active_any_more_is_refused(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1", "UP"))
    alpaca.emulator.broker.inactive.add("UP")
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(sell("s-1", "UP"))
    assert refusal.value.reason == Refusal.NOT_TRADABLE
    assert units_of(alpaca) == {"UP": 10.0}


def test_a_split_changes_what_is_held_and_ends_what_waits(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1", "UP"))
    alpaca.venue.submit(sell("s-1", "UP", **stop(90.0)))
    before = alpaca.venue.account().equity
    alpaca.emulator.broker.split("UP", 4)
    (position,) = alpaca.venue.positions()
    assert position.units == 40.0
    assert position.entry_price == pytest.approx(25.0)
    assert alpaca.venue.account().equity == pytest.approx(before, abs=0.01)
    assert list(alpaca.venue.open_orders()) == []


def test_more_than_was_ordered_is_told_as_it_happened(alpaca: Emulated) -> None:
    begun = alpaca.clock.now
    done(alpaca, buy("b-1"))
    broker = alpaca.emulator.broker
    broker.fill(broker.orders[0], Decimal(5), Decimal(50))
    order = known(alpaca, "b-1")
    assert (order.units, order.filled_units) == (10.0, 15.0)
    assert units_of(alpaca) == {"FLAT": 15.0}
    assert sum(fill.units for fill in alpaca.venue.fills(begun)) == 15.0


def test_a_position_that_was_closed_by_hand_is_gone(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1"))
    alpaca.emulator.broker.submit(
        {"client_order_id": "by hand", "symbol": "FLAT", "side": "sell", "qty": "10"}
        | {"type": "market", "time_in_force": "day"}
    )
    assert units_of(alpaca) == {}
    begun = alpaca.clock.now - timedelta(days=1)
    assert [fill.signed_units for fill in alpaca.venue.fills(begun)] == [10.0, -10.0]


def test_what_filled_of_an_order_before_the_day_ended_stays() -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    with emulated(partials=1.0, seed=3) as alpaca:
        alpaca.venue.submit(buy("b-1", units=1000.0, **limit(50.0)))
        alpaca.emulator.broker.look()
        alpaca.emulator.broker.quote("FLAT", 60.0, 60.0)
        alpaca.clock.advance(hours=8)
        order = known(alpaca, "b-1")
        assert order.status is OrderStatus.EXPIRED
        assert units_of(alpaca) == {"FLAT": order.filled_units}
        assert 0.0 < order.filled_units < 1000.0


@pytest.mark.parametrize(
    ("flag", "value"), [("trade_suspended_by_user", True), ("liquidation_only", True)]
)
def test_an_account_that_is_restricted_refuses_entries(
    alpaca: Emulated, flag: str, value: bool
) -> None:
    done(alpaca, buy("b-0"))
    alpaca.emulator.broker.flags[flag] = value
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(buy("b-1"))
    assert refusal.value.reason == Refusal.RESTRICTED


def test_an_account_for_liquidation_only_may_close(alpaca: Emulated) -> None:
    done(alpaca, buy("b-0"))
    alpaca.emulator.broker.flags["liquidation_only"] = True
    assert done(alpaca, sell("s-1")).status is OrderStatus.FILLED


def test_buying_power_is_what_the_venue_says_now(alpaca: Emulated) -> None:
    before = alpaca.venue.account().buying_power
    alpaca.emulator.broker.multiplier = Decimal(1)
    account = alpaca.venue.account()
    assert account.buying_power == pytest.approx(before / 2.0)
    assert not account.may_short


def test_an_hour_without_a_venue_ends_when_it_is_back(alpaca: Emulated) -> None:
    alpaca.venue.submit(buy("b-1", "DOWN", **limit(99.0, GTC)))
    alpaca.emulator.fail("drop_before", times=100)
    for ask in (alpaca.venue.clock, alpaca.venue.account, alpaca.venue.positions) * 5:
        with pytest.raises(VenueUnavailable):
            ask()
    with pytest.raises(OutcomeUnknown):
        alpaca.venue.submit(buy("b-2"))
    alpaca.emulator.faults.clear()
    alpaca.step(2)
    assert known(alpaca, "b-1").status is OrderStatus.FILLED
    assert alpaca.venue.order("b-2") is None


def test_failures_leave_neither_connections_nor_threads_behind(alpaca: Emulated) -> None:
    def n_open() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc, to count open files")
    alpaca.venue.clock()
    before, n_threads = n_open(), threading.active_count()
    for action in ("drop_before", "truncate", "status", "huge", "redirect") * 10:
        alpaca.emulator.faults.clear()
        alpaca.emulator.fail(action)
        with pytest.raises(VenueUnavailable):
            alpaca.venue.account()
        alpaca.venue.account()
    assert n_open() <= before + 4  # of the last connection, at both ends
    assert threading.active_count() <= n_threads + 2
