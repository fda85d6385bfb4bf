"""The commands about single strategies. What they need is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from benbot.experiments.options import (
    Config,
    Overrides,
    Segment,
)


def sleeves(
    config: Config,
    overrides: Overrides = None,
    segment: Segment = "fit",
) -> None:
    """Trade every strategy alone: results, correlations and growth by regime, after costs."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.sleeves import show_sleeves

    show_sleeves(load_config(config, overrides or ()), segment, Console())


def signals(
    config: Config,
    overrides: Overrides = None,
    symbol: Annotated[
        str | None, typer.Option(help="One symbol; without it the most valued candidate's.")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(help="A day, or a time in UTC; without it the last close that decides."),
    ] = None,
    segment: Segment = "fit",
    figure: Annotated[
        Path | None, typer.Option(help="Also draw the price with all entries and exits, as PNG.")
    ] = None,
) -> None:
    """Say why a symbol was bought or not: what strategies saw, wanted, and were told by the gates.

    An account with equal weights trades the segment until then. The date must lie in the segment.
    """
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.signals.view import draw_signals, show_signals

    console = Console()
    shown = show_signals(load_config(config, overrides or ()), symbol, date, segment, console)
    if figure is not None:
        draw_signals(shown, figure, console)


def scan(
    config: Config,
    overrides: Overrides = None,
    date: Annotated[
        str | None,
        typer.Option(help="A day, or a time in UTC; without it the last close that decides."),
    ] = None,
    segment: Segment = "fit",
    top: Annotated[int, typer.Option(help="Lines, the best first.", min=1)] = 20,
) -> None:
    """Rank the candidates and diamonds of one close by liquidity, movement, news and signals.

    The settings are those of the section `discovery`, where the configuration has one.
    """
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.signals.scan_view import show_scan

    show_scan(load_config(config, overrides or ()), date, segment, top, Console())


def strategies(
    name: Annotated[str | None, typer.Argument(help="One with its parameters, or a file.")] = None,
) -> None:
    """List the strategies that a configuration may name, or tell all about one."""
    from rich.console import Console

    from benbot.experiments.signals.catalogue_view import show_catalogue, show_rule

    if name is None:
        show_catalogue(Console())
    else:
        show_rule(name, Console())
