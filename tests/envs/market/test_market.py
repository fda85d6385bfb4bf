"""The market refuses what contradicts itself, and nobody can change what it accepted."""

from copy import deepcopy
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.market import (
    FACTS,
    OPTIONAL_FACTS,
    PRICES,
    Market,
    Origin,
    market_from_prices,
)

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


@pytest.mark.parametrize("name", [*FACTS, *OPTIONAL_FACTS, "tradable", "timestamps", "session"])
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


OTHERWISE = {
    **{"halted": True, "borrow_rate": 0.05, "unadjusted": 4.0, "split": 2.0, "dividend": 0.5},
    "iv": 0.2,
}


def test_an_optional_fact_says_nothing_by_default_and_takes_no_memory(market: Market) -> None:
    for name, nothing in OPTIONAL_FACTS.items():
        fact = getattr(market, name)
        np.testing.assert_array_equal(fact, np.full((4, 2), nothing))
        assert fact.strides == getattr(market.between(1, 3), name).strides == (0, 0)
    assert market.halted.dtype == np.bool_


@pytest.mark.parametrize("name", OPTIONAL_FACTS)
def test_an_optional_fact_is_kept_sliced_and_part_of_the_digest(market: Market, name: str) -> None:
    fact = np.full((4, 2), OPTIONAL_FACTS[name])
    said_nothing = market_from_prices(
        market.timestamps, market.symbols, {**_prices(market), name: fact.copy()}
    )
    assert said_nothing.digest == market.digest
    fact[2, 1] = OTHERWISE[name]
    said = market_from_prices(market.timestamps, market.symbols, {**_prices(market), name: fact})
    assert said.digest != market.digest
    fact[2, 1] = OPTIONAL_FACTS[name]
    assert getattr(said, name)[2, 1] == OTHERWISE[name]
    assert getattr(said.between(1, 3), name)[1, 1] == OTHERWISE[name]
    assert said.until(2).digest == market.until(2).digest


def test_features_are_kept_sliced_and_part_of_the_digest(market: Market) -> None:
    mood = np.array([[NAN, 0.5], [0.1, 0.2], [0.3, NAN], [0.0, -0.4]])
    other = replace(market, features={"mood": mood, "age": np.ones((4, 2))})
    given = mood.copy()
    mood[:] = 9.0
    np.testing.assert_array_equal(other.features["mood"], given)
    np.testing.assert_array_equal(other.between(1, 3).features["mood"], given[1:3])
    assert np.shares_memory(other.between(1, 3).features["mood"], other.features["mood"])
    assert list(other.features) == ["mood", "age"]
    assert dict(market.features) == {}
    turned = replace(market, features={"age": np.ones((4, 2)), "mood": given})
    assert turned.digest == other.digest == replace(other).digest
    given[3, 1] = -0.5
    digests = {market.digest, other.digest, replace(other, features={"mood": given}).digest}
    assert len(digests | {replace(other, features={"temper": given}).digest}) == 4


def test_nobody_can_change_a_feature(market: Market) -> None:
    features = replace(market, features={"mood": np.ones((4, 2))}).features
    with pytest.raises(ValueError, match="read-only"):
        features["mood"][0] = 0.0
    with pytest.raises(TypeError, match="does not support item assignment"):
        features["mood"] = np.zeros((4, 2))  # type: ignore[index]
    assert deepcopy(features)["mood"].shape == (4, 2)


def test_a_feature_of_another_shape_name_or_size_is_refused(market: Market) -> None:
    with pytest.raises(BadMarketData, match=r"mood must have .* \(4, 2\), was \(4, 1\)"):
        replace(market, features={"mood": np.ones((4, 1))})
    with pytest.raises(BadMarketData, match="a feature needs a name of its own, was close"):
        replace(market, features={"close": np.ones((4, 2))})
    mood = np.ones((4, 2))
    mood[2, 1] = np.inf
    with pytest.raises(BadMarketData, match=r"mood must be finite, .* was inf for BBB at bar 2"):
        replace(market, features={"mood": mood})


def test_one_number_stands_for_all_bars_and_cannot_be_changed_through_its_array(
    market: Market,
) -> None:
    rate = np.array(0.03)
    everywhere = replace(market, borrow_rate=rate)
    spread_out = np.broadcast_to(np.array([[0.03]]), (4, 2))
    assert everywhere.digest == replace(market, borrow_rate=spread_out.copy()).digest
    rate[...] = 0.5
    np.testing.assert_array_equal(everywhere.borrow_rate, spread_out)


def _prices(market: Market) -> dict[str, FloatArray]:
    return {name: getattr(market, name) for name in FACTS}


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


def test_the_digest_of_prices_alone_is_what_it_was_before_there_were_optional_facts(
    market: Market,
) -> None:
    assert market.digest == "7b621664a2b9c99c"


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
        ("borrow_rate", -0.01, "borrow_rate must be >= 0, inf where none can be borrowed, was -0"),
        ("unadjusted", 0.0, "unadjusted must be positive, was 0.0 for BBB at bar 1"),
        ("unadjusted", NAN, "unadjusted must be positive, was nan for BBB at bar 1"),
        ("split", -2.0, "split must be positive, was -2.0 for BBB at bar 1"),
        ("split", np.inf, "split must be positive, was inf for BBB at bar 1"),
        ("dividend", -0.1, "dividend must be finite and >= 0, was -0.1 for BBB at bar 1"),
        ("dividend", NAN, "dividend must be finite and >= 0, was nan for BBB at bar 1"),
        ("iv", 0.0, "iv must be a positive volatility a year, NaN where unknown, was 0.0 for BBB"),
        ("iv", np.inf, "iv must be a positive volatility a year, NaN where unknown, was inf"),
    ],
)
def test_a_wrong_fact_is_named_with_its_symbol_and_bar(
    market: Market, name: str, wrong: float, message: str
) -> None:
    fact = getattr(market, name).copy()
    fact[1, 1] = wrong
    with pytest.raises(BadMarketData, match=message):
        replace(market, **{name: fact})


def test_a_symbol_that_nobody_lends_costs_infinitely_much(market: Market) -> None:
    assert np.isinf(replace(market, borrow_rate=np.array(np.inf)).borrow_rate).all()


@pytest.mark.parametrize(("name", "nothing"), [("split", 1.0), ("dividend", 0.0)])
def test_what_happens_to_a_symbol_without_a_price_is_refused(
    market: Market, name: str, nothing: float
) -> None:
    fact = getattr(market, name).copy()
    fact[0, 1] = 2.0
    needed = f"{name} must be {nothing} where not tradable; move it to the symbol's next bar, was 2"
    with pytest.raises(BadMarketData, match=needed):
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
    with pytest.raises(BadMarketData, match=r"split must have .* \(4, 2\), was \(3, 2\)"):
        replace(market, split=market.split[:3])
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
