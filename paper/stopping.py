"""SIGTERM and SIGINT: the loop ends its order, enters nothing more, and is gone within seconds.

    with stopping() as stop:
        loop.run(report)        # with Clocks(now, elapsed, stop.pause, stop.is_asked)

Whoever is asked to end finishes the order that is under way, cancels the entries that wait, and
gives the lease back. Whoever cannot, because a call does not return, ends without that: there is no
way to end the loop that is not survived.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Timer
from types import FrameType

GRACE = 8.0  # seconds until the process ends whatever it is doing
ENDED_BY_FORCE = 75  # exit code, EX_TEMPFAIL: start it again
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """Whether somebody asked the process to end."""

    def __init__(self, grace: float = GRACE) -> None:
        self._event, self._grace = Event(), grace
        self._timer: Timer | None = None

    def is_asked(self) -> bool:
        """Return whether the process is to end."""
        return self._event.is_set()

    def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until the process is to end."""
        self._event.wait(seconds)

    def ask(self) -> None:
        """Ask the process to end: in its own time, and after the grace without."""
        if self._event.is_set():
            return
        self._event.set()
        self._timer = Timer(self._grace, os._exit, (ENDED_BY_FORCE,))
        self._timer.daemon = True
        self._timer.start()

    def done(self) -> None:
        """Say that the work is over, and that nobody has to be made to end."""
        if self._timer is not None:
            self._timer.cancel()


@contextmanager
def stopping(grace: float = GRACE) -> Iterator[Stop]:
    """Let signals ask this process to end, for as long as the block runs; main thread only."""
    stop = Stop(grace)

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.ask()

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield stop
    finally:
        stop.done()
        for number, handler in before.items():
            signal.signal(number, handler)
