"""How long the lease of an account runs still, so that nobody sends an order after another took it.

A broker knows no fencing token: an order that leaves when another process trades the account is an
order like any other. So whoever sends looks at two clocks of its machine, without asking anybody:
one that only grows, which stands still while a machine sleeps, and the one on the wall, which may
be set back. The later of the two counts, and an order has to have its time to arrive as well.
"""

from collections.abc import Callable

from benbot.strategies.records.moments import SECOND

Ticking = Callable[[], int]  # nanoseconds
SENDING = 35.0  # seconds of a lease that an order needs: two calls, each given up after fifteen
NANOSECONDS = 1000 * SECOND


class Tenure:
    """What two clocks say of a lease that lasts so many seconds."""

    def __init__(self, wall: Ticking, growing: Ticking, lasts: float) -> None:
        self._clocks, self._lasts = (wall, growing), lasts
        self._since = self.reading()

    def reading(self) -> tuple[int, ...]:
        """Return what the clocks show; to be taken before a lease is renewed."""
        return tuple(clock() for clock in self._clocks)

    def renewed(self, since: tuple[int, ...]) -> None:
        """Note that the lease runs on since a reading."""
        self._since = since

    def left(self) -> float:
        """Return the seconds that are left, negative where it has run out."""
        passed = max(now - then for now, then in zip(self.reading(), self._since, strict=True))
        return self._lasts - passed / NANOSECONDS
