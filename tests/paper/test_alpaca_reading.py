"""Alpaca's answers when they are late, broken, or of another form than yesterday."""

import threading
import time
from datetime import time as time_of_day
from datetime import timedelta

import pytest

from benbot.envs.errors import BadConfig, InvalidParameter, NotAuthorised, VenueUnavailable
from benbot.paper.alpaca import wire as wires
from benbot.paper.alpaca.reading import STATUSES, order_of
from benbot.paper.alpaca.venue import AlpacaVenue
from benbot.paper.venue import OrderStatus
from tests.paper.emulator.faults import mutation
from tests.paper.scenes import KEYS, Emulated, buy, done, known, limit, sell

ALPACA_STATUSES = {
    *("new", "partially_filled", "filled", "done_for_day", "canceled", "expired", "replaced"),
    *("pending_cancel", "pending_replace", "accepted", "pending_new", "accepted_for_bidding"),
    *("stopped", "rejected", "suspended", "calculated", "held", "pending_review"),
}
IDLE_ORDER_FIELDS = [
    *("created_at", "updated_at", "submitted_at", "filled_at", "asset_class", "notional", "legs"),
    *("order_class", "time_in_force", "limit_price", "extended_hours", "qty", "filled_avg_price"),
]
IDLE_ACCOUNT_FIELDS = [
    *("status", "currency", "multiplier", "transfers_blocked", "buying_power", "account_number"),
    *("trading_blocked", "account_blocked", "trade_suspended_by_user"),
]
QUESTIONS = ["clock", "account", "positions", "open_orders"]
ROW = {"id": "o", "client_order_id": "c", "symbol": "A", "side": "buy", "filled_qty": "0"}


def ask(alpaca: Emulated, name: str) -> object:
    return getattr(alpaca.venue, name)()


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 404, 418])
def test_a_question_that_is_not_answered_is_said_to_be(
    alpaca: Emulated, name: str, status: int
) -> None:
    alpaca.emulator.fail("status", status=status)
    with pytest.raises(VenueUnavailable, match=f"status {status}"):
        ask(alpaca, name)
    assert len(alpaca.emulator.requests) == 1


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("action", ["drop_before", "truncate", "redirect", "huge"])
def test_a_broken_answer_is_none(alpaca: Emulated, name: str, action: str) -> None:
    alpaca.emulator.fail(action, body="http://127.0.0.1:1/elsewhere")
    with pytest.raises(VenueUnavailable, match="no answer"):
        ask(alpaca, name)


@pytest.mark.parametrize(
    "body",
    [
        *("", "null", "7", '"x"', "<html>", "[null]", "[[]]"),
        # What is collected while the parser is that deep may find no room for its last words.
        pytest.param(
            "[" * 100_000,
            marks=pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
        ),
    ],
)
@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_of_another_kind_is_none(alpaca: Emulated, name: str, body: str) -> None:
    alpaca.emulator.fail("body", body=body)
    with pytest.raises(VenueUnavailable):
        ask(alpaca, name)


def test_nobody_is_sent_elsewhere_with_the_keys(alpaca: Emulated) -> None:
    alpaca.emulator.fail("redirect", body=f"{alpaca.emulator.url}/v2/clock")
    with pytest.raises(VenueUnavailable, match="sent elsewhere"):
        alpaca.venue.account()
    assert alpaca.emulator.requests == [("GET", "/v2/account")]


def patient(alpaca: Emulated, seconds: float) -> AlpacaVenue:
    return AlpacaVenue(wires.trading_wire(KEYS, alpaca.emulator.url, alpaca.clock, seconds))


@pytest.mark.parametrize("action", ["delay", "drip"])
def test_an_answer_that_takes_too_long_is_not_waited_for(alpaca: Emulated, action: str) -> None:
    alpaca.emulator.fail(action, seconds=2.0)
    venue = patient(alpaca, 0.2)
    begun = time.monotonic()
    with pytest.raises(VenueUnavailable, match=r"no whole answer within 0\.2 s"):
        venue.account()
    assert time.monotonic() - begun < 1.5
    assert venue.account().may_trade
    venue.close()


