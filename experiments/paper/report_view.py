"""`benbot paper report`: the days of an account, or one of them with its fills."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benbot.envs.errors import UnknownName
from benbot.experiments.paper.booking import book_trades
from benbot.experiments.paper.daily_log import Followed, Home, after_session, read_rows
from benbot.experiments.paper.subject import Asked, Subject
from benbot.experiments.tracking.registry import find_version, is_registered
from benbot.experiments.tracking.tracker import TrackingSettings, find_run, open_tracker
from benbot.experiments.training.rebuild import run_folder
from benbot.paper.daily import training_of
from benbot.paper.reports import kept_reports
from benbot.paper.setting import require_same
from benbot.strategies.records import Source, read_records

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 20  # days, the last ones
LINE = "{day:10} {equity:>14} {growth:>8} {gap:>8} {orders:>6} {fills:>5} {unfilled:>8} "
LINE += "{slippage:>8} {costs:>10} {model:>10} {moved:>6} {alarms:>6} {breaker:12} {tracked}"
HEADINGS = {
    **{"day": "day", "equity": "equity", "growth": "growth", "gap": "gap bps"},
    **{"orders": "orders", "fills": "fills", "unfilled": "unfilled", "slippage": "slip bps"},
    **{"costs": "costs", "model": "by model", "moved": "moved", "alarms": "alarms"},
    **{"breaker": "breaker", "tracked": "tracked"},
}


@dataclass(frozen=True)
class Question:
    """What is asked of the reports of an account.

    day     one of them in full; None: the last ones in a line each
    again   make all of them anew
    records store of records into which round trips are written, too
    """

    url: str
    account: str
    day: str | None = None
    again: bool = False
    tracks: bool = True
    records: str | None = None


def show_reports(
    subject: Subject, asked: Asked, question: Question, now: datetime, console: "Console"
) -> None:
    """Make the reports that are missing, track them, and print them."""
    followed = followed_of(subject, asked, question)
    rows = read_rows(question.url, question.account)
    require_same(rows.account["identity"], dict(subject.stretch.identity))
    for sentence in after_session(followed, now, again=question.again):
        console.print(sentence, highlight=False, soft_wrap=True)
    if question.records is not None:
        choices = subject.prepared.config.strategies
        new = book_trades(question.records, rows, followed.history, choices, _machine)
        console.print(f"booked {new} new round trips of {len(rows.trades)}", highlight=False)
        show_paper_fills(question.records, console)
    kept = kept_reports(question.url, question.account)
    if question.day is not None:
        chosen = [one.told for one in kept if one.day == question.day]
        if not chosen:
            days = f"{kept[0].day} to {kept[-1].day}" if kept else "none"
            raise UnknownName(f"the day must be one that is reported, {days}, was {question.day!r}")
        console.print_json(json.dumps(chosen[0]))
        return
    console.print(LINE.format(**HEADINGS), highlight=False, soft_wrap=True)
    for one in kept[-SHOWN:]:
        console.print(_line(one.told, one.run), highlight=False, soft_wrap=True)


def followed_of(subject: Subject, asked: Asked, question: Question) -> Followed:
    """Return an account with what its reports are made of."""
    prepared = subject.prepared
    fit = prepared.spans["fit"]
    return Followed(
        url=question.url,
        account=question.account,
        history=prepared.history,
        policy=subject.stretch.policy,
        environment=prepared.config.environment,
        training=training_of(prepared.history, fit.first, fit.last),
        home=home_of(subject, asked) if question.tracks else None,
    )


def home_of(subject: Subject, asked: Asked) -> Home:
    """Return where an account is tracked: where its policy's run is, or where its config says."""
    settings = subject.prepared.config.tracking
    if is_registered(asked.source):
        uri = asked.store or TrackingSettings().uri
        origin = find_version(asked.source, uri).run_id or ""
        return Home(uri, find_run(uri, origin).experiment_id, origin)
    uri = asked.store or settings.uri
    try:
        origin = run_folder(asked.source, asked.runs).name
        return Home(uri, find_run(uri, origin).experiment_id, origin)
    except UnknownName:  # a baseline, or a bundle whose run nobody tracked
        tracker = open_tracker(settings.model_copy(update={"uri": uri}))
        return Home(uri, tracker.experiment_id)


def show_paper_fills(url: str, console: "Console") -> None:
    """Print what the fills of each strategy cost on paper against the model."""
    with read_records(url) as records:
        summary = records.summary(by=("strategy",), source=Source.PAPER)
    for row in summary.itertuples():
        console.print(
            f"  {row.strategy:28} {row.trades:>5} round trips, slippage {row.slippage_mean:.2f} "
            f"bps in the mean, {row.slippage_p95:.2f} at the dear end of 95 %",
            highlight=False,
            soft_wrap=True,
        )


def _machine() -> datetime:
    return datetime.now(UTC)


def _line(told: dict[str, Any], run: str) -> str:
    features = told["features"] or {}
    asked = features.get("n_closes")
    return LINE.format(
        day=told["day"],
        equity=f"{told['equity']:,.2f}",
        growth=f"{told['growth']:+.2%}",
        gap=_number(told["gap"]),
        orders=sum(told["orders"].values()),
        fills=len(told["fills"]),
        unfilled=len(told["unfilled"]),
        slippage=_number(told["slippage"]),
        costs=f"{told['costs']:,.2f}",
        model=f"{told['model_costs']:,.2f}",
        moved=features["n_moved"] if asked else "",
        alarms=len(features["alarms"]) if asked else "",
        breaker=told["breakers"][-1],
        tracked=run[:8] or "not yet",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
