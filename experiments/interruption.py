"""What a run says that somebody interrupts, or whose work fails: what is kept, how it goes on."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.envs.errors import ClusterUnavailable, WorkFailed
from benbot.experiments.training.training import RUNS

if TYPE_CHECKING:
    from rich.console import Console


def resuming(command: str, run_id: str, runs: Path) -> str:
    """Return the command that goes on with a run, with the folder of runs if it needs it."""
    elsewhere = "" if runs == RUNS else f" --runs {shlex.quote(str(runs))}"
    return f"benbot {command} --resume {run_id}{elsewhere}"


@contextmanager
def resumable(again: str, kept: str, console: "Console") -> Iterator[None]:
    """Name the command `again` where work fails or somebody interrupts; `kept` is a sentence."""
    try:
        yield
    except (WorkFailed, ClusterUnavailable) as error:
        raise type(error)(f"{error}. {kept.capitalize()}. Go on with {again}") from error
    except KeyboardInterrupt:
        console.print(f"\nStopped; {kept}. Go on with\n  {again}", highlight=False, soft_wrap=True)
        raise SystemExit(130) from None
