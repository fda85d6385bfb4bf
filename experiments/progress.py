"""What a person sees of long work: one line a task, with its rate and the time left."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from benbot.envs.desk.compiled import is_compiled


def while_compiling(minutes: str) -> str:
    """Return what is added to a step that compiles the desk where that was not done before."""
    return "" if is_compiled() else f"; the first time it compiles, {minutes}"


class RateColumn(ProgressColumn):
    """How many steps a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")


class Display:
    """The progress of a run on one console; quiet when the console is no terminal."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, what: str, total: int) -> TaskID:
        """Show a task that has `total` steps."""
        if self._progress.disable:
            self.console.print(f"{what} …")
        return self._progress.add_task(what, total=total, note="")

    def move(self, task: TaskID, done: int, note: str = "") -> None:
        """Show how far a task has come."""
        self._progress.update(task, completed=done, note=note)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show a piece of work that cannot say how far it has come, and how long it took."""
        start = self._progress.get_time()
        self.console.print(f"{what} …")
        yield
        self.console.print(f"  done in {self._progress.get_time() - start:.1f} s")
