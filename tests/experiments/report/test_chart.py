"""The chart of a symbol: every fill has a shape and a row, and no shape stands for two things."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.evaluation import HOLDING, Evaluation
from benbot.envs.desk.ledger import FILL, TRADE
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import Span
from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.report.chart import (
    ENTRIES,
    EXITS,
    LONG,
    MORE,
    SHORT,
    chart,
    events_of,
    held_by,
    window,
)
from benbot.experiments.report.figures import to_png

Maker = Callable[..., Evaluation]
N_BARS = 30


def market(session: np.ndarray | None = None) -> Market:
    days = np.datetime64("2020-01-01", "ns") + np.arange(N_BARS) * np.timedelta64(1, "D")
    close = 20.0 + np.sin(np.arange(N_BARS))[:, None] * np.ones(3)
    return market_from_prices(days, ("AAA", "BBB", "CCC"), {"close": close}, session=session)


@pytest.fixture
def account(make_evaluation: Maker) -> Evaluation:
    """Return an account that was long BBB by strategy 0, enlarged, and is short by strategy 1."""
    fills = np.zeros(5, FILL)
    fills["symbol"] = (1, 1, 1, 1, 0)
    fills["strategy"] = (0, 0, 0, 1, 0)
    fills["bar"] = (3, 5, 9, 9, 9)
    fills["units"] = (2.0, 1.0, -3.0, -4.0, 1.0)
    fills["price"] = (20.5, 21.0, 19.0, 19.0, 20.0)
    fills["reason"] = (Exit.NONE, Exit.NONE, Exit.STOP, Exit.NONE, Exit.NONE)
    trades, left = np.zeros(1, TRADE), np.zeros(1, TRADE)
    trades["symbol"], trades["opened"], trades["closed"] = 1, 3, 9
    left["symbol"], left["opened"], left["strategy"] = 1, 9, 1
    holdings = np.zeros(10, HOLDING)
    holdings["bar"], holdings["symbol"] = np.arange(3, 13), 1
    holdings["strategy"] = np.repeat([0, 1], [6, 4])
    holdings["worth"] = np.repeat([0.1, -0.2], [6, 4])
    return make_evaluation(
        np.ones(N_BARS), fills=fills, trades=trades, open_trades=left, holdings=holdings
    )


def test_every_exit_has_a_shape_of_its_own_and_so_have_entries() -> None:
    assert set(EXITS) == set(Exit) - {Exit.NONE}
    shapes = [*ENTRIES.values(), *EXITS.values()]
    assert len(set(shapes)) == len(shapes)


def test_fills_are_told_apart_as_entries_enlargements_and_exits(account: Evaluation) -> None:
    events = events_of(account, 1, Span(0, N_BARS - 1))
    assert [(one.bar, one.strategy, one.kind) for one in events] == [
        (3, 0, LONG),
        (5, 0, MORE),
        (9, 0, "stop"),
        (9, 1, SHORT),
    ]
    assert [one.price for one in events] == [20.5, 21.0, 19.0, 19.0]
    assert [one.bar for one in events_of(account, 1, Span(4, 6))] == [5]
    assert not events_of(account, 2, Span(0, N_BARS - 1))


def test_what_was_held_is_what_the_marks_say(account: Evaluation) -> None:
    long, short = (held_by(account, 1, k, Span(2, 12)) for k in (0, 1))
    np.testing.assert_array_equal(long, [0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(short, [0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1])


def test_the_window_is_the_last_bars_and_begins_no_earlier_than_the_span() -> None:
    assert window(Span(10, 500), 100) == Span(401, 500)
    assert window(Span(10, 50), 100) == Span(10, 50)


def test_the_picture_has_a_row_a_strategy_and_a_legend_of_what_happened(
    account: Evaluation,
) -> None:
    figure = chart(market(), account, 1, Span(0, N_BARS - 1), 12)
    prices, rows = figure.axes
    assert prices.get_title(loc="left") == "BBB, price as traded"
    assert [label.get_text() for label in rows.get_yticklabels()] == ["1 trend", "2 reversion"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [LONG, SHORT, MORE, "stop"]
    assert figure.get_size_inches()[0] * figure.dpi >= 1200
    marked = prices.get_lines()[-1].get_xdata()[0]
    assert marked == market().timestamps[12]
    assert to_png(figure).startswith(b"\x89PNG")


def test_prices_are_those_that_were_traded(account: Evaluation) -> None:
    whole = market()
    doubled = np.where(np.arange(N_BARS) < 10, 2.0, 1.0)[:, None] * np.ones(3)
    split = np.where(np.arange(N_BARS) == 10, 2.0, 1.0)[:, None] * np.ones(3)
    figure = chart(replace(whole, unadjusted=doubled, split=split), account, 1, Span(5, 20), 12)
    drawn = figure.axes[0].get_lines()[0].get_ydata()
    np.testing.assert_allclose(drawn, (whole.close * doubled)[5:21, 1])


def test_within_the_day_no_line_goes_through_the_night(account: Evaluation) -> None:
    figure = chart(market(np.arange(N_BARS) // 10), account, 1, Span(5, 24), 12)
    lines = [len(line.get_xdata()) for line in figure.axes[0].get_lines()]
    assert lines[:3] == [5, 10, 5]


def test_a_symbol_that_nobody_traded_says_so(account: Evaluation) -> None:
    figure = chart(market(), account, 2, Span(0, N_BARS - 1), 12)
    assert not figure.legends
    notes = [text.get_text() for text in figure.axes[0].texts]
    assert any("nobody traded it in these bars" in note for note in notes)
