"""Ctrl-C and SIGTERM: a loop ends after its cycle, and a cycle that does not end is left."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

GRACE = 8  # seconds for the cycle that is under way; nothing that was kept is lost without it
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


class Left(SystemExit):
    """The cycle took too long; the account is as after a crash, and goes on from there.

    how   in words, for the account's chain of events
    """

    def __init__(self, code: int, how: str) -> None:
        super().__init__(code)
        self.how = how


class Ending(Event):
    """Set once somebody asks this process to end; `how` says by what."""

    how = ""


@contextmanager
def asked_to_end() -> Iterator[Ending]:
    """Yield what is set once somebody asks this process to end; asked twice it ends at once."""
    asked = Ending()

    def ask(number: int, frame: FrameType | None) -> None:
        name = SIGNALS[signal.Signals(number)]
        if asked.is_set():
            raise Left(128 + number, f"{name}, asked twice")
        asked.how = name
        asked.set()
        signal.alarm(GRACE)

    def leave(number: int, frame: FrameType | None) -> None:
        raise Left(1, f"{asked.how}, left a slow cycle")

    before = {each: signal.signal(each, ask) for each in SIGNALS}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, leave)
    try:
        yield asked
    finally:
        signal.alarm(0)
        for each, handler in before.items():
            signal.signal(each, handler)
