"""`benbot paper report`: the days of an account, or one of them with its fills."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from benbot.envs.errors import UnknownName
from benbot.experiments.paper.booking import book_trades
from benbot.experiments.paper.daily_log import Followed, after_session, read_rows
from benbot.experiments.paper.following import Question, followed
from benbot.experiments.paper.subject import Asked
from benbot.experiments.progress import Display, while_compiling
from benbot.paper.reports import kept_reports
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.records import Source, read_records

SHOWN = 20  # days, the last ones
LINE = "{day:10} {equity:>14} {growth:>8} {gap:>8} {orders:>6} {fills:>5} {unfilled:>8} "
LINE += "{slippage:>8} {costs:>10} {model:>10} {moved:>6} {alarms:>6} {breaker:12} {tracked}"
HEADINGS = {
    **{"day": "day", "equity": "equity", "growth": "growth", "gap": "gap bps"},
    **{"orders": "orders", "fills": "fills", "unfilled": "unfilled", "slippage": "slip bps"},
    **{"costs": "costs", "model": "by model", "moved": "moved", "alarms": "alarms"},
    **{"breaker": "breaker", "tracked": "tracked"},
}


def report(asked: Asked, question: Question, now: datetime, console: Console) -> None:
    """Prepare the account, which takes seconds and is said on standard error; report its days."""
    compiling = while_compiling("about a minute")
    with ExitStack() as stack:
        with Display(Console(stderr=True)).step(f"Preparing {asked.source}{compiling}"):
            made, choices = stack.enter_context(followed(asked, question))
        show_reports(made, choices, question, now, console)


def show_reports(
    made: Followed,
    choices: Sequence[StrategyChoice],
    question: Question,
    now: datetime,
    console: Console,
) -> None:
    """Make the reports that are missing, track them, and print them."""
    for sentence in after_session(made, now, again=question.again):
        console.print(sentence, highlight=False, soft_wrap=True, markup=False)
    if question.records is not None:
        rows = read_rows(question.url, question.account)
        new = book_trades(question.records, rows, made.history, choices, _machine)
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


def show_paper_fills(url: str, console: Console) -> None:
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
        growth=f"{told['growth']:+z.2%}",
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
