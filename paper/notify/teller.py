"""One thread that tells one destination what is new; nobody waits for it.

It looks into the store when it is woken, and moves its cursor once a message was taken. What a
service does not take is tried again, after longer and longer; what grows old meanwhile is counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from benbot.envs.errors import TradingError
from benbot.paper.notify.ages import Ages, Times
from benbot.paper.notify.cursor import Cursor, read_cursor, write_cursor
from benbot.paper.notify.gathering import Gathered
from benbot.paper.notify.message import Editor
from benbot.paper.notify.news import News
from benbot.paper.notify.pace import Bucket
from benbot.paper.notify.sending import Outcome, Sending
from benbot.paper.notify.wording import news_of_breaker

SHORTEST_WAIT, LONGEST_WAIT = 5.0, 300.0  # seconds after a failure
MOST_DOUBLINGS = 10
MANY = 5  # failures in a row, after which somebody else has to know
MOST_SAID = 50  # lines of the process itself that wait to be told

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Work:
    """What a teller does it with.

    name      of the destination, for the log
    look      gathers what is new after a cursor
    times     the clocks of what is told
    cursor    file of the cursor
    rest      seconds between two looks
    """

    name: str
    look: Callable[[Cursor, datetime], Gathered]
    editor: Editor
    sending: Sending
    bucket: Bucket
    times: Times
    cursor: Path
    rest: float


class Teller:
    """Tells one destination, in a thread of its own that ends with the process."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._cursor = read_cursor(work.cursor) or Cursor()
        self._said: deque[News] = deque(maxlen=MOST_SAID)
        self._lock = threading.Lock()  # of what was said
        self._breaker, self._ages = "", Ages(work.times)
        self._n_failures, self._rest, self._fault = 0, work.rest, ""
        self._woken, self._closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"notify {work.name}", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def say(self, news: News) -> None:
        """Tell a line that no store has; of too many that wait the oldest are dropped."""
        with self._lock:
            self._said.append(news)
        self._woken.set()

    def wake(self, breaker: str = "") -> None:
        """Look for what is new; `breaker` is one that is on now, as far as is known."""
        self._breaker = breaker
        self._woken.set()

    def end(self) -> None:
        """Tell once what is left, and end; returns at once."""
        self._closing.set()
        self._woken.set()

    def wait(self, patience: float) -> None:
        """Wait for the end, no longer than so many seconds."""
        self._thread.join(patience)

    @property
    def name(self) -> str:
        """Whom it tells."""
        return self._work.name

    @property
    def fault(self) -> str:
        """Why nothing arrives any more; empty as long as it does, or may soon."""
        return self._fault

    def round(self) -> float | None:
        """Tell what is new; return the seconds after which there is more, None: when woken."""
        work = self._work
        with self._lock:
            said = tuple(self._said)
        news, seen = self._news(said)
        message, cursor = work.editor.message(news, seen.cursor, work.times.now())
        if message:
            wait = work.bucket.take(is_urgent=message.is_urgent)
            if wait > 0.0:
                return wait
            outcome = work.sending.send(message)
            if not outcome.was_taken:
                LOGGER.warning("%s did not take a message: %s", work.name, outcome.said)
            if not outcome.is_over:
                return self._later(outcome)
        self._go_on(cursor, said)
        self._ages.forget(is_behind=seen.has_more)
        return 0.0 if seen.has_more else None

    def _news(self, said: tuple[News, ...]) -> tuple[list[News], Gathered]:
        """Return what was said, what the store has, and the breaker of the cycle if it is new."""
        times, breaker = self._work.times, self._breaker
        seen = self._work.look(self._cursor, times.store())
        news = self._ages.aged(seen.news, said)
        if breaker not in ("", self._cursor.breaker, seen.cursor.breaker):
            news.append(news_of_breaker(breaker, times.now()))
            seen = replace(seen, cursor=replace(seen.cursor, breaker=breaker))
        return news, seen

    def _later(self, outcome: Outcome) -> float:
        """Rest after a failure, whatever happens meanwhile."""
        if outcome.is_gone or self._n_failures + 1 >= MANY:
            self._fault = self._fault or outcome.said
        usual = min(SHORTEST_WAIT * 2.0**self._n_failures, LONGEST_WAIT)
        self._n_failures = min(self._n_failures + 1, MOST_DOUBLINGS)
        self._rest = usual if outcome.wait is None else outcome.wait
        return 0.0

    def _go_on(self, cursor: Cursor, said: tuple[News, ...]) -> None:
        """Go on behind what was told; a cursor that cannot be kept is kept here at least."""
        self._n_failures, self._rest, self._fault = 0, self._work.rest, ""
        with self._lock:
            for one in said:
                if self._said and self._said[0] is one:
                    self._said.popleft()
        if cursor != self._cursor:
            self._cursor = cursor
            write_cursor(self._work.cursor, cursor)

    def _run(self) -> None:
        wait: float | None = None
        while not self._closing.is_set():
            self._woken.wait(wait)
            self._woken.clear()
            wait = self._try()
            self._closing.wait(self._rest)
        if self._woken.is_set():
            self._try()
        self._work.sending.close()

    def _try(self) -> float | None:
        """Take a round; what goes wrong with it is for the log, and never the end of the thread."""
        try:
            return self.round()
        except (TradingError, OSError, ValueError) as error:
            LOGGER.warning("%s: nothing was told: %s", self._work.name, error)
            said, is_gone = type(error).__name__, False
        except Exception as error:  # whatever it is: the thread is all that tells anybody
            LOGGER.exception("%s: nothing was told, which nobody expected", self._work.name)
            said, is_gone = f"{type(error).__name__}, see the log", True
        return self._later(Outcome(was_taken=False, is_over=False, said=said, is_gone=is_gone))
