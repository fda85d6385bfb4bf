"""Segments lie where their days say; what a market cannot carry is refused before it is used."""

from datetime import date

import numpy as np
import pytest

from benbot.envs.errors import BadConfig, BadMarketData
from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.training import preparation
from benbot.experiments.training.preparation import place_segments, prepare_experiment
from benbot.experiments.training.segments import Segment, SegmentSettings

N_BARS = 200


def weekdays(short: int = N_BARS) -> Market:
    """Return two symbols on weekdays from 2020-01-01; the second has its last `short` bars only."""
    days = np.busday_offset("2020-01-01", np.arange(N_BARS))
    times = days.astype("datetime64[ns]") + np.timedelta64(21, "h")
    close = 100.0 + np.cumsum(np.random.default_rng(0).normal(size=(N_BARS, 2)), axis=0)
    close[: N_BARS - short, 1] = np.nan
    return market_from_prices(times, ("LONG", "SHORT"), {"close": close})


def segments(embargo: int = 0, **changed: tuple[str, str]) -> SegmentSettings:
    days = {
        "fit": ("2020-02-03", "2020-05-29"),
        "valid": ("2020-06-01", "2020-07-31"),
        "test": ("2020-08-01", "2020-09-30"),
    }
    read = {
        name: Segment(start=date.fromisoformat(start), end=date.fromisoformat(end))
        for name, (start, end) in (days | changed).items()
    }
    return SegmentSettings(**read, embargo_bars=embargo)


def days_of(market: Market, name: str, settings: SegmentSettings) -> tuple[str, str]:
    span = place_segments(market, settings)[name]
    first, last = market.timestamps[[span.first, span.last]].astype("datetime64[D]")
    return str(first), str(last)


def test_a_segment_has_every_bar_from_its_first_day_to_its_last() -> None:
    market, settings = weekdays(), segments()
    assert days_of(market, "fit", settings) == ("2020-02-03", "2020-05-29")
    assert days_of(market, "valid", settings) == ("2020-06-01", "2020-07-31")
    # 1 August 2020 was a Saturday.
    assert days_of(market, "test", settings) == ("2020-08-03", "2020-09-30")


def test_segments_share_no_bar_and_an_embargo_moves_only_what_is_judged() -> None:
    market = weekdays()
    plain, moved = place_segments(market, segments()), place_segments(market, segments(5))
    assert plain["fit"].last < plain["valid"].first <= plain["valid"].last < plain["test"].first
    assert moved["fit"] == plain["fit"]
    for name in ("valid", "test"):
        assert moved[name].first == plain[name].first + 5
        assert moved[name].last == plain[name].last


def test_a_session_that_closes_at_midnight_belongs_to_the_day_before() -> None:
    """A market that never closes ends its days at 00:00 of the next one."""
    n_bars = 366
    closes = np.datetime64("2020-01-02T00", "ns") + np.arange(n_bars) * np.timedelta64(1, "D")
    market = market_from_prices(closes, ("BTC",), {"close": np.full((n_bars, 1), 9.0)})
    assert market.days[[0, -1]].astype(str).tolist() == ["2020-01-01", "2020-12-31"]
    spans = place_segments(
        market,
        segments(
            fit=("2020-01-01", "2020-01-31"),
            valid=("2020-02-01", "2020-02-29"),
            test=("2020-03-01", "2020-12-31"),
        ),
    )
    assert (spans["fit"].first, spans["fit"].last) == (0, 30)
    assert (spans["valid"].first, spans["valid"].last) == (31, 59)
    assert (spans["test"].first, spans["test"].last) == (60, 365)


def test_bars_after_midnight_belong_to_the_day_on_which_their_session_began() -> None:
    hours = np.datetime64("2020-01-02T15", "ns") + np.arange(12) * np.timedelta64(1, "h")
    market = market_from_prices(
        hours, ("A",), {"close": np.full((12, 1), 9.0)}, session=np.zeros(12, np.int64)
    )
    assert set(market.days.astype(str).tolist()) == {"2020-01-02"}


def test_a_segment_without_bars_is_refused_with_the_span_of_the_market() -> None:
    with pytest.raises(BadConfig) as caught:
        place_segments(weekdays(), segments(test=("2021-01-01", "2021-12-31")))
    assert str(caught.value) == (
        "segments.test needs at least 2 bars, the embargo of 0 included, was 0 from 2021-01-01 to "
        "2021-12-31. The market runs from 2020-01-01 to 2020-10-06"
    )


def test_a_segment_on_a_weekend_is_empty() -> None:
    with pytest.raises(BadConfig, match=r"segments.valid needs at least 2 bars.*was 0 from"):
        place_segments(weekdays(), segments(valid=("2020-06-06", "2020-06-07")))


def test_a_segment_that_its_embargo_eats_up_is_refused() -> None:
    short = {"valid": ("2020-06-01", "2020-06-05")}
    assert place_segments(weekdays(), segments(3, **short))["valid"].n_decisions == 1
    with pytest.raises(BadConfig, match="at least 6 bars, the embargo of 4 included, was 5"):
        place_segments(weekdays(), segments(4, **short))


def prepared_on(market: Market, monkeypatch: pytest.MonkeyPatch) -> preparation.Prepared:
    monkeypatch.setattr(preparation, "load_market", lambda source: market)
    config = {
        "name": "short",
        "market": {"source": "synthetic"},
        "strategies": ["rsi_reversion", {"name": "ma_crossover", "slow": 60}],
        "segments": segments().model_dump(),
    }
    return prepare_experiment(ExperimentConfig.model_validate(config))


def test_a_symbol_with_fewer_bars_than_the_warm_up_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(BadMarketData) as caught:
        prepared_on(weekdays(short=40), monkeypatch)
    said = str(caught.value)
    assert "that is 112 of rsi_reversion, was 40 for SHORT" in said
    assert "set min_bars to 113" in said


def test_a_symbol_with_enough_bars_is_traded(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = prepared_on(weekdays(short=150), monkeypatch)
    assert prepared.history.layout.strategies == ("rsi_reversion", "ma_crossover")
    assert prepared.history.signals.direction[:, :, 1].any()
    assert prepared.market.symbols == ("LONG", "SHORT")
