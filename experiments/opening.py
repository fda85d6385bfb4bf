"""Who asked for results on `test`, and when: a stretch that is asked twice is no test any more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benbot.envs.errors import RunMismatch
from benbot.experiments.preparation import Prepared
from benbot.experiments.tracking import Run

JUDGED_ON = "judged_on"  # tag of a parent: digest of the bars of `test`, those of all folds
SEALED = "sealed"  # tag of a parent: whether its `test` stays closed for now, yes or no
OPENED = "test_openings"  # tag of a parent: how often its results on them were asked for

YES, NO = "yes", "no"
SEAL_FILE = "sealed"  # in the folder of such a run; says how it is opened


@dataclass(frozen=True)
class Opening:
    """One request: the command, the code that answered it, and the time."""

    command: str
    git_commit: str
    time: datetime

    def __str__(self) -> str:
        return f"{self.time.isoformat(timespec='seconds')} by {self.command}, {self.git_commit}"


def openings_of(run: Run) -> int:
    """Return how often the results of a run on `test` were asked for.

    Who was interrupted between taking an opening and writing it down might have seen them.
    """
    taken = sum(name.startswith(f"{OPENED}.") for name in run.claims)
    return max(openings_in(run.tags), taken)


def openings_in(tags: Mapping[str, str]) -> int:
    """Return the same from the tags alone; of two at once, either may have counted last."""
    told = sum(name.startswith(f"{OPENED}.") for name in tags)
    return max(int(tags.get(OPENED, "0")), told)


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

    The second time is refused unless it is asked for in so many words. Of two that ask at once one
    is the first; the other is refused, or counts as the second.
    """
    taken = False
    while not taken:
        count = openings_of(run)
        if count and not again:
            last = run.tags.get(f"{OPENED}.{count}", "this very moment")
            raise RunMismatch(
                f"test is opened once, was opened {count} time{'s' if count > 1 else ''} before, "
                f"last at {last}. Look at --segment valid, or say --again, which is recorded and "
                f"counted"
            )
        taken = run.claim(f"{OPENED}.{count + 1}")
    run.set_tags({OPENED: count + 1, f"{OPENED}.{count + 1}": opening})
    return count + 1


def digest_of_test(prepared: Prepared) -> str:
    """Return a digest of the bars on which agents are judged, of all folds together."""
    folds = prepared.stretches
    first, last = folds[0].spans["test"].first, folds[-1].spans["test"].last
    return prepared.market.between(first, last + 1).digest
