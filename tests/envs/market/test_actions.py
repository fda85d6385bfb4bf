"""Splits and dividends reach the market whole; who holds through them earns the adjusted return."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import BadMarketData
from benbot.envs.market.files import FilesSource, load_files
from benbot.envs.market.market import Market

NAN = np.nan
# Four new units for each old one, then a dividend of 10 after a close of 100.
RAW = """date,symbol,open,high,low,close,volume,price_factor,split_factor,split,dividend
2020-01-02,A,396,404,392,400,1000,0.9,0.25,,
2020-01-03,A,101,103,99,100,4000,0.9,1,4,
2020-01-06,A,100,100,100,100,4000,1,1,,10
"""
FACTORS = ["price_factor", "split_factor"]
ACTIONS = ["split", "dividend"]


def load(path: Path, **rules: object) -> Market:
    return load_files(FilesSource.model_validate({"path": path, "adjust": "actions", **rules}))


def written(folder: Path, text: str, without: list[str] | None = None) -> Path:
    path = folder / "prices.csv"
    path.write_text(text)
    if without:
        pd.read_csv(path).drop(columns=without).to_csv(path, index=False)
    return path


def refusal(path: Path, **rules: object) -> str:
    with pytest.raises(BadMarketData) as caught:
        load(path, **rules)
    return str(caught.value)


def worth_of_a_holder(market: Market, s: int) -> FloatArray:
    """Return what one unit bought at the first close is worth at each, dividends reinvested."""
    bars = np.flatnonzero(market.tradable[:, s])
    traded = (market.close * market.unadjusted)[bars, s]
    worth, units = [traded[0]], 1.0
    for i, t in enumerate(bars[1:], start=1):
        units *= market.split[t, s]
        counted = traded[i - 1] / market.split[t, s]
        cash = units * market.dividend[t, s]
        units += cash / (counted - market.dividend[t, s])
        worth.append(units * traded[i])
    return np.array(worth)


@pytest.mark.parametrize("without", [FACTORS, ACTIONS, []])
def test_traded_prices_splits_and_dividends_come_from_columns_or_from_factors(
    tmp_path: Path, without: list[str]
) -> None:
    market = load(written(tmp_path, RAW, without))
    assert market.origin.adjustment == "actions"
    np.testing.assert_allclose(market.close[:, 0], [90, 90, 100], rtol=1e-12)
    np.testing.assert_array_equal(market.split[:, 0], [1, 4, 1])
    np.testing.assert_allclose(market.dividend[:, 0], [0, 0, 10], rtol=1e-12)
    np.testing.assert_allclose(market.unadjusted[:, 0], [400 / 90, 100 / 90, 1], rtol=1e-12)
    np.testing.assert_allclose((market.open * market.unadjusted)[:, 0], [396, 101, 100])
    np.testing.assert_allclose((market.close * market.volume)[:, 0], [400_000] * 3, rtol=1e-12)
    np.testing.assert_allclose(worth_of_a_holder(market, 0), [400, 400, 400 / 0.9], rtol=1e-12)


def test_a_split_without_dividends_is_enough(tmp_path: Path) -> None:
    for without in ([*FACTORS, "dividend"], [*ACTIONS, "price_factor"]):
        market = load(written(tmp_path, RAW, without))
        np.testing.assert_allclose(market.close[:, 0], [100, 100, 100], rtol=1e-12)
        np.testing.assert_array_equal(market.split[:, 0], [1, 4, 1])
        assert not market.dividend.any()


def test_other_adjustments_leave_the_columns_of_actions_alone(tmp_path: Path) -> None:
    path = written(tmp_path, RAW.replace(",4,\n", ",four to one,\n"))
    for adjust in ("auto", "factors", "none"):
        market = load(path, adjust=adjust)
        assert (market.split == 1.0).all()
        assert (market.unadjusted == 1.0).all()


@pytest.mark.parametrize(
    ("before", "after", "split"),
    [
        (0.0357143, 0.25, 7.0),
        (7.11111022, 10.6667, 1.5),
        (20.0, 1.0, 0.05),
        (0.1357, 0.25, 0.25 / 0.1357),
        (0.9999999, 1.0, 1.0),
    ],
)
def test_the_rounding_of_a_factor_is_no_part_of_a_split(
    tmp_path: Path, before: float, after: float, split: float
) -> None:
    text = f"date,symbol,close,split_factor\n2020-01-02,A,9,{before}\n2020-01-03,A,9,{after}\n"
    market = load(written(tmp_path, text))
    assert market.split[1, 0] == split
    assert market.close[1, 0] == pytest.approx(9 * after, rel=1e-12)
    assert market.close[0, 0] == pytest.approx(9 * after / split, rel=1e-12)


GAP = """date,symbol,close,split,dividend
2020-01-02,A,100,,
2020-01-02,B,7,,
2020-01-03,A,,2,3
2020-01-03,B,7,,
2020-01-06,A,,5,
2020-01-06,B,7,,
2020-01-07,A,10,,0.5
2020-01-07,B,,3,
"""


def test_what_happens_without_trading_moves_to_the_next_bar_of_the_symbol(tmp_path: Path) -> None:
    market = load(written(tmp_path, GAP))
    np.testing.assert_array_equal(market.split, [[1, 1], [1, 1], [1, 1], [10, 1]])
    # 3 for each of 2 units, of which each is 5 by now, and 0.5 for each of these.
    np.testing.assert_allclose(market.dividend[:, 0], [0, 0, 0, 3 / 5 + 0.5], rtol=1e-12)
    assert market.close[0, 0] == pytest.approx(100 / 10 * (1 - 1.1 / 10))
    # Who holds the symbol through the gap still has a position at the prices of before.
    np.testing.assert_allclose(market.unadjusted[:3, 0], 100 / market.close[0, 0])
    assert market.origin.notes == (
        "3 bars without all their prices count as not traded",
        "1 splits or dividends after the last bar of their symbol left out",
    )


def test_factors_that_change_without_trading_count_at_the_next_bar(tmp_path: Path) -> None:
    text = RAW.replace("2020-01-03,A,101,103,99,100", "2020-01-03,A,,,,")
    market = load(written(tmp_path, text, ACTIONS))
    np.testing.assert_array_equal(market.split[:, 0], [1, 4])
    np.testing.assert_allclose(market.dividend[:, 0], [0, 10], rtol=1e-12)


def test_what_happens_before_the_opening_counts_at_it(tmp_path: Path) -> None:
    lines = ["ts,symbol,close,split,dividend"]
    lines += [f"2020-01-02 15:{minute},A,20,," for minute in (57, 58, 59)]
    lines += ["2020-01-03 08:00,A,10,2,1", "2020-01-03 08:01,A,10,,"]
    lines += [f"2020-01-03 09:{minute},A,10,," for minute in (30, 31)]
    market = load(written(tmp_path, "\n".join(lines) + "\n"), timezone="America/New_York")
    np.testing.assert_array_equal(market.split[:, 0], [1, 1, 1, 2, 1])
    np.testing.assert_array_equal(market.dividend[:, 0], [0, 0, 0, 1, 0])
    np.testing.assert_allclose(market.close[:, 0], [9, 9, 9, 10, 10], rtol=1e-12)


@settings(max_examples=50)
@given(data=st.data())
def test_a_holder_earns_the_adjusted_return(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    n_bars = data.draw(st.integers(2, 12))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    days = np.busday_offset(
        "2021-02-01", np.arange(n_bars), roll="forward", holidays=["2021-02-15"]
    )
    frames = []
    for symbol in ("A", "B"):
        close = rng.uniform(50.0, 100.0, n_bars)
        close[1:-1][rng.random(n_bars - 2) < 0.3] = np.nan
        split = rng.choice([1.0, 1.0, 0.5, 2.0, 1.5], n_bars)
        dividend = rng.choice([0.0, 0.0, 0.01], n_bars)
        columns = {"date": days, "symbol": symbol, "close": close, "volume": 1.0}
        frames.append(pd.DataFrame(columns | {"split": split, "dividend": dividend}))
    path = tmp_path_factory.mktemp("law") / "prices.parquet"
    raw = pd.concat(frames)
    raw.to_parquet(path)
    market = load(path)
    for s, symbol in enumerate(market.symbols):
        bars = market.tradable[:, s]
        kept = raw[raw["symbol"] == symbol].dropna()
        traded = (market.close * market.unadjusted)[bars, s]
        np.testing.assert_allclose(traded, kept["close"], rtol=1e-12)
        adjusted = market.close[bars, s]
        worth = worth_of_a_holder(market, s)
        np.testing.assert_allclose(worth / worth[0], adjusted / adjusted[0], rtol=1e-9)
        np.testing.assert_allclose((market.close * market.volume)[bars, s], traded, rtol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            ",4,\n",
            ",0,\n",
            "line 3, A at 2020-01-03: split must be a positive number, was 0.0. Use 1",
        ),
        (",4,\n", ",4:1,\n", "line 3, A at 2020-01-03: split must be a number, was '4:1'"),
        (",4,\n", ",inf,\n", "split must be a positive number, was inf"),
        (",10\n", ",-1\n", "line 4, A at 2020-01-06: dividend must be zero or more, was -1.0"),
        (",10\n", ",inf\n", "dividend must be zero or more, was inf"),
        (
            ",10\n",
            ",100\n",
            "line 4, A at 2020-01-06: dividend must be less than the last close, counted after the "
            "split, was 100.0 with a split of 1.0 after a close of 100.0",
        ),
    ],
)
def test_an_action_that_cannot_be_is_named(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in RAW
    assert expected in refusal(written(tmp_path, RAW.replace(old, new)))


def test_a_dividend_that_a_factor_cannot_mean_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, RAW.replace(",0.9,1,4", ",0.8,1,4"), ACTIONS)
    expected = (
        "line 3, A at 2020-01-03: price_factor must not fall, because no dividend is negative"
    )
    assert expected in refusal(path)
    assert load(path, adjust="factors").n_bars == 3
    bad = written(tmp_path, RAW.replace(",0.9,1,4", ",0,1,4"), ACTIONS)
    assert "price_factor must be a positive number, was 0.0" in refusal(bad)


def test_columns_that_do_not_say_enough_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, RAW, [*ACTIONS, *FACTORS])
    assert refusal(path) == (
        f"{path}: adjust: actions needs the column split or dividend or price_factor or "
        "split_factor, there is none. Use adjust: auto or add the column"
    )
    path = written(tmp_path, RAW, ["split"])
    assert refusal(path) == (
        f"{path}: adjust: actions needs split and dividend, or factors alone, was dividend, "
        "price_factor, split_factor. Add the one that is missing or remove the factors"
    )


def test_files_of_which_only_some_know_their_actions_are_refused(tmp_path: Path) -> None:
    header = "date,close,split"
    (tmp_path / "A.csv").write_text(f"{header}\n2020-01-02,10,\n2020-01-03,5,2\n")
    (tmp_path / "B.csv").write_text("date,close\n2020-01-02,10\n2020-01-03,5\n")
    assert "A.csv has split" in refusal(tmp_path)
    assert load(tmp_path, adjust="auto").n_symbols == 2


@pytest.mark.parametrize("yes", ["1", "true", "TRUE", "1.0"])
def test_halts_and_borrow_rates_are_read(tmp_path: Path, yes: str) -> None:
    text = (
        "date,symbol,close,halted,borrow rate\n"
        f"2020-01-02,A,10,{yes},0.02\n2020-01-02,B,5,,\n2020-01-03,A,10,0,inf\n"
    )
    market = load(written(tmp_path, text), adjust="auto")
    np.testing.assert_array_equal(market.halted, [[True, False], [False, False]])
    np.testing.assert_array_equal(market.borrow_rate, [[0.02, NAN], [np.inf, NAN]])


@pytest.mark.parametrize("halts", [[True, False], [1, 0], ["true", None]])
def test_halts_in_parquet_may_be_flags_numbers_or_text(tmp_path: Path, halts: list[object]) -> None:
    days = pd.to_datetime(["2020-01-02", "2020-01-03"])
    frame = pd.DataFrame({"date": days, "close": [1.0, 2.0], "halted": halts})
    frame.to_parquet(tmp_path / "A.parquet")
    market = load(tmp_path, adjust="none")
    np.testing.assert_array_equal(market.halted, [[True], [False]])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("maybe,0", "line 2, A at 2020-01-02: halted must be 0, 1, true or false, was 'maybe'"),
        ("2,0", "halted must be 0, 1, true or false, was 2"),
        ("0,-0.1", "borrow_rate must be a fraction a year, zero or more, was -0.1. Write inf"),
        ("0,cheap", "borrow_rate must be a number, was 'cheap'"),
    ],
)
def test_a_halt_or_a_rate_that_cannot_be_is_named(tmp_path: Path, cell: str, expected: str) -> None:
    path = written(tmp_path, f"date,symbol,close,halted,borrow_rate\n2020-01-02,A,10,{cell}\n")
    assert expected in refusal(path, adjust="none")


def test_implied_volatilities_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "date,symbol,close,IV\n2020-01-02,A,10,0.25\n2020-01-03,A,10,\n")
    np.testing.assert_array_equal(load(path, adjust="none").iv, [[0.25], [NAN]])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("0", "line 2, A at 2020-01-02: iv must be an implied volatility a year above zero"),
        ("-0.2", "such as 0.2, was -0.2. Leave the cell empty where it is not known"),
        ("inf", "above zero, such as 0.2, was inf"),
        ("high", "iv must be a number, was 'high'"),
    ],
)
def test_an_implied_volatility_that_cannot_be_is_named(
    tmp_path: Path, cell: str, expected: str
) -> None:
    path = written(tmp_path, f"date,symbol,close,iv\n2020-01-02,A,10,{cell}\n")
    message = refusal(path, adjust="none")
    assert expected in message
    assert str(path) in message


@pytest.mark.shared_data
def test_23_years_of_splits_and_dividends_add_up(shared_data: Path) -> None:
    path = shared_data / "us_etfs_stocks_11_daily_1998_2021.parquet"
    market = load(path)
    days = market.days
    apple, spy = market.symbols.index("AAPL"), market.symbols.index("SPY")
    happened = market.split[:, apple] != 1.0
    splits = dict(zip(days[happened].astype(str), market.split[happened, apple], strict=True))
    assert splits == {"2000-06-21": 2, "2005-02-28": 2, "2014-06-09": 7, "2020-08-31": 4}
    paid = market.dividend[:, spy]
    assert np.count_nonzero(paid) == 94
    of_2020 = paid[(paid > 0.0) & (days >= np.datetime64("2020-01-01"))]
    known = [1.4056, 1.3662, 1.3392, 1.5800, 1.2778]  # as the fund announced them
    np.testing.assert_allclose(of_2020, known, atol=5e-4)
    raw, factors = load(path, adjust="none"), load(path, adjust="factors")
    for name in ("open", "high", "low", "close"):
        traded = getattr(market, name) * market.unadjusted
        np.testing.assert_allclose(traded, getattr(raw, name), rtol=1e-12)
    np.testing.assert_allclose(market.close, factors.close, rtol=2e-5)
    np.testing.assert_allclose(market.close * market.volume, raw.close * raw.volume, rtol=1e-12)
    for s in range(market.n_symbols):
        adjusted = market.close[market.tradable[:, s], s]
        worth = worth_of_a_holder(market, s)
        np.testing.assert_allclose(worth / worth[0], adjusted / adjusted[0], rtol=1e-9)
