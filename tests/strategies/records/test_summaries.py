"""What is asked of the records is what their trades and days come to, counted one at a time."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs.errors import UnknownName
from benbot.strategies.records import Reader
from benbot.strategies.sharpe import standard_error, track_of
from tests.strategies.records.made import (
    NOON,
    REGIMES,
    counted,
    counted_days,
    day,
    many_days,
    many_trades,
    opened,
    register_all,
    trade,
)

GROUPINGS = [
    (),
    ("strategy",),
    ("regime",),
    ("strategy", "regime"),
    ("source", "strategy"),
    ("strategy", "regime", "symbol"),
    ("strategy", "source", "stage", "regime", "symbol"),
]
EXACT = ("trades", "win_rate", "profit_factor", "profit", "costs", "mean", "deviation", "sharpe")
ROUNDING = {"rtol": 1e-9, "atol": 1e-9}


def assert_equals_the_trades(records: Reader, by: tuple[str, ...], **where: object) -> None:
    """Ask for a summary and for the trades under it, and count those one at a time."""
    frame = records.summary(by, **where)
    expected = counted(records.trades(limit=10**6, **where), by)
    found = {tuple(row[name] for name in by): row for row in frame.to_dict("records")}
    found = {key: row for key, row in found.items() if row["trades"]}
    assert set(found) == set(expected)
    for key, row in found.items():
        for name in (*EXACT, "drawdown", "slippage_mean"):
            np.testing.assert_allclose(row[name], expected[key][name], **ROUNDING, err_msg=name)
        np.testing.assert_allclose(
            row["slippage_p95"], expected[key]["slippage_p95"], rtol=0.02, atol=0.01
        )


def test_three_trades_by_hand(url: str) -> None:
    # Profits +10, -4, -3: a peak of 10, a fall of 7; returns 1 %, -0.4 %, -0.3 %.
    ends = [NOON - timedelta(hours=hours) for hours in (3, 2, 1)]
    facts = [(10.0, 0.01, 1.0), (-4.0, -0.004, 2.0), (-3.0, -0.003, np.nan)]
    trades = pd.concat(
        [
            trade(closed=end, profit=profit, slippage=slip, **{"return": gain})
            for end, (profit, gain, slip) in zip(ends, facts, strict=True)
        ]
    )
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            assert change.trades(trades) == 3
        (row,) = records.summary().to_dict("records")
    assert row["strategy"] == "rsi"
    assert row["trades"] == 3
    assert row["win_rate"] == pytest.approx(1 / 3)
    assert row["profit_factor"] == pytest.approx(10 / 7)
    assert row["profit"] == pytest.approx(3.0)
    assert row["costs"] == pytest.approx(3.0)
    assert row["mean"] == pytest.approx(0.001)
    assert row["drawdown"] == pytest.approx(7.0)
    assert row["slippage_mean"] == pytest.approx(1.5)
    assert row["slippage_p95"] == pytest.approx(2.0, rel=0.02)
    assert row["first"] == ends[0]
    assert row["last"] == ends[2]
    assert row["days"] == 0
    assert np.isnan(row["daily_sharpe"])


def test_the_ratio_and_its_error_are_those_of_the_returns(url: str) -> None:
    trades = many_trades(np.random.default_rng(3), 60).assign(strategy="rsi")
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            change.trades(trades)
        (row,) = records.summary().to_dict("records")
    track = track_of(trades["return"].to_numpy())
    assert row["sharpe"] == pytest.approx(track.ratio)
    assert row["sharpe_error"] == pytest.approx(standard_error(track))


def test_four_days_by_hand(url: str) -> None:
    # Equity 100 before the first, then 98, 101, 99.99, 102: falls of 2 % and of 1 %.
    equity = [98.0, 101.0, 99.99, 102.0]
    before = [100.0, *equity[:-1]]
    returns = [now / then - 1.0 for now, then in zip(equity, before, strict=True)]
    days = pd.concat(
        [
            day(session=f"2020-05-{26 + k}", equity=worth, breaches=k % 2, **{"return": gain})
            for k, (worth, gain) in enumerate(zip(equity, returns, strict=True))
        ]
    )
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            assert change.days(days) == 4
            assert change.days(days) == 0
        (row,) = records.summary().to_dict("records")
        late = records.summary(since=NOON - timedelta(days=4)).to_dict("records")
    track = track_of(np.array(returns))
    assert row["days"] == 4
    assert row["breaches"] == 2
    assert row["trades"] == 0
    assert row["daily_sharpe"] == pytest.approx(track.ratio)
    assert row["daily_sharpe_error"] == pytest.approx(standard_error(track))
    assert row["equity_drawdown"] == pytest.approx(0.02)
    assert [each["days"] for each in late] == [2]
    assert late[0]["equity_drawdown"] == pytest.approx(0.01)


def test_cells_equal_the_trades_after_several_changes(three_changes: Reader) -> None:
    for by in GROUPINGS:
        assert_equals_the_trades(three_changes, by)
        assert_equals_the_trades(three_changes, by, stage="R2", strategy="rsi")
        assert_equals_the_trades(three_changes, by, symbol="AAA", regime=REGIMES[1])


def test_a_stretch_of_time_equals_its_trades(three_changes: Reader) -> None:
    since, until = NOON - timedelta(days=40), NOON - timedelta(days=10)
    for by in GROUPINGS[::2]:
        assert_equals_the_trades(three_changes, by, since=since, until=until)
        assert_equals_the_trades(three_changes, by, since=since, source="paper", stage="R1")
        assert_equals_the_trades(three_changes, by, until=NOON - timedelta(days=1000))


def test_cells_of_days_equal_the_days(three_changes: Reader) -> None:
    stretches = ({}, {"stage": "R2"}, {"since": NOON - timedelta(days=30)})
    for by, where in product([(), ("strategy",), ("stage", "strategy")], stretches):
        expected = counted_days(three_changes.days(limit=10**6, **where), by)
        frame = three_changes.summary(by, **where)
        assert len(frame) == len(expected)
        for row in frame.to_dict("records"):
            for name, value in expected[tuple(row[each] for each in by)].items():
                np.testing.assert_allclose(row[name], value, **ROUNDING, err_msg=name)


def test_a_stretch_that_is_all_of_the_time_says_what_the_cells_say(three_changes: Reader) -> None:
    for by in GROUPINGS:
        cells = three_changes.summary(by)
        trades = three_changes.summary(by, since=NOON - timedelta(days=1000))
        pd.testing.assert_frame_equal(cells, trades, rtol=1e-9)


def test_a_summary_is_by_what_is_known_of_a_trade(three_changes: Reader) -> None:
    with pytest.raises(UnknownName, match="a summary is by strategy, source, stage, regime, sym"):
        three_changes.summary(("strategy", "weekday"))


@settings(max_examples=6)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 60), min_size=1, max_size=4))
def test_cells_equal_the_trades_however_they_come_in(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    url = f"sqlite:///{tmp_path_factory.mktemp('law')}/records.db"
    with opened(url) as records:
        for step, size in enumerate(sizes):
            with records.change(NOON) as change:
                register_all(change)
                change.trades(many_trades(rng, size, f"{step}-"))
        for by in GROUPINGS[1::3]:
            assert_equals_the_trades(records, by)


@pytest.fixture
def three_changes(url: str) -> Iterator[Reader]:
    """A store to which trades and days came in three changes, the last ones out of order."""
    rng = np.random.default_rng(7)
    with opened(url) as records:
        for step, size in enumerate((150, 1, 80)):
            with records.change(NOON) as change:
                register_all(change)
                change.trades(many_trades(rng, size, f"{step}-"))
                change.days(many_days(rng, [f"2020-0{5 - step}-{d}" for d in range(11, 15)]))
        yield records
