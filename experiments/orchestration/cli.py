"""The command `benbot orchestrate`. What it needs is imported when it runs."""

import shlex
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

DAY = ["%Y-%m-%d"]


def orchestrate(  # noqa: PLR0913 - each is an option of the command
    config: Annotated[
        str, typer.Argument(help="A YAML file, or the name of one that comes with us.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Changes to it, as orchestrator.newcomers=5.")
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=DAY, help="First day; else as soon as one could breed."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="Last day; else that before test.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            help="Store of records, sqlite:///FILE or postgresql://…; what is in it goes on. "
            "Default: records.db in the folder of the run."
        ),
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with the run of this id.")] = None,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Do not wait for who held the store and was killed.")
    ] = False,
    test: Annotated[
        bool, typer.Option("--test", help="Go on into test, which is recorded and counted.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Threads; the result is the same.", min=1)] = 2,
    runs: Annotated[Path, typer.Option(help="Folder in which runs keep their files.")] = Path(
        "runs"
    ),
) -> None:
    """Keep a population of strategies over history: lifecycle, regimes, breeding, and a page."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.orchestration.run import Asked
    from benbot.experiments.orchestration.run import orchestrate as carry_out

    asked = Asked(
        runs=runs,
        command=shlex.join(["benbot", *sys.argv[1:]]),
        console=Console(),
        first=_day(first),
        last=_day(last),
        store=store,
        resume=resume,
        take_over=take_over,
        test=test,
        jobs=jobs,
    )
    carry_out(load_config(config, overrides or ()), asked)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
