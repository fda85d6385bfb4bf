"""Orders at Alpaca when something goes wrong: refused, unknown, there before, filled meanwhile."""

import json
from datetime import timedelta

import pytest

from benbot.envs.errors import NotAuthorised, OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.alpaca.pricing import order_fields
from benbot.paper.venue import OrderStatus, Refusal, Side, TimeInForce
from tests.paper.emulator.faults import HTML, LOSSES, mutation
from tests.paper.scenes import Emulated, buy, done, emulated, known, limit, sell, stop

POST = ("POST", "/v2/orders")
BY_ID = ("GET", "/v2/orders:by_client_order_id")
GTC = TimeInForce.GTC


def said(message: str, code: int = 40310000) -> str:
    return json.dumps({"code": code, "message": message})


@pytest.mark.parametrize(
    ("status", "message", "reason"),
    [
        (403, "insufficient buying power", Refusal.BUYING_POWER),
        (
            403,
            "insufficient qty available for order (requested: 5, available: 2)",
            Refusal.NOT_HELD,
        ),
        (403, "potential wash trade detected. use complex orders", Refusal.WASH_TRADE),
        (422, "potential wash trade detected. use complex orders", Refusal.WASH_TRADE),
        (403, "new orders are rejected by user request", Refusal.RESTRICTED),
        (403, "account is restricted to liquidation only", Refusal.RESTRICTED),
        (403, "trade denied due to pattern day trading protection", Refusal.DAY_TRADING),
        (422, 'asset "X" cannot be sold short', Refusal.NOT_SHORTABLE),
        (422, "us_equity orders not allowed for account", Refusal.RESTRICTED),
        (422, 'asset "X" is not active', Refusal.NOT_TRADABLE),
        (422, "invalid limit_price 290.123. sub-penny increment", Refusal.MALFORMED),
        (422, "fractional orders must be DAY orders", Refusal.MALFORMED),
        (400, "qty is required", Refusal.MALFORMED),
        (422, "something that nobody has seen yet", Refusal.OTHER),
    ],
)
def test_a_refusal_is_told_with_its_reason_and_is_asked_once(
    alpaca: Emulated, status: int, message: str, reason: Refusal
) -> None:
    alpaca.emulator.fail("status", *POST, status=status, body=said(message))
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(buy("b-1"))
    assert refusal.value.reason == reason
    assert message in str(refusal.value)
    assert alpaca.emulator.requests.count(POST) == 1
    assert alpaca.venue.order("b-1") is None


@pytest.mark.parametrize("body", [HTML, said("internal error, insufficient buying power")])
@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 301, 418])
def test_a_status_that_says_nothing_of_the_order_leaves_it_unknown(
    alpaca: Emulated, status: int, body: str
) -> None:
    alpaca.emulator.fail("status", *POST, status=status, body=body)
    with pytest.raises(OutcomeUnknown, match="nobody knows whether the order arrived"):
        alpaca.venue.submit(buy("b-1"))
    assert alpaca.emulator.requests.count(POST) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refusal_that_is_not_the_broker_s_own_leaves_it_unknown(
    alpaca: Emulated, status: int
) -> None:
    alpaca.emulator.fail("status", *POST, status=status, body="<html>a proxy</html>")
    with pytest.raises(OutcomeUnknown):
        alpaca.venue.submit(buy("b-1"))


@pytest.mark.parametrize("action", LOSSES)
def test_an_order_whose_answer_was_lost_is_unknown_and_is_sent_once(
    alpaca: Emulated, action: str
) -> None:
    alpaca.emulator.fail(action, *POST, status=504)
    with pytest.raises(OutcomeUnknown):
        alpaca.venue.submit(buy("b-1"))
    assert alpaca.emulator.requests.count(POST) == 1
    assert len(alpaca.emulator.broker.orders) == (action != "drop_before")


def test_an_order_that_arrived_though_its_answer_was_lost_is_adopted(alpaca: Emulated) -> None:
    alpaca.emulator.fail("accept_then_drop", *POST)
    with pytest.raises(OutcomeUnknown):
        alpaca.venue.submit(buy("b-1"))
    assert alpaca.venue.submit(buy("b-1")).status is OrderStatus.FILLED
    assert len(alpaca.emulator.broker.orders) == 1


def test_an_order_that_did_not_arrive_is_sent_again_with_the_same_identifier(
    alpaca: Emulated,
) -> None:
    alpaca.emulator.fail("drop_before", *POST)
    with pytest.raises(OutcomeUnknown):
        alpaca.venue.submit(buy("b-1"))
    assert alpaca.venue.order("b-1") is None
    assert done(alpaca, buy("b-1")).status is OrderStatus.FILLED
    assert [one.client_order_id for one in alpaca.emulator.broker.orders] == ["b-1"]


