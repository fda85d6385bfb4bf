"""Reports are kept once, whoever trades, and an older store is brought forward for them."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from benbot.paper.daily import Reported, daily_report, days_of
from benbot.paper.report import DailyReport
from benbot.paper.reports import keep_reports, kept_reports, note_tracked
from benbot.paper.store import open_store
from tests.paper.replays import everything

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def account(traded: Any, folder: Path) -> Any:  # noqa: ANN401
    """A copy of an account that may be written, and its first reports."""
    copytree(traded.folder, folder / "copy")
    made_of = Reported(traded.rows, traded.stretch.history)
    days = days_of(made_of.rows, made_of.history)[:3]
    return traded.stretch.url(folder / "copy"), [daily_report(made_of, day) for day in days]


def test_a_report_is_kept_once(account: tuple[str, list[DailyReport]]) -> None:
    url, reports = account
    assert keep_reports(url, reports[:2], NOW) == 2
    assert keep_reports(url, reports, NOW) == 1
    kept = kept_reports(url, reports[0].account)
    assert [one.day for one in kept] == [one.day for one in reports]
    assert [one.run for one in kept] == ["", "", ""]
    assert kept[0].told["equity"] == reports[0].equity


def test_what_was_tracked_stays_so_until_it_says_something_else(
    account: tuple[str, list[DailyReport]],
) -> None:
    url, reports = account
    keep_reports(url, reports, NOW)
    note_tracked(url, reports[0].account, reports[1].day, "a-run")
    keep_reports(url, reports, NOW)
    assert [one.run for one in kept_reports(url, reports[0].account)] == ["", "a-run", ""]
    keep_reports(url, [replace(reports[1], equity=1.0)], NOW)
    assert [one.run for one in kept_reports(url, reports[0].account)] == ["", "", ""]


def test_reports_are_kept_while_somebody_trades(account: tuple[str, list[DailyReport]]) -> None:
    url, reports = account
    with open_store(url, reports[0].account, lambda: NOW) as store:
        keep_reports(url, reports, NOW)
        with store.change() as change:
            change.event("still", "here")


def test_an_older_store_is_brought_forward_and_loses_nothing(
    traded: Any,  # noqa: ANN401
    account: tuple[str, list[DailyReport]],
    folder: Path,
) -> None:
    url, reports = account
    before = everything(traded.stretch, folder / "copy")
    with sqlite3.connect(folder / "copy" / "paper.db") as connection:
        connection.execute("DROP TABLE reports")
        connection.execute("DROP TABLE heartbeats")
        for name in ("ladders", "throws", "news", "news_feeds"):
            connection.execute(f"DROP TABLE {name}")
        for name in ("regime", "stages"):
            connection.execute(f"ALTER TABLE decisions DROP COLUMN {name}")
        connection.execute("UPDATE paper_version SET version_num = 'p0001'")
    assert keep_reports(url, reports, NOW) == 3
    after = everything(traded.stretch, folder / "copy")
    before["decisions"]["regime"] = None  # nobody kept it then, nor a stage
    for name in before.keys() - {"reports"}:
        assert after[name].equals(before[name]), name
