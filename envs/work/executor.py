"""Many units of one kind of work: who does them changes nothing but how long it takes.

Training does seeds and folds this way; whatever else falls into units of its own can.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

Tell = Callable[[object], None]
# What is done with one task; on the way it may tell whoever waits for it how far it has come.
Work = Callable[[Any, Tell], Any]
# What the one who waits does with what the task of this name has told.
Hear = Callable[[str, object], None]


class Executor(Protocol):
    """Somewhere to do work.

    shares_files   whether a path means the same file there as here
    """

    shares_files: bool

    def map(self, work: Work, tasks: Mapping[str, Any], hear: Hear) -> Iterator[tuple[str, Any]]:
        """Yield the name and the result of every task, as they are done.

        Work, tasks, what is told and results are sent elsewhere, so they are small, and whatever is
        large the work makes for itself where it is done. Results must depend on the task alone.

        Where work is stopped, by Ctrl-C or because nobody wants more results (`contextlib.closing`
        around the iterator says so at once), `tell` raises `KeyboardInterrupt` in the work: between
        two of its steps, so that it can keep what it has. What it tells then is still heard.

        A task that fails does not stop the others: `WorkFailed` comes after the last result.
        """
        ...


class Serial:
    """Here, one after the other; the first failure is raised at once and as it is."""

    shares_files = True

    def map(self, work: Work, tasks: Mapping[str, Any], hear: Hear) -> Iterator[tuple[str, Any]]:
        for name, task in tasks.items():
            yield name, work(task, lambda message, name=name: hear(name, message))  # type: ignore[misc]


HERE = Serial()
