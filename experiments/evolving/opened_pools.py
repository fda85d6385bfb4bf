"""The pools of a search on test, once that is open: each, its members, and all of them together."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from benbot.experiments.evolving.breeding import POOL_FILE, Terrain
from benbot.experiments.evolving.table import judged_table, new_table
from benbot.experiments.report.page import write_number
from benbot.experiments.tracking.tracker import Run
from benbot.experiments.verdict.out_of_sample import Judge, Row

if TYPE_CHECKING:
    from rich.console import Console

TOGETHER = "all seeds"  # the members of all pools as one
NUMBERS = tuple(each.name for each in fields(Row) if each.type in (int, float))


@dataclass(frozen=True, eq=False)
class OpenedPool:
    """What one pool did on test.

    seed     of its search; None: the members of all together
    members  as its file has them
    rows     the pool, random candidates, the rules, and holding everything
    ratios   Sharpe ratio a year of each member alone
    sure     probability that the pool's ratio is above the best of all pools without skill
    """

    name: str
    seed: int | None
    caption: str
    members: Sequence[Mapping[str, Any]]
    trials: Mapping[str, Any]
    rows: Sequence[Row]
    ratios: Sequence[float]
    sure: float


def opened_pools(terrain: Terrain, judge: Judge, folder: Path) -> Iterator[OpenedPool]:
    """Judge the pool of every seed on test and, if there are several, all members together."""
    together: dict[str, Mapping[str, Any]] = {}
    trials: Mapping[str, Any] = {}
    for seed in terrain.config.seeds:
        path = folder / f"seed-{seed}" / POOL_FILE
        pool = json.loads(path.read_text(encoding="utf-8"))
        trials, members = pool["trials"], pool["members"]
        together |= {member["name"]: member for member in members}
        yield _opened(terrain, judge, seed, members, trials)
    if len(terrain.config.seeds) > 1:
        yield _opened(terrain, judge, None, list(together.values()), trials)


def _opened(
    terrain: Terrain,
    judge: Judge,
    seed: int | None,
    members: Sequence[Mapping[str, Any]],
    trials: Mapping[str, Any],
) -> OpenedPool:
    species, name = terrain.species, TOGETHER if seed is None else f"seed {seed}"
    genomes = [species.read(member["genome"]) for member in members]
    named = zip(genomes, members, strict=True)
    pool = [species.strategy(genome, member["name"]) for genome, member in named]
    accounts = [judge.alone(each) for each in pool]
    return OpenedPool(
        name,
        seed,
        f"{name}, test, {judge.caption}",
        members,
        trials,
        judge.judge(species, pool, [genome.size for genome in genomes]),
        [judge.sharpe_ratio(account) for account in accounts],
        judge.deflated(accounts, len(terrain.config.seeds)),
    )


def show_opened(terrain: Terrain, opened: OpenedPool, console: "Console") -> None:
    """Print what a pool did and what must be known to read it."""
    console.print(judged_table(opened.rows, opened.caption))
    console.print(members_table(opened))
    for line in sentences(terrain, opened):
        console.print(line, highlight=False, soft_wrap=True)


def members_table(opened: OpenedPool) -> Table:
    """Return the members with their ratios a year on all three segments."""
    table = new_table(f"{opened.name}: the members, each alone")
    for heading in ("Sharpe fit", "deflated", "Sharpe valid", "Sharpe test"):
        table.add_column(heading, justify="right", no_wrap=True)
    for member, ratio in zip(opened.members, opened.ratios, strict=True):
        numbers = (member["sharpe_fit"], member["sharpe_valid"], ratio)
        fit, valid, test = map(write_number, numbers)
        deflated = write_number(member["deflated_sharpe_fit"], "p")
        table.add_row(member["name"], fit, deflated, valid, test)
    return table


def sentences(terrain: Terrain, opened: OpenedPool) -> list[str]:
    """Return how many were tried for it, and how surely the result is more than luck."""
    least, n_pools = terrain.settings.pool.confidence, len(terrain.config.seeds)
    n_found = sum(member["deflated_sharpe_fit"] >= least for member in opened.members)
    trials = opened.trials
    return [
        f"{trials['n']:,} candidates were tried for each pool, all {n_pools} together as many as "
        f"{trials['effective']:,.0f} independent ones; {n_found} of {len(opened.members)} members "
        f"are more than luck, by a deflated ratio on fit of {least:.0%} or more.",
        f"On test the ratio is above the best of {n_pools} pools without skill with probability "
        f"{write_number(opened.sure, 'p')}.",
    ]


def record_opened(run: Run, opened: OpenedPool, step: int) -> None:
    """Record the numbers of every row, the pools one after the other."""
    metrics = {
        f"test/{row.name.replace(' ', '_')}/{name}": float(getattr(row, name))
        for row in opened.rows
        for name in NUMBERS
    }
    run.log_metrics(metrics | {"test/pool/deflated": opened.sure}, step=step)
