"""The tape repeats the market and knows what trading costs before each bar."""

import warnings

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape, impact_per_root_money
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.signals import Signals

NAN = np.nan


def market_of(close: FloatArray, hours: int = 24, **facts: FloatArray) -> Market:
    stamps = np.datetime64("2020-01-01", "h") + hours * np.arange(len(close))
    names = tuple(f"S{s}" for s in range(close.shape[1]))
    return market_from_prices(stamps, names, {"close": close, **facts})


def silent(market: Market) -> Signals:
    shape = (market.n_bars, 1, market.n_symbols)
    return Signals(("k",), (0,), np.zeros(shape, np.int8), np.zeros(shape), np.zeros(shape))


def tape_of(market: Market, costs: Costs | None = None) -> Tape:
    regime = np.zeros(market.n_bars, np.int8)
    rules = DeskRules() if costs is None else DeskRules(costs=costs)
    return blank_tape(market, silent(market), regime, rules)


def test_half_of_the_quoted_spread_is_paid_and_the_default_where_there_is_none() -> None:
    close = np.full((2, 2), 100.0)
    market = market_of(close, spread=np.array([[0.004, NAN], [NAN, 0.0]]))
    half = tape_of(market, Costs(half_spread=0.0003)).bars["half_spread"]
    assert half.tolist() == [[0.002, 0.0003], [0.0003, 0.0]]


def test_impact_is_volatility_over_the_root_of_the_value_traded_as_known_a_bar_before() -> None:
    close = np.exp(np.array([[0.0], [0.01], [0.03], [0.06]]))
    market = market_of(close, volume=1e6 / close)
    rate = impact_per_root_money(market)[:, 0]
    first = 0.01
    second = np.sqrt(0.94 * 0.01**2 + 0.06 * 0.02**2)
    assert rate.tolist() == pytest.approx([0.0, 0.0, first / 1e3, second / 1e3])


def test_the_value_traded_is_a_mean_over_twenty_bars() -> None:
    close = np.exp(0.01 * (np.arange(30) % 2))[:, None]
    volume = np.ones((30, 1)) / close
    volume[5] *= 201.0
    rate = impact_per_root_money(market_of(close, volume=volume))[:, 0]
    in_reach, out_of_reach = rate[25], rate[26]  # bars 5 to 24, and 6 to 25
    assert in_reach == pytest.approx(0.01 / np.sqrt(11.0))
    assert out_of_reach == pytest.approx(0.01)


def test_bars_of_any_length_have_the_impact_of_what_trades_in_a_day() -> None:
    """With n bars a day, σ √n and ADV n give the same σ / √ADV as those of a bar."""
    close = np.exp(0.01 * (np.arange(30) % 2))[:, None]
    daily, hourly = (market_of(close, hours, volume=1e6 / close) for hours in (24, 1))
    np.testing.assert_array_equal(impact_per_root_money(daily), impact_per_root_money(hourly))


def test_an_unknown_volume_has_no_impact() -> None:
    close = np.exp(0.01 * (np.arange(5) % 2))[:, None]
    with warnings.catch_warnings():  # nothing is divided by nothing
        warnings.simplefilter("error")
        assert not impact_per_root_money(market_of(close)).any()
        assert not impact_per_root_money(market_of(close, volume=np.zeros((5, 1)))).any()


def test_bars_without_a_price_are_left_out_of_the_impact() -> None:
    close = np.exp(0.01 * (np.arange(6) % 2))[:, None]
    volume = 1e6 / close
    whole = impact_per_root_money(market_of(close, volume=volume))[:, 0]
    holed, held = np.insert(close, 3, NAN, axis=0), np.insert(volume, 3, NAN, axis=0)
    rate = impact_per_root_money(market_of(holed, volume=held))[:, 0]
    assert rate[3] == 0.0
    np.testing.assert_array_equal(np.delete(rate, 3), whole)


def test_impacts_of_many_symbols_are_to_the_last_bit_those_of_each_alone() -> None:
    rng = np.random.default_rng(3)
    close = 50.0 * np.exp(np.cumsum(0.02 * rng.standard_normal((90, 8)), axis=0))
    close[rng.random(close.shape) < 0.2] = NAN
    close[:60, 1], close[20:, 2], close[:, 3], close[:-1, 4] = NAN, NAN, 7.0, NAN
    volume = np.where(np.isnan(close), NAN, rng.choice([0.0, 1e3, 2e6], close.shape))
    rates = impact_per_root_money(market_of(close, volume=volume))
    for s in range(8):
        traded = np.flatnonzero(np.isfinite(close[:, s]))
        expected = np.zeros(90)
        expected[traded] = slow_impact(close[traded, s], volume[traded, s])
        assert rates[:, s].tobytes() == expected.tobytes()


def slow_impact(close: FloatArray, volume: FloatArray) -> FloatArray:
    """Return the impact before each bar of one symbol without gaps, one bar after the other."""
    rate, variance = np.zeros(close.size), NAN
    money = np.cumsum(close * volume)
    squares = np.diff(np.log(close)) ** 2
    for t in range(1, close.size - 1):
        variance = 0.94 * (squares[0] if t == 1 else variance) + (1.0 - 0.94) * squares[t - 1]
        traded = (money[t] - money[t - 20] if t >= 20 else money[t]) / min(t + 1, 20)
        rate[t + 1] = np.sqrt(variance) / np.sqrt(traded) if traded > 0.0 else 0.0
    return rate


def test_the_factor_of_the_impact_is_a_rule() -> None:
    close = np.exp(0.01 * (np.arange(5) % 2))[:, None]
    market = market_of(close, volume=1e6 / close)
    once, twice = (tape_of(market, Costs(impact=y)).bars["impact"] for y in (1.0, 2.0))
    assert once[2:].all()
    np.testing.assert_array_equal(twice, 2.0 * once)


def test_fees_accrue_with_the_calendar() -> None:
    stamps = np.array(["2021-01-01", "2021-01-04", "2022-01-04"], "datetime64[D]")
    market = market_from_prices(stamps, ("A",), {"close": np.ones((3, 1))})
    assert tape_of(market).year_share.tolist() == pytest.approx([0.0, 3.0 / 365.0, 1.0])


def test_signals_of_another_market_are_refused() -> None:
    market = market_of(np.ones((4, 2)))
    with pytest.raises(InvalidParameter, match="must cover the market's 4 bars and 2 symbols"):
        blank_tape(market, silent(market.until(3)), np.zeros(4, np.int8), DeskRules())
    with pytest.raises(InvalidParameter, match=r"a regime of shape \(3,\)"):
        blank_tape(market, silent(market), np.zeros(3, np.int8), DeskRules())