def test_whoever_was_given_up_reads_no_more(alpaca: Emulated) -> None:
    alpaca.emulator.fail("drip", seconds=4.0)
    venue = patient(alpaca, 0.1)
    with pytest.raises(VenueUnavailable):
        venue.account()
    end = time.monotonic() + 1.5
    while _readers() and time.monotonic() < end:
        time.sleep(0.01)
    assert not _readers()
    venue.close()


def _readers() -> list[str]:
    """Return the names of the threads in which calls are made."""
    return [one.name for one in threading.enumerate() if one.name.endswith("(run)")]


def test_a_server_that_is_not_there_is_unavailable(alpaca: Emulated) -> None:
    venue = AlpacaVenue(wires.trading_wire(KEYS, "http://127.0.0.1:9", alpaca.clock))
    with pytest.raises(VenueUnavailable, match="no answer"):
        venue.account()


def test_positions_that_cannot_be_read_are_not_taken_for_none(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1"))
    done(alpaca, buy("b-2", "UP"))
    alpaca.emulator.fail("mutate", path="/v2/positions", change=mutation("qty", "drop"))
    with pytest.raises(VenueUnavailable, match="qty must be a number"):
        alpaca.venue.positions()


@pytest.mark.parametrize("how", ["drop", "null", "rename"])
@pytest.mark.parametrize(
    "name",
    [
        "created_at",
        "updated_at",
        "submitted_at",
        "filled_at",
        "asset_class",
        "notional",
        "order_class",
        "time_in_force",
        "limit_price",
        "extended_hours",
        "legs",
        "qty",
        "filled_avg_price",
    ],
)
def test_an_order_is_read_without_what_does_not_matter(
    alpaca: Emulated, name: str, how: str
) -> None:
    done(alpaca, buy("b-1", **limit(40.0)))
    alpaca.emulator.fail("mutate", change=mutation(name, how), times=2)
    order = known(alpaca, "b-1")
    assert (order.symbol, order.status) == ("FLAT", OrderStatus.ACCEPTED)
    assert len(alpaca.venue.open_orders()) == 1


@pytest.mark.parametrize("how", ["drop", "null", "rename"])
@pytest.mark.parametrize(
    "name",
    [
        "status",
        "currency",
        "multiplier",
        "transfers_blocked",
        "buying_power",
        "trading_blocked",
        "account_blocked",
        "trade_suspended_by_user",
        "account_number",
    ],
)
def test_an_account_is_read_without_what_does_not_matter(
    alpaca: Emulated, name: str, how: str
) -> None:
    alpaca.emulator.fail("mutate", change=mutation(name, how))
    assert alpaca.venue.account().equity == 100_000.0


def test_an_account_is_read_without_the_fields_of_day_traders(alpaca: Emulated) -> None:
    assert "pattern_day_trader" not in alpaca.emulator.broker.flags
    assert alpaca.venue.account().may_trade


@pytest.mark.parametrize("name", ["equity", "cash"])
@pytest.mark.parametrize("value", [None, "", "NaN", "Infinity", "1e999", "x", True, [], {}])
def test_an_account_whose_worth_cannot_be_read_is_unread(
    alpaca: Emulated, name: str, value: object
) -> None:
    alpaca.emulator.fail("mutate", change=mutation(name, "set", value))
    with pytest.raises(VenueUnavailable, match="cannot be read"):
        alpaca.venue.account()


@pytest.mark.parametrize("flag", ["trading_blocked", "account_blocked", "trade_suspended_by_user"])
def test_a_blocked_account_may_not_trade_and_says_why(alpaca: Emulated, flag: str) -> None:
    alpaca.emulator.broker.flags[flag] = True
    account = alpaca.venue.account()
    assert not account.may_trade
    assert flag in account.note


@pytest.mark.parametrize("status", ["ACCOUNT_CLOSED", "LIQUIDATION_ONLY", "", None, "A_NEW_ONE"])
def test_an_account_that_is_not_active_may_only_close(alpaca: Emulated, status: object) -> None:
    alpaca.emulator.broker.flags["status"] = status
    account = alpaca.venue.account()
    assert account.may_trade
    assert not account.may_open
    assert "status" in account.note


def test_an_account_that_may_not_sell_short_says_so(alpaca: Emulated) -> None:
    alpaca.emulator.broker.flags["shorting_enabled"] = None
    assert not alpaca.venue.account().may_short


def test_every_status_of_alpaca_is_known() -> None:
    assert set(STATUSES) == ALPACA_STATUSES


@pytest.mark.parametrize("status", ["brand_new_status", None, 7, ""])
def test_a_status_that_is_not_known_is_unknown_and_open(status: object) -> None:
    order = order_of(ROW | {"status": status})
    assert order.status is OrderStatus.UNKNOWN
    assert order.is_open


@pytest.mark.parametrize("name", ["id", "client_order_id", "symbol"])
@pytest.mark.parametrize("value", ["", "/../account\t", "x" * 10_000, "a\x00b", "<b>", 7, None])
def test_a_name_that_could_be_anything_else_makes_an_order_unread(name: str, value: object) -> None:
    if (name, value) == ("client_order_id", "<b>"):
        value = "\n"  # what others call their orders is theirs, as long as it is one line
    with pytest.raises(InvalidParameter):
        order_of(ROW | {"status": "new", name: value})


@pytest.mark.parametrize("status", ["filled", "canceled", "partially_filled", "new"])
def test_an_order_of_which_nobody_says_how_much_filled_is_unknown(status: str) -> None:
    assert order_of(ROW | {"status": status, "filled_qty": None}).status is OrderStatus.UNKNOWN


@pytest.mark.parametrize(("qty", "side", "units"), [("-4", "short", -4.0), ("4", "short", -4.0)])
def test_a_short_position_is_read_by_its_side(
    alpaca: Emulated, qty: str, side: str, units: float
) -> None:
    done(alpaca, sell("s-1", units=4.0))
    alpaca.emulator.fail("mutate", change=mutation("qty", "set", qty))
    (position,) = alpaca.venue.positions()
    assert (side, position.units) == ("short", units)


@pytest.mark.parametrize("qty", ["0", "NaN", "-0", "inf", "1e-12", None, True])
def test_a_position_of_no_size_makes_all_of_them_unread(alpaca: Emulated, qty: object) -> None:
    done(alpaca, buy("b-1"))
    alpaca.emulator.fail("mutate", change=mutation("qty", "set", qty))
    with pytest.raises(VenueUnavailable):
        alpaca.venue.positions()


def test_a_fill_that_is_listed_twice_is_told_once(alpaca: Emulated) -> None:
    done(alpaca, buy("b-1"))
    alpaca.emulator.shown_twice = 3
    assert len(alpaca.venue.fills(alpaca.clock.now - timedelta(days=1))) == 1


def test_fills_in_another_order_are_told_the_oldest_first(alpaca: Emulated) -> None:
    begun = alpaca.clock.now
    for i in range(3):
        done(alpaca, buy(f"b-{i}", units=i + 1.0))
        alpaca.step()
    alpaca.emulator.fail("mutate", path=".*/FILL", change=lambda rows: rows[::-1])
    assert [fill.units for fill in alpaca.venue.fills(begun)] == [1.0, 2.0, 3.0]


def test_fills_of_many_pages_are_all_told(alpaca: Emulated) -> None:
    begun = alpaca.clock.now
    broker = alpaca.emulator.broker
    order = broker.submit(
        {"client_order_id": "b", "symbol": "FLAT", "side": "buy", "qty": "250"}
        | {"type": "market", "time_in_force": "day"}
    )
    for _ in range(250):
        broker.fill(order, order.qty / 250, broker.price("FLAT"))
    fills = alpaca.venue.fills(begun)
    assert len({fill.execution_id for fill in fills}) == len(fills) == 250
    assert alpaca.emulator.requests.count(("GET", "/v2/account/activities/FILL")) == 3


def test_a_fill_that_was_lost_is_found_when_it_is_listed(alpaca: Emulated) -> None:
    begun = alpaca.clock.now
    done(alpaca, buy("b-1"))
    lost = alpaca.emulator.broker.fills[0].id
    alpaca.emulator.lost = {lost}
    assert list(alpaca.venue.fills(begun)) == []
    assert [one.units for one in alpaca.venue.positions()] == [10.0]
    alpaca.emulator.lost = set()
    assert [fill.execution_id for fill in alpaca.venue.fills(begun)] == [lost]


def test_more_open_orders_than_a_page_holds_are_not_taken_for_all(alpaca: Emulated) -> None:
    row = {**ROW, "status": "new"}
    alpaca.emulator.fail("mutate", path="/v2/orders", change=lambda _: [row] * 500)
    with pytest.raises(VenueUnavailable, match="fewer than 500 open orders can be read"):
        alpaca.venue.open_orders()


def test_an_order_from_elsewhere_is_shown_like_any_other(alpaca: Emulated) -> None:
    alpaca.emulator.broker.submit(
        {"client_order_id": "by_hand 1", "symbol": "FLAT", "side": "buy", "qty": "3"}
        | {"type": "limit", "limit_price": "40", "time_in_force": "gtc"}
    )
    (order,) = alpaca.venue.open_orders()
    assert (order.client_order_id, order.units) == ("by_hand 1", 3.0)


def test_a_session_that_ends_early_ends_when_the_venue_says(alpaca: Emulated) -> None:
    alpaca.emulator.broker.sessions.early[alpaca.clock.now.date()] = time_of_day(13)
    close = alpaca.venue.clock().next_close
    assert (close.hour, close.minute) == (18, 0)
    alpaca.clock.now = close
    assert not alpaca.venue.clock().is_open


def test_a_day_on_which_the_venue_is_closed_is_closed(alpaca: Emulated) -> None:
    alpaca.emulator.broker.sessions.closed.add(alpaca.clock.now.date())
    clock = alpaca.venue.clock()
    assert not clock.is_open
    assert clock.next_open > clock.now + timedelta(hours=20)


def test_the_venue_s_time_is_told_whatever_ours_is(alpaca: Emulated) -> None:
    ours = alpaca.clock.now
    theirs = (ours + timedelta(minutes=10)).isoformat()
    alpaca.emulator.fail("mutate", change=mutation("timestamp", "set", theirs))
    assert alpaca.venue.clock().now - ours == timedelta(minutes=10)


@pytest.mark.parametrize("name", ["timestamp", "next_open", "next_close", "is_open"])
@pytest.mark.parametrize("value", [None, "", "soon", 7, "2026-01-05T10:00:00"])
def test_a_clock_that_cannot_be_read_is_unread(alpaca: Emulated, name: str, value: object) -> None:
    alpaca.emulator.fail("mutate", change=mutation(name, "set", value))
    with pytest.raises(VenueUnavailable, match="cannot be read"):
        alpaca.venue.clock()


def test_keys_that_are_withdrawn_end_all_questions(alpaca: Emulated) -> None:
    alpaca.emulator.authorised = False
    with pytest.raises(NotAuthorised, match="Make new ones"):
        alpaca.venue.fills(alpaca.clock.now)


def test_the_client_is_not_even_made_for_an_address_that_is_empty(alpaca: Emulated) -> None:
    for make in (wires.trading_wire, wires.data_wire):
        with pytest.raises(BadConfig, match="the address must be"):
            make(KEYS, "", alpaca.clock)


def test_only_its_own_address_is_called(alpaca: Emulated) -> None:
    wire = wires.trading_wire(KEYS, alpaca.emulator.url, alpaca.clock)
    wire._client._base_url = "https://api.alpaca.markets"
    with pytest.raises(VenueUnavailable, match=r"only http://127\.0\.0\.1:\d+ may be called"):
        AlpacaVenue(wire).account()
