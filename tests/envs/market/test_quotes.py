"""A file of quotes gives the bars of another their spreads, and none where it cannot."""

from pathlib import Path

import numpy as np
import pytest

from benbot.envs.errors import BadMarketData
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market

NAN = np.nan
BARS = "ts,symbol,close\n" + "".join(f"2020-01-02 09:3{i},A,{i + 1}\n" for i in range(6))
QUOTES = """ts,symbol,bid_open,bid_close,bid_size,ask_close
2020-01-02 09:29,A,9,9,100,11
2020-01-02 09:30,A,1,99,100,101
2020-01-02 09:31,A,1,100,100,100
2020-01-02 09:32,A,1,102,100,101
2020-01-02 09:33,A,1,,100,101
2020-01-02 09:34,B,1,50,100,60
2020-01-02 09:35,A,1,0,100,101
"""


def load(folder: Path, quotes: str = QUOTES, bars: str = BARS, **rules: object) -> Market:
    (folder / "bars.csv").write_text(bars, encoding="utf-8")
    (folder / "quotes.csv").write_text(quotes, encoding="utf-8")
    paths = {"path": folder / "bars.csv", "quotes": folder / "quotes.csv"}
    rules = {"timezone": "America/New_York", **rules}
    return load_files(FilesSource.model_validate(paths | rules))


def refusal(folder: Path, quotes: str, **rules: object) -> str:
    with pytest.raises(BadMarketData) as refused:
        load(folder, quotes, **rules)  # type: ignore[arg-type]
    return str(refused.value.args[0])


def test_the_spread_of_a_bar_is_that_of_its_last_quote_over_the_mid(tmp_path: Path) -> None:
    market = load(tmp_path)
    # 2 over a mid of 100; locked; crossed; no bid; another symbol's; a bid of nothing.
    np.testing.assert_allclose(market.spread[:, 0], [0.02, 0.0, NAN, NAN, NAN, NAN], rtol=1e-12)
    np.testing.assert_array_equal(market.close[:, 0], [1, 2, 3, 4, 5, 6])
    assert market.origin.notes == ("4 bars without a quote of both sides have no spread",)


def test_a_longer_bar_has_the_mean_of_the_known_spreads(tmp_path: Path) -> None:
    market = load(tmp_path, bars=BARS.replace("09:35", "09:39"), resample="5min")
    np.testing.assert_allclose(market.spread[:, 0], [0.01, NAN], rtol=1e-12)


def test_a_later_quote_changes_no_earlier_bar(tmp_path: Path) -> None:
    before = load(tmp_path).spread[:, 0]
    later = load(tmp_path, QUOTES.replace("09:31,A,1,100,100,100", "09:31,A,1,99.5,100,100.5"))
    np.testing.assert_allclose(later.spread[1, 0], 0.01, rtol=1e-12)
    np.testing.assert_array_equal(np.delete(later.spread[:, 0], 1), np.delete(before, 1))


def test_days_may_have_quotes_too(tmp_path: Path) -> None:
    bars = "date,symbol,close\n2020-01-02,A,1\n2020-01-03,A,2\n"
    market = load(tmp_path, "date,symbol,bid,ask\n2020-01-03,A,99,101\n", bars, timezone=None)
    np.testing.assert_allclose(market.spread[:, 0], [NAN, 0.02], rtol=1e-12)


def test_quotes_of_longer_bars_would_tell_the_future(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-02 {hour}:30,A,99,101\n" for hour in ("09", "10", "11"))
    said = refusal(tmp_path, "ts,symbol,bid,ask\n" + rows)
    assert said == (
        f"{tmp_path / 'quotes.csv'}: quotes must be of bars as long as those of "
        f"{tmp_path / 'bars.csv'}. Use those of the same length"
    )
    days = "date,symbol,bid,ask\n2020-01-02,A,99,101\n"
    assert "quotes must be of bars as long" in refusal(tmp_path, days)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ask_close", "offer", "a column ask or ask_close is needed"),
        ("bid_open", "bid", "one column for the bid is needed, was bid and bid_close"),
        ("1,99,", "1,many,", "line 3, A at 2020-01-02 09:30: bid must be a number, was 'many'"),
        ("09:31,A", "09:30,A", "line 4, A at 2020-01-02 09:30: a symbol needs one bar at a time"),
        (",A,", ",Z,", "quotes must be of the symbols of the bars"),
        ("2020-01-02", "2020-01-03", "none fits one of"),
        ("99,100,101", "20,100,101", "spread must be a fraction of the price in [0, 1), was 1.3"),
    ],
)
def test_quotes_that_cannot_be_used(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in QUOTES
    assert expected in refusal(tmp_path, QUOTES.replace(old, new))


def test_a_spread_comes_from_one_place(tmp_path: Path) -> None:
    bars = "ts,symbol,close,spread\n2020-01-02 09:30,A,1,0.1\n2020-01-02 09:31,A,1,0.1\n"
    assert refusal(tmp_path, QUOTES, bars=bars) == (
        f"{tmp_path / 'bars.csv'}: the spread must come from one place, was a column spread and "
        f"quotes from {tmp_path / 'quotes.csv'}. Remove one of them"
    )
