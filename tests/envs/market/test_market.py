"""The market refuses what contradicts itself, and nobody can change what it accepted."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.market import FACTS, PRICES, Market, Origin, market_from_prices

NAN = np.nan


def weekdays(n_bars: int) -> TimeArray:
    days = np.busday_offset("2020-01-01", np.arange(n_bars), roll="forward")
    return days.astype("datetime64[ns]") + np.timedelta64(21, "h")


def quoted(close: FloatArray) -> dict[str, FloatArray]:
    """Give closes a range of one unit to either side and an open at the close."""
    return {
        "open": close,
        "high": close + 1.0,
        "low": close - 1.0,
        "close": close,
        "volume": np.full(close.shape, 1e6),
        "spread": np.full(close.shape, 0.001),
    }


@pytest.fixture
def market() -> Market:
    close = np.array([[10.0, NAN], [11.0, 20.0], [12.0, 21.0], [NAN, 22.0]])
    return market_from_prices(weekdays(4), ("AAA", "BBB"), quoted(close))


def test_a_symbol_is_tradable_where_it_has_a_price(market: Market) -> None:
    expected = [[True, False], [True, True], [True, True], [False, True]]
    np.testing.assert_array_equal(market.tradable, expected)
    assert market.has_range
    assert market.sectors == ("unknown", "unknown")


def test_closes_alone_make_a_market_without_a_range() -> None:
    close = np.array([[10.0], [11.0]])
    market = market_from_prices(weekdays(2), ("AAA",), {"close": close})
    assert not market.has_range
    np.testing.assert_array_equal(market.open, close)
    np.testing.assert_array_equal(market.high, close)
    assert np.isnan(market.volume).all()
    assert np.isnan(market.spread).all()


@pytest.mark.parametrize("name", [*FACTS, "tradable", "timestamps", "session"])
def test_nobody_can_write_to_a_fact(market: Market, name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(market, name)[0] = 0
    with pytest.raises(FrozenInstanceError):
        setattr(market, name, getattr(market, name))


def test_changing_the_arrays_it_was_built_from_changes_nothing() -> None:
    close = np.array([[10.0], [11.0]])
    market = market_from_prices(weekdays(2), ("AAA",), {"close": close})
    close[:] = 99.0
    np.testing.assert_array_equal(market.close, [[10.0], [11.0]])


def test_bars_between_two_numbers_share_memory_with_the_market(market: Market) -> None:
    part = market.between(1, 3)
    np.testing.assert_array_equal(part.close, market.close[1:3])
    assert np.shares_memory(part.close, market.close)
    assert part.origin == market.origin


def test_what_was_known_after_some_bars_is_the_beginning(market: Market) -> None:
    np.testing.assert_array_equal(market.until(2).timestamps, market.timestamps[:2])


@pytest.mark.parametrize("name", FACTS)
def test_the_digest_changes_with_every_fact(market: Market, name: str) -> None:
    fact = getattr(market, name).copy()
    fact[1, 0] = np.nextafter(fact[1, 0], np.inf if name in ("high", "volume") else -np.inf)
    if name in ("open", "close"):  # the range of the fixture leaves room for these two
        assert market.low[1, 0] < fact[1, 0] < market.high[1, 0]
    assert replace(market, **{name: fact}).digest != market.digest


def test_the_digest_knows_names_and_times_and_no_origin(market: Market) -> None:
    assert replace(market, symbols=("AAA", "CCC")).digest != market.digest
    assert replace(market, sectors=("Energy", "unknown")).digest != market.digest
    assert replace(market, session=np.array([0, 1, 2, 9])).digest != market.digest
    later = market.timestamps + np.timedelta64(1, "ns")
    assert replace(market, timestamps=later).digest != market.digest
    assert replace(market, origin=Origin("elsewhere")).digest == market.digest


def test_the_digest_does_not_depend_on_the_unit_of_time_given(market: Market) -> None:
    coarse = market.timestamps.astype("datetime64[s]")
    assert replace(market, timestamps=coarse).digest == market.digest


def test_a_year_has_252_daily_bars_and_as_many_times_those_of_a_session() -> None:
    daily = market_from_prices(weekdays(10), ("A",), {"close": np.ones((10, 1))})
    assert daily.bars_per_year == 252.0
    hours = np.repeat(np.arange(2), 7)
    start = weekdays(2)[hours] + np.tile(np.arange(7), 2) * np.timedelta64(1, "h")
    hourly = market_from_prices(start, ("A",), {"close": np.ones((14, 1))}, session=hours)
    assert hourly.bars_per_year == 252.0 * 7


def test_a_weekly_market_has_about_fifty_bars_a_year() -> None:
    weekly = market_from_prices(
        weekdays(51)[::5], ("A",), {"close": np.ones((11, 1))}, session=np.arange(11) * 5
    )
    assert weekly.bars_per_year == pytest.approx(252 / 5, rel=0.1)


def test_a_market_that_never_closes_has_365_daily_bars_a_year() -> None:
    days = np.arange("2020-01-01", "2020-02-01", dtype="datetime64[D]").astype("datetime64[ns]")
    always = market_from_prices(days, ("BTC",), {"close": np.ones((31, 1))})
    assert always.bars_per_year == 365.0


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("close", 0.0, "close must be positive, was 0.0 for BBB at bar 1"),
        ("open", -1.0, "open must be positive, was -1.0 for BBB at bar 1"),
        ("low", NAN, "low must be positive, was nan for BBB at bar 1"),
        ("high", 19.0, "high must be at or above open and close, was 19.0 for BBB at bar 1"),
        ("low", 20.5, "low must be at or below open and close, was 20.5 for BBB at bar 1"),
        ("volume", -5.0, "volume must be finite and >= 0, was -5.0"),
        ("volume", np.inf, "volume must be finite and >= 0, was inf"),
        ("spread", 1.0, r"spread must be a fraction of the price in \[0, 1\), was 1.0"),
        ("spread", -0.1, r"spread must be a fraction of the price in \[0, 1\), was -0.1"),
    ],
)
def test_a_wrong_fact_is_named_with_its_symbol_and_bar(
    market: Market, name: str, wrong: float, message: str
) -> None:
    fact = getattr(market, name).copy()
    fact[1, 1] = wrong
    with pytest.raises(BadMarketData, match=message):
        replace(market, **{name: fact})


@pytest.mark.parametrize("name", PRICES)
@pytest.mark.parametrize("price", [5.0, np.inf])
def test_a_price_where_nothing_trades_is_refused(market: Market, name: str, price: float) -> None:
    fact = getattr(market, name).copy()
    fact[0, 1] = price
    with pytest.raises(BadMarketData, match=f"{name} must be NaN where not tradable"):
        replace(market, **{name: fact})


def test_times_that_stand_still_or_go_back_are_refused(market: Market) -> None:
    twice = market.timestamps[[0, 1, 1, 2]]
    with pytest.raises(BadMarketData, match="in order of time and unique; bar 2"):
        replace(market, timestamps=twice)
    with pytest.raises(BadMarketData, match="in order of time and unique; bar 1"):
        replace(market, timestamps=market.timestamps[::-1])
    with pytest.raises(BadMarketData, match="sessions must never decrease"):
        replace(market, session=np.array([0, 2, 1, 3]))


def test_a_bar_without_a_time_is_refused(market: Market) -> None:
    times = market.timestamps.copy()
    times[0] = np.datetime64("NaT")
    with pytest.raises(BadMarketData, match="bar 0 has none"):
        replace(market, timestamps=times)


def test_arrays_of_other_shapes_are_refused(market: Market) -> None:
    with pytest.raises(BadMarketData, match=r"volume must have .* \(4, 2\), was \(4, 1\)"):
        replace(market, volume=market.volume[:, :1])
    with pytest.raises(BadMarketData, match="was 1 sectors"):
        replace(market, sectors=("unknown",))
    with pytest.raises(BadMarketData, match="at least one bar and one symbol"):
        market.between(2, 2)


def test_a_symbol_listed_twice_is_refused(market: Market) -> None:
    with pytest.raises(BadMarketData, match="symbols must be unique, was twice or more: AAA"):
        replace(market, symbols=("AAA", "AAA"))


def test_unknown_facts_and_half_a_range_are_refused() -> None:
    close = np.ones((2, 1))
    with pytest.raises(BadMarketData, match="prices need close"):
        market_from_prices(weekdays(2), ("A",), {"open": close})
    with pytest.raises(BadMarketData, match="was close, hihg"):
        market_from_prices(weekdays(2), ("A",), {"close": close, "hihg": close})
    with pytest.raises(BadMarketData, match="open, high and low together, or close alone"):
        market_from_prices(weekdays(2), ("A",), {"close": close, "high": close})
