"""A process that is killed at a line of our choice, by SIGKILL: nothing is tidied up.

The child is a fork, so that it need not load and compile everything again.
"""

import os
import signal
import sys
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

PAPER = str(Path(__file__).parents[2] / "paper")
DONE, RAISED = 0, 70
N_NIGHTLY = int(os.environ.get("BENBOT_KILLS", "1000"))  # of a night; `make kills N=10000`
BLOCKS = 10  # tests that share them

Line = tuple[str, int]  # file and number


class Countdown:
    """Counts the lines of the paper loop that are executed, and kills its process at one."""

    def __init__(
        self,
        at: int | None,
        trail: list[Line] | None = None,
        end: "Callable[[Countdown], None]" = lambda _: os.kill(os.getpid(), signal.SIGKILL),
    ) -> None:
        """End at line `at`, by a kill; write the lines down in a trail, if there is one."""
        self.n_lines, self._at, self._trail, self._end = 0, at, trail, end

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:  # noqa: ANN401
        code = frame.f_code
        # A module and a class are made once in a process, and a fork has them already.
        if not (code.co_filename.startswith(PAPER) and code.co_flags & CO_OPTIMIZED):
            return None
        if event == "line":
            self.n_lines += 1
            if self._trail is not None:
                self._trail.append((code.co_filename, frame.f_lineno))
            if self.n_lines == self._at:
                self._end(self)
        return self


class Killed(BaseException):
    """A kill without a process of its own: nobody catches it."""


def interrupted(work: Callable[[], None], at: int) -> bool:
    """Do the work here and raise at its line `at`; return whether it came to that.

    What is open stays open, as far as Python lets it; a transaction is undone, as by a kill.
    """

    def stop(countdown: Countdown) -> None:
        sys.settrace(None)
        raise Killed

    sys.settrace(Countdown(at, end=stop))
    try:
        work()
    except Killed:
        return True
    finally:
        sys.settrace(None)
    return False


def trail_of(work: Callable[[], None]) -> list[Line]:
    """Do the work here and return the lines of the paper loop that it takes, in order."""
    trail: list[Line] = []
    sys.settrace(Countdown(None, trail))
    try:
        work()
    finally:
        sys.settrace(None)
    return trail


def drawn(trail: list[Line], rng: np.random.Generator, parts: tuple[str, ...] = ()) -> int:
    """Draw where to kill: half of the time any moment, half of the time any line of the code.

    So lines that are taken once in a run are hit as often as those that are taken all the time.
    With parts of paths only the lines of these files are hit.
    """
    there = [i for i, (file, _) in enumerate(trail) if not parts or any(p in file for p in parts)]
    if rng.random() < 0.5:
        return there[int(rng.integers(len(there)))] + 1
    lines = sorted({trail[i] for i in there})
    line = lines[int(rng.integers(len(lines)))]
    moments = [i for i, each in enumerate(trail, start=1) if each == line]
    return int(rng.choice(moments))


def killed(work: Callable[[], None], at: int) -> bool:
    """Do the work in a process that is killed at its line `at`; return whether it came to that."""
    return _was_killed(_in_child(work, lambda: sys.settrace(Countdown(at))), signal.SIGKILL)


def killed_after(work: Callable[[], None], seconds: float) -> bool:
    """Do the work in a process that ends at once after so many seconds of its processor time.

    So it may end between two lines, in what is compiled or while the database writes; which it is
    differs from run to run.
    """

    def begin() -> None:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)

    return _was_killed(_in_child(work, begin), signal.SIGPROF)


def finished(work: Callable[[], None]) -> None:
    """Do the work in a process of its own, to its end."""
    status = _in_child(work, lambda: None)
    assert os.WIFEXITED(status), "the work was killed"
    assert os.WEXITSTATUS(status) == DONE, "the work failed"


def _was_killed(status: int, by: signal.Signals) -> bool:
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == by
    assert os.WEXITSTATUS(status) == DONE, "the work failed before it was killed"
    return False


def _in_child(work: Callable[[], None], begin: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = RAISED
        try:
            begin()
            work()
            code = DONE
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to know
            sys.settrace(None)
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]
