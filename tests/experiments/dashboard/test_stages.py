"""Stages as people see them: on the page, in the terminal, in a message, in the report of a day."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from benbot.experiments.dashboard.stages import stages_figure
from benbot.experiments.paper.view import show_status
from benbot.paper.account_rows import AccountRows, rows_of
from benbot.paper.daily import Reported, daily_report, days_of
from benbot.paper.notify.news import Kind
from benbot.paper.notify.wording import news_of_event
from benbot.paper.overview.account import Overview, overview
from benbot.paper.overview.stages import NOT_KEPT, codes_of, in_words
from benbot.paper.overview.strategies import Weights
from benbot.paper.replayed import replay
from benbot.paper.report import report_as_json
from benbot.paper.store import reading
from benbot.strategies.tournament.stages import Stage
from tests.experiments.dashboard.conftest import NOW, Making
from tests.paper.replays import Scripted
from tests.paper.test_stages import bound_stretch

DAY = 86_400_000_000  # microseconds
RISES = ["R1 ↑ R2", "R2 ↑ R3", "R3 ↑ LIVE"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An account that a tournament binds, until somebody was retired who had been LIVE."""
    folder, stretch = tmp_path_factory.mktemp("bound"), bound_stretch().grown()
    script = Scripted(np.full((20, 4), 0.25))
    replay(replace(stretch, policy=script, identity={"tournament": {}}), folder)
    return stretch.url(folder)


def told(url: str) -> Overview:
    with reading(url) as connection:
        return overview(connection, "replay", NOW)


def rows(url: str) -> AccountRows:
    with reading(url) as connection:
        return rows_of(connection, "replay")


def test_a_page_shows_stages_beside_weights_and_who_moved(store: str, making: Making) -> None:
    text = making(store=store).get("/account/replay").text
    assert "LIVE alone has money of this account." in text
    assert "does not bind" not in text
    lanes = re.findall(r'role="img" aria-label="([^"]+)"', text)
    (lane,) = [one for one in lanes if one.startswith("rsi reversion: ")]
    assert re.findall(r"(\w+) from 2021-02-\d\d", lane) == ["R1", "R2", "R3", "LIVE", "RETIRED"]
    table = text[text.index("Moves between stages") :]
    assert all(rise in table for rise in RISES)
    assert table.index("LIVE ↓ RETIRED") < table.index("R1 ↑ R2")  # the last ones first
    assert "<script>" not in text
    assert len(re.findall('class="stage LIVE"', text)) == 2  # in the words above, and in its lane


def test_an_account_of_which_no_stage_is_kept_says_so(browser, url: str) -> None:  # noqa: ANN001
    text = browser.get("/account/replay").text
    assert "Stages on the ladder were not kept" in text
    assert "Moves between stages" not in text
    assert told(url).moves == []
    assert in_words(codes_of([None], 3), is_bound=False) == "not kept"


def test_weights_that_are_shown_are_those_that_have_money(store: str) -> None:
    chosen = told(store).weights
    is_live = chosen.stages == Stage.LIVE
    np.testing.assert_allclose(chosen.weights[:, :-1], np.where(is_live, 0.25, 0.0))
    np.testing.assert_allclose(chosen.weights.sum(axis=1), 1.0)
    assert is_live.sum() == 3


def test_the_terminal_says_how_many_stand_where(store: str) -> None:
    said = io.StringIO()
    show_status(store, "replay", NOW, Console(file=said, width=200))
    assert "stages       RETIRED: 3 (LIVE alone has money of this account)" in said.getvalue()
    codes = np.array([4, 1, 1], np.int8)
    assert in_words(codes, is_bound=False).startswith("LIVE: 1, R1: 2 (what the tournament says")


def test_a_move_is_news(store: str) -> None:
    event = next(row for row in rows(store).events if row["kind"] == "stage")
    news = news_of_event(event)
    assert news.kind is Kind.STAGE
    assert news.text.startswith("rsi_reversion R1 → R2: passed (Sharpe ")
    aside = json.dumps(json.loads(event["reasons"]) | {"binds": False})
    assert news_of_event(event | {"reasons": aside}).text.endswith("it does not bind this account")


def test_the_report_of_a_day_has_the_moves_of_its_closes(store: str) -> None:
    known = rows(store)
    made_of = Reported(known, bound_stretch().stretch.history, None, None)
    reports = {day.date: daily_report(made_of, day) for day in days_of(known, made_of.history)}
    found = [move for report in reports.values() for move in report.moves]
    assert [move.partition(" (")[0] for move in found] == [
        "rsi_reversion R1 -> R2",
        "rsi_reversion R2 -> R3",
        "rsi_reversion R3 -> LIVE",
        "rsi_reversion LIVE -> RETIRED",
    ]
    quiet = [report for report in reports.values() if not report.moves]
    assert quiet
    assert all("moves" not in json.loads(report_as_json(report)) for report in quiet)
    last = json.loads(known.events[-1]["reasons"])["bar"]
    (day,) = [day for day in days_of(known, made_of.history) if day.first <= last <= day.last]
    assert len(reports[day.date].moves) == 1


def test_lanes_begin_where_a_stage_is_known_and_are_as_high_as_it_is() -> None:
    codes = np.array([[NOT_KEPT], [1], [1], [4], [-1]], np.int8)
    chosen = Weights(("a", "cash"), np.arange(5) * DAY, np.full((5, 2), 0.5), None, codes)
    figure = stages_figure(chosen)
    assert figure is not None
    (lane,) = figure.lanes
    assert [(step.stage, step.x, step.width) for step in lane.steps] == [
        ("R1", 250.0, 500.0),
        ("LIVE", 750.0, 250.0),
        ("RETIRED", 997.0, 3.0),
    ]
    assert lane.steps[1].height == 40.0 > lane.steps[0].height > lane.steps[2].height
    assert lane.text == "R1 from 1970-01-02, LIVE from 1970-01-04, RETIRED from 1970-01-05"
    assert figure.shown == ("LIVE", "R1", "RETIRED")
    assert stages_figure(replace(chosen, stages=np.full_like(codes, NOT_KEPT))) is None
