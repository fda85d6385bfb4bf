"""An orchestrated run in a terminal: what it earned, and who there was at the end."""

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.table import Table

from benbot.evolution.orchestration.orchestrator import Orchestrator
from benbot.experiments.orchestration.accounts import Account
from benbot.experiments.orchestration.chronicle import Chronicle
from benbot.experiments.report.page import EARNED, write_number
from benbot.experiments.verdict.statistics import metrics
from benbot.strategies.tournament.stages import Stage


def accounts_table(accounts: Sequence[Account]) -> Table:
    """Return what every account earned."""
    table = _table("What it earned, after all gates and costs")
    for heading, _ in EARNED.values():
        table.add_column(heading, justify="right")
    for one in accounts:
        if one.evaluation is None:
            table.add_row(one.name, "nobody there")
            continue
        values = metrics(one.evaluation)
        cells = [write_number(values[name], style) for name, (_, style) in EARNED.items()]
        table.add_row(one.name, *cells)
    return table


def population_table(orchestrator: Orchestrator, chronicle: Chronicle) -> Table:
    """Return how many of each origin ever came as high as each stage, and where they are now."""
    table = _table(f"Population, {len(chronicle.names)} strategies")
    shown = (Stage.RETIRED, Stage.WAITING, Stage.R1, Stage.R2, Stage.R3, Stage.LIVE)
    for stage in shown:
        table.add_column(stage.name, justify="right")
    origins = np.array(chronicle.origins)
    for origin in dict.fromkeys(chronicle.origins):
        last = orchestrator.tournament.stages[origins == origin]
        table.add_row(f"{origin}, at the end", *(str(int((last == s).sum())) for s in shown))
        highest = chronicle.stages[:, origins == origin].max(axis=0)
        ever = ["", "", *(str(int((highest >= s).sum())) for s in shown[2:])]
        table.add_row(f"{origin}, ever as high", *ever)
    return table


def _table(title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1), title_justify="left")
    table.add_column("", no_wrap=True)
    return table
