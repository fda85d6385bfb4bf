"""Which runs could go on, for whoever names one that is not there."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benbot.envs.errors import RunMismatch, TradingError
from benbot.experiments.config import load_config
from benbot.experiments.evolving.bred import is_bred
from benbot.experiments.tracking.store import sqlite_path
from benbot.experiments.tracking.tracker import Run, Status, find_run
from benbot.experiments.training.training import CONFIG_FILE
from benbot.experiments.tuning.trials import TUNED

IsOurs = Callable[[Mapping[str, str]], bool]  # whether the tags are those of a run of one kind
LOOKED_AT, SHOWN = 50, 5  # of the newest folders


def is_trained(tags: Mapping[str, str]) -> bool:
    """Return whether a run trained agents, and searched for nothing."""
    return not is_bred(tags) and TUNED not in tags


def require_files(run_id: str, runs: Path, what: str, is_ours: IsOurs) -> Path:
    """Return the configuration in the files of a run; without them, say which runs have some."""
    own = runs / run_id / CONFIG_FILE
    if run_id and own.is_file():
        return own
    found = [f"{run.id} ({run.name}, {run.status.lower()})" for run in _stopped(runs, is_ours)]
    those = f"The newest below {runs} that can: {', '.join(found)}" if found else _none(runs)
    raise RunMismatch(
        f"{what} can only go on where its files are; {own} is missing. Say --runs FOLDER if "
        f"they are elsewhere. {those}"
    )


def _none(runs: Path) -> str:
    return f"None below {runs} can" if runs.is_dir() else f"There is no folder {runs.absolute()}"


def _stopped(runs: Path, is_ours: IsOurs) -> list[Run]:
    """Return the newest runs below a folder that have not finished."""
    found: list[Run] = []
    for run in _recorded(runs):
        if run.status is not Status.FINISHED and is_ours(run.tags):
            found.append(run)
        if len(found) == SHOWN:
            break
    return found


def _recorded(runs: Path) -> Iterator[Run]:
    """Yield the runs of folders, the newest first; one that nobody records is no run."""
    if not runs.is_dir():
        return
    folders = [path.parent for path in runs.glob(f"*/{CONFIG_FILE}")]
    folders.sort(key=lambda folder: (-folder.stat().st_mtime, folder.name))
    for folder in folders[:LOOKED_AT]:
        try:
            uri = load_config(folder / CONFIG_FILE).tracking.uri
            path = sqlite_path(uri)
            if path is None or path.is_file():  # to look into one that is not there would make it
                yield find_run(uri, folder.name)
        except TradingError:
            continue
