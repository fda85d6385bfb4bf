"""The daily reports in the paper store: kept before they are tracked, so that none is lost.

Whoever trades need not be asked: a report changes nothing of the account, and a day that is over
stays as it was. So reports are kept without the lease, each once.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from benbot.paper.report import DailyReport, report_as_json
from benbot.paper.schema import migrate
from benbot.paper.tables import REPORTS
from benbot.strategies.records.database import PATIENCE, address_of, answering, open_writer
from benbot.strategies.records.moments import microseconds
from benbot.strategies.records.rows import put

NOWHERE = ""  # the run of a report that is not tracked yet


class KeptReport(NamedTuple):
    """A report as it is kept; `run` is where it was tracked, empty where it was not yet."""

    day: str
    text: str
    run: str

    @property
    def told(self) -> dict[str, Any]:
        """The report as plain values."""
        told: dict[str, Any] = json.loads(self.text)
        return told


def keep_reports(url: str, reports: Sequence[DailyReport], now: datetime) -> int:
    """Keep reports and return how many say something new; what is changed is tracked again."""
    new = 0
    with _writing(url) as connection:
        for report in reports:
            text = report_as_json(report)
            kept = _reports(connection, report.account, report.day)
            if kept and kept[0].text == text:
                continue
            new += 1
            row = {"account": report.account, "day": report.day, "report": text}
            put(connection, REPORTS, [{**row, "run": NOWHERE, "moment": microseconds(now)}])
    return new


def kept_reports(url: str, account: str) -> list[KeptReport]:
    """Return the reports of an account that are kept, the first day first."""
    with _writing(url) as connection:
        return _reports(connection, account)


def note_tracked(url: str, account: str, day: str, run: str) -> None:
    """Note that the report of a day was tracked, and in which run."""
    own = (REPORTS.c.account == account, REPORTS.c.day == day)
    with _writing(url) as connection:
        connection.execute(update(REPORTS).where(*own).values(run=run))


def _reports(connection: Connection, account: str, day: str | None = None) -> list[KeptReport]:
    query = select(REPORTS.c.day, REPORTS.c.report, REPORTS.c.run)
    query = query.where(REPORTS.c.account == account).order_by(REPORTS.c.day)
    if day is not None:
        query = query.where(REPORTS.c.day == day)
    return [KeptReport(*row) for row in connection.execute(query)]


@contextmanager
def _writing(url: str) -> Iterator[Connection]:
    """Open a store to write, whoever trades with it, and bring it forward."""
    address = address_of(url)
    with answering(address):
        engine = open_writer(address, PATIENCE)
        try:
            with engine.begin() as connection:
                migrate(connection, address)
                yield connection
        finally:
            engine.dispose()
