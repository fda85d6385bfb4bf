"""The record of a population: what every member did alone, session by session, since it joined."""

from collections.abc import Sequence

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.history import Span
from benbot.evolution.orchestration.following import Follow, Followed
from benbot.evolution.orchestration.members import Member
from benbot.strategies.records.change import Change
from benbot.strategies.tournament.sessions import known_ends, session_ends


class Watch:
    """D sessions of a run, and N members in the order in which they came.

    ends   (D,)  bar at whose close each session ends
    known  (D,)  bar at whose close that is known, which may lie behind the span
    """

    def __init__(self, session: IntArray, span: Span, follow: Follow) -> None:
        """`session` (T,) is that of the market; `follow` lets members trade alone."""
        self.ends, self._follow = session_ends(session, span), follow
        self.known = known_ends(self.ends, session[: span.last + 1])
        self._litters: list[tuple[Followed, IntArray, int]] = []  # with columns, first session
        self._returns = np.full((self.ends.size, 0), np.nan)

    @property
    def n_members(self) -> int:
        return int(self._returns.shape[1])

    def join(self, members: Sequence[Member], bar: int) -> None:
        """Follow members from the close of a bar on; their columns come behind the others."""
        followed = self._follow(members, bar)
        first = self.ends.size - followed.last_bars.size
        if not np.array_equal(followed.last_bars, self.ends[first:]):
            raise AssertionError("who is followed must have the sessions of the run")
        columns = np.arange(self.n_members, self.n_members + len(members))
        wider = np.full((self.ends.size, columns[-1] + 1), np.nan)
        wider[:, : self.n_members] = self._returns
        wider[first:, columns] = followed.returns
        self._returns = wider
        self._litters.append((followed, columns, first))

    def returns(self, i: int) -> FloatArray:
        """Return what every member earned in a session, (N,); NaN where it had none."""
        earned: FloatArray = self._returns[i]
        return earned

    def counts(self, i: int) -> tuple[IntArray, IntArray]:
        """Return round trips and breaches of a session, (N,) each."""
        counts = np.zeros((2, self.n_members), np.int64)
        for followed, columns, first in self._litters:
            if i >= first:
                counts[0, columns] = followed.n_trades[i - first]
                counts[1, columns] = followed.breaches[i - first]
        return counts[0], counts[1]

    def tell(self, i: int, stages: IntArray, change: Change) -> None:
        """Record the round trips and the day of a session; `stages` (N,) are those in it."""
        for followed, columns, first in self._litters:
            if i >= first:
                followed.tell(i - first, stages[columns], change)

    def recent(self, done: int, lookback: int) -> FloatArray:
        """Return the last sessions of those that are done, (L, N)."""
        recent: FloatArray = self._returns[max(0, done - lookback) : done]
        return recent

    def of(self, member: int, since: int, done: int) -> FloatArray:
        """Return what one member earned in the sessions that are done and that it had.

        `since` is the last bar of a session; that one and those before are left out.
        """
        first = int(np.searchsorted(self.ends, since, side="right"))
        earned: FloatArray = self._returns[first:done, member]
        known: FloatArray = earned[np.isfinite(earned)]
        return known
