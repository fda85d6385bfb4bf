"""Ctrl-C and SIGTERM: a loop ends after its cycle, and a cycle that does not end is left."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType

GRACE = 8  # seconds for the cycle that is under way; nothing that was kept is lost without it
FAREWELL = 1.0  # seconds more, to let go of files and connections
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
LEFT = 1  # status of a process that was left


class Left(SystemExit):
    """The cycle took too long; the account is as after a crash, and goes on from there.

    how   in words, for the account's chain of events
    """

    def __init__(self, status: int, how: str) -> None:
        super().__init__(status)
        self.status, self.how = status, how


class Ending(Event):
    """Set once somebody asks this process to end; `how` says by what."""

    how = ""


@contextmanager
def asked_to_end() -> Iterator[Ending]:
    """Yield what is set once somebody asks this process to end; asked twice it ends at once."""
    asked, late = Ending(), Event()

    def ask(number: int, frame: FrameType | None) -> None:
        name = SIGNALS[signal.Signals(number)]
        if asked.is_set():
            raise Left(128 + number, f"{name}, asked twice")
        asked.how = name
        asked.set()
        signal.alarm(GRACE)

    def leave(number: int, frame: FrameType | None) -> None:
        late.set()
        raise Left(LEFT, f"{asked.how}, left a slow cycle")

    before = {each: signal.signal(each, ask) for each in SIGNALS}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, leave)
    try:
        with _guaranteed():
            yield asked
    finally:
        signal.alarm(0)
        for each, handler in before.items():
            signal.signal(each, handler)
        if late.is_set():  # whatever a compiler made of it
            raise Left(LEFT, f"{asked.how}, left a slow cycle")


@contextmanager
def _guaranteed() -> Iterator[None]:
    """End the process when it was asked to end and did not, whatever holds it up.

    Handlers run between two instructions of the interpreter: while it compiles, or waits for a
    server as it takes its leave, that may be in minutes. A thread hears of the signal at once.
    """
    ear, mouth = os.pipe()
    os.set_blocking(mouth, False)
    is_over = Event()

    def listen() -> None:
        while heard := os.read(ear, 1):
            if heard[0] in SIGNALS and not is_over.wait(GRACE + FAREWELL):
                os._exit(LEFT)

    thread = Thread(target=listen, name="ending", daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        is_over.set()
        os.close(mouth)
        thread.join()
        os.close(ear)
