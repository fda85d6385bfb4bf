"""Looking at what there is: a market, what is made of it, a policy again, runs, a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.market.market import Market
from benbot.envs.market.summary import describe
from benbot.experiments.tracking.tracker import Run, find_run

if TYPE_CHECKING:
    from rich.console import Console

    from benbot.experiments.audit.result import AuditResult
    from benbot.experiments.config import ExperimentConfig

SHOWN = ("annual_return", "volatility", "sharpe_ratio", "max_drawdown", "turnover", "n_trades")


def show_market(market: Market, console: "Console") -> None:
    """Print what a market holds."""
    from rich.table import Table

    summary = describe(market)
    facts = [
        ("source", summary.origin.source),
        ("adjustment", summary.origin.adjustment),
        ("span", f"{_day(summary.first)} to {_day(summary.last)}, {summary.n_bars:,} bars"),
        ("bars a year", f"{summary.bars_per_year:.1f}"),
        ("missing sessions", str(summary.missing_sessions)),
        ("missing bars", f"{summary.gaps:,} between the first and the last of their symbols"),
        ("range, volume, spread", _yes(summary.has_range, summary.has_volume, summary.has_spread)),
        *_if_any("splits", summary.splits),
        *_if_any("dividends", summary.dividends),
        *_if_any("halted bars", summary.halted),
        *_if_any("known borrow rates", summary.borrow_rates, " bars of a symbol"),
        *([("features", ", ".join(market.features))] if market.features else []),
        ("digest", summary.digest),
    ]
    for name, value in facts:
        console.print(f"{name:22} {value}", highlight=False)
    for note in summary.origin.notes:
        console.print(f"{'note':22} {note}", highlight=False)
    table = Table("symbol", "sector", "first", "last")
    table.add_column("bars", justify="right")
    table.add_column("gaps", justify="right")
    for one in summary.symbols:
        row = (one.symbol, one.sector, _day(one.first), _day(one.last))
        table.add_row(*row, f"{one.n_bars:,}", str(one.gaps))
    console.print(table)


def _if_any(name: str, count: int, of: str = "") -> list[tuple[str, str]]:
    return [(name, f"{count:,}{of}")] if count else []


def audit_config(config: "ExperimentConfig", console: "Console") -> "AuditResult":
    """Audit what a configuration computes, showing how far it is, and print what was found."""
    from benbot.experiments.audit.audit import THOROUGH, audit
    from benbot.experiments.audit.view import show_audit
    from benbot.experiments.progress import Display
    from benbot.experiments.training.run import prepare_shown

    with Display(console) as display:
        prepared = prepare_shown(config, display)
        task = display.begin("Auditing", THOROUGH.n_steps)
        result = audit(prepared, THOROUGH, lambda done: display.move(task, done))
    show_audit(result, console)
    return result


@dataclass(frozen=True)
class Question:
    """What is asked of a training; `again` says that `test` may be opened once more."""

    run: str
    config: str | None = None
    segment: str = "test"
    command: str = "benbot evaluate"
    again: bool = False
    store: str | None = None  # if not where the configuration says


def evaluate_again(question: Question, runs: Path, console: "Console") -> None:
    """Run the policies of a training over a segment, beside the baselines, and print the table."""
    from benbot.experiments.tracking.registry import fetched, is_registered
    from benbot.experiments.tracking.tracker import TrackingSettings
    from benbot.experiments.training.bundles import run_folder

    if not is_registered(question.run):
        _evaluate(question, run_folder(question.run, runs), console)
        return
    with fetched(question.run, question.store or TrackingSettings().uri) as folder:
        _evaluate(question, folder, console)


def _evaluate(question: Question, folder: Path, console: "Console") -> None:
    from benbot.experiments.config import load_config
    from benbot.experiments.training.bundles import config_of
    from benbot.experiments.training.preparation import prepare_experiment, require_unseen_test
    from benbot.experiments.training.rebuild import judge_again, require_policies
    from benbot.experiments.verdict.judgement import results_table

    config, segment = question.config, question.segment
    prepared = prepare_experiment(load_config(config or config_of(folder)))
    require_policies(folder, prepared, segment)
    if segment == "test":
        require_unseen_test(prepared)
        open_again(question, folder, console)
    # A plan was found for the run's own configuration and is no oracle of another.
    segment_result = judge_again(folder, prepared, segment, with_plan=config is None)
    console.print(results_table(segment_result))


def open_again(question: Question, folder: Path, console: "Console") -> None:
    """Record with the run of a policy that it is asked for results on `test` once more."""
    from datetime import UTC, datetime

    from benbot.envs.errors import UnknownName
    from benbot.experiments.config import load_config
    from benbot.experiments.tracking.provenance import git_commit
    from benbot.experiments.training.bundles import config_of
    from benbot.experiments.verdict.opening import Opening, open_test

    try:
        own = config_of(folder)
    except UnknownName:  # a bundle that was carried away from its run
        console.print("Opened    test, which no run records: the folder belongs to none")
        return
    commit = git_commit(Path(__file__).parent)
    opening = Opening(question.command, commit, datetime.now(UTC))
    uri = question.store or load_config(own).tracking.uri
    count = open_test(find_run(uri, own.parent.name), opening, again=question.again)
    console.print(f"Opened    test of run {own.parent.name}, time {count}", highlight=False)


def compare_runs(ids: list[str], store: str, console: "Console") -> None:
    """Print the test results of runs side by side, then the parameters in which they differ."""
    from rich.table import Table

    from benbot.experiments.report.page import write_number

    found = [find_run(store, run_id) for run_id in ids]
    table = Table("", *(f"{run.name}\n{run.id[:8]}" for run in found))
    measured = [run.metrics for run in found]
    for name in SHOWN:
        numbers = [one.get(f"test/{name}", np.nan) for one in measured]
        table.add_row(f"test {name.replace('_', ' ')}", *(write_number(n, "d") for n in numbers))
    for name, texts in _differences(found):
        table.add_row(name, *texts)
    console.print(table)


def fetch_report(run_id: str, out: Path | None, store: str, console: "Console") -> None:
    """Copy the HTML report of a run out of the store."""
    path = out or report_path(run_id)
    path.write_bytes(find_run(store, run_id).read_file("report.html"))
    console.print(f"Report    {path}")


def report_path(run_id: str) -> Path:
    """Return where a report is written unless somebody says where."""
    return Path(f"report-{run_id[:8]}.html")


def _differences(runs: list[Run]) -> list[tuple[str, list[str]]]:
    params = [run.params for run in runs]
    names = sorted({name for one in params for name in one})
    rows = [(name, [one.get(name, "") for one in params]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _day(time: np.datetime64 | None) -> str:
    return "never" if time is None else str(time.astype("datetime64[D]"))


def _yes(*flags: bool) -> str:
    return ", ".join("yes" if flag else "no" for flag in flags)
