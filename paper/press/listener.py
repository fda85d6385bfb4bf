"""Who listens to a source of news for an account, beside everything that trades.

    listener = Listener(source, book, (machine.now, last_close), Aside())
    listener.look()                                # before each cycle; asks, and never waits

An item is known from the moment at which it is kept, or at which it was published where that is
later; and always after the last bar that was told. So what comes late counts for the bar in which
it came, and a bar that was told never changes, whatever is heard afterwards. What an account heard
of the time before it began counts from its publication, as in training.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from benbot.envs.errors import VenueUnavailable
from benbot.paper.press.aside import Asking
from benbot.paper.press.book import Heard, NewsBook
from benbot.paper.press.item import Item
from benbot.paper.venue import Clock

PACE = timedelta(seconds=60)  # from one question to the next
OVERLAP = timedelta(hours=1)  # that is asked for again: sources publish out of order
STALE = timedelta(minutes=15)  # without an answer, after which the news are said to be lost
BEFORE = timedelta(days=1)  # of which an account hears that looks at no news
TICK = timedelta(microseconds=1)
LOST, BACK = "news_lost", "news_back"  # events
USUAL_WAIT, PATIENCE, MOST_ROUNDS = 3.0, 20, 500  # seconds; failures in a row; answers


class Window(NamedTuple):
    """The time of which is asked."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Told:
    """What a source answered.

    items    of which `known` is when they were published
    token    where it goes on; None: that was all
    trouble  why there is no answer; empty: there is one
    wait     seconds after which to ask again, where it said so
    """

    items: tuple[Item, ...] = ()
    token: str | None = None
    trouble: str = ""
    wait: float | None = None


class Source(Protocol):
    """Whoever publishes items; a question that fails is told as a trouble."""

    def ask(self, window: Window, token: str | None) -> Told:
        """Return the items of a time, or those from where the last answer ended."""


class Listener:
    """Listens to one source at a bounded pace.

    clocks  the time of this machine, and that of the last close that was told
    """

    def __init__(
        self, source: Source, book: NewsBook, clocks: tuple[Clock, Clock], asking: Asking[Told]
    ) -> None:
        self._source, self.book, self._asking = source, book, asking
        self._now, self._closed = clocks
        self._asked_at: datetime | None = None
        self._window: Window | None = None  # of which there is more to hear, or an answer to come
        self._token: str | None = None
        self._is_waiting = False
        self._is_lost = book.was_last(LOST, BACK)

    def begin(self, since: datetime, pause: Callable[[float], None]) -> None:
        """Hear all since a time, before the account begins; raises `VenueUnavailable`."""
        window, token, n_failed = Window(since, self._now()), None, 0
        items: list[Item] = []
        for _ in range(MOST_ROUNDS):
            told = self._source.ask(window, token)
            if not told.trouble:
                items += [one for one in told.items if one.published <= window.until]
                token, n_failed = told.token, 0
                if token is None:
                    self.book.begin(items, Heard(since, window.until))
                    return
                continue
            n_failed += 1
            if n_failed > PATIENCE or told.wait is None:
                raise VenueUnavailable(f"the news of the history are not known: {told.trouble}")
            pause(told.wait)
        raise VenueUnavailable(
            f"the news of the history must come in {MOST_ROUNDS} answers, there were more. Use "
            "fewer symbols"
        )

    def look(self) -> None:
        """Keep what was answered, and ask again where it is time to."""
        now = self._now()
        self._hear(now)
        if not self._asking.is_busy and _is_over(self._asked_at, now, PACE):
            self._ask(now)
            self._hear(now)
        elif self._asking.is_busy and _is_over(self._asked_at, now, STALE):
            self._give_up(now)

    def _ask(self, now: datetime) -> None:
        since = now - BEFORE if self.book.heard is None else self.book.heard.until - OVERLAP
        if self._window is None or self._token is None:
            self._window, self._token = Window(min(since, now), now), None
        window, token = self._window, self._token
        self._asked_at, self._is_waiting = now, True
        self._asking.ask(lambda: self._source.ask(window, token))

    def _hear(self, now: datetime) -> None:
        if not self._is_waiting or self._asking.is_busy:
            return
        told = self._asking.answer() or Told(trouble="the question ended without an answer")
        self._is_waiting = False
        if self._window is None:
            return
        heard = self.book.heard or Heard(self._window.since, self._window.since)
        trouble = told.trouble
        if not trouble or told.wait is None:  # a place that its source forgot would stay unknown
            self._token = told.token
        if not trouble and told.token is None:
            heard = replace(heard, until=max(heard.until, self._window.until))
        if self.book.is_full:
            trouble = "as many items are kept as can be; nothing more is heard"
        self._keep(told.items, replace(heard, trouble=trouble), now)

    def _give_up(self, now: datetime) -> None:
        """Say that an answer does not come; it may come still."""
        if self.book.heard is not None:
            self._keep((), replace(self.book.heard, trouble="there is no answer yet"), now)

    def _keep(self, items: Iterable[Item], heard: Heard, now: datetime) -> None:
        known = max(now, self._closed() + TICK)
        stamped = [replace(one, known=max(one.published, known)) for one in items]
        self.book.keep(stamped, heard, self._event(heard, now))

    def _event(self, heard: Heard, now: datetime) -> str:
        """Return what is to be said: that the news are lost, or back; only who looks at them."""
        is_lost = bool(heard.trouble) and now - heard.until > STALE
        is_back = not heard.trouble and self._is_lost
        if not self.book.is_lasting or not (is_back or (is_lost and not self._is_lost)):
            return ""
        self._is_lost = is_lost
        return LOST if is_lost else BACK


def _is_over(then: datetime | None, now: datetime, wait: timedelta) -> bool:
    """Return whether a wait is over; a clock that went back ends it."""
    return then is None or not timedelta(0) <= now - then < wait
