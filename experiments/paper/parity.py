"""The paper loop beside the environment, trade by trade: what differs, and both equities.

equity, cash   account currency
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection, select

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.arrays import FloatArray, RecordArray
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.vector import EnvironmentSettings
from benbot.paper.autoloop import Cycle
from benbot.paper.replayed import Stretch, replay
from benbot.paper.store import reading
from benbot.paper.tables import BOOKINGS, EQUITY, INTENTS, TRADES, VERDICTS

if TYPE_CHECKING:
    from rich.console import Console

    from benbot.experiments.paper.subject import Subject

KINDS = {"fills": BOOKINGS, "trades": TRADES, "decisions": VERDICTS}
SHOWN = 5  # differences


@dataclass(frozen=True, eq=False)
class Parity:
    """What both came to.

    paper, environment   equity at each close, (N + 1,)
    counts               of fills, round trips and verdicts: in paper, in the environment
    differences          sentences; none where both are the same to the last digit
    orders               by how they ended
    """

    paper: FloatArray
    environment: FloatArray
    counts: dict[str, tuple[int, int]]
    differences: tuple[str, ...]
    orders: dict[str, int]

    @property
    def is_exact(self) -> bool:
        return not self.differences


def compare(stretch: Stretch, settings: EnvironmentSettings, folder: Path) -> Parity:
    """Compare an account that was replayed with what the environment makes of the same."""
    told = evaluate(stretch.policy, stretch.history, stretch.span, settings)
    with reading(stretch.url(folder)) as connection:
        rows = {kind: _rows(connection, table, stretch) for kind, table in KINDS.items()}
        equity = np.array([row["equity"] for row in _rows(connection, EQUITY, stretch)])
        statuses = [row["status"] for row in _rows(connection, INTENTS, stretch)]
    differences = [
        *_in_equity(equity, told),
        *(each for kind in KINDS for each in _in_records(kind, rows[kind], told)),
    ]
    return Parity(
        equity,
        told.equity,
        {kind: (len(rows[kind]), len(getattr(told, kind))) for kind in KINDS},
        tuple(differences),
        {status: statuses.count(status) for status in sorted(set(statuses))},
    )


def show_replay(subject: "Subject", folder: Path | None, console: "Console") -> bool:
    """Replay a stretch, print how it compares, and say whether nothing differs."""
    from rich.progress import Progress

    span = subject.stretch.span
    with TemporaryDirectory() as nowhere, Progress(console=console, transient=True) as progress:
        task = progress.add_task("Replaying", total=3 * span.n_decisions)

        def report(cycle: Cycle) -> None:
            progress.advance(task)

        home = folder or Path(nowhere)
        replay(subject.stretch, home, report)
        parity = compare(subject.stretch, subject.prepared.config.environment, home)
    _print(parity, subject, console)
    return parity.is_exact


def _print(parity: Parity, subject: "Subject", console: "Console") -> None:
    from rich.table import Table

    timestamps, span = subject.prepared.market.timestamps, subject.stretch.span
    first, last = (str(timestamps[t].astype("datetime64[m]")) for t in (span.first, span.last))
    name = subject.stretch.policy.name
    console.print(f"Replayed  {first} to {last}, {span.n_decisions} bars, policy {name}")
    table = Table("", "paper", "environment", box=None)
    for kind, (ours, theirs) in parity.counts.items():
        table.add_row(kind, f"{ours:,}", f"{theirs:,}")
    table.add_row("equity", f"{parity.paper[-1]:,.2f}", f"{parity.environment[-1]:,.2f}")
    console.print(table)
    orders = ", ".join(f"{count} {status}" for status, count in parity.orders.items())
    console.print(f"Orders    {orders or 'none'}")
    if parity.is_exact:
        console.print("Differences: none, to the last digit")
    for each in parity.differences[:SHOWN]:
        console.print(f"Differs   {each}", highlight=False)


def _rows(connection: Connection, table: Any, stretch: Stretch) -> list[dict[str, Any]]:  # noqa: ANN401
    query = select(table).where(table.c.account == stretch.account)
    rows = connection.execute(query.order_by(*table.primary_key.columns)).mappings()
    return [dict(row) for row in rows]


def _in_equity(paper: FloatArray, told: Evaluation) -> list[str]:
    if len(paper) > len(told.equity):
        return [f"{len(paper)} closes were traded, there are {len(told.equity)}"]
    expected = told.equity[: len(paper)]
    off = np.flatnonzero(paper != expected)
    if off.size:
        i = int(off[0])
        return [
            f"equity at {told.timestamps[i].astype('datetime64[m]')}: {paper[i]!r}, the "
            f"environment has {expected[i]!r}; {off.size} closes differ"
        ]
    stays = np.all(told.equity[len(paper) :] == expected[-1])
    return [] if stays else [f"only {len(paper)} of {len(told.equity)} closes were traded"]


def _in_records(kind: str, rows: list[dict[str, Any]], told: Evaluation) -> list[str]:
    records: RecordArray = getattr(told, kind)
    if len(rows) != len(records):
        return [f"{kind}: {len(rows)}, the environment has {len(records)}"]
    for i, (row, record) in enumerate(zip(rows, records, strict=True)):
        for name in record.dtype.names:
            expected = _plain(name, record[name], told)
            if name in row and row[name] != expected:
                return [f"{kind} {i}: {name} is {row[name]!r}, in the environment {expected!r}"]
    return []


def _plain(name: str, value: Any, told: Evaluation) -> Any:  # noqa: ANN401
    """Return a field of a record as the store writes it."""
    if name == "symbol":
        return told.symbols[value]
    if name == "strategy":
        return told.strategies[value]
    if name in ("reason", "verdict", "limit"):
        return (Exit if name == "reason" else Verdict)(value).name
    if name in ("wanted", "allowed") and not np.isfinite(value):
        return None
    return value
