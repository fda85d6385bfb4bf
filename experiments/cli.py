"""The command `benbot`. What a command needs is imported when it runs, so that help is quick."""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from benbot.envs.errors import TradingError
from benbot.experiments.deploy import deploy
from benbot.experiments.evolving.cli import adopt, evolve
from benbot.experiments.hiding import hidden, show_error
from benbot.experiments.options import DEFAULT_STORE, Config, Overrides, Store
from benbot.experiments.orchestration.cli import orchestrate
from benbot.experiments.paper.cli import app as paper_app
from benbot.experiments.paper.ending import Left
from benbot.experiments.sentiment.cli import app as sentiment_app
from benbot.experiments.signals.cli import scan, signals, sleeves, strategies
from benbot.experiments.tournament.cli import app as tournament_app
from benbot.experiments.training.cli import (
    compare,
    evaluate,
    open_run,
    report,
    reproduce,
    train,
)
from benbot.experiments.tuning.cli import tune

app = typer.Typer(
    name="benbot",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
data_app = typer.Typer(help="Look at market data.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(data_app, name="data")
app.add_typer(paper_app, name="paper")
app.add_typer(sentiment_app, name="sentiment")
app.add_typer(tournament_app, name="tournament")


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"benbot {version('benbot')}\n")
        raise typer.Exit


@app.callback()
def about(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version, and end."
        ),
    ] = False,
) -> None:
    """Train, compare and examine agents that allocate risk over trading strategies."""


app.command()(train)
app.command()(tune)
app.command()(orchestrate)
app.command()(evolve)
app.command("open")(open_run)
app.command()(reproduce)


@app.command()
def audit(config: Config, overrides: Overrides = None) -> None:
    """Look for look-ahead in all that a policy and the desk see; exit code 1 if there is any."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.training.review import audit_config

    if audit_config(load_config(config, overrides or ()), Console()).leaks:
        raise typer.Exit(1)


app.command()(sleeves)
app.command()(signals)
app.command()(scan)
app.command()(strategies)


@app.command()
def olps(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: a row a bar, a column an asset.")],
    cost: Annotated[
        list[float] | None,
        typer.Option(help="Of what changes hands; may be given several times."),
    ] = None,
) -> None:
    """Run online portfolio selection over a table of price relatives, with and without costs."""
    from rich.console import Console

    from benbot.experiments.olps import COSTS, show_olps

    show_olps(file, tuple(cost or COSTS), Console())


app.command()(evaluate)
app.command()(adopt)


@app.command()
def verdict(
    experiment_or_run: Annotated[
        str, typer.Argument(help="Id of a run, or an experiment, of which the newest run counts.")
    ],
    store: Store = DEFAULT_STORE,
) -> None:
    """Say of every baseline whether a trained agent BEATS or DOES NOT BEAT it, or is UNDECIDED."""
    from rich.console import Console

    from benbot.experiments.verdict.view import show_verdict

    show_verdict(experiment_or_run, store, Console())


app.command()(deploy)
app.command()(compare)
app.command()(report)


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000,
    store: Store = DEFAULT_STORE,
) -> None:
    """Start the MLflow UI on this machine alone."""
    from benbot.experiments.ui import serve

    serve(store, port)


@config_app.command("show")
def config_show(config: Config, overrides: Overrides = None) -> None:
    """Print a configuration with everything that it leaves to defaults."""
    from benbot.experiments.config import load_config
    from benbot.experiments.resolved import resolved_yaml

    sys.stdout.write(resolved_yaml(load_config(config, overrides or ())))


@config_app.command("check")
def config_check(config: Config, overrides: Overrides = None) -> None:
    """Say whether a configuration is sound; names its digest."""
    from benbot.experiments.config import load_config
    from benbot.experiments.resolved import config_digest

    loaded = load_config(config, overrides or ())
    sys.stdout.write(f"{loaded.name} is sound, digest {config_digest(loaded)}\n")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema by which an editor completes configurations."""
    import json

    from benbot.experiments.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


@data_app.command("show")
def data_show(config: Config, overrides: Overrides = None) -> None:
    """Print the symbols, span, gaps, adjustments and digest of a configuration's market."""
    from rich.console import Console

    from benbot.envs.market.sources import load_market
    from benbot.experiments.config import load_config
    from benbot.experiments.training.review import show_market

    show_market(load_market(load_config(config, overrides or ()).market), Console())


def main() -> None:
    """Run the command; what is refused on purpose is one message and exit code 2."""
    sys.excepthook = show_error
    try:
        app()
    except Left as left:  # taking apart what was compiled takes seconds that nobody has
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(left.status)
    except TradingError as error:
        sys.stderr.write(hidden(f"benbot: {error}\n"))
        sys.exit(2)
