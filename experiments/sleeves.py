"""What each strategy earns alone, in an account of its own, after all gates and costs.

An account gives all of its weight to one strategy, which therefore takes as many standard risks a
trade as `desk.sizing.weight_cap` allows. K strategies, in the order of the configuration.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benbot.agents.baselines import single
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import FloatArray
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.progress import Display
from benbot.experiments.report.breakdown import growth_by_regime
from benbot.experiments.report.page import PER_CENT, write_number
from benbot.experiments.training.preparation import Prepared, check_segment
from benbot.experiments.training.run import prepare_shown
from benbot.experiments.verdict.opening import warn_of_look
from benbot.experiments.verdict.statistics import log_returns, metrics

COLUMNS = {
    "annual_return": ("a year", "p"),
    "volatility": ("volat.", "p"),
    "sharpe_ratio": ("Sharpe", "d"),
    "max_drawdown": ("max DD", "p"),
    "turnover": ("turnover", "d"),
    "win_rate": ("wins", "p"),
    "n_trades": ("trades", "n"),
}


def show_sleeves(config: ExperimentConfig, segment: str, console: Console) -> None:
    """Print results, correlations and growth by regime of every strategy over one segment."""
    check_segment(segment)
    warn_of_look(segment, "benbot sleeves", console)
    with Display(console) as display:
        prepared = prepare_shown(config, display)
        task = display.begin("Trading", len(prepared.strategies))
        sleeves = trade_alone(prepared, segment, lambda done: display.move(task, done))
    for table in (results_of(sleeves, segment), correlations_of(sleeves), regimes_of(sleeves)):
        console.print(table)
    for note in sorted({note for one in sleeves for note in one.notes}):
        console.print(f"note: {note}", highlight=False)


def trade_alone(
    prepared: Prepared, segment: str, moved: Callable[[int], None] = lambda done: None
) -> list[Evaluation]:
    """Return an evaluation of each strategy alone; `moved` hears how many are done."""
    history, settings = prepared.history, prepared.config.environment
    sleeves = []
    for k, name in enumerate(history.layout.strategies):
        policy = single(history.layout, k, name)
        sleeves.append(evaluate(policy, history, prepared.span(segment), settings))
        moved(k + 1)
    return sleeves


def correlation(sleeves: Sequence[Evaluation]) -> FloatArray:
    """Return the correlations (K, K) of the log returns a bar; NaN where a sleeve never moved."""
    returns = np.stack([log_returns(one.equity) for one in sleeves])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.atleast_2d(np.corrcoef(returns))


def results_of(sleeves: Sequence[Evaluation], segment: str) -> Table:
    """Return the results of every sleeve."""
    first, last = sleeves[0].timestamps[[0, -1]].astype("datetime64[D]")
    table = _table(f"Each strategy alone, {segment}, {first} to {last}, after costs")
    for heading, _ in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for label, one in _numbered(sleeves):
        values = metrics(one)
        cells = [write_number(values[name], style) for name, (_, style) in COLUMNS.items()]
        table.add_row(label, *cells)
    return table


def correlations_of(sleeves: Sequence[Evaluation]) -> Table:
    """Return how the sleeves move with each other."""
    table = _table("Correlation of their returns a bar")
    _add_numbers(table, len(sleeves))
    for (label, _), row in zip(_numbered(sleeves), correlation(sleeves), strict=True):
        table.add_row(label, *(write_number(float(value)) for value in row))
    return table


def regimes_of(sleeves: Sequence[Evaluation]) -> Table:
    """Return what every sleeve earned in each regime that occurred."""
    table = _table("Log growth, % a year, of the bars that follow a close in each regime")
    table.add_column("% of bars", justify="right", no_wrap=True)
    _add_numbers(table, len(sleeves))
    for groups in zip(*(growth_by_regime([one]) for one in sleeves), strict=True):
        shares = (groups[0].share, *(group.growth for group in groups))
        table.add_row(groups[0].name, *map(_in_hundredths, shares))
    return table


def _table(title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, title_justify="left")
    table.add_column("", no_wrap=True)
    return table


def _in_hundredths(share: float) -> str:
    return write_number(share, "p").removesuffix(PER_CENT)


def _add_numbers(table: Table, n_sleeves: int) -> None:
    for k in range(n_sleeves):
        table.add_column(str(k + 1), justify="right", no_wrap=True)


def _numbered(sleeves: Sequence[Evaluation]) -> Iterator[tuple[str, Evaluation]]:
    for k, one in enumerate(sleeves):
        yield f"{k + 1} {one.name}", one