def test_an_order_that_is_there_but_not_shown_yet_is_unknown(alpaca: Emulated) -> None:
    alpaca.emulator.lag = 10.0
    alpaca.venue.submit(buy("b-1"))
    assert alpaca.venue.order("b-1") is None
    with pytest.raises(OutcomeUnknown, match="b-1 is there, and is not shown yet"):
        alpaca.venue.submit(buy("b-1"))
    alpaca.clock.advance(seconds=11)
    assert alpaca.venue.submit(buy("b-1")).status is OrderStatus.FILLED
    assert len(alpaca.emulator.broker.orders) == 1


def test_an_order_that_is_there_but_cannot_be_read_is_unknown(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1"))
    alpaca.emulator.fail("status", *BY_ID)
    with pytest.raises(OutcomeUnknown, match="the order is there, and was not shown"):
        alpaca.venue.submit(buy("b-1"))


@pytest.mark.parametrize("name", ["id", "client_order_id", "symbol", "side"])
def test_an_answer_to_an_order_without_what_matters_leaves_it_unknown(
    alpaca: Emulated, name: str
) -> None:
    alpaca.emulator.fail("mutate", *POST, change=mutation(name, "drop"))
    with pytest.raises(OutcomeUnknown, match="the answer to an order cannot be read"):
        alpaca.venue.submit(buy("b-1"))


def test_an_answer_about_another_order_leaves_it_unknown(alpaca: Emulated) -> None:
    alpaca.emulator.fail("mutate", *POST, change=mutation("client_order_id", "set", "b-9"))
    with pytest.raises(OutcomeUnknown, match="sent b-1, was told of b-9"):
        alpaca.venue.submit(buy("b-1"))


def test_too_many_calls_are_a_refusal_that_says_how_long_to_wait(alpaca: Emulated) -> None:
    reset = alpaca.clock.now + timedelta(seconds=20)
    headers = {"X-RateLimit-Reset": str(int(reset.timestamp()))}
    alpaca.emulator.fail("status", *POST, status=429, body="{}", headers=headers)
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(buy("b-1"))
    assert refusal.value.reason == Refusal.RATE_LIMITED
    assert refusal.value.retry_after == pytest.approx(20.0)


def test_while_the_limit_is_reached_nothing_is_sent(alpaca: Emulated) -> None:
    alpaca.emulator.fail("status", *POST, status=429, body="{}")
    with pytest.raises(OrderRefused):
        alpaca.venue.submit(buy("b-1"))
    n_requests = len(alpaca.emulator.requests)
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(buy("b-1"))
    with pytest.raises(VenueUnavailable):
        alpaca.venue.account()
    assert refusal.value.reason == Refusal.RATE_LIMITED
    assert len(alpaca.emulator.requests) == n_requests
    alpaca.clock.advance(seconds=4)
    assert done(alpaca, buy("b-1")).status is OrderStatus.FILLED


def test_the_last_call_that_is_left_is_not_exceeded(alpaca: Emulated) -> None:
    reset = int((alpaca.clock.now + timedelta(seconds=30)).timestamp())
    alpaca.emulator.headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    alpaca.venue.clock()
    alpaca.emulator.headers = {}
    with pytest.raises(VenueUnavailable, match="the limit of calls is reached") as refusal:
        alpaca.venue.account()
    assert refusal.value.retry_after == pytest.approx(30.0, abs=1.0)
    alpaca.clock.advance(seconds=31)
    assert alpaca.venue.account().may_trade


def test_a_limit_that_ends_in_a_year_is_not_believed(alpaca: Emulated) -> None:
    headers = {"X-RateLimit-Reset": "99999999999"}
    alpaca.emulator.fail("status", *POST, status=429, body="{}", headers=headers)
    with pytest.raises(OrderRefused) as refusal:
        alpaca.venue.submit(buy("b-1"))
    assert refusal.value.retry_after == 60.0


@pytest.mark.parametrize("status", [401, 403])
def test_keys_that_are_not_known_are_told_as_that(alpaca: Emulated, status: int) -> None:
    body = said("request is not authorized", 40110000)
    alpaca.emulator.fail("status", status=status, body=body, times=9)
    with pytest.raises(NotAuthorised, match="Alpaca does not know these keys"):
        alpaca.venue.submit(buy("b-1"))
    for ask in (alpaca.venue.account, alpaca.venue.positions, lambda: alpaca.venue.cancel("b-1")):
        with pytest.raises(NotAuthorised):
            ask()
    assert alpaca.emulator.requests.count(POST) == 1


def test_a_cancellation_that_races_a_fill_tells_of_the_fill(alpaca: Emulated) -> None:
    alpaca.venue.submit(buy("b-1", "DOWN", **limit(99.0, GTC)))
    broker = alpaca.emulator.broker
    # Between the question and the wish, the market reaches the limit.
    fault = alpaca.emulator.fail("mutate", *BY_ID)
    fault.change = lambda answer: (broker.quote("DOWN", 98.0, 98.0), answer)[1]
    order = alpaca.venue.cancel("b-1")
    assert order is not None
    assert order.status is OrderStatus.FILLED


@pytest.mark.parametrize("action", ["drop_before", "accept_then_drop", "accept_then_504"])
def test_a_cancellation_whose_answer_was_lost_is_unknown(alpaca: Emulated, action: str) -> None:
    alpaca.venue.submit(buy("b-1", **limit(40.0)))
    alpaca.emulator.fail(action, "DELETE", status=504)
    with pytest.raises(OutcomeUnknown, match="nobody knows whether the cancellation of b-1"):
        alpaca.venue.cancel("b-1")
    assert known(alpaca, "b-1").is_open == (action == "drop_before")


def test_a_cancellation_that_arrived_and_is_not_shown_is_under_way(alpaca: Emulated) -> None:
    alpaca.venue.submit(buy("b-1", **limit(40.0)))
    alpaca.emulator.fail("status", *BY_ID, nth=2)
    order = alpaca.venue.cancel("b-1")
    assert order is not None
    assert order.status is OrderStatus.CANCELLING
    assert order.is_open


def test_parts_of_an_order_fill_one_after_the_other() -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    with emulated(partials=1.0, seed=3) as alpaca:
        order = done(alpaca, buy("b-1", units=100.0))
        assert order.status is OrderStatus.PARTIALLY_FILLED
        assert 0.0 < order.filled_units < 100.0
        while order.is_open:
            order = known(alpaca, "b-1")
        fills = alpaca.venue.fills(alpaca.clock.now - timedelta(days=1))
        assert sum(fill.units for fill in fills) == 100.0
        assert len(fills) > 1


def test_a_part_that_filled_before_the_rest_was_cancelled_stays() -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    with emulated(partials=1.0, seed=3) as alpaca:
        alpaca.venue.submit(buy("b-1", units=1000.0, **limit(50.0)))
        alpaca.emulator.broker.look()
        alpaca.emulator.broker.quote("FLAT", 60.0, 60.0)
        alpaca.venue.cancel("b-1")
        order = known(alpaca, "b-1")
        assert order.status is OrderStatus.CANCELLED
        assert order.filled_units > 0.0
        assert [one.units for one in alpaca.venue.positions()] == [order.filled_units]


@pytest.mark.parametrize(
    ("intent", "name", "text"),
    [
        (buy("b", **limit(10.019)), "limit_price", "10.01"),
        (sell("b", **limit(10.011)), "limit_price", "10.02"),
        (buy("b", **limit(0.12345)), "limit_price", "0.1234"),
        (sell("b", **limit(0.12341)), "limit_price", "0.1235"),
        (sell("b", **stop(10.019)), "stop_price", "10.02"),
        (buy("b", **limit(123456.0)), "limit_price", "123456.00"),
        (buy("b", units=1.0), "qty", "1"),
        (buy("b", units=1e6), "qty", "1000000"),
        (buy("b", units=0.1 + 0.2), "qty", "0.3"),
        (buy("b", units=1e-9), "qty", "0.000000001"),
    ],
)
def test_an_order_is_written_in_ticks_and_decimals(intent: object, name: str, text: str) -> None:
    assert order_fields(intent)[name] == text  # type: ignore[arg-type]


def test_a_limit_in_ticks_is_never_worse_than_what_was_asked_for() -> None:
    for i in range(1, 400):
        price = i * 0.0137
        for intent in (buy("b", **limit(price)), sell("b", **limit(price))):
            written = float(order_fields(intent)["limit_price"])
            assert (written <= price) == (intent.side is Side.BUY) or written == price


def test_parts_of_a_unit_beyond_the_day_are_not_even_sent(alpaca: Emulated) -> None:
    with pytest.raises(OrderRefused, match="fractional orders must be DAY orders") as refusal:
        alpaca.venue.submit(buy("b-1", units=1.5, **limit(40.0, GTC)))
    assert refusal.value.reason == Refusal.MALFORMED
    assert alpaca.emulator.requests == []


def test_a_limit_below_every_tick_is_not_even_sent(alpaca: Emulated) -> None:
    with pytest.raises(OrderRefused, match=r"limit must be at least 0\.0001"):
        alpaca.venue.submit(buy("b-1", **limit(0.00001)))
    assert alpaca.emulator.requests == []
