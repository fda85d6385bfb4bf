"""A book and its trades are read as they were, or refused with the row that cannot be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benbot.envs.errors import BadMarketData
from benbot.envs.market.order_book import Depth, Trades
from benbot.envs.market.order_book_files import read_depth, read_trades

NAN = np.nan
BOOK = """local_ns,exch_ms,bid_px1,bid_sz1,bid_px2,bid_sz2,ask_px1,ask_sz1,ask_px2,ask_sz2
1000000000,900,99,3,98,1,101,1,102,3
2500000000,2400,101,1,,,103,1,104,0
"""
TRADES = """local_ns,price,qty,buyer_is_maker
1200000000,101,2,False
1200000000,99,0.5,True
"""
FIRST = np.datetime64("1970-01-01T00:00:01", "ns")


def written(folder: Path, text: str, name: str = "book.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refusal(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(BadMarketData) as caught:
        read(path)
    return str(caught.value)


def test_a_book_has_as_many_levels_as_its_columns_name(tmp_path: Path) -> None:
    path = written(tmp_path, BOOK)
    pd.read_csv(path).to_parquet(tmp_path / "book.parquet")
    for each in (path, tmp_path / "book.parquet"):
        depth = read_depth(each)
        np.testing.assert_array_equal(depth.time - FIRST, np.array([0, 1_500_000_000], "m8[ns]"))
        np.testing.assert_array_equal(depth.bid_price, [[99, 98], [101, NAN]])
        np.testing.assert_array_equal(depth.bid_size, [[3, 1], [1, 0]])
        np.testing.assert_array_equal(depth.ask_price, [[101, 102], [103, 104]])
        np.testing.assert_array_equal(depth.ask_size, [[1, 3], [1, 0]])
        np.testing.assert_array_equal(depth.mid, [100, 102])


def test_the_clock_of_the_exchange_serves_where_there_is_no_other(tmp_path: Path) -> None:
    frame = pd.read_csv(written(tmp_path, BOOK)).drop(columns="local_ns")
    frame.to_csv(tmp_path / "exchange.csv", index=False)
    depth = read_depth(tmp_path / "exchange.csv")
    np.testing.assert_array_equal(depth.time.astype(np.int64), [900_000_000, 2_400_000_000])


def test_the_side_of_a_trade_is_that_of_who_came_to_the_book(tmp_path: Path) -> None:
    trades = read_trades(written(tmp_path, TRADES))
    np.testing.assert_array_equal(trades.price, [101, 99])
    np.testing.assert_array_equal(trades.size, [2, 0.5])
    np.testing.assert_array_equal(trades.sign, [1, -1])
    as_numbers = TRADES.replace("False", "0").replace("True", "1").replace("qty", "size")
    np.testing.assert_array_equal(read_trades(written(tmp_path, as_numbers)).sign, [1, -1])


def test_nobody_can_change_an_event_and_what_was_known_is_the_beginning(tmp_path: Path) -> None:
    depth, trades = read_depth(written(tmp_path, BOOK)), read_trades(written(tmp_path, TRADES))
    for array in (depth.time, depth.bid_price, trades.price, trades.buyer_is_maker):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    known = depth.until(FIRST)
    np.testing.assert_array_equal(known.bid_price, depth.bid_price[:1])
    assert known.source == depth.source
    assert len(trades.until(FIRST).time) == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (",99,3,", ",101,3,", "row 1: a crossed book: the bid must be below the ask, was 101.0 at"),
        ("2500000000", "900000000", "row 2: events must be in order of time; sort them, was 1970"),
        (",98,1,", ",99.5,1,", "row 1: bid prices must fall from level to level, was 99.5"),
        (",102,3", ",101,3", "row 1: ask prices must rise from level to level, was 101.0"),
        (",101,1,,", ",,1,,", "row 2: the best bid must be a price, was nan"),
        (",98,1,", ",-98,1,", "row 1: bid prices must be positive, was -98.0"),
        (",103,1,", ",103,-1,", "row 2: ask sizes must be >= 0, was -1.0"),
        (",103,1,", ",103,,", "row 2: ask sizes must be >= 0, was nan"),
        (",103,1,", ",103,many,", "must be numbers: could not convert string to float: 'many'"),
        ("1000000000,", "noon,", "local_ns must be whole ns since 1970, was "),
        ("1000000000,", "1.5,", "local_ns must be whole ns since 1970, was float64"),
        ("ask_sz2", "ask_sz3", "both sides, missing is ask_sz2, bid_px3, bid_sz3, ask_px3."),
        ("bid_px1", "bid", "missing is bid_px1. Name them bid_px1, bid_sz1, ask_px1, ask_sz1"),
        ("local_ns,exch_ms", "when,then", "a column local_ns or exch_ms is needed for the time"),
    ],
)
def test_a_book_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in BOOK
    path = written(tmp_path, BOOK.replace(old, new, 1))
    said = refusal(read_depth, path)
    assert str(path) in said
    assert expected in said


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.5,", "0,", "row 2: size must be positive, was 0.0 at 1970-01-01T00:00:01.2"),
        (",99,", ",nan,", "row 2: price must be positive, was nan"),
        ("True", "perhaps", "row 2: buyer_is_maker must be true or false, was 'perhaps'"),
        (
            "qty",
            "amount",
            "columns price, qty, buyer_is_maker are needed, qty is missing; there is",
        ),
        ("1200000000,99", "1100000000,99", "row 2: events must be in order of time"),
    ],
)
def test_trades_that_cannot_be_are_refused(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in TRADES
    assert expected in refusal(read_trades, written(tmp_path, TRADES.replace(old, new, 1)))


def test_files_that_are_no_books_are_refused(tmp_path: Path) -> None:
    assert "must be .csv or .parquet" in refusal(read_depth, written(tmp_path, BOOK, "book.txt"))
    assert "must be a whole file" in refusal(read_depth, tmp_path / "nothing.csv")
    assert "must be a whole file" in refusal(read_depth, written(tmp_path, BOOK, "book.parquet"))
    header = BOOK.splitlines()[0]
    assert "at least one event is needed" in refusal(read_depth, written(tmp_path, header))
    late = written(tmp_path, BOOK.replace("local_ns", "x").replace("900,", "9000000000000000,"))
    assert "exch_ms must be whole ms since 1970" in refusal(read_depth, late)


def test_arrays_that_do_not_fit_together_are_refused() -> None:
    one = np.ones((2, 1))
    when = np.array([FIRST, FIRST])
    with pytest.raises(BadMarketData, match="one row per update and one column per level"):
        Depth(when, one, one, 2 * one[:1], one)
    with pytest.raises(BadMarketData, match="at least one update of the book is needed"):
        Depth(when[:0], one[:0], one[:0], one[:0], one[:0])
    with pytest.raises(BadMarketData, match="every event needs a time"):
        Depth(np.array([FIRST, "NaT"], "datetime64[ns]"), one, one, 2 * one, one)
    side: Any = np.array([True])
    with pytest.raises(BadMarketData, match="needs a time, a price, a size and a side"):
        Trades(when, np.ones(2), np.ones(2), side)
