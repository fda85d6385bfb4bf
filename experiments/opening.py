"""Who asked for results on `test`, and when: a stretch that is asked twice is no test any more."""

import warnings
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.envs.errors import RunMismatch
from benbot.experiments.preparation import Prepared
from benbot.experiments.tracking import Run

if TYPE_CHECKING:
    from rich.console import Console

JUDGED_ON = "judged_on"  # tag of a parent: digest of the bars of `test`, those of all folds
SEALED = "sealed"  # tag of a parent: whether its `test` stays closed for now, yes or no
OPENED = "test_openings"  # tag of a parent: how often its results on them were asked for

YES, NO = "yes", "no"
SEAL_FILE = "sealed"  # in the folder of such a run; says how it is opened


UNCOUNTED = (
    "{what} looks at test, and no run records it: whatever is chosen after it is chosen with the "
    "answer in hand, and no verdict can count it. Look at fit or valid until a run has opened test"
)


class LookAtTest(UserWarning):
    """Results on `test` were asked for where no run records that they were."""


@dataclass(frozen=True)
class Opening:
    """One request: the command, the code that answered it, and the time."""

    command: str
    git_commit: str
    time: datetime

    def __str__(self) -> str:
        return f"{self.time.isoformat(timespec='seconds')} by {self.command}, {self.git_commit}"


def openings_of(run: Run) -> int:
    """Return how often the results of a run on `test` were asked for."""
    return int(run.tags.get(OPENED, "0"))


def is_sealed(run: Run) -> bool:
    """Return whether a run leaves `test` closed until somebody opens it."""
    return run.tags.get(SEALED) == YES


def check_unsealed(folder: Path) -> None:
    """Refuse results on `test` from the files of a run that has not been opened."""
    seal = folder / SEAL_FILE
    if seal.is_file():
        raise RunMismatch(
            f"test of {folder} is sealed, results on it were asked for. Open it, once, with "
            f"{seal.read_text(encoding='utf-8').strip()}, or look at --segment valid"
        )


def open_test(run: Run, opening: Opening, *, again: bool = False) -> int:
    """Record that results on `test` are asked for, before they are seen; return how often so far.

    The second time is refused unless it is asked for in so many words.
    """
    count = openings_of(run)
    if count and not again:
        last = run.tags.get(f"{OPENED}.{count}", "")
        raise RunMismatch(
            f"test is opened once, was opened {count} time{'s' if count > 1 else ''} before, last "
            f"at {last}. Look at --segment valid, or say --again, which is recorded and counted"
        )
    run.set_tags({OPENED: count + 1, f"{OPENED}.{count + 1}": opening})
    return count + 1


def digest_of_test(prepared: Prepared) -> str:
    """Return a digest of the bars on which agents are judged, of all folds together."""
    folds = prepared.stretches
    first, last = folds[0].spans["test"].first, folds[-1].spans["test"].last
    return prepared.market.between(first, last + 1).digest


def warn_of_look(segment: str, command: str, console: "Console") -> None:
    """Say on a console that a command without a run is asked for results on `test`."""
    if segment == "test":
        console.print(f"note: {UNCOUNTED.format(what=command)}.", highlight=False)


def warn_of_test(segment: str, what: str) -> None:
    """Warn whoever makes something of `test` that has no run, and no console either."""
    if segment == "test":
        warnings.warn(UNCOUNTED.format(what=what), LookAtTest, stacklevel=3)
