"""Price files that cannot be right are refused by file, line, symbol and what to do about it."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from benbot.envs.errors import BadMarketData, UnknownName
from benbot.envs.market.files import FilesSource, load_files

HEADER = "date,symbol,open,high,low,close,volume\n"
GOOD = HEADER + (
    "2020-01-02,AAA,10,11,9,10.5,100\n"
    "2020-01-03,AAA,10.5,12,10,11,200\n"
    "2020-01-03,BBB,20,21,19,20,1000\n"
    "2020-01-06,BBB,20,22,20,22,1100\n"
)


def refusal(path: Path, **rules: object) -> str:
    with pytest.raises((BadMarketData, UnknownName)) as refused:
        load_files(FilesSource.model_validate({"path": path, **rules}))
    return str(refused.value.args[0])


def written(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("content", [b"no gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03ab"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "prices.csv.gz"
    path.write_bytes(content)
    assert f"{path}: must be a whole file that can be read" in refusal(path)


def test_the_good_file_is_good(tmp_path: Path) -> None:
    market = load_files(FilesSource(path=written(tmp_path, GOOD)))
    assert market.n_bars == 3


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "2020-01-03,AAA,10.5,12,10,11,200\n",
            "2020-01-01,AAA,10.5,12,10,11,200\n",
            "line 3, AAA at 2020-01-01: bars must be in order of time, this one is earlier than "
            "the one before it. Sort the file by time",
        ),
        (
            "2020-01-03,AAA,10.5",
            "2020-01-02,AAA,10.5",
            "line 3, AAA at 2020-01-02: a symbol needs one bar at a time, this is the second. "
            "Remove the duplicate",
        ),
        (
            "21,19,20,1000",
            "21,19,-20,1000",
            "line 4, BBB at 2020-01-03: close must be a positive number, was -20.0. "
            "Correct it, or leave the cell empty where nothing was traded",
        ),
        (
            "AAA,10,11",
            "AAA,0,11",
            "line 2, AAA at 2020-01-02: open must be a positive number, was 0.0. "
            "Correct it, or leave the cell empty where nothing was traded",
        ),
        (
            "AAA,10,11",
            "AAA,10,inf",
            "line 2, AAA at 2020-01-02: high must be a positive number, was inf. "
            "Correct it, or leave the cell empty where nothing was traded",
        ),
        (
            "20,22,20,22,1100",
            "20,18,20,22,1100",
            "line 5, BBB at 2020-01-06: high must not be below low, high was 18.0 and low 20.0. "
            "Correct the bar",
        ),
        (
            "20,22,20,22,1100",
            "20,21.5,20,22,1100",
            "line 5, BBB at 2020-01-06: high must not be below open or close, high was 21.5, "
            "open 20.0 and close 22.0. Correct the bar",
        ),
        (
            "20,22,20,22,1100",
            "20,22,20.5,22,1100",
            "line 5, BBB at 2020-01-06: low must not be above open or close, low was 20.5, "
            "open 20.0 and close 22.0. Correct the bar",
        ),
        (
            "10.5,100",
            "10.5,-100",
            "line 2, AAA at 2020-01-02: volume must be finite and zero or more, was -100.0",
        ),
        (
            "12,10,11,200",
            "12,10,eleven,200",
            "line 3, AAA at 2020-01-03: close must be a number, was 'eleven'",
        ),
        (
            "10.5,100",
            '10.5,"1,000"',
            "line 2, AAA at 2020-01-02: volume must be a number, was '1,000'",
        ),
        (
            "2020-01-03,BBB",
            "03.01.2020,BBB",
            "line 4, BBB at 03.01.2020: the time must be written like 2020-01-31, or "
            "2020-01-31 14:30:00+00:00 within the day, was '03.01.2020'",
        ),
        (
            "2020-01-03,BBB",
            ",BBB",
            "line 4, BBB at : the time must be written like 2020-01-31, or "
            "2020-01-31 14:30:00+00:00 within the day, was ''",
        ),
        (
            "2020-01-02,AAA",
            "0020-01-02,AAA",
            "line 2, AAA at 0020-01-02: the year must lie between 1800 and 2200. Correct the date",
        ),
        (
            "2020-01-06,BBB",
            "2020-01-05,BBB",
            "line 5, BBB at 2020-01-05: the day must be a session of XNYS, the exchange was "
            "closed. Remove the bar, or set calendar to the exchange of these symbols "
            "(24/7 has no holidays)",
        ),
        (
            "2020-01-06,BBB",
            "2020-01-06,",
            "line 5,  at 2020-01-06: every bar needs a symbol, this one has none",
        ),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    path = written(tmp_path, GOOD.replace(old, new))
    assert refusal(path) == f"{path}, {expected}"


def test_a_parquet_file_has_rows_and_the_rest_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    days = pd.to_datetime(["2020-01-02", "2020-01-03", "2020-01-06"])
    pd.DataFrame({"date": days, "symbol": "AAA", "close": [1.0, -1.0, 0.0]}).to_parquet(path)
    assert refusal(path) == (
        f"{path}, row 2, AAA at 2020-01-03: close must be a positive number, was -1.0. Correct it, "
        "or leave the cell empty where nothing was traded (1 more like it)"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.csv"
    assert refusal(path) == (
        f"market data needs a file or a folder, nothing is at {path}. Check the path"
    )


def test_a_folder_without_prices_and_a_file_of_another_kind(tmp_path: Path) -> None:
    path = written(tmp_path, "", "notes.txt")
    kinds = ".csv or .csv.gz or .parquet"
    assert refusal(path) == f"market data must be {kinds}, was {path}"
    assert refusal(tmp_path) == (
        f"a folder of market data needs one {kinds} file per symbol, {tmp_path} has none"
    )


def test_an_empty_file_and_a_header_alone(tmp_path: Path) -> None:
    empty = written(tmp_path, "", "empty.csv")
    assert refusal(empty) == f"{empty}: at least one bar is needed, the file is empty"
    header = written(tmp_path, HEADER)
    assert refusal(header) == f"{header}: at least one bar is needed, the file has none"


def test_no_close_and_no_time(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("close", "last"))
    assert refusal(path) == (
        f"{path}: a column close is needed, its columns of use are time, symbol, open, high, low, "
        "volume. Rename the one that holds the close"
    )
    path = written(tmp_path, GOOD.replace("date", "day"))
    assert refusal(path) == (
        f"{path}: a column date or ts or timestamp or datetime or time is needed, its columns of "
        "use are symbol, open, high, low, close, volume. Rename the one that holds the time"
    )


def test_two_columns_for_one_thing(tmp_path: Path) -> None:
    path = written(tmp_path, "Date,timestamp,close\n2020-01-02,2020-01-02,1\n")
    assert refusal(path) == f"{path}: one column for the time is needed, was Date and timestamp"


def test_half_a_range(tmp_path: Path) -> None:
    path = written(tmp_path, "date,symbol,open,close\n2020-01-02,A,1,1\n")
    assert refusal(path) == (
        f"{path}: open, high and low are needed together, or none of them, was without high and "
        "low. Add what is missing or remove the rest"
    )


def test_files_that_are_not_what_their_name_says(tmp_path: Path) -> None:
    parts = "must be CSV in UTF-8 with as many cells in a line as the header has: "
    ragged = written(tmp_path, GOOD + "2020-01-07,BBB,20,22,20,22,1,100\n")
    assert f"{ragged}: {parts}" in refusal(ragged)
    assert "line 6" in refusal(ragged)
    beyond = written(tmp_path, HEADER + "2020-01-07,BBB,20,22,20,22,1,100\n")
    assert f"{beyond}: {parts}" in refusal(beyond)
    latin = tmp_path / "latin.csv"
    latin.write_bytes("date,symbol,close\n2020-01-02,SOCIÉTÉ,1\n".encode("latin-1"))
    assert f"{latin}: {parts}" in refusal(latin)
    parquet = written(tmp_path, GOOD, "prices.parquet")
    assert f"{parquet}: must be a Parquet file: " in refusal(parquet)


def test_files_of_a_folder_that_do_not_fit_together(tmp_path: Path) -> None:
    first = written(tmp_path, "date,close,adj_close\n2020-01-02,1,1\n", "A.csv")
    second = written(tmp_path, "date,close\n2020-01-02,1\n", "B.csv")
    assert refusal(tmp_path) == (
        f"all files need the same columns of prices: {first} has adj_close, {second} has not. "
        "Complete the one or remove the column from the other"
    )
    written(tmp_path, "date,close\n2020-01-02,1\n", "A.csv")
    written(tmp_path, "ts,close\n2020-01-02 15:00Z,1\n", "B.csv")
    assert refusal(tmp_path) == (
        f"all files need days, or all times within the day: {first} has days, {second} the other"
    )


def test_the_same_bar_in_two_files(tmp_path: Path) -> None:
    written(tmp_path, GOOD, "a.csv")
    second = written(tmp_path, GOOD, "b.csv")
    assert refusal(tmp_path) == (
        f"{second}, line 2, AAA at 2020-01-02: a symbol needs one bar at a time, this is the "
        "second. Remove the duplicate (3 more like it)"
    )


# Times and zones


def test_times_with_and_without_an_offset(tmp_path: Path) -> None:
    text = "ts,symbol,close\n2020-01-02 15:00+00:00,A,1\n2020-01-02 15:01,A,1\n"
    path = written(tmp_path, text)
    assert refusal(path) == (
        f"{path}, line 3, A at 2020-01-02 15:01: mixed timezones: the first time has an offset, "
        "2020-01-02 15:01 lacks one. Write all in UTC"
    )


def test_offsets_of_two_places(tmp_path: Path) -> None:
    text = "ts,symbol,close\n2020-01-02 10:00-05:00,A,1\n2020-01-02 15:01Z,A,1\n"
    path = written(tmp_path, text)
    assert refusal(path) == (
        f"{path}, line 3, A at 2020-01-02 15:01Z: mixed timezones: the offsets are not those of "
        "America/New_York. Write all times in UTC"
    )


def test_minutes_without_a_time_zone(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,symbol,close\n2020-01-02 10:00,A,1\n2020-01-02 10:01,A,1\n")
    assert refusal(path) == (
        f"{path}, line 2, A at 2020-01-02 10:00: times within the day need a time zone. "
        "Set timezone, for example America/New_York or UTC (1 more like it)"
    )


def test_times_that_summer_time_leaves_out(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,symbol,close\n2020-03-08 02:30,A,1\n2020-03-08 03:30,A,1\n")
    message = refusal(path, timezone="America/New_York", calendar="24/7")
    assert message.startswith(f"{path}: times must exist once in America/New_York: ")


def test_epochs_are_no_times(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pd.DataFrame({"ts": [1577923200000], "symbol": "A", "close": 1.0}).to_parquet(path)
    assert "row 1, A at 1577923200000: the time must be written like" in refusal(path)


def test_minutes_that_all_lie_outside_regular_hours(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,symbol,close\n2020-01-02 10:00,A,1\n2020-01-02 10:01,A,1\n")
    assert refusal(path, timezone="UTC") == (
        f"{path}: bars must lie in the regular hours of XNYS, none does. "
        "Check timezone and stamp, or set hours: all"
    )


def test_a_single_bar_within_the_day_has_no_length(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,symbol,close\n2020-01-02 15:00Z,A,1\n")
    assert refusal(path) == (
        f"{path}: two bars of a symbol are needed to know how long a bar is, there is one of each"
    )


def test_a_day_on_which_the_exchange_was_closed_all_hours(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,symbol,close\n2020-01-04 15:00Z,A,1\n2020-01-04 15:01Z,A,1\n")
    assert "the day must be a session of XNYS. Remove the bar" in refusal(path, hours="all")


# Settings that do not fit the file


def test_a_symbol_that_is_not_there_gets_a_suggestion(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    expected = "symbol must be one that exists, was 'aaa'. Did you mean AAA?"
    assert refusal(path, symbols=("aaa",)) == expected
    assert refusal(path, exclude=("aaa",)) == expected
    assert refusal(path, symbols=("XYZ",)) == (
        "symbol must be one that exists, was 'XYZ'. There are AAA, BBB"
    )


def test_a_calendar_and_a_time_zone_that_do_not_exist(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert refusal(path, calendar="XNY").startswith(
        "calendar must be one that exists, was 'XNY'. Did you mean XNYS"
    )
    with pytest.raises(ValidationError, match="IANA name such as UTC, was 'New York'"):
        FilesSource(path=path, timezone="New York")


def test_a_span_without_bars(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert refusal(path, start=date(2021, 1, 1)) == (
        f"{path}: bars are needed from 2021-01-01 to the end, its data go from 2020-01-02 to "
        "2020-01-06. Change start or end"
    )
    assert refusal(path, symbols=("AAA", "BBB"), end=date(2020, 1, 2)) == (
        f"{path}: every symbol asked for needs a bar in the span, BBB had none. "
        "Change the span or the symbols"
    )


def test_no_symbol_is_left(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert refusal(path, exclude=("AAA", "BBB")) == (
        f"{path}: at least one symbol is needed, exclude names them all"
    )
    assert refusal(path, min_bars=3) == (
        f"{path}: a symbol needs 3 bars in the span, the longest had 2. "
        "Lower min_bars or widen the span"
    )


def test_an_adjustment_that_the_file_cannot_give(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    assert refusal(path, adjust="adj_close") == (
        f"{path}: adjust: adj_close needs the column adj_close, there is none. "
        "Use adjust: auto or add the column"
    )
    assert refusal(path, adjust="factors") == (
        f"{path}: adjust: factors needs the column price_factor or split_factor, there is none. "
        "Use adjust: auto or add the column"
    )


@pytest.mark.parametrize("cell", ["", "0", "-1", "inf"])
def test_an_adjusted_close_that_is_missing_or_impossible(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path, f"date,symbol,close,adj_close\n2020-01-02,A,1,{cell}\n")
    assert f"{path}, line 2, A at 2020-01-02: adj_close must be a positive number" in refusal(path)
    assert load_files(FilesSource(path=path, adjust="none")).n_bars == 1


def test_a_factor_that_is_missing_or_impossible(tmp_path: Path) -> None:
    path = written(tmp_path, "date,symbol,close,split_factor\n2020-01-02,A,1,0\n")
    assert refusal(path) == (
        f"{path}, line 2, A at 2020-01-02: split_factor must be a positive number, was 0.0. "
        "Use 1 for a bar without correction"
    )
