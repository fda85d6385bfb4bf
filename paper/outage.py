"""What keeps an account from being traded: an alarm, once, and an event when it is over.

Keys that are refused are an alarm at once, and are tried again after a minute, then after longer
and longer, up to five. Whatever else blocks cycles for their health is one after five minutes: a
venue or a market that does not answer, an account that may not trade, clocks that are apart.
"""

from collections.abc import Callable

from benbot.envs.errors import NotAuthorised, VenueUnavailable
from benbot.paper.change import ALARM
from benbot.paper.store import PaperStore

KEYS, VENUE, ACCOUNT = "keys", "venue", "account"  # subjects of alarms
RECOVERED = "recovered"
PATIENCE = 300.0  # seconds that a cycle may be blocked before anybody has to look
FIRST_REST, LONGEST_REST = 60.0, 300.0  # seconds until refused keys are tried again
ADVICE = "entries and exits wait until they are known again; keys that were replaced need a restart"


class Outage:
    """What is wrong now, and since when; `elapsed` gives seconds that only grow."""

    def __init__(self, store: PaperStore, elapsed: Callable[[], float]) -> None:
        self._store, self._elapsed = store, elapsed
        self._since: float | None = None
        self._told: set[str] = set()
        self._open = _alarmed(store)  # by whoever traded before, and not over yet
        self._refused: NotAuthorised | None = None
        self._rest, self._asks_at = FIRST_REST, 0.0

    def require_leave(self) -> None:
        """Raise what the venue said of the keys, as long as they are not to be tried again."""
        if self._refused and self._elapsed() < self._asks_at:
            raise self._refused

    def refuse(self, error: VenueUnavailable, *, rests: bool) -> None:
        """Note that a question was refused; `rests`: nothing is asked for a while."""
        if not isinstance(error, NotAuthorised) or self._elapsed() < self._asks_at:
            return
        self._alarm(KEYS, f"{error}. {ADVICE}")
        if rests:
            self._refused, self._asks_at = error, self._elapsed() + self._rest
            self._rest = min(2.0 * self._rest, LONGEST_REST)

    def note(self, why: str) -> None:
        """Note why a cycle was blocked for its health; empty: it was not."""
        now = self._elapsed()
        if not why:
            self._end()
            return
        if self._since is None:
            self._since = now
        if now - self._since >= PATIENCE and KEYS not in self._told:
            self._alarm(VENUE, why)

    def ruin(self, why: str, n_positions: int) -> None:
        """Note that an account has ended, once and for all."""
        if all(one.subject != ACCOUNT for one in self._store.events(ALARM)):
            with self._store.change() as change:
                change.alarm(ACCOUNT, why=f"{why}, and nobody manages it", n_positions=n_positions)

    def _end(self) -> None:
        over = self._told | self._open
        if over:
            with self._store.change() as change:
                for subject in sorted(over):
                    change.event(RECOVERED, subject)
        self._told, self._open, self._since = set(), set(), None
        self._refused, self._rest, self._asks_at = None, FIRST_REST, 0.0

    def _alarm(self, subject: str, why: str) -> None:
        if subject not in self._told:
            with self._store.change() as change:
                change.alarm(subject, why=why)
            self._told.add(subject)


def _alarmed(store: PaperStore) -> set[str]:
    """Return the subjects of alarms that nobody has said to be over."""
    told = {one.subject: one.kind for one in store.events(ALARM, RECOVERED)}
    return {subject for subject in (KEYS, VENUE) if told.get(subject) == ALARM}
