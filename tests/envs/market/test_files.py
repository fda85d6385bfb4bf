"""Price files become markets: long form or a folder, days or minutes, raw or adjusted."""

import gzip
from datetime import date
from io import StringIO
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market

LONG = """date,symbol,open,high,low,close,volume
2020-01-02,AAA,10,11,9,10.5,100
2020-01-03,AAA,10.5,12,10,11,200
2020-01-06,AAA,11,11.5,10.5,11,300
2020-01-03,BBB,20,21,19,20,1000
2020-01-06,BBB,20,22,20,22,1100
"""
NAN = np.nan


def load(path: Path, **rules: object) -> Market:
    return load_files(FilesSource.model_validate({"path": path, **rules}))


def written(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def as_frame(text: str = LONG) -> pd.DataFrame:
    return pd.read_csv(StringIO(text), parse_dates=["date"])


def times(*texts: str) -> np.ndarray[Any, Any]:
    return np.array(texts, dtype="datetime64[ns]")


# The shape of a file


def test_long_form_becomes_arrays_of_bars_and_symbols(tmp_path: Path) -> None:
    market = load(written(tmp_path, LONG))
    assert market.symbols == ("AAA", "BBB")
    assert market.has_range
    np.testing.assert_array_equal(market.close, [[10.5, NAN], [11, 20], [11, 22]])
    np.testing.assert_array_equal(market.open, [[10, NAN], [10.5, 20], [11, 20]])
    np.testing.assert_array_equal(market.volume, [[100, NAN], [200, 1000], [300, 1100]])
    assert market.origin.adjustment == "none"
    assert market.origin.notes == ()


def test_a_day_is_stamped_with_the_close_of_its_session_in_utc(tmp_path: Path) -> None:
    text = "date,symbol,close\n2019-11-27,A,1\n2019-11-29,A,2\n2020-07-01,A,3\n"
    market = load(written(tmp_path, text))
    # Winter time, an early close at 13:00 in New York, and summer time.
    expected = times("2019-11-27T21:00", "2019-11-29T18:00", "2020-07-01T20:00")
    np.testing.assert_array_equal(market.timestamps, expected)
    # Thanksgiving is no session; the sessions without a bar are counted all the same.
    np.testing.assert_array_equal(market.session, [0, 1, 148])
    assert not market.has_range


def test_csv_parquet_gzip_and_a_folder_hold_the_same_market(tmp_path: Path) -> None:
    frame = as_frame()
    long = load(written(tmp_path, LONG))
    frame.to_parquet(tmp_path / "prices.parquet")
    (tmp_path / "prices.csv.gz").write_bytes(gzip.compress(LONG.encode()))
    folder = tmp_path / "folder"
    folder.mkdir()
    for symbol, rows in frame.groupby("symbol"):
        alone = rows.drop(columns="symbol")
        if symbol == "AAA":
            alone.to_csv(folder / "AAA.csv", index=False)
        else:
            alone.to_parquet(folder / "BBB.PARQUET")
    written(folder, "not prices", "README.md")
    written(folder, "not prices", ".AAA.csv")
    for other in (tmp_path / "prices.parquet", tmp_path / "prices.csv.gz", folder):
        assert load(other).digest == long.digest


def test_rows_of_symbols_may_be_mixed_and_years_may_be_files(tmp_path: Path) -> None:
    long = load(written(tmp_path, LONG))
    mixed = as_frame().sort_values(["date", "symbol"], ascending=[True, False])
    years = tmp_path / "years"
    years.mkdir()
    for day, rows in mixed.groupby("date"):
        rows.to_csv(years / f"{day:%Y-%m-%d}.csv", index=False)
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    assert load(tmp_path / "mixed.csv").digest == long.digest
    assert load(years).digest == long.digest


def test_the_file_names_the_symbol_where_no_column_does(tmp_path: Path) -> None:
    text = "date,close\n2020-01-02,1\n"
    assert load(written(tmp_path, text, "BRK.B.csv")).symbols == ("BRK.B",)


def test_names_of_columns_may_have_capitals_spaces_and_a_byte_order_mark(tmp_path: Path) -> None:
    text = "\ufeffDate,Open,High,Low,Close,Adj Close,Volume,Dividends\n2020-01-02,4,6,2,4,2,10,x\n"
    market = load(written(tmp_path, text, "AAA.csv"))
    assert (market.open, market.high, market.low, market.close) == (2.0, 3.0, 1.0, 2.0)
    assert market.origin.adjustment == "adj_close"


@pytest.mark.parametrize("tickers", [("000660", "005930"), ("NA", "NAN"), ("FALSE", "TRUE")])
def test_tickers_that_look_like_something_else_stay_tickers(
    tmp_path: Path, tickers: tuple[str, ...]
) -> None:
    rows = "".join(f"2020-01-02,{ticker},5\n" for ticker in tickers)
    assert load(written(tmp_path, "date,symbol,close\n" + rows)).symbols == tickers


def test_a_parquet_file_may_keep_dates_in_its_index_and_numbers_as_text(tmp_path: Path) -> None:
    frame = as_frame()
    frame["close"] = frame["close"].astype(str)
    frame["symbol"] = frame["symbol"].astype("category")
    frame["date"] = frame["date"].dt.date
    frame.set_index("date").to_parquet(tmp_path / "indexed.parquet")
    assert load(tmp_path / "indexed.parquet").digest == load(written(tmp_path, LONG)).digest


# Which rows


def test_symbols_come_in_the_order_asked_for_and_otherwise_by_name(tmp_path: Path) -> None:
    path = written(tmp_path, LONG)
    assert load(path, symbols=("BBB", "AAA")).symbols == ("BBB", "AAA")
    assert load(path, exclude=("AAA",)).symbols == ("BBB",)


def test_the_first_and_last_day_are_included(tmp_path: Path) -> None:
    market = load(written(tmp_path, LONG), start=date(2020, 1, 3), end=date(2020, 1, 3))
    np.testing.assert_array_equal(market.close, [[11, 20]])
    np.testing.assert_array_equal(market.session, [0])


def test_faults_of_a_symbol_left_out_do_no_harm(tmp_path: Path) -> None:
    text = LONG + "2020-01-02,BAD,oops,1,1,1,1\n"
    assert load(written(tmp_path, text), exclude=("BAD",)).symbols == ("AAA", "BBB")


def test_short_symbols_are_left_out_only_when_asked_and_the_market_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, LONG)
    assert load(path).n_symbols == 2
    market = load(path, min_bars=3)
    assert market.symbols == ("AAA",)
    assert market.origin.notes == ("symbols with fewer bars in the span than 3 left out: BBB (2)",)


