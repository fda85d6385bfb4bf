"""What a person reads at the end of a search."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from benbot.experiments.evolving.result import SeedPool
from benbot.experiments.report.page import write_number
from benbot.experiments.verdict.out_of_sample import Row

COLUMNS = {
    "members": ("n", "n"),
    "growth": ("a year", "p"),
    "sharpe_ratio": ("Sharpe", "d"),
    "standard_error": ("±", "d"),
    "probability": ("P", "d"),
    "max_drawdown": ("max DD", "p"),
    "turnover": ("turns", "n"),
    "n_trades": ("trades", "n"),
    "correlation": ("corr.", "d"),
}
MEANING = (
    "±: standard error of the ratio; P: probability that the true one is above 0;\n"
    "turns: equity traded a year; corr.: of the growth a bar with that of the pool"
)


def members_table(result: SeedPool) -> Table:
    """Return the pool with formulas, ratios a year, and the deflated ratio on fit."""
    table = new_table("The pool, in the order of admission")
    for heading in ("Sharpe fit", "deflated", "Sharpe valid", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    for member, deflated in zip(result.search.pool.members, result.deflated, strict=True):
        table.add_row(
            member.name,
            write_number(result.yearly(member.candidate.growth)),
            write_number(deflated, "p"),
            write_number(result.yearly(member.valid)),
            str(member.candidate.genome.size),
        )
    return table


def judged_table(rows: Sequence[Row], caption: str) -> Table:
    """Return the results of all groups on one segment."""
    table = new_table(f"Outside fit, {caption}")
    table.caption, table.caption_justify = MEANING, "left"
    for heading, _ in COLUMNS.values():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [write_number(getattr(row, name), style) for name, (_, style) in COLUMNS.items()]
        table.add_row(row.name, *cells)
    return table


def show_result(console: Console, result: SeedPool, tables: Sequence[Table]) -> None:
    """Print the tables and what they are worth."""
    for table in tables:
        console.print(table)
    for line in sentences(result):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def sentences(result: SeedPool) -> list[str]:
    """Return what must be known to read the numbers."""
    trials, pool = result.trials, result.search.pool
    per_year = result.search.fitness.ground.market.bars_per_year**0.5
    seeds = f" from {trials.searches} seeds" if trials.searches > 1 else ""
    formulas = [f"{member.name}: {member.candidate.genome.formula}" for member in pool.members]
    return [
        *formulas,
        f"{trials.n * trials.searches:,} candidates were tried{seeds}, as many as "
        f"{trials.by_correlation:,.0f} independent ones by the correlation of their returns, "
        f"{trials.by_clusters:,.0f} by clusters; the best of the larger number has a Sharpe ratio "
        f"of {trials.luck * per_year:.2f} by luck.",
        f"{result.n_found} of {len(pool.members)} in the pool are more than luck, by a deflated "
        f"ratio on fit of {result.confidence:.0%} or more.",
        f"valid was looked at {len(pool.looked)} times to choose the pool, so its result there "
        "flatters it; test is sealed.",
    ]


def new_table(title: str) -> Table:
    """Return a table with a column for names."""
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=0, pad_edge=False, title_justify="left")
    table.add_column("", no_wrap=True)
    return table
