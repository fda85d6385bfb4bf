"""The strategies that there are, for a person: what each does, and what can be set."""

import inspect
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benbot.envs.market.selection import check_known
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.yaml_files import SUFFIXES
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import CATALOGUE, build
from benbot.strategies.programs.formula import tree_lines
from benbot.strategies.programs.strategy import ProgramStrategy, with_text

PROGRAM = ".json"  # how the file of a program ends


def show_catalogue(console: Console) -> None:
    """Print a line a strategy."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    table.add_column("what it does")
    table.add_column("warm-up", justify="right", no_wrap=True)
    for name, rule in CATALOGUE.items():
        table.add_row(name, headline_of(rule), f"{rule().warmup} bars")
    table.add_row(ProgramStrategy.rule, headline_of(ProgramStrategy), "its own")
    console.print(table)
    console.print("benbot strategies NAME tells how one makes and loses money, and its parameters.")
    console.print(
        "benbot strategies FILE.json shows a program; a configuration says program: FILE.json."
    )
    console.print("benbot strategies FILE.yaml lists those of a configuration, programs too.")


def show_rule(name: str, console: Console) -> None:
    """Print when a strategy makes and loses money, its source, and its parameters.

    A file is shown instead: a program by itself, a configuration by its strategies.
    """
    if name.endswith(PROGRAM):
        show_program(name, console)
        return
    if name.endswith(SUFFIXES):
        show_chosen(load_config(Path(name)), console)
        return
    known: dict[str, type[Strategy]] = {**CATALOGUE, ProgramStrategy.rule: ProgramStrategy}
    check_known("strategy", [name], known if name in known else CATALOGUE)
    rule = known[name]
    console.print(story_of(rule), highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in ("parameter", "default", "from", "to", "meaning"):
        ends = heading in ("default", "from", "to")
        table.add_column(heading, justify="right" if ends else "left")
    for parameter, wanted in rule.parameters().items():
        numbers = (f"{value:g}" for value in (wanted.default, wanted.low, wanted.high))
        table.add_row(parameter, *numbers, wanted.meaning)
    for choice, words in rule.choices().items():
        table.add_row(choice, getattr(rule, choice), "", "", f"one of {', '.join(words)}")
    console.print(table)


def show_chosen(config: ExperimentConfig, console: Console) -> None:
    """Print a line for each strategy of a configuration, a program with its formula."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("strategy", no_wrap=True)
    table.add_column("what it does")
    table.add_column("warm-up", justify="right", no_wrap=True)
    for choice in config.strategies:
        strategy = build(choice)
        table.add_row(strategy.name, Text(_what_of(strategy)), f"{strategy.warmup} bars")
    console.print(table)


def show_program(path: str, console: Console) -> None:
    """Print the formula of the program in a file, its features and its tree."""
    strategy = ProgramStrategy(program=str(with_text({"program": path})["program"]))
    features = ", ".join(strategy.parsed.features_used) or "none"
    for line in (
        strategy.name,
        strategy.formula,
        f"{len(strategy.parsed)} nodes, warm-up {strategy.warmup} bars, features: {features}",
        *tree_lines(strategy.parsed),
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _what_of(strategy: Strategy) -> str:
    if isinstance(strategy, ProgramStrategy):
        return strategy.formula
    return headline_of(type(strategy))


def story_of(rule: type[Strategy]) -> str:
    """Return what the file of a rule says of it, a line a paragraph."""
    told = inspect.cleandoc(sys.modules[rule.__module__].__doc__ or rule.__doc__ or "")
    return "\n\n".join(paragraph.replace("\n", " ") for paragraph in told.split("\n\n"))


def headline_of(rule: type[Strategy]) -> str:
    """Return the first sentence, without the name that stands before its colon."""
    first = story_of(rule).split("\n", maxsplit=1)[0].split(". ")[0]
    return first.partition(": ")[2].rstrip(".") or first.rstrip(".")
