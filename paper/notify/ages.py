"""How old news are, by the clock of this machine.

The market of an account may have a time of its own, which runs faster than ours. So what appears
while somebody tells is as old as it has been known; only what is there at the start is judged by
the moment at which it was written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from benbot.paper.notify.news import News
from benbot.paper.venue import Clock


@dataclass(frozen=True)
class Times:
    """The clocks of what is told.

    store     of what is recorded
    machine   ours; None: the store's is ours
    speed     how many times as fast as ours the store's runs
    """

    store: Clock
    machine: Clock | None = None
    speed: float = 1.0

    def now(self) -> datetime:
        """Return the time of this machine."""
        return (self.machine or self.store)()


@dataclass
class Ages:
    """Remembers when news were seen that nobody took yet."""

    times: Times
    is_behind: bool = True  # whether what is seen may have been there before
    _seen: dict[News, tuple[datetime, float]] = field(default_factory=dict)

    def aged(self, read: Sequence[News], said: Sequence[News]) -> list[News]:
        """Return news with their ages: lines of this process, then what was read in the store."""
        now = self.times.now()
        return [self._aged(one, now, is_read=False) for one in said] + [
            self._aged(one, now, is_read=True) for one in read
        ]

    def forget(self, *, is_behind: bool) -> None:
        """Go on behind what was told; `is_behind` says whether there is older news to read."""
        self._seen.clear()
        self.is_behind = self.is_behind and is_behind

    def _aged(self, one: News, now: datetime, *, is_read: bool) -> News:
        first, before = self._seen.setdefault(one, (now, self._before(one, is_read=is_read)))
        age = before + (now - first).total_seconds()
        if not is_read or one.is_ours or self.times.machine is None:
            return replace(one, age=age)
        return replace(one, age=age, moment=first, market=one.moment)

    def _before(self, one: News, *, is_read: bool) -> float:
        """Return how many of our seconds ago a line was written that was there at the start."""
        if not (is_read and self.is_behind):
            return 0.0
        passed = (self.times.store() - one.moment).total_seconds()
        return max(passed / self.times.speed, 0.0)
