"""An audit for a terminal of 80 columns: a row a feature, over all strategies that have it."""

import math
from typing import TYPE_CHECKING

from benbot.experiments.audit.result import AuditResult, AuditRow

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_SENTENCES = 10


def show_audit(result: AuditResult, console: "Console") -> None:
    """Print the table, what was looked at, and the verdict."""
    console.print(audit_table(result))
    console.print(
        f"Looked at bars {result.first} to {result.last}, {result.first_date} to "
        f"{result.last_date}: {len(result.cuts)} cuts, {len(result.starts)} later starts, and "
        f"{len(result.orders)} closes whose orders filled {result.n_fills} times.",
        highlight=False,
    )
    if not result.n_fills:
        console.print(
            "[bold yellow]No order filled, so nothing is known about fills.[/] Choose strategies "
            "or a market that trade in these bars.",
            highlight=False,
        )
    if result.leaks:
        warn_of(result, console)
    else:
        console.print(f"No leak in {len(result.rows)} columns.", highlight=False)


def warn_of(result: AuditResult, console: "Console") -> None:
    """Print the first leaks loudly, if there are any."""
    if not result.leaks:
        return
    console.print(
        f"[bold red]{len(result.leaks)} of {len(result.rows)} columns leak. Nothing that is "
        f"learned or measured with them means anything.[/]",
        highlight=False,
    )
    for row in result.leaks[:MOST_SENTENCES]:
        console.print(f"  {row.sentence}", style="red", highlight=False, soft_wrap=True)
    more = len(result.leaks) - MOST_SENTENCES
    if more > 0:
        console.print(f"  and {more} more", style="red", highlight=False)


def audit_table(result: AuditResult) -> "Table":
    """Return one row for each feature; of several strategies the one that leaks first speaks."""
    from rich import box
    from rich.table import Table

    table = Table(title=f"audit of {result.name}", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column("feature ", no_wrap=True)
    table.add_column("of ", justify="right")
    table.add_column("result")
    for group, features in _by_feature(result).items():
        table.add_row(group, style="dim")
        for name, rows in features.items():
            worst = min(rows, key=lambda row: (not row.leaks, row.bar or 0))
            owners = {row.owner for row in rows}
            style = "bold red" if worst.leaks else ""
            table.add_row(f"  {name} ", f"{len(owners)} ", verdict_of(worst), style=style)
    return table


def verdict_of(row: AuditRow) -> str:
    """Return what was found in a few words."""
    if not row.leaks:
        return "; ".join(part for part in ("ok", row.memory) if part)
    size = "missing" if math.isinf(row.difference) else f"off by {row.difference:.3g}"
    where = f" in {row.owner}" if row.owner else ""
    return f"LEAK bar {row.bar}, {row.date}, {row.probe}, {size}{where}"


def _by_feature(result: AuditResult) -> dict[str, dict[str, list[AuditRow]]]:
    """Return the rows by group and by name; an indicator that is asked for again is the same."""
    groups: dict[str, dict[str, list[AuditRow]]] = {}
    for row in result.rows:
        features = groups.setdefault(row.group, {})
        features.setdefault(row.name.partition("#")[0], []).append(row)
    return groups
