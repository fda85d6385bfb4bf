"""The command `benbot deploy`. What it needs is imported when it runs."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from benbot.experiments.options import DEFAULT_RUNS, DEFAULT_STORE, OwnStore, Runs


def deploy(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        str | None,
        typer.Argument(help="Id of a run, or models:/NAME/VERSION to go back to."),
    ] = None,
    alias: Annotated[str, typer.Option(help="What names the policy from now on.")] = "champion",
    seed: Annotated[
        int | None, typer.Option(help="Whose policy; without it the best of valid.", min=0)
    ] = None,
    name: Annotated[str, typer.Option(help="Of the registered policy.")] = "allocator",
    show: Annotated[
        bool, typer.Option("--list", help="Show what is registered, and deploy nothing.")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Let an alias name a trained policy, and say what it is worth and what it replaces."""
    from rich.console import Console

    from benbot.experiments.deploying import Wanted, deploy_policy, show_registered

    console = Console()
    if show:
        show_registered(store or DEFAULT_STORE, console)
        return
    if source is None:
        raise typer.BadParameter("name a run or models:/NAME/VERSION, or say --list; see --help")
    deploy_policy(Wanted(source, alias, seed, name, runs, store), datetime.now(UTC), console)
