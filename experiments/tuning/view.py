"""What is said of a search: each trial, the best of them, and how to train with their values."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benbot.experiments.overrides import parse_overrides
from benbot.experiments.training.training import CONFIG_FILE
from benbot.experiments.tuning.search_space import Space, overrides_of
from benbot.experiments.tuning.study import End, Study, Tried
from benbot.experiments.yaml_files import write_yaml

SHOWN = 5  # trials in the table


def values_of(tried: Tried, space: Space) -> dict[str, Any]:
    """Return what a trial tried, by dotted key."""
    return {key: each.value(tried.points[key]) for key, each in space.items()}


def say_trial(tried: Tried, space: Space, console: Console) -> None:
    """Print one line on a trial that has just ended."""
    grown = "" if tried.growth is None else f"{tried.growth:+.2%} a year on valid"
    how = {End.COMPLETE: grown, End.PRUNED: f"{grown}, given up", End.FAIL: "impossible"}
    told = values_of(tried, space).items()
    values = ", ".join(f"{_named(key)} {_short(value)}" for key, value in told)
    why = f"\n    {tried.why}" if tried.why else ""
    console.print(
        f"  trial {tried.number}: {how[tried.end]}  {values}{why}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def best_yaml(study: Study, run_id: str) -> str:
    """Return a configuration that extends the one of the search by the best trial's values."""
    best = study.best
    assert best is not None  # noqa: S101 - asked for when there is one
    tree = parse_overrides(overrides_of(values_of(best, study.space))).tree
    head = f"# Trial {best.number} of search {run_id}: {best.growth:+.2%} a year on valid.\n"
    return head + write_yaml({"extends": CONFIG_FILE, **tree})


def say_best(study: Study, command: Sequence[str], path: Path, console: Console) -> None:
    """Print the best trials, and what trains with the values of the first."""
    ended = [each for each in study.tried if each.end is End.COMPLETE]
    ranked = sorted(ended, key=lambda each: (-(each.growth or 0.0), each.number))
    console.print(_table(ranked[:SHOWN], study.space))
    counts = [f"{sum(each.end is end for each in study.tried)}" for end in End]
    console.print(
        f"Trials    {len(study.tried)}, of which {counts[0]} came to their end, {counts[1]} were "
        f"given up and {counts[2]} impossible",
        highlight=False,
    )
    for i, each in enumerate(ranked[:SHOWN]):
        told = shlex.join([*command, *overrides_of(values_of(each, study.space))])
        head = "Train    " if i == 0 else f"trial {each.number:<3}"
        console.print(f"{head} {told}", highlight=False, markup=False, soft_wrap=True)
        if i == 0:
            own = shlex.join(["benbot", "train", str(path)])
            console.print(f"          {own}", highlight=False, markup=False, soft_wrap=True)


def _table(ranked: Sequence[Tried], space: Space) -> Table:
    table = Table(title="best trials, growth a year on valid", box=None)
    table.add_column("trial", justify="right")
    table.add_column("growth", justify="right")
    for key in space:
        table.add_column(_named(key), justify="right")
    for each in ranked:
        told = [_short(value) for value in values_of(each, space).values()]
        table.add_row(str(each.number), f"{each.growth:+.2%}", *told)
    return table


def _named(key: str) -> str:
    return key.removeprefix("agent.")


def _short(value: Any) -> str:  # noqa: ANN401
    return f"{value:.3g}" if isinstance(value, float) else str(value)
