"""Which quotes are believed, and where they come from."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from benbot.envs.errors import BadConfig, NotAuthorised, UnknownName, VenueUnavailable
from benbot.paper.alpaca.quotes import AlpacaQuotes
from benbot.paper.alpaca.wire import data_wire
from benbot.paper.quote_board import QuoteBoard, QuoteLimits
from benbot.paper.quote_sources import quote_source
from benbot.paper.quotes import Quote, QuoteVerdict, Reading
from benbot.paper.tradier import TradierQuotes
from tests.paper.emulator.calendar import VirtualClock
from tests.paper.emulator.faults import mutation
from tests.paper.scenes import FREE, KEYS, Emulated, Played

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


class Given:
    """A source that shows what it is given, or fails."""

    def __init__(self, name: str = "given", delay: float = 0.0) -> None:
        self.name, self._delay = name, delay
        self.shown: dict[str, Quote] = {}
        self.error: VenueUnavailable | None = None
        self.n_asked = 0

    def show(self, bid: float | None, ask: float | None, time: datetime, symbol: str = "A") -> None:
        self.shown[symbol] = Quote(symbol, bid, ask, time, self.name, self._delay)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self.n_asked += 1
        if self.error is not None:
            raise self.error
        return {symbol: self.shown[symbol] for symbol in symbols if symbol in self.shown}


class Watch:
    """A board of one source or several, of which A is known to cost 100."""

    def __init__(self, *sources: Given, **limits: float) -> None:
        self.clock = VirtualClock(NOW)
        self.sources = sources or (Given(),)
        self.board = QuoteBoard(self.sources, QuoteLimits(**limits), self.clock)
        self.board.expect("A", 100.0)

    @property
    def source(self) -> Given:
        return self.sources[0]

    def read(self, symbol: str = "A") -> Reading:
        return self.board.read([symbol])[symbol]

    def see(self, bid: float | None, ask: float | None, later: float = 1.0) -> QuoteVerdict:
        """Let time pass, show a quote of that time, and return what is thought of it."""
        self.clock.advance(seconds=later)
        self.source.show(bid, ask, self.clock.now)
        return self.read().verdict


def test_a_fresh_two_sided_quote_near_the_last_price_is_good() -> None:
    watch = Watch()
    assert watch.see(99.9, 100.1) is QuoteVerdict.GOOD
    reading = watch.read()
    assert reading.may_enter
    assert reading.price == 100.0


@pytest.mark.parametrize(
    ("age", "verdict"), [(60.0, QuoteVerdict.GOOD), (61.0, QuoteVerdict.STALE)]
)
def test_a_quote_that_is_too_old_is_stale(age: float, verdict: QuoteVerdict) -> None:
    watch = Watch()
    watch.source.show(99.9, 100.1, NOW - timedelta(seconds=age))
    assert watch.read().verdict is verdict


def test_a_stale_quote_forbids_to_enter_and_leaves_a_price_for_exits() -> None:
    watch = Watch()
    watch.see(99.0, 99.2)
    watch.clock.advance(minutes=5)
    reading = watch.read()
    assert (reading.verdict, reading.may_enter) == (QuoteVerdict.STALE, False)
    assert reading.price == pytest.approx(99.1)


def test_a_feed_that_freezes_while_it_answers_becomes_stale_and_is_counted() -> None:
    watch = Watch()
    watch.source.show(99.9, 100.1, NOW)
    for _ in range(10):
        watch.read()
        watch.clock.advance(seconds=10)
    assert watch.board.counts[QuoteVerdict.STALE] == 3
    assert watch.board.failures["given"] == 0


@pytest.mark.parametrize(
    ("bid", "ask", "verdict"),
    [
        (None, 100.1, QuoteVerdict.ONE_SIDED),
        (99.9, None, QuoteVerdict.ONE_SIDED),
        (None, None, QuoteVerdict.ONE_SIDED),
        (100.1, 99.9, QuoteVerdict.CROSSED),
        (100.0, 100.0, QuoteVerdict.GOOD),
        (98.9, 101.1, QuoteVerdict.WIDE),
        (99.1, 100.9, QuoteVerdict.GOOD),
    ],
)
def test_a_quote_needs_two_sides_in_order_and_near_each_other(
    bid: float | None, ask: float | None, verdict: QuoteVerdict
) -> None:
    watch = Watch()
    assert watch.see(bid, ask) is verdict
    assert watch.read().price == 100.0


def test_half_a_quote_is_no_price() -> None:
    watch = Watch()
    watch.see(None, 180.0)
    assert watch.read().price == 100.0


def test_a_quote_from_the_future_is_refused_and_forgotten() -> None:
    watch = Watch()
    watch.source.show(99.9, 100.1, NOW + timedelta(seconds=6))
    assert watch.read().verdict is QuoteVerdict.FUTURE
    assert watch.see(99.9, 100.1) is QuoteVerdict.GOOD


def test_a_quote_that_is_older_than_one_before_is_out_of_order() -> None:
    watch = Watch()
    watch.see(99.9, 100.1)
    watch.source.show(99.9, 100.1, watch.clock.now - timedelta(seconds=1))
    assert watch.read().verdict is QuoteVerdict.OUT_OF_ORDER


def test_the_same_quote_again_changes_nothing() -> None:
    watch = Watch()
    watch.see(99.9, 100.1)
    assert watch.read() == watch.read()


@pytest.mark.parametrize("factor", [10.0, 0.1, 1.3, 0.7])
def test_a_price_far_away_is_believed_when_it_was_seen_twice_more(factor: float) -> None:
    watch, sides = Watch(), (99.9 * factor, 100.1 * factor)
    assert watch.see(*sides) is QuoteVerdict.OUTLIER
    assert watch.read().price == 100.0
    assert watch.see(*sides) is QuoteVerdict.OUTLIER
    assert watch.see(*sides) is QuoteVerdict.GOOD
    assert watch.read().price == pytest.approx(100.0 * factor)


def test_reading_one_quote_often_confirms_nothing() -> None:
    watch = Watch()
    watch.see(999.0, 1001.0)
    assert {watch.read().verdict for _ in range(10)} == {QuoteVerdict.OUTLIER}


def test_an_outlier_that_is_gone_again_was_one() -> None:
    watch = Watch()
    assert watch.see(999.0, 1001.0) is QuoteVerdict.OUTLIER
    assert watch.see(999.0, 1001.0) is QuoteVerdict.OUTLIER
    assert watch.see(99.9, 100.1) is QuoteVerdict.GOOD
    assert watch.see(999.0, 1001.0) is QuoteVerdict.OUTLIER
    assert watch.see(999.0, 1001.0) is QuoteVerdict.OUTLIER


def test_outliers_that_disagree_do_not_confirm_each_other() -> None:
    watch = Watch()
    seen = [watch.see(level - 0.1, level + 0.1) for level in (200.0, 300.0, 400.0, 500.0)]
    assert set(seen) == {QuoteVerdict.OUTLIER}


def test_the_first_price_of_an_unknown_symbol_must_be_confirmed() -> None:
    watch = Watch()
    seen = []
    for _ in range(3):
        watch.clock.advance(seconds=1)
        watch.source.show(5.0, 5.01, watch.clock.now, "NEW")
        seen.append(watch.read("NEW").verdict)
    assert seen == [QuoteVerdict.OUTLIER, QuoteVerdict.OUTLIER, QuoteVerdict.GOOD]


def test_a_split_that_is_told_is_no_outlier() -> None:
    watch = Watch()
    watch.board.expect("A", 10.0)
    assert watch.see(9.99, 10.01) is QuoteVerdict.GOOD


def test_a_symbol_without_a_quote_is_missing() -> None:
    watch = Watch()
    reading = watch.read("B")
    assert (reading.verdict, reading.quote, reading.price) == (QuoteVerdict.MISSING, None, None)


def test_a_source_that_fails_is_replaced_by_the_next() -> None:
    first, second = Given("first"), Given("second")
    watch = Watch(first, second)
    first.error = VenueUnavailable("down")
    second.show(99.9, 100.1, NOW)
    quote = watch.read().quote
    assert quote is not None
    assert quote.source == "second"
    assert watch.board.failures == {"first": 1, "second": 0}


def test_a_source_that_is_stale_is_replaced_by_the_next() -> None:
    first, second = Given("first"), Given("second")
    watch = Watch(first, second)
    first.show(99.9, 100.1, NOW - timedelta(hours=1))
    second.show(99.9, 100.1, NOW)
    assert watch.read().may_enter


def test_the_first_source_that_is_good_is_enough() -> None:
    first, second = Given("first"), Given("second")
    watch = Watch(first, second)
    first.show(99.9, 100.1, NOW)
    watch.read()
    assert second.n_asked == 0


def test_a_source_that_fails_is_left_alone_for_longer_each_time() -> None:
    watch = Watch()
    watch.source.error = VenueUnavailable("down")
    for _ in range(3600):
        watch.read()
        watch.clock.advance(seconds=1)
    assert watch.source.n_asked == 5 + 5  # after 30, 60, 120, 240, 480 and then every 600 seconds


def test_a_source_that_says_how_long_to_wait_is_heard() -> None:
    watch = Watch()
    watch.source.error = VenueUnavailable("busy", 7.0)
    for _ in range(15):
        watch.read()
        watch.clock.advance(seconds=1)
    assert watch.source.n_asked == 3


def test_when_all_sources_fail_all_is_missing_and_nothing_is_raised() -> None:
    watch = Watch(Given("first"), Given("second"))
    for source in watch.sources:
        source.error = NotAuthorised("keys")
    assert watch.read().verdict is QuoteVerdict.MISSING
    assert watch.read().price == 100.0


def test_a_source_that_is_always_late_is_never_good_for_entries() -> None:
    late = Given("tradier", delay=900.0)
    watch = Watch(late)
    late.show(99.9, 100.1, NOW)
    assert watch.read().verdict is QuoteVerdict.DELAYED


def test_a_book_that_is_said_to_be_late_takes_late_quotes() -> None:
    late = Given("tradier", delay=900.0)
    watch = Watch(late, delay=900.0)
    late.show(99.9, 100.1, NOW - timedelta(seconds=950))
    assert watch.read().verdict is QuoteVerdict.GOOD


@pytest.mark.parametrize(
    ("bid", "ask", "seconds", "price"),
    [
        (98.9, 99.1, 1.0, 99.0),
        (98.9, 99.1, -1.0, 100.0),  # older than what is known
        (60.0, 60.2, 1.0, 100.0),  # too far from it
        (90.0, 99.0, 1.0, 100.0),  # too wide
        (99.1, 98.9, 1.0, 100.0),  # crossed
    ],
)
def test_a_late_quote_values_what_is_held_where_nothing_newer_is_known(
    bid: float, ask: float, seconds: float, price: float
) -> None:
    late = Given("tradier", delay=900.0)
    watch = Watch(Given("alpaca"), late)
    watch.clock.advance(seconds=1_000.0)
    late.show(bid, ask, NOW + timedelta(seconds=seconds))
    reading = watch.read()
    assert (reading.verdict, reading.price) == (QuoteVerdict.DELAYED, price)
    assert not reading.may_enter


def tradier(alpaca: Emulated) -> TradierQuotes:
    return TradierQuotes(SecretStr("token"), alpaca.emulator.url)


def tradier_row(symbol: str, **fields: object) -> dict[str, object]:
    stamp = int(NOW.timestamp() * 1000)
    usual = {"symbol": symbol, "bid": 9.9, "ask": 10.1, "bid_date": stamp, "ask_date": stamp + 5}
    return usual | fields


@pytest.mark.parametrize("one", [True, False])
def test_quotes_of_tradier_are_marked_as_late(alpaca: Emulated, one: bool) -> None:
    rows: object = tradier_row("A") if one else [tradier_row("A"), tradier_row("B", bid=0)]
    alpaca.emulator.fail("status", status=200, body=json.dumps({"quotes": {"quote": rows}}))
    found = tradier(alpaca).quotes(["A", "B"])
    assert found["A"] == Quote("A", 9.9, 10.1, NOW, "tradier", 900.0)
    assert one or found["B"].bid is None


@pytest.mark.parametrize("fields", [{"bid": "x"}, {"ask": -1}, {"bid_date": None}, {"ask": True}])
def test_a_quote_of_tradier_that_cannot_be_read_is_left_out(
    alpaca: Emulated, fields: dict[str, object]
) -> None:
    body = json.dumps({"quotes": {"quote": [tradier_row("A", **fields), tradier_row("B")]}})
    alpaca.emulator.fail("status", status=200, body=body)
    assert set(tradier(alpaca).quotes(["A", "B"])) == {"B"}


@pytest.mark.parametrize(("status", "error"), [(401, NotAuthorised), (500, VenueUnavailable)])
def test_a_failure_of_tradier_is_told(alpaca: Emulated, status: int, error: type) -> None:
    alpaca.emulator.fail("status", status=status)
    with pytest.raises(error, match="Tradier"):
        tradier(alpaca).quotes(["A"])


def source_at(alpaca: Emulated) -> AlpacaQuotes:
    return AlpacaQuotes(data_wire(KEYS, alpaca.emulator.url, alpaca.clock))


def test_quotes_of_alpaca_are_read_to_the_microsecond(alpaca: Emulated) -> None:
    alpaca.emulator.broker.quote("FLAT", 49.9, 50.1)
    found = source_at(alpaca).quotes(["FLAT", "NOWHERE"])
    quote = found["FLAT"]
    assert (quote.bid, quote.ask, set(found)) == (49.9, 50.1, {"FLAT"})
    assert quote.age(alpaca.clock.now) == pytest.approx(0.0, abs=0.001)


def test_a_side_that_nobody_offers_is_not_zero(alpaca: Emulated) -> None:
    alpaca.emulator.broker.quote("FLAT", 49.9, 0)
    assert source_at(alpaca).quotes(["FLAT"])["FLAT"].ask is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e308, "50", True, [], {}])
def test_a_quote_of_alpaca_that_cannot_be_read_is_left_out(alpaca: Emulated, value: object) -> None:
    alpaca.emulator.fail(
        "mutate",
        change=lambda answer: {
            "quotes": {"FLAT": mutation("ap", "set", value)(answer["quotes"]["FLAT"])}
        },
    )
    assert source_at(alpaca).quotes(["FLAT"]) == {}


def test_sources_are_chosen_by_name(alpaca: Emulated) -> None:
    environment = {"APCA_API_KEY_ID": "PK", "APCA_API_SECRET_KEY": "s", "TRADIER_TOKEN": "t"}
    playback = Played(None, 1, FREE).venue.playback  # type: ignore[attr-defined]
    for name in ("simulated", "replay"):
        assert quote_source(name, playback, {}, alpaca.clock) is playback
    for name in ("alpaca", "tradier"):
        assert quote_source(name, None, environment, alpaca.clock).name == name


def test_a_source_that_cannot_be_is_refused(alpaca: Emulated) -> None:
    with pytest.raises(UnknownName, match="Did you mean alpaca"):
        quote_source("alpacca", None, {}, alpaca.clock)
    with pytest.raises(BadConfig, match="need a market that is played"):
        quote_source("replay", None, {}, alpaca.clock)
    with pytest.raises(NotAuthorised, match="APCA_API_KEY_ID must be set"):
        quote_source("alpaca", None, {}, alpaca.clock)
    with pytest.raises(NotAuthorised, match="TRADIER_TOKEN must be set"):
        quote_source("tradier", None, {}, alpaca.clock)
