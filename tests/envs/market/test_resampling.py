"""Minutes become longer bars within their session, once these are over, and nothing is filled."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.market.market import Market
from tests.envs.market.minutes import HAND, NEW_YORK, load, refusal, written

NAN = np.nan
# 2015-12-24 closes at 13:00.
EVE = ("2015-12-23", "2015-12-24", "2015-12-28")
PRICES = ("open", "high", "low", "close")


def times(*texts: str) -> np.ndarray[Any, Any]:
    return np.array(texts, dtype="datetime64[ns]")


def minutes(
    days: tuple[str, ...], seed: int = 0, symbols: tuple[str, ...] = ("A", "B"), gaps: float = 0.0
) -> pd.DataFrame:
    """Return minutes from 09:00 to 16:29 of each day, New York, some of them missing."""
    rng = np.random.default_rng(seed)
    frames = []
    for symbol in symbols:
        ts = np.concatenate(
            [pd.date_range(f"{day} 09:00", f"{day} 16:29", freq="min") for day in days]
        )
        ts = ts[rng.random(ts.size) >= gaps]
        price = np.round(50.0 * np.exp(rng.normal(0.0, 0.001, (ts.size, 4)).cumsum(axis=0)), 2)
        frames.append(
            pd.DataFrame(
                {
                    "ts": ts,
                    "symbol": symbol,
                    "open": price[:, 0],
                    "high": price.max(axis=1),
                    "low": price.min(axis=1),
                    "close": price[:, 1],
                    "volume": rng.integers(0, 1000, ts.size),
                    "spread": rng.uniform(0.0, 0.01, ts.size),
                }
            )
        )
    return pd.concat(frames)


def saved(folder: Path, frame: pd.DataFrame, name: str = "minutes.parquet") -> Path:
    frame.to_parquet(folder / name)
    return folder / name


def as_file(market: Market) -> pd.DataFrame:
    """Return a market as a file of bars that are stamped with their end, in UTC."""
    t, s = np.nonzero(market.tradable)
    facts = {name: getattr(market, name)[t, s] for name in (*PRICES, "volume", "spread")}
    ts = pd.DatetimeIndex(market.timestamps[t]).tz_localize("UTC")
    return pd.DataFrame({"ts": ts, "symbol": np.array(market.symbols)[s], **facts})


# By hand


def test_a_longer_bar_opens_with_the_first_and_closes_with_the_last(tmp_path: Path) -> None:
    market = load(written(tmp_path, HAND), resample="5min")
    expected = times("2020-01-02T14:35", "2020-01-02T14:40", "2020-01-02T14:45")
    np.testing.assert_array_equal(market.timestamps, expected)
    np.testing.assert_array_equal(market.open[:, 0], [10, 20, 22])
    np.testing.assert_array_equal(market.high[:, 0], [15, 21, 24])
    np.testing.assert_array_equal(market.low[:, 0], [8, 19, 22])
    np.testing.assert_array_equal(market.close[:, 0], [12, 20, 23])
    np.testing.assert_array_equal(market.volume[:, 0], [600, 400, 500])
    np.testing.assert_allclose(market.spread[:, 0], [0.002, NAN, NAN], rtol=1e-15)
    np.testing.assert_array_equal(market.session, [0, 0, 0])


def test_a_bar_in_which_nothing_traded_is_missing(tmp_path: Path) -> None:
    text = HAND.replace("2020-01-02 09:35,A,20,21,19,20,400,\n", "2020-01-02 09:37,B,1,1,1,1,7,\n")
    market = load(written(tmp_path, text), resample="5min")
    np.testing.assert_array_equal(market.close, [[12, NAN], [NAN, 1], [23, NAN]])
    np.testing.assert_array_equal(market.volume, [[600, NAN], [NAN, 7], [500, NAN]])


def test_minutes_without_a_price_take_no_part_and_an_unknown_volume_makes_the_sum_unknown(
    tmp_path: Path,
) -> None:
    text = HAND.replace("09:31,A,11,15,11,14,200", "09:31,A,,15,11,14,200")
    text = text.replace("22,24,22,23,500", "22,24,22,23,")
    market = load(written(tmp_path, text), resample="15min")
    assert (market.high[0, 0], market.close[0, 0]) == (24, 23)
    assert np.isnan(market.volume[0, 0])
    assert load(written(tmp_path, text), resample="5min").volume[0, 0] == 400


def test_a_market_of_closes_has_longer_bars_too(tmp_path: Path) -> None:
    text = "ts,symbol,close\n" + "".join(f"2020-01-02 09:3{i},A,{i + 1}\n" for i in range(5))
    market = load(written(tmp_path, text), resample="5min")
    assert not market.has_range
    np.testing.assert_array_equal(market.close, [[5]])


def test_times_that_name_the_end_lie_in_the_bar_before(tmp_path: Path) -> None:
    rows = "".join(f"2020-01-02 09:{m},A,{m}\n" for m in range(31, 41))
    market = load(written(tmp_path, "ts,symbol,close\n" + rows), stamp="end", resample="5min")
    np.testing.assert_array_equal(market.close[:, 0], [35, 40])
    np.testing.assert_array_equal(market.timestamps, times("2020-01-02T14:35", "2020-01-02T14:40"))


def test_halts_and_borrow_rates_of_the_minutes_within(tmp_path: Path) -> None:
    rows = ["0,0.1", "1,", "0,", "0,", "0,", "0,0.2", "0,inf", "0,", "0,", "0,"]
    text = "ts,symbol,close,halted,borrow_rate\n" + "".join(
        f"2020-01-02 09:{30 + i},A,5,{row}\n" for i, row in enumerate(rows)
    )
    market = load(written(tmp_path, text), resample="5min")
    np.testing.assert_array_equal(market.halted[:, 0], [True, False])
    np.testing.assert_array_equal(market.borrow_rate[:, 0], [0.1, np.inf])


# Splits and dividends

# A split of 2 at 09:31 and a dividend of 1 before it, of 3 after: a unit held at the open of the
# bar becomes two, and 1 + 2 x 3 = 7 are paid for it, 3.5 for each unit after the split.
ACTIONS = """ts,symbol,open,high,low,close,volume,split,dividend
2020-01-02 15:58,A,100,100,100,100,10,,
2020-01-02 15:59,A,100,100,100,100,10,,
2020-01-03 09:30,A,99,99,99,99,10,,1
2020-01-03 09:31,A,49.5,49.5,49.5,49.5,20,2,
2020-01-03 09:32,A,46.5,46.5,46.5,46.5,20,,3
2020-01-03 09:33,A,46.5,46.5,46.5,46.5,20,,
2020-01-03 09:34,A,93,93,93,93,20,,
2020-01-03 09:35,A,93,93,93,93,20,,
2020-01-03 09:39,A,93,93,93,93,20,,
"""


def test_splits_and_dividends_of_a_longer_bar_are_those_within(tmp_path: Path) -> None:
    market = load(written(tmp_path, ACTIONS), adjust="actions", resample="5min")
    np.testing.assert_array_equal(market.split[:, 0], [1, 2, 1])
    np.testing.assert_allclose(market.dividend[:, 0], [0, 3.5, 0], rtol=1e-12)
    # Prices fell by what was paid and by nothing else, until they doubled.
    np.testing.assert_allclose(market.close[:, 0] / market.close[0, 0], [1, 2, 2], rtol=1e-12)
    np.testing.assert_allclose(market.low[1, 0], market.close[0, 0], rtol=1e-12)
    np.testing.assert_allclose((market.close * market.unadjusted)[:, 0], [100, 93, 93])


def test_what_a_holder_is_left_with_is_the_same_on_every_length(tmp_path: Path) -> None:
    path = written(tmp_path, ACTIONS)
    worth = []
    for length in (None, "5min"):
        market = load(path, adjust="actions", resample=length)
        units, cash = 1.0, 0.0
        for t in range(market.n_bars):
            units *= market.split[t, 0]
            cash += units * market.dividend[t, 0]
        worth.append((units, round(cash, 9)))
    assert worth == [(2.0, 7.0), (2.0, 7.0)]


def test_factors_that_change_within_a_bar_correct_each_minute_by_its_own(tmp_path: Path) -> None:
    rows = ["400,0.25", "404,0.25", "100,1", "98,1", "99,1"]
    text = "ts,symbol,close,split_factor\n" + "".join(
        f"2020-01-02 09:{30 + i},A,{row}\n" for i, row in enumerate(rows)
    )
    market = load(written(tmp_path, text), resample="5min")
    assert (market.close[0, 0], market.origin.adjustment) == (99, "factors")


# Sessions


def test_an_early_close_ends_its_bars_and_what_traded_around_the_session_is_dropped(
    tmp_path: Path,
) -> None:
    path = saved(tmp_path, minutes(EVE))
    for length, counts in (
        (None, [390, 210, 390]),
        ("1min", [390, 210, 390]),
        ("5min", [78, 42, 78]),
        ("15min", [26, 14, 26]),
        ("65min", [6, 4, 6]),  # the fourth of the eve has 15 minutes
        ("390min", [1, 1, 1]),
    ):
        market = load(path, resample=length)
        np.testing.assert_array_equal(np.unique(market.session, return_counts=True)[1], counts)
        closes = [market.timestamps[market.session == day].max() for day in range(3)]
        expected = times("2015-12-23T21:00", "2015-12-24T18:00", "2015-12-28T21:00")
        np.testing.assert_array_equal(closes, expected)
        assert market.tradable.all()


def test_the_short_bar_of_an_early_close_holds_its_minutes_alone(tmp_path: Path) -> None:
    frame = minutes(EVE, symbols=("A",))
    market = load(saved(tmp_path, frame), resample="65min")
    last = market.timestamps == np.datetime64("2015-12-24T18:00")
    own = frame[(frame["ts"] >= "2015-12-24 12:45") & (frame["ts"] < "2015-12-24 13:00")]
    assert len(own) == 15
    assert market.volume[last, 0] == own["volume"].sum()
    assert market.open[last, 0] == own["open"].iloc[0]
    assert market.close[last, 0] == own["close"].iloc[-1]


def test_bars_follow_the_clock_of_the_exchange_through_a_change_to_summer_time(
    tmp_path: Path,
) -> None:
    path = saved(tmp_path, minutes(("2020-03-06", "2020-03-09")))
    market = load(path, resample="15min")
    assert market.n_bars == 52
    expected = times("2020-03-06T14:45", "2020-03-09T13:45")
    np.testing.assert_array_equal(market.timestamps[[0, 26]], expected)
    expected = times("2020-03-06T21:00", "2020-03-09T20:00")
    np.testing.assert_array_equal(market.timestamps[[25, 51]], expected)


def test_all_hours_keep_their_bars_on_their_side_of_the_opening_and_the_close(
    tmp_path: Path,
) -> None:
    frame = minutes(("2015-12-24",), symbols=("A",))
    market = load(saved(tmp_path, frame), hours="all", resample="65min")
    ends = times(
        *("2015-12-24T14:30", "2015-12-24T15:35", "2015-12-24T16:40", "2015-12-24T17:45"),
        *("2015-12-24T18:00", "2015-12-24T19:05", "2015-12-24T20:10", "2015-12-24T21:15"),
    )
    # The data end at 16:30 in New York, before the next bar after the close is over.
    np.testing.assert_array_equal(market.timestamps, ends)
    before = frame["ts"] < "2015-12-24 09:30"
    assert market.volume[0, 0] == frame.loc[before, "volume"].sum()


def test_a_market_that_never_closes_counts_from_midnight(tmp_path: Path) -> None:
    ts = pd.date_range("2020-01-04 22:00", "2020-01-05 01:59", freq="min", tz="UTC")
    frame = pd.DataFrame({"ts": ts, "symbol": "BTC", "close": np.arange(1.0, ts.size + 1)})
    market = load(saved(tmp_path, frame), calendar="24/7", resample="1h")
    np.testing.assert_array_equal(market.close[:, 0], [60, 120, 180, 240])
    np.testing.assert_array_equal(market.session, [0, 0, 1, 1])


# Laws


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), gaps=st.sampled_from([0.0, 0.1, 0.8]))
def test_longer_bars_hold_what_the_minutes_hold(
    seed: int, gaps: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = saved(tmp_path_factory.getbasetemp(), minutes(EVE[:2], seed, gaps=gaps))
    fine, coarse = load(path), load(path, resample="15min")
    assert np.nansum(coarse.volume) == np.nansum(fine.volume)
    bar = np.searchsorted(coarse.timestamps, fine.timestamps)
    for s in range(fine.n_symbols):
        for t in range(coarse.n_bars):
            own = (bar == t) & fine.tradable[:, s]
            assert coarse.tradable[t, s] == own.any()
            if own.any():
                assert coarse.high[t, s] == fine.high[own, s].max()
                assert coarse.low[t, s] == fine.low[own, s].min()
                assert coarse.open[t, s] == fine.open[own, s][0]
                assert coarse.close[t, s] == fine.close[own, s][-1]
                assert coarse.spread[t, s] == pytest.approx(fine.spread[own, s].mean())
                assert np.unique(fine.session[own]).tolist() == [coarse.session[t]]


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), gaps=st.sampled_from([0.0, 0.3]))
def test_in_two_steps_it_is_the_same_as_in_one(
    seed: int, gaps: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    path = saved(folder, minutes(EVE, seed, gaps=gaps))
    at_once = load(path, resample="15min")
    halfway = saved(folder, as_file(load(path, resample="5min")), "halfway.parquet")
    in_steps = load(halfway, stamp="end", resample="15min")
    np.testing.assert_array_equal(in_steps.timestamps, at_once.timestamps)
    np.testing.assert_array_equal(in_steps.session, at_once.session)
    for name in (*PRICES, "volume"):
        np.testing.assert_array_equal(getattr(in_steps, name), getattr(at_once, name), name)
    if not gaps:  # a mean of means weighs bars with fewer minutes too much
        np.testing.assert_allclose(in_steps.spread, at_once.spread, rtol=1e-12)


def test_the_length_of_the_file_itself_changes_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path, minutes(EVE, gaps=0.3))
    assert load(path, resample="1min").digest == load(path).digest


@settings(max_examples=10)
@given(cut=st.integers(2, 3 * 450 - 1), stamp=st.sampled_from(["start", "end"]))
def test_a_file_cut_short_gives_the_bars_that_were_over_and_no_other(
    cut: int, stamp: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    frame = minutes(EVE)
    frame["ts"] += pd.Timedelta(minutes=1) if stamp == "end" else pd.Timedelta(0)
    ts = np.sort(frame["ts"].unique())
    first = frame[frame["ts"] <= ts[cut]]
    now = ts[cut] + (np.timedelta64(1, "m") if stamp == "start" else np.timedelta64(0, "m"))
    known = pd.Timestamp(now).tz_localize(NEW_YORK).tz_convert(None).to_datetime64()
    rules = {"stamp": stamp, "resample": "15min"}
    whole = load(saved(folder, frame, "whole.parquet"), **rules)
    n_over = int(np.searchsorted(whole.timestamps, known, side="right"))
    path = saved(folder, first, "first.parquet")
    if not n_over:
        assert "none" in refusal(path, **rules)
        return
    assert load(path, **rules).digest == whole.until(n_over).digest


def test_a_bar_that_is_not_over_is_left_out_and_the_market_says_so(tmp_path: Path) -> None:
    text = HAND.replace("09:44", "09:43")
    market = load(written(tmp_path, text), resample="5min")
    np.testing.assert_array_equal(market.close[:, 0], [12, 20])
    assert market.origin.notes == (
        "1 bars outside regular hours left out",
        "1 bars at the end left out, because their 5min bar was not over",
    )


def test_trades_after_the_close_and_later_days_show_that_the_last_bar_is_over(
    tmp_path: Path,
) -> None:
    text = "ts,symbol,close\n2020-01-02 15:56,A,5\n2020-01-02 15:57,A,6\n"
    assert "none is" in refusal(written(tmp_path, text), resample="5min")
    after = written(tmp_path, text + "2020-01-02 16:20,A,7\n")
    np.testing.assert_array_equal(load(after, resample="5min").close, [[6]])
    later = written(tmp_path, text + "2020-01-03 09:30,A,7\n")
    cut = load(later, resample="5min", end=date(2020, 1, 2))
    np.testing.assert_array_equal(cut.close, [[6]])


# Symbols


def test_symbols_are_counted_by_their_longer_bars(tmp_path: Path) -> None:
    text = HAND + "2020-01-02 09:30,B,1,1,1,1,1,\n2020-01-02 09:31,B,1,1,1,1,1,\n"
    market = load(written(tmp_path, text), resample="5min", min_bars=2)
    assert market.symbols == ("A",)
    assert market.origin.notes[-1].endswith("fewer bars in the span than 2 left out: B (1)")
