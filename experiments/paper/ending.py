"""Ctrl-C and SIGTERM: a loop ends after its cycle, and a cycle that does not end is left."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

GRACE = 8  # seconds for the cycle that is under way; nothing that was kept is lost without it
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Left(SystemExit):
    """The cycle took too long; the account is as after a crash, and goes on from there."""


@contextmanager
def asked_to_end() -> Iterator[Event]:
    """Yield what is set once somebody asks this process to end; asked twice it ends at once."""
    asked = Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise Left(128 + number)
        asked.set()
        signal.alarm(GRACE)

    def leave(number: int, frame: FrameType | None) -> None:
        raise Left(1)

    before = {each: signal.signal(each, ask) for each in SIGNALS}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, leave)
    try:
        yield asked
    finally:
        signal.alarm(0)
        for each, handler in before.items():
            signal.signal(each, handler)
