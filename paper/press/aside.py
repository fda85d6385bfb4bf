"""Questions that are asked aside: whoever asks goes on, and looks later for the answer."""

from collections.abc import Callable
from threading import Thread
from typing import Generic, Protocol, TypeVar

Answer = TypeVar("Answer")


class Asking(Protocol[Answer]):
    """How questions are asked, one at a time."""

    @property
    def is_busy(self) -> bool:
        """Whether a question has no answer yet."""

    def ask(self, question: Callable[[], Answer]) -> None:
        """Ask; the question must be able to fail without raising."""

    def answer(self) -> Answer | None:
        """Return the answer to the last question, once; None: there is none."""


class Aside(Generic[Answer]):
    """Asks on a thread of its own, which ends with the process."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._thread: Thread | None = None

    @property
    def is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def ask(self, question: Callable[[], Answer]) -> None:
        answers: list[Answer] = []  # of this question: nobody else writes into it
        self._answers = answers
        self._thread = Thread(target=lambda: answers.append(question()), name="news", daemon=True)
        self._thread.start()

    def answer(self) -> Answer | None:
        return self._answers.pop() if self._answers and not self.is_busy else None


class AtOnce(Generic[Answer]):
    """Asks and waits, for whoever has to know what comes when."""

    is_busy = False

    def __init__(self) -> None:
        self._answers: list[Answer] = []

    def ask(self, question: Callable[[], Answer]) -> None:
        self._answers = [question()]

    def answer(self) -> Answer | None:
        return self._answers.pop() if self._answers else None