def test_a_symbol_without_a_bar_in_the_span_is_left_out_and_named(tmp_path: Path) -> None:
    market = load(written(tmp_path, LONG), end=date(2020, 1, 2))
    assert market.symbols == ("AAA",)
    assert market.origin.notes == ("symbols with fewer bars in the span than 1 left out: BBB (0)",)


# What is missing


def test_an_empty_cell_is_a_bar_without_trading_and_is_never_filled(tmp_path: Path) -> None:
    text = LONG.replace("10.5,12,10,11,200", ",,,,").replace("20,22,20,22", ",22,20,22")
    market = load(written(tmp_path, text))
    np.testing.assert_array_equal(market.close, [[10.5, NAN], [NAN, 20], [11, NAN]])
    assert market.origin.notes[0] == "2 bars without all their prices count as not traded"


def test_a_missing_volume_is_unknown_and_trading_goes_on(tmp_path: Path) -> None:
    market = load(written(tmp_path, LONG.replace("11,200", "11,NaN")))
    assert market.tradable[1, 0]
    assert np.isnan(market.volume[1, 0])


def test_sectors_come_from_a_column_and_settings_win(tmp_path: Path) -> None:
    text = "date,symbol,close,sector\n2020-01-02,A,1,Energy\n2020-01-02,B,1,\n2020-01-02,C,1,Tech\n"
    market = load(written(tmp_path, text), sectors={"C": "Financials", "Z": "unused"})
    assert market.sectors == ("Energy", "unknown", "Financials")


def test_a_spread_is_taken_as_it_is(tmp_path: Path) -> None:
    text = "date,symbol,close,spread\n2020-01-02,A,1,0.002\n2020-01-03,A,1,\n"
    np.testing.assert_array_equal(load(written(tmp_path, text)).spread, [[0.002], [NAN]])


# Adjustment

RAW = """date,symbol,open,high,low,close,volume,adj_close,price_factor,split_factor
2020-01-02,A,396,404,392,400,1000,90,0.9,0.25
2020-01-03,A,101,103,99,100,4000,90,0.9,1
2020-01-06,A,100,100,100,100,4000,100,1,1
"""


def test_all_prices_are_adjusted_by_one_ratio_and_money_traded_stays(tmp_path: Path) -> None:
    path = written(tmp_path, RAW)
    for adjust in ("auto", "adj_close", "factors"):
        market = load(path, adjust=adjust)
        assert market.origin.adjustment == ("factors" if adjust == "factors" else "adj_close")
        np.testing.assert_allclose(market.close[:, 0], [90, 90, 100], rtol=1e-12)
        np.testing.assert_allclose(market.high[:, 0], [90.9, 92.7, 100], rtol=1e-12)
        np.testing.assert_allclose(market.low[:, 0], [88.2, 89.1, 100], rtol=1e-12)
        np.testing.assert_allclose(market.open[:, 0], [89.1, 90.9, 100], rtol=1e-12)
        money = (market.close * market.volume)[:, 0]
        np.testing.assert_allclose(money, [400_000, 400_000, 400_000], rtol=1e-12)


