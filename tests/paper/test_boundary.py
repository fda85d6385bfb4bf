"""What may cross between the desk and a venue, and what is refused at the edge."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.errors import InvalidParameter
from benbot.paper.boundary import LARGEST_UNITS, SMALLEST_UNITS
from benbot.paper.quotes import Quote
from benbot.paper.venue import (
    AccountFacts,
    OrderIntent,
    OrderKind,
    OrderStatus,
    Side,
    TimeInForce,
    VenueClock,
    VenueFill,
    VenueOrder,
    VenuePosition,
)
from tests.paper.scenes import buy

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
NAIVE = datetime(2026, 1, 5, 15)  # noqa: DTZ001
NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize("units", [0.0, -5.0, NAN, INFINITY, -INFINITY, 1e-12, 1e308])
def test_units_that_cannot_be_traded_are_refused(units: float) -> None:
    with pytest.raises(
        InvalidParameter, match=r"units must be finite and between 1e-09 and 1e\+12"
    ):
        buy("b-1", units=units)


@pytest.mark.parametrize("units", ["10", None, True])
def test_units_that_are_no_number_are_refused(units: object) -> None:
    with pytest.raises(InvalidParameter, match="units must be a number, was"):
        buy("b-1", units=units)  # type: ignore[arg-type]


@pytest.mark.parametrize("price", [0.0, -1.0, NAN])
def test_a_limit_that_is_no_price_is_refused(price: float) -> None:
    with pytest.raises(InvalidParameter, match="limit must be above 0, was"):
        buy("b-1", kind=OrderKind.LIMIT, limit=price)


@pytest.mark.parametrize("price", [INFINITY, 1e308])
def test_a_limit_beyond_all_prices_is_refused(price: float) -> None:
    with pytest.raises(InvalidParameter, match="limit must be finite"):
        buy("b-1", kind=OrderKind.LIMIT, limit=price)


@pytest.mark.parametrize(
    "fields", [{"limit": 10.0}, {"kind": OrderKind.LIMIT}, {"kind": OrderKind.STOP}]
)
def test_a_limit_belongs_to_limit_and_stop_orders(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidParameter, match="limit must be given for limit and stop orders"):
        buy("b-1", **fields)


@pytest.mark.parametrize(
    ("name", "value"), [("side", "buy"), ("kind", "market"), ("time_in_force", "day")]
)
def test_a_choice_is_made_from_its_enum(name: str, value: str) -> None:
    fields = {"side": Side.BUY, "kind": OrderKind.MARKET, "time_in_force": TimeInForce.DAY}
    with pytest.raises(InvalidParameter, match=f"{name} must be a .* one of .*{value}.*, was"):
        OrderIntent("b-1", "FLAT", units=1.0, **fields | {name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("identifier", ["", "a b", "a_b", "x" * 49, "é", "a\n", None, "../x"])
def test_an_identifier_that_a_broker_cannot_store_is_refused(identifier: object) -> None:
    with pytest.raises(InvalidParameter, match="client_order_id must be 1 to 48 letters"):
        buy(identifier)  # type: ignore[arg-type]


@pytest.mark.parametrize("symbol", ["", "A B", "<script>", "A,B", "'; DROP", "X" * 33, "A\n", None])
def test_a_symbol_that_could_be_anything_else_is_refused(symbol: object) -> None:
    with pytest.raises(InvalidParameter, match="symbol must be 1 to 32 letters"):
        buy("b-1", symbol)  # type: ignore[arg-type]


def test_a_refused_text_is_not_repeated_at_length() -> None:
    with pytest.raises(InvalidParameter) as refusal:
        buy("b-1", "x" * 10_000)
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    "make",
    [
        lambda: VenueClock(NAIVE, True, NOW, NOW),
        lambda: VenueClock(NOW, True, NOW, NAIVE),
        lambda: VenueFill("f", "o", None, "A", Side.BUY, 1.0, 1.0, NAIVE),
        lambda: VenueOrder("c", "o", "A", Side.BUY, 1.0, OrderStatus.FILLED, submitted_at=NAIVE),
        lambda: Quote("A", 1.0, 2.0, NAIVE, "s"),
    ],
)
def test_a_time_without_a_zone_is_refused(make: object) -> None:
    with pytest.raises(InvalidParameter, match="must be a time with a zone, was"):
        make()  # type: ignore[operator]


def test_times_are_kept_in_utc() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-5)))
    fill = VenueFill("f", "o", None, "A", Side.SELL, 2.0, 1.0, there)
    assert (fill.time, fill.time.tzinfo) == (NOW, UTC)
    assert fill.signed_units == -2.0


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: AccountFacts("a", NAN, 1.0, 1.0), "equity"),
        (lambda: AccountFacts("a", 1.0, INFINITY, 1.0), "cash"),
        (lambda: AccountFacts("a", 1.0, 1.0, 1e16), "buying_power"),
        (lambda: VenuePosition("A", 0.0, 1.0), "units"),
        (lambda: VenuePosition("A", 1.0, NAN), "entry_price"),
        (lambda: VenuePosition("A", 1.0, 1.0, 0.0), "last_price"),
        (lambda: VenueFill("f", "o", None, "A", Side.BUY, NAN, 1.0, NOW), "units"),
        (lambda: VenueFill("f", "o", None, "A", Side.BUY, 1.0, 0.0, NOW), "price"),
        (lambda: VenueFill("f", "o", None, "A", Side.BUY, 1.0, 1.0, NOW, NAN), "cost"),
        (lambda: VenueFill("", "o", None, "A", Side.BUY, 1.0, 1.0, NOW), "execution_id"),
        (lambda: VenueOrder("c", "o", "A", Side.BUY, -1.0, OrderStatus.FILLED), "units"),
        (lambda: VenueOrder("c", "o", "A", Side.BUY, 1.0, OrderStatus.FILLED, NAN), "filled_units"),
        (lambda: VenueOrder("c", "o", "A", Side.BUY, 1.0, OrderStatus.FILLED, 1.0, 0.0), "price"),
        (lambda: Quote("A", NAN, 1.0, NOW, "s"), "bid"),
        (lambda: Quote("A", 1.0, -1.0, NOW, "s"), "ask"),
        (lambda: Quote("A", 1.0, 1e308, NOW, "s"), "ask"),
        (lambda: Quote("A", 0.0, 1.0, NOW, "s"), "bid"),
    ],
)
def test_a_fact_that_cannot_be_is_refused_where_it_is_made(make: object, name: str) -> None:
    with pytest.raises(InvalidParameter, match=name):
        make()  # type: ignore[operator]


@given(st.floats())
def test_whatever_number_is_given_an_order_has_units_that_can_be_traded(units: float) -> None:
    try:
        intent = buy("b-1", units=units)
    except InvalidParameter:
        assert not SMALLEST_UNITS <= units <= LARGEST_UNITS
    else:
        assert SMALLEST_UNITS <= intent.units <= LARGEST_UNITS


def test_half_of_a_quote_has_no_middle() -> None:
    assert Quote("A", None, 10.0, NOW, "s").mid is None
    assert Quote("A", 10.0, None, NOW, "s").spread is None
    assert Quote("A", 9.0, 11.0, NOW, "s").mid == 10.0
    assert Quote("A", 9.0, 11.0, NOW, "s").spread == pytest.approx(0.2)


def test_only_what_is_over_is_terminal() -> None:
    ended = {status for status in OrderStatus if status.is_terminal}
    assert ended == {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.REPLACED,
    }
