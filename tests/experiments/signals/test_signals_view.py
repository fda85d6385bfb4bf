"""The command that says why: its tables, and what it refuses to be asked."""

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import BadConfig, InvalidParameter, UnknownName
from benbot.envs.history import Span
from benbot.envs.market.market import Market, market_from_prices
from benbot.experiments.config import load_config
from benbot.experiments.signals.moment import (
    Moment,
    check_traded,
    find_moment,
    is_daily,
    written_bar,
)
from benbot.experiments.signals.view import Shown, draw_signals, show_signals
from benbot.experiments.training.preparation import Prepared, prepare_experiment


def shown(
    workshop: Any,  # noqa: ANN401
    symbol: str | None = "SYN001",
    when: str | None = "2003-03-03",
    segment: str = "fit",
    *overrides: str,
) -> tuple[Shown, str]:
    page = io.StringIO()
    console = Console(file=page, width=80)
    config = load_config(str(workshop.config), overrides)
    return show_signals(config, symbol, when, segment, console), page.getvalue()


@pytest.fixture(scope="module")
def prepared(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(str(workshop.config)))


def half_hours() -> Market:
    """Return three days of four half hours each, in which B misses the last of the first day."""
    days = np.arange("2020-01-06", "2020-01-09", dtype="datetime64[D]")
    minutes = np.array([900, 930, 960, 990]).astype("timedelta64[m]")
    stamps = (days[:, None] + minutes).ravel().astype("datetime64[ns]")
    close = np.full((12, 2), 50.0)
    close[3, 1] = np.nan
    session = np.repeat(np.arange(3), 4)
    return market_from_prices(stamps, ("A", "B"), {"close": close}, session=session)


def test_the_tables_tell_of_every_strategy_and_fit_a_terminal(workshop: Any) -> None:  # noqa: ANN401
    told, text = shown(workshop)
    assert "SYN001 at the close of 2003-03-03, bar 825, in fit: " in text
    assert "Account: equal weights since 2001-01-02, equity " in text
    for name in ("1 rsi_reversion", "2 ma_crossover", "3 bollinger_reversion"):
        assert text.count(f" {name} ") == 3  # what it wants, what it saw, what came of it
    for word in ("RSI ", "fast average ", "deviations away", "conf.", "expected", "answer"):
        assert word in text
    assert "…" not in text.partition("SYN001 at")[2]
    assert [wish.strategy for wish in told.told.wishes][1] == "ma_crossover"


def test_without_a_date_it_is_the_last_close_that_fit_decides(workshop: Any) -> None:  # noqa: ANN401
    told, text = shown(workshop, None, None)
    span = told.prepared.span("fit")
    assert told.told.bar == span.last - 1
    assert told.account.bars[-1] == span.last
    assert "No --symbol was named" in text


def test_a_symbol_that_is_nearly_one_is_answered_with_it(workshop: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnknownName, match="Did you mean SYN001 or"):
        shown(workshop, "SYN01")


def test_a_segment_that_there_is_not_is_refused_before_anything_is_done(
    workshop: Any,  # noqa: ANN401
) -> None:
    with pytest.raises(UnknownName, match="one of fit, valid, test, was 'tset'"):
        shown(workshop, "SYN001", None, "tset")


@pytest.mark.parametrize(
    ("when", "complaint"),
    [
        ("2031-01-01", "date must lie within the market, 2000-01-03 to 2005-09-30, was 2031-01-01"),
        ("03/01/2003", "date must be a day, as 2016-03-01, or a time in UTC, as 2016-03-01T14:45"),
        ("2003-03-02", "one with a bar, was 2003-03-02; the nearest are 2003-02-28 and 2003-03-03"),
        (
            "2004-08-02",
            "date must be one at which fit decides, 2001-01-02 to 2003-06-27, was 2004-08-02, "
            "which lies in test. Say --segment test; who looks at test has no test any more",
        ),
        ("2004-02-02", "which lies in valid. Say --segment valid"),
        ("2003-06-30", "was 2003-06-30, the last bar of fit, which is only traded in"),
        ("2000-03-01", "was 2000-03-01, which lies in none"),
    ],
)
def test_a_date_that_cannot_be_meant_is_refused_with_those_that_can(
    prepared: Prepared, when: str, complaint: str
) -> None:
    with pytest.raises(InvalidParameter) as refused:
        find_moment(prepared, "fit", when)
    assert complaint in str(refused.value)


def test_a_day_within_the_segment_is_its_bar(prepared: Prepared) -> None:
    moment = find_moment(prepared, "test", "2004-08-02")
    assert prepared.market.days[moment.bar] == np.datetime64(date(2004, 8, 2))
    assert moment.n_of_day == 1


def test_a_symbol_that_did_not_trade_is_refused_with_its_nearest_bars() -> None:
    market = half_hours()
    check_traded(market, 3, 0)
    with pytest.raises(InvalidParameter) as refused:
        check_traded(market, 3, 1)
    assert str(refused.value) == (
        "the symbol must trade at the date, B did not at 2020-01-06T16:30 UTC; it did at "
        "2020-01-06T16:00 UTC and 2020-01-07T15:00 UTC"
    )


def test_of_a_day_with_several_bars_the_last_that_decides_is_meant(prepared: Prepared) -> None:
    market = half_hours()
    within = replace(
        prepared,
        history=replace(prepared.history, market=market),
        spans={name: Span(0, 11) for name in prepared.spans},
    )
    assert not is_daily(market)
    assert find_moment(within, "fit", "2020-01-07") == Moment(7, 4)
    assert find_moment(within, "fit", "2020-01-08") == Moment(10, 4)  # 11 is only traded in
    assert find_moment(within, "fit", "2020-01-07T15:30") == Moment(5)
    assert find_moment(within, "fit", "2020-01-07T10:30-05:00") == Moment(5)
    assert written_bar(market, 5) == "2020-01-07T15:30 UTC"
    with pytest.raises(InvalidParameter, match="the nearest are 2020-01-07T15:30 UTC and"):
        find_moment(within, "fit", "2020-01-07T15:31")


def test_a_figure_is_written_and_a_folder_that_is_none_is_refused(
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    told, _ = shown(workshop)
    console = Console(file=io.StringIO())
    draw_signals(told, tmp_path / "why.png", console)
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(BadConfig, match="--figure needs a file that can be written"):
        draw_signals(told, tmp_path / "nowhere" / "why.png", console)
