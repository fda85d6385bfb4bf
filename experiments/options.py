"""What several commands ask for in the same words, and how a command was told."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[str, typer.Argument(help="A YAML file, or the name of one that comes with us.")]
OptionalConfig = Annotated[
    str | None, typer.Argument(help="A YAML file, or the name of one that comes with us.")
]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes to it, as agent.total_steps=50000.")
]
Segment = Annotated[
    str, typer.Option(help="fit, valid or test; who looks at test has no test any more.")
]
Runs = Annotated[Path, typer.Option(help="Folder in which runs keep their files.")]


def _store(given: str | None) -> str | None:
    """Check what `--store` says before anything is done."""
    from benbot.experiments.tracking.store import check_kind

    return given and check_kind(given)


Store = Annotated[str, typer.Option(help="Where runs are tracked.", callback=_store)]
OwnStore = Annotated[
    str | None,
    typer.Option(help="Where runs are tracked, if not where the config says.", callback=_store),
]
Jobs = Annotated[
    int | None, typer.Option(help="Policies trained at once, each in a process.", min=1)
]
Ray = Annotated[
    str | None,
    typer.Option(help="Train on the Ray cluster of this address, HOST:PORT or auto."),
]
DEFAULT_RUNS = Path("runs")
DEFAULT_STORE = "sqlite:///mlflow.db"


def told() -> str:
    """Return the command as it was typed."""
    return shlex.join(["benbot", *sys.argv[1:]])
