"""Which options are offered at a close: their day, their strike, and what is not known."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.desk.black_scholes import Contract, greeks
from benbot.envs.desk.ledger import OPTION_FILL
from benbot.envs.desk.offers import (
    next_expiry,
    offers_of,
    strike_step,
    synthetic_note,
    synthetic_volatility,
)
from benbot.envs.desk.rules import DeskRules, Options
from benbot.envs.market.market import Market, market_from_prices

N_BARS = 120


def day(written: str) -> int:
    return int(np.datetime64(written).astype(np.int64))


def rules_with(**options: Any) -> DeskRules:  # noqa: ANN401
    return DeskRules.model_validate({"options": options})


def market_of(price: float = 100.0, iv: float = 0.2) -> Market:
    close = np.full((N_BARS, 1), price)
    stamps = np.datetime64("2021-01-01T21", "h") + 24 * np.arange(N_BARS)
    return market_from_prices(stamps, ("A",), {"close": close, "iv": np.full_like(close, iv)})


unknown = np.full((N_BARS, 1), np.nan)


@pytest.mark.parametrize(
    ("on", "monthly", "weekly"),
    [
        ("2021-01-01", "2021-01-15", "2021-01-01"),
        ("2021-01-15", "2021-01-15", "2021-01-15"),
        ("2021-01-16", "2021-02-19", "2021-01-22"),
        ("2021-12-18", "2022-01-21", "2021-12-24"),
        ("2022-04-15", "2022-04-15", "2022-04-15"),  # Good Friday: the last price before counts
    ],
)
def test_options_end_on_third_fridays_or_on_every_friday(
    on: str, monthly: str, weekly: str
) -> None:
    assert next_expiry(np.array([day(on)]), "monthly") == day(monthly)
    assert next_expiry(np.array([day(on)]), "weekly") == day(weekly)


@pytest.mark.parametrize(
    ("price", "step"), [(100.0, 1.0), (99.9, 0.5), (260.0, 2.5), (4_000.0, 25.0), (0.5, 0.005)]
)
def test_strikes_are_as_far_apart_as_exchanges_set_them(price: float, step: float) -> None:
    assert strike_step(np.array([price]), 0.01) == step


@pytest.mark.parametrize("step", [0.0, 0.01])
def test_the_delta_of_what_is_offered_is_the_one_that_was_asked_for(step: float) -> None:
    rules = rules_with(strike_step=step, expiries="weekly")
    offers = offers_of(market_of(), unknown, rules)[:, 0]
    for t in range(0, N_BARS, 10):
        years = (offers["expiry"][t] - offers["day"][t]) / 365.0
        assert 21 <= offers["expiry"][t] - offers["day"][t] <= 27
        for name, delta in (("call", 0.3), ("put", -0.3)):
            contract = Contract(name == "call", 100.0, offers[name][t], years, 0.2, 0.02)
            assert greeks(contract).delta == pytest.approx(delta, abs=1e-9 if step == 0.0 else 0.05)
    assert (offers["call"] > 100.0).all()
    assert (offers["put"] < 100.0).all()
    assert not offers["is_synthetic"].any()


def test_nothing_is_offered_beyond_the_most_days_or_where_strikes_are_too_coarse() -> None:
    offers = offers_of(market_of(), unknown, rules_with(max_days=45))[:, 0]
    days = offers["expiry"] - offers["day"]
    assert days.max() > 45
    np.testing.assert_array_equal(offers["call"] > 0.0, days <= 45)
    coarse = rules_with(delta_band=0.001, strike_step=0.1)
    assert not offers_of(market_of(), unknown, coarse)["put"].any()


def test_without_an_implied_volatility_it_is_the_trailing_one_and_a_premium() -> None:
    market = market_of(iv=np.nan)
    deviation = np.full((N_BARS, 1), 0.01)
    deviation[:20] = np.nan  # too little history
    deviation[20] = 0.0  # nothing moved
    offers = offers_of(market, deviation, rules_with(volatility_premium=0.03))[:, 0]
    assert np.isnan(offers["volatility"][:21]).all()
    assert not offers["call"][:21].any()
    assert offers["volatility"][21:] == pytest.approx(0.01 * np.sqrt(252.0) + 0.03)
    assert offers["is_synthetic"].all()
    assert np.isnan(synthetic_volatility(np.array([0.0]), Options()))


@pytest.mark.parametrize("t", [0, 7, 60])
def test_an_offer_knows_nothing_of_the_bars_after(t: int) -> None:
    rng = np.random.default_rng(4)
    close = 100.0 * np.exp(np.cumsum(0.02 * rng.normal(size=(N_BARS, 2)), axis=0))
    stamps = np.datetime64("2021-01-01T21", "h") + 24 * np.arange(N_BARS)
    iv = np.where(rng.random(close.shape) < 0.5, 0.3, np.nan)
    market = market_from_prices(stamps, ("A", "B"), {"close": close, "iv": iv})
    deviation = np.full(close.shape, 0.015)
    whole = offers_of(market, deviation, DeskRules())
    known = offers_of(market.until(t + 1), deviation[: t + 1], DeskRules())
    for name in whole.dtype.names or ():
        np.testing.assert_array_equal(known[name], whole[name][: t + 1])


def test_a_reader_is_told_what_is_synthetic() -> None:
    fills = np.zeros(3, OPTION_FILL)
    assert synthetic_note(fills, Options()) == ()
    fills["is_synthetic"][1] = 1
    partly = "option prices are synthetic: trailing volatility + 2 points a year, where the market"
    (note,) = synthetic_note(fills, Options())
    assert note.startswith(partly)
    assert synthetic_note(fills[1:2], Options()) == (partly.removesuffix(", where the market"),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"close_days": 21}, "need close_days below min_days and min_days up to max_days"),
        ({"min_days": 60}, "was 6, 60 and 45"),
        ({"delta": 1.0}, "less than 1"),
        ({"half_spread": -0.1}, "greater than or equal to 0"),
        ({"expiries": "daily"}, "'monthly' or 'weekly'"),
    ],
)
def test_options_that_cannot_be_written_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rules_with(**options)
