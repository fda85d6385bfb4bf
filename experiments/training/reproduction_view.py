"""What came of training a run again: a table, and one word for the exit code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benbot.envs.work.executor import HERE, Executor
from benbot.experiments.progress import Display
from benbot.experiments.tracking.recorded import recorded
from benbot.experiments.training.reproduction import (
    Row,
    compare_baselines,
    compare_origins,
    compare_seeds,
    require_seed,
)
from benbot.experiments.training.run import prepare_shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


@dataclass(frozen=True)
class Request:
    """What is to be made again: all seeds, one, or the baselines alone."""

    run: str
    runs: Path
    store: str | None = None
    seed: int | None = None
    baselines_only: bool = False
    executor: Executor = HERE


def reproduce(request: Request, console: "Console") -> bool:
    """Train a run again, print what is the same, and return whether all of it is.

    Nothing of the run is touched, and nothing is recorded. Results on `test` are compared only if
    somebody has seen them, so that this opens nothing.
    """
    old = recorded(request.run, request.runs, request.store)
    seeds = () if request.baselines_only else require_seed(old, request.seed)
    try:
        with Display(console) as display, TemporaryDirectory() as folder:
            prepared = prepare_shown(old.config, display)
            rows = compare_origins(old, prepared)
            if rows[0].fails:
                console.print("The data are others than they were; nothing was trained.")
            else:
                made = compare_seeds(old, prepared, seeds, request.executor, Path(folder), display)
                rows += sorted(made, key=lambda row: row.what)
                with display.step("Running the baselines"):
                    rows += compare_baselines(old, prepared)
    except KeyboardInterrupt:
        console.print("\nStopped; the run is as it was.")
        raise SystemExit(130) from None
    _show(rows, old.opened, console)
    return not any(row.fails for row in rows)


def _show(rows: Sequence[Row], opened: bool, console: "Console") -> None:
    console.print(_table(rows))
    for row in rows:
        if not row.same and row.difference:
            console.print(f"{row.what}: {row.difference}", highlight=False, markup=False)
    if not opened:
        console.print("test was not looked at, for nobody has opened it")
    failed = [row.what for row in rows if row.fails]
    word = f"DIFFERS, first in {failed[0]}" if failed else "REPRODUCED"
    console.print(word, highlight=False)


def _table(rows: Sequence[Row]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table("", "recorded", "now", "", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in rows:
        word = "same" if row.same else "DIFFERS" if row.decides else "differs"
        table.add_row(row.what, row.then, row.now, word)
    return table
