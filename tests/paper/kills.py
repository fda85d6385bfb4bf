"""A process that is killed at a line of our choice, by SIGKILL: nothing is tidied up.

The child is a fork, so that it need not load and compile everything again.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

PAPER = str(Path(__file__).parents[2] / "paper")
DONE, RAISED = 0, 70


class Countdown:
    """Counts the lines of the paper loop that are executed, and kills its process at one."""

    def __init__(self, at: int | None) -> None:
        self.n_lines, self._at = 0, at

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401
        if not frame.f_code.co_filename.startswith(PAPER):
            return None
        if event == "line":
            self.n_lines += 1
            if self.n_lines == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def lines_of(work: Callable[[], None]) -> int:
    """Do the work here and return how many lines of the paper loop it takes."""
    countdown = Countdown(None)
    sys.settrace(countdown)
    try:
        work()
    finally:
        sys.settrace(None)
    return countdown.n_lines


def killed(work: Callable[[], None], at: int) -> bool:
    """Do the work in a process that is killed at its line `at`; return whether it came to that."""
    status = _in_child(work, Countdown(at))
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert os.WEXITSTATUS(status) == DONE, "the work failed before it was killed"
    return False


def finished(work: Callable[[], None]) -> None:
    """Do the work in a process of its own, to its end."""
    status = _in_child(work, None)
    assert os.WIFEXITED(status), "the work was killed"
    assert os.WEXITSTATUS(status) == DONE, "the work failed"


def _in_child(work: Callable[[], None], countdown: Countdown | None) -> int:
    child = os.fork()
    if child == 0:
        code = RAISED
        try:
            sys.settrace(countdown)
            work()
            code = DONE
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to know
            sys.settrace(None)
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]
