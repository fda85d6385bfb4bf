"""Real prices are there without a network, on the days on which the exchange was open."""

from datetime import date
from pathlib import Path
from time import process_time

import numpy as np
import pytest
from pydantic import ValidationError

from benbot.envs.errors import BadMarketData, UnknownName
from benbot.envs.market import datasets
from benbot.envs.market.datasets import SP500_20_SECTORS, DatasetSource, load_dataset
from benbot.envs.market.market import Market


@pytest.fixture(scope="module")
def market() -> Market:
    return load_dataset(DatasetSource())


def test_twenty_stocks_over_33_years_without_a_hole(market: Market) -> None:
    assert (market.n_bars, market.n_symbols) == (8313, 20)
    assert market.tradable.all()
    assert not market.has_range
    assert market.bars_per_year == 252.0
    assert np.isnan(market.volume).all()


def test_the_prices_are_those_that_the_dependency_publishes(market: Market) -> None:
    from skfolio.datasets import load_sp500_dataset

    published = load_sp500_dataset()
    assert market.symbols == tuple(published.columns)
    np.testing.assert_array_equal(market.close, published.to_numpy())
    days = market.timestamps.astype("datetime64[D]")
    np.testing.assert_array_equal(days, published.index.to_numpy().astype("datetime64[D]"))


def test_a_bar_closes_when_new_york_does(market: Market) -> None:
    def close_of(day: str) -> np.datetime64:
        bar = np.searchsorted(market.timestamps, np.datetime64(day))
        return np.datetime64(market.timestamps[bar])

    assert close_of("1990-01-02") == np.datetime64("1990-01-02T21:00")
    assert close_of("2022-07-01") == np.datetime64("2022-07-01T20:00")
    assert close_of("2022-11-25") == np.datetime64("2022-11-25T18:00")  # a short Friday


def test_no_session_is_missing(market: Market) -> None:
    np.testing.assert_array_equal(market.session, np.arange(market.n_bars))


def test_every_symbol_has_its_sector(market: Market) -> None:
    assert market.sectors == tuple(SP500_20_SECTORS[symbol] for symbol in market.symbols)
    assert market.sectors[market.symbols.index("XOM")] == "Energy"
    assert len(set(market.sectors)) == 7


def test_a_part_is_chosen_by_days_and_symbols(market: Market) -> None:
    part = load_dataset(
        DatasetSource(start=date(2001, 9, 10), end=date(2001, 9, 17), symbols=("MSFT", "AAPL"))
    )
    assert part.symbols == ("MSFT", "AAPL")
    days = part.timestamps.astype("datetime64[D]").astype(str)
    assert list(days) == ["2001-09-10", "2001-09-17"]  # closed after the eleventh
    np.testing.assert_array_equal(part.session, [0, 1])
    bar = int(np.searchsorted(market.timestamps, np.datetime64("2001-09-10")))
    assert part.close[0, 1] == market.close[bar, market.symbols.index("AAPL")]


def test_the_market_carries_its_warnings(market: Market) -> None:
    assert market.origin.source == "sp500_20"
    assert market.origin.adjustment == "splits and dividends"
    assert any("survivorship" in note for note in market.origin.notes)


def test_the_same_source_gives_the_same_digest(market: Market) -> None:
    assert load_dataset(DatasetSource()).digest == market.digest
    assert load_dataset(DatasetSource(end=date(2022, 12, 27))).digest != market.digest


def test_loading_costs_less_than_a_second(market: Market) -> None:
    began = process_time()
    load_dataset(DatasetSource())
    assert process_time() - began < 1.0


def test_a_dependency_that_moved_its_file_is_asked_for_the_prices(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    assert load_dataset(DatasetSource()).digest == market.digest


def test_unknown_names_and_empty_spans_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"was 'GOOG'\. There are AAPL, .* and 12 more"):
        load_dataset(DatasetSource(symbols=("GOOG",)))
    with pytest.raises(UnknownName, match=r"was 'msft'\. Did you mean MSFT"):
        load_dataset(DatasetSource(symbols=("msft",)))
    with pytest.raises(BadMarketData, match="go from 1990-01-02 to 2022-12-28"):
        load_dataset(DatasetSource(start=date(2023, 1, 1)))
    with pytest.raises(ValidationError, match="sp500_20"):
        DatasetSource.model_validate({"name": "sp500"})
