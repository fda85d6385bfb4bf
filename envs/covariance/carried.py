"""Rows of covariances that are carried from one history of a market to its next, longer one.

Training asks once and gets everything anew. Whoever trades asks at every close, and the years
before have been counted: only what came since is added. Either way the numbers are the same to the
last bit, because a row is carried only where every return before it is the same to the last bit.
A split that is told late or a bar that is corrected changes some, and everything is counted anew.
"""

import numpy as np

from benbot.envs.arrays import AnyArray, Float32Array, FloatArray, WordArray
from benbot.envs.covariance.rows import (
    Pace,
    blank_ties,
    bounds,
    no_sums,
    tied_symbols,
    write_covariances,
)


class CarriedRows:
    """The rows that were asked for last; `follow` brings them up to date.

    covariance  (R, S, S)        as `rows.write_covariances` writes it
    bound       (R, S)           of `rows.bounds`
    tied        (R + 1, 2, S, W) of `rows.tied_symbols`

    They are views of memory with room for `spare` rows more, into which later histories write
    theirs. The last row that somebody was given may change then, as its session may not have been
    over; nobody knows it at any bar that he has.
    """

    def __init__(self, spare: int = 0) -> None:
        self._spare = spare
        self._asked: tuple[Pace, float] | None = None
        self._returns: FloatArray = np.empty((0, 0))
        self._n_rows = 0
        self._open(0)

    def follow(self, returns: FloatArray, pace: Pace, limit: float) -> None:
        """Write the rows of the sessions' returns (D, S), under this limit of correlation."""
        begun = self._same(returns, pace, limit)
        self._asked = None  # whoever is interrupted here has half of it
        if not begun:
            self._open(returns.shape[1])
        n_sessions, self._n_rows = len(returns), pace.rows(len(returns))
        self._make_room()
        over, first = max(n_sessions - 1, begun), pace.rows(begun)
        write_covariances(self._covariance, self._sums, returns[begun:over], pace, begun)
        present = self._sums.copy()  # the last session may go on
        write_covariances(self._covariance, present, returns[over:], pace, over)
        bounds(self.covariance, self.bound, first)
        tied_symbols(self.covariance, limit, self.tied, first)
        self._asked, self._returns = (pace, limit), returns

    @property
    def covariance(self) -> Float32Array:
        return self._covariance[: self._n_rows]

    @property
    def bound(self) -> Float32Array:
        return self._bound[: self._n_rows]

    @property
    def tied(self) -> WordArray:
        return self._tied[: self._n_rows + 1]

    def _same(self, returns: FloatArray, pace: Pace, limit: float) -> int:
        """Return how many sessions need not be counted again: all but the last, or none."""
        over = len(self._returns) - 1
        is_asked_again = self._asked == (pace, limit) and len(returns) > over > 0
        if is_asked_again and _identical(returns[:over], self._returns[:over]):
            return over
        return 0

    def _open(self, n_symbols: int) -> None:
        """Forget everything; what somebody was given stays as it is."""
        self._sums = no_sums(n_symbols)
        self._covariance: Float32Array = np.empty((0, n_symbols, n_symbols), np.float32)
        self._bound: Float32Array = np.empty((0, n_symbols), np.float32)
        self._tied: WordArray = blank_ties(0, n_symbols)

    def _make_room(self) -> None:
        if self._n_rows > len(self._covariance):
            room = self._n_rows + self._spare
            self._covariance = _enlarged(self._covariance, room)
            self._bound = _enlarged(self._bound, room)
            self._tied = _enlarged(self._tied, room + 1)


def _enlarged(rows: AnyArray, room: int) -> AnyArray:
    """Return the rows with zeros behind them; of memory nobody has written to, none is taken."""
    enlarged: AnyArray = np.zeros((room, *rows.shape[1:]), rows.dtype)
    enlarged[: len(rows)] = rows
    return enlarged


def _identical(these: FloatArray, those: FloatArray) -> bool:
    """Whether two arrays are the same to the last bit, also where they are not numbers."""
    return these.shape == those.shape and np.array_equal(
        np.ascontiguousarray(these).view(np.uint64), np.ascontiguousarray(those).view(np.uint64)
    )
