"""The command `benbot tune`. What it needs is imported when it runs."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_TRIALS = 20


def tune(
    config: Annotated[
        str | None, typer.Argument(help="A YAML file, or the name of one that comes with us.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Changes to it, as agent.total_steps=50000.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help=f"How many in all; {DEFAULT_TRIALS} of a new one.", min=1)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of what is tried; 0 of a new one.", min=0)
    ] = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with the search of this run instead of a new one.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder in which runs keep their files.")] = Path(
        "runs"
    ),
) -> None:
    """Search for settings of an agent as the section tuning says; test stays closed."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.training.training import Launch
    from benbot.experiments.tuning.trials import Search
    from benbot.experiments.tuning.tuning import resume_tuning, start_tuning

    launch = Launch(runs, shlex.join(["benbot", *sys.argv[1:]]), Console())
    if resume is not None:
        if config is not None or seed is not None:
            raise typer.BadParameter("a search that goes on has its own config and seed; name none")
        resume_tuning(resume, trials, launch)
        return
    if config is None:
        raise typer.BadParameter("name a config that has a section tuning, or a run with --resume")
    changes = overrides or []
    search = Search(trials or DEFAULT_TRIALS, seed or 0, config, changes)
    start_tuning(load_config(config, changes), search, launch)
