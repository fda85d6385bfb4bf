"""The commands `benbot tournament`. What they need is imported when they run."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

PLAY = "play"


class PlayFirst(TyperGroup):
    """A group whose first word may be a configuration, which is played."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - of the vendored click
        known = args and args[0] in self.commands
        return super().resolve_command(ctx, args if known else [PLAY, *args])


app = typer.Typer(
    help="Let strategies rise from paper to capital: R1, R2, R3, LIVE.",
    no_args_is_help=True,
    cls=PlayFirst,
)

Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes to it, as tournament.r1.days=10.")
]


@app.command(PLAY)
def play(  # noqa: PLR0913 - each is an option of the command
    config: Annotated[
        str, typer.Argument(help="A YAML file, or the name of one that comes with us.")
    ],
    overrides: Overrides = None,
    segment: Annotated[str, typer.Option(help="fit, valid or test.")] = "fit",
    store: Annotated[
        str | None,
        typer.Option(
            help="Store of records, sqlite:///FILE or postgresql://…; a season in it goes on. "
            "Default: records.db in the folder of the run."
        ),
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with the season of this run.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Do not wait for who held the store and was killed.")
    ] = False,
    paper: Annotated[
        str,
        typer.Option(help="Store with the fills of paper trading: benbot paper report --records."),
    ] = "",
    runs: Annotated[Path, typer.Option(help="Folder in which runs keep their files.")] = Path(
        "runs"
    ),
) -> None:
    """Play a whole season over a market: the ladder, who moved and why, and a store of it all."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.tournament.run import Order, run_season

    command = shlex.join(["benbot", *sys.argv[1:]])
    order = Order(segment, store, resume, take_over, runs, command, paper)
    run_season(load_config(config, overrides or ()), order, Console())


@app.command("power")
def power(
    config: Annotated[
        str | None, typer.Argument(help="Whose thresholds; without it the defaults.")
    ] = None,
    overrides: Overrides = None,
    n: Annotated[int, typer.Option("--strategies", help="Simulated of each kind.", min=20)] = 500,
    volatility: Annotated[float, typer.Option(help="Of each, a year.", min=0.001)] = 0.08,
    trades: Annotated[int, typer.Option(help="Round trips a session.", min=0)] = 6,
    seed: Annotated[int, typer.Option(help="Of what is simulated.", min=0)] = 0,
) -> None:
    """Print how many of what skill pass each stage, and how long that takes."""
    from rich.console import Console

    from benbot.experiments.tournament.power_view import Simulated, show_power
    from benbot.strategies.tournament.settings import TournamentSettings

    settings = TournamentSettings()
    if config is not None:
        from benbot.experiments.config import load_config

        settings = load_config(config, overrides or ()).tournament or settings
    show_power(settings, Simulated(n, volatility, trades, seed), Console())
