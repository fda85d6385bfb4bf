"""Looking at what there is: a market, a policy once more, runs side by side, a report."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.errors import UnknownName
from benbot.envs.market.market import Market
from benbot.envs.market.summary import describe
from benbot.experiments.tracking import Run, find_run

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = ("annual_return", "volatility", "sharpe_ratio", "max_drawdown", "turnover", "n_trades")
BUNDLE = "bundle"


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


def evaluate_again(
    run: str, config: str | None, segment: str, runs: Path, console: "Console"
) -> None:
    """Run the policies of a training over a segment, beside the baselines, and print the table."""
    from benbot.agents.bundle import Expectations, load_bundle
    from benbot.agents.evaluation import evaluate
    from benbot.experiments.config import config_digest, load_config
    from benbot.experiments.judgement import evaluate_baselines, results_table
    from benbot.experiments.known_answer import PLAN_FILE, read_plan
    from benbot.experiments.preparation import prepare_experiment
    from benbot.experiments.report import SegmentResult

    folder = _run_folder(run, runs)
    loaded = load_config(config or _config_of(folder))
    prepared = prepare_experiment(loaded)
    choices = [choice.model_dump() for choice in loaded.strategies]
    if segment not in prepared.spans:
        raise UnknownName(f"segment must be one of {', '.join(prepared.spans)}, was {segment!r}")
    span, settings = prepared.spans[segment], prepared.config.environment
    agents = {}
    for seed, bundle in _bundles(folder).items():
        kept = load_bundle(bundle)
        kept.require_fit(Expectations.of(prepared.history, choices, config_digest(loaded)))
        agents[seed] = evaluate(kept.policy, prepared.history, span, settings)
    plan = folder / PLAN_FILE
    # It was found for the run's own configuration and is no oracle of another.
    oracle = read_plan(plan, prepared) if config is None and plan.is_file() else None
    baselines = evaluate_baselines(prepared, span, oracle)
    console.print(results_table(SegmentResult(segment, agents, baselines)))


def compare_runs(ids: list[str], store: str, console: "Console") -> None:
    """Print the test results of runs side by side, then the parameters in which they differ."""
    from rich.table import Table

    from benbot.experiments.report import write_number

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
    path = out or Path(f"report-{run_id[:8]}.html")
    path.write_bytes(find_run(store, run_id).read_file("report.html"))
    console.print(f"Report    {path}")


def _differences(runs: list[Run]) -> list[tuple[str, list[str]]]:
    params = [run.params for run in runs]
    names = sorted({name for one in params for name in one})
    rows = [(name, [one.get(name, "") for one in params]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _run_folder(run: str, runs: Path) -> Path:
    for folder in (runs / run, Path(run)):
        if folder.is_dir():
            return folder
    raise UnknownName(
        f"run must be the id of a run below {runs} or the folder of a bundle, was {run!r}"
    )


def _config_of(folder: Path) -> Path:
    for holder in (folder, *folder.parents[:2]):
        if (holder / "config.yaml").is_file():
            return holder / "config.yaml"
    raise UnknownName(f"{folder} has no config.yaml; name the configuration with --config")


def _bundles(folder: Path) -> dict[int, Path]:
    """Return the bundle of every seed of a run, or the one bundle the folder is."""
    if (folder / "bundle.json").is_file():
        return {0: folder}
    found = {int(path.parent.name[5:]): path for path in folder.glob(f"seed-*/{BUNDLE}")}
    if not found:
        raise UnknownName(f"{folder} must hold a trained policy, was none; train it to the end")
    return dict(sorted(found.items()))


def _day(time: np.datetime64 | None) -> str:
    return "never" if time is None else str(time.astype("datetime64[D]"))


def _yes(*flags: bool) -> str:
    return ", ".join("yes" if flag else "no" for flag in flags)