def test_raw_prices_stay_raw_when_asked(tmp_path: Path) -> None:
    market = load(written(tmp_path, RAW), adjust="none")
    np.testing.assert_array_equal(market.close[:, 0], [400, 100, 100])
    assert market.origin.adjustment == "none"


def test_auto_takes_factors_where_there_is_no_adjusted_close(tmp_path: Path) -> None:
    frame = as_frame(RAW).drop(columns=["adj_close", "price_factor"])
    frame.to_csv(tmp_path / "splits.csv", index=False)
    market = load(tmp_path / "splits.csv")
    assert market.origin.adjustment == "factors"
    np.testing.assert_array_equal(market.close[:, 0], [100, 100, 100])


def test_a_range_that_misses_the_close_by_rounding_is_widened(tmp_path: Path) -> None:
    text = "date,symbol,open,high,low,close\n2020-01-02,A,10,10.01,10.001,10.0101\n"
    market = load(written(tmp_path, text))
    assert market.high[0, 0] == 10.0101
    assert market.low[0, 0] == 10.0


@settings(max_examples=25)
@given(data=st.data())
def test_no_ratio_brings_the_range_in_disorder(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    price = st.floats(0.01, 1e5)
    rows = data.draw(st.lists(st.tuples(*[price] * 5), min_size=1, max_size=5))
    table = np.array(rows)
    frame = pd.DataFrame(
        {
            "date": pd.bdate_range("2021-03-01", periods=len(rows)),
            "open": table[:, 0],
            "high": table[:, :4].max(axis=1),
            "low": table[:, :4].min(axis=1),
            "close": table[:, 1],
            "adj_close": table[:, 4],
        }
    )
    path = tmp_path_factory.getbasetemp() / "A.parquet"
    frame.to_parquet(path)
    market = load(path, calendar="24/7")  # a market checks its own range
    np.testing.assert_allclose(market.close[:, 0], table[:, 4], rtol=1e-12)


# Times

MINUTES = """ts,symbol,open,high,low,close,volume
{0} 09:29{1},A,1,1,1,1,5
{0} 09:30{1},A,2,2,2,2,5
{0} 09:31{1},A,3,3,3,3,5
{0} 15:59{1},A,4,4,4,4,5
{0} 16:00{1},A,5,5,5,5,5
"""


@pytest.mark.parametrize(
    ("offset", "timezone"), [("", "America/New_York"), (":00-05:00", None), (":00-0500", None)]
)
def test_minutes_are_stamped_with_their_end_within_regular_hours(
    tmp_path: Path, offset: str, timezone: str | None
) -> None:
    path = written(tmp_path, MINUTES.format("2020-01-02", offset))
    market = load(path, timezone=timezone)
    expected = times("2020-01-02T14:31", "2020-01-02T14:32", "2020-01-02T21:00")
    np.testing.assert_array_equal(market.timestamps, expected)
    np.testing.assert_array_equal(market.close[:, 0], [2, 3, 4])
    np.testing.assert_array_equal(market.session, [0, 0, 0])
    assert market.origin.notes == ("2 bars outside regular hours left out",)


def test_times_may_name_the_end_of_their_bar(tmp_path: Path) -> None:
    path = written(tmp_path, MINUTES.format("2020-01-02", ""))
    market = load(path, timezone="America/New_York", stamp="end")
    expected = times("2020-01-02T14:31", "2020-01-02T20:59", "2020-01-02T21:00")
    np.testing.assert_array_equal(market.timestamps, expected)
    np.testing.assert_array_equal(market.close[:, 0], [3, 4, 5])


def test_all_hours_keep_what_lies_around_the_session(tmp_path: Path) -> None:
    path = written(tmp_path, MINUTES.format("2020-01-02", ""))
    market = load(path, timezone="America/New_York", hours="all")
    np.testing.assert_array_equal(market.close[:, 0], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(market.session, 0)
    assert market.timestamps[-1] == np.datetime64("2020-01-02T21:01")


def test_the_last_hour_of_a_session_ends_when_the_session_does(tmp_path: Path) -> None:
    hours = "".join(f"2020-01-02 {hour:02}:30,A,{hour}\n" for hour in range(9, 16))
    path = written(tmp_path, "ts,symbol,close\n" + hours)
    market = load(path, timezone="America/New_York")
    assert market.n_bars == 7
    assert market.timestamps[-1] == np.datetime64("2020-01-02T21:00")
    assert market.timestamps[-2] == np.datetime64("2020-01-02T20:30")


@pytest.mark.parametrize(
    "stamp",
    [
        "{} 00:00:00{}",  # an exchange's own midnight, with summer time
        "{}T00:00:00.000{}",
    ],
)
def test_midnights_with_the_offset_of_the_exchange_are_days(tmp_path: Path, stamp: str) -> None:
    winter, summer = stamp.format("2020-03-06", "-05:00"), stamp.format("2020-03-09", "-04:00")
    path = written(tmp_path, f"Date,Close\n{winter},1\n{summer},2\n", "A.csv")
    expected = times("2020-03-06T21:00", "2020-03-09T20:00")
    np.testing.assert_array_equal(load(path).timestamps, expected)


@pytest.mark.parametrize("midnight", ["2020-03-06T05:00:00Z", "2020-03-06T00:00:00Z", "20200306"])
def test_midnights_in_utc_are_days_too(tmp_path: Path, midnight: str) -> None:
    path = written(tmp_path, f"timestamp,close\n{midnight},1\n", "A.csv")
    np.testing.assert_array_equal(load(path).timestamps, times("2020-03-06T21:00"))


def test_a_market_that_never_closes_takes_weekends(tmp_path: Path) -> None:
    path = written(tmp_path, "date,symbol,close\n2020-01-04,BTC,1\n2020-01-05,BTC,2\n")
    market = load(path, calendar="24/7")
    np.testing.assert_array_equal(market.timestamps, times("2020-01-05", "2020-01-06"))
    np.testing.assert_array_equal(market.session, [0, 1])


def test_an_exchange_elsewhere_has_its_own_days(tmp_path: Path) -> None:
    text = "ts,symbol,close\n2020-01-06 00:05+00:00,7203,1\n2020-01-06 00:10+00:00,7203,2\n"
    market = load(written(tmp_path, text), calendar="XTKS")
    expected = times("2020-01-06T00:10", "2020-01-06T00:15")
    np.testing.assert_array_equal(market.timestamps, expected)


# Real files


@pytest.mark.shared_data
def test_the_88_stocks_load_fast_with_their_gaps(shared_data: Path) -> None:
    path = shared_data / "us_stocks_88_daily_2012_2017.parquet"
    load(path, symbols=("AAPL",))  # imports and the calendar
    began = process_time()
    market = load(path)
    assert process_time() - began < 2.0
    assert (market.n_bars, market.n_symbols) == (1258, 88)
    frame = pd.read_parquet(path).dropna()
    assert int(market.tradable.sum()) == len(frame)
    gaps = {s: i for i, s in enumerate(market.symbols) if s in ("PTR", "REX", "SNP")}
    day = np.flatnonzero(market.timestamps.astype("datetime64[D]") == np.datetime64("2016-06-29"))
    assert not market.tradable[day, list(gaps.values())].any()
    assert market.origin.notes == ("3 bars without all their prices count as not traded",)
    cells = frame.pivot_table(index="date", columns="symbol", values="adj_close").to_numpy()
    np.testing.assert_allclose(market.close, cells, rtol=1e-12)


@pytest.mark.shared_data
def test_factors_and_adjusted_close_agree_on_23_years_of_splits(shared_data: Path) -> None:
    path = shared_data / "us_etfs_stocks_11_daily_1998_2021.parquet"
    factors, adjusted = load(path, adjust="factors"), load(path, adjust="adj_close")
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_allclose(getattr(factors, name), getattr(adjusted, name), rtol=1e-12)
    raw = load(path, adjust="none")
    apple = raw.symbols.index("AAPL")
    split = int(np.searchsorted(raw.timestamps, np.datetime64("2020-08-31")))
    jump = [m.close[split, apple] / m.close[split - 1, apple] for m in (raw, factors)]
    assert jump == pytest.approx([129.04 / 499.20, 4 * 129.04 / 499.20], rel=2e-3)


@pytest.mark.shared_data
def test_minute_bars_fill_regular_sessions_also_the_short_one(shared_data: Path) -> None:
    path = shared_data / "us_minute_trades.parquet"
    week = {"start": date(2013, 10, 4), "end": date(2013, 10, 11)}
    market = load(path, timezone="America/New_York", symbols=("SPY", "BAC"), **week)
    np.testing.assert_array_equal(np.unique(market.session, return_counts=True)[1], [390] * 6)
    assert market.bars_per_year == 252 * 390
    assert market.tradable.all()
    google = load(path, timezone="America/New_York", symbols=("GOOG",))
    np.testing.assert_array_equal(np.unique(google.session, return_counts=True)[1], [390, 210, 382])
