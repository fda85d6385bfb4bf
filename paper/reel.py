"""A history that grows: at every moment it holds what was known then, and nothing later.

Bar t opens: of its row the desk may know what opens it, no more. It closes: the row is whole. Where
the rows come from, a `Chronicle` says: it computes them anew from the bars that are closed, as live
trading must, or it shows what was computed before, row by row, which is as much and quicker.
"""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import AnyArray, FloatArray, RecordArray
from benbot.envs.desk.tape import ACTION, BAR, OFFER, Tape
from benbot.envs.errors import InvalidParameter, RunMismatch
from benbot.envs.history import History
from benbot.envs.observation import Features

EVERY_BAR = (
    *("bars", "actions", "facts", "sizing", "value", "stop", "variance", "calendar", "session"),
    *("regime", "sleeve_return", "year_share", "legs"),
)


@dataclass(frozen=True, eq=False)
class Opening:
    """What is known of a bar when it opens, and what has been seen of it since; (S,) each.

    bars      of BAR: `open` is NaN where nobody trades; a range that nobody knows yet is the open
    actions   of ACTION: splits and dividends that come before the open
    session   number of the trading day
    doubtful  numbers of the symbols whose price may be left at, and not be entered at
    """

    bars: RecordArray
    actions: RecordArray
    session: int
    doubtful: tuple[int, ...] = ()

    @property
    def has_action(self) -> bool:
        """Whether any symbol has a split or a dividend."""
        return bool(((self.actions["split"] != 1.0) | (self.actions["dividend"] != 0.0)).any())


def opening_of(opened: FloatArray, room: FloatArray, actions: RecordArray, session: int) -> Opening:
    """Return an opening of prices and of the room to fill, (S,); inf where that is not known."""
    bars = np.zeros(opened.size, BAR)
    for name in ("open", "high", "low", "close"):
        bars[name] = opened
    bars["room"] = room
    return Opening(bars, np.asarray(actions, ACTION), session)


class Foreseen:
    """A chronicle of a history that was prepared before; it shows no row before its time."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._last = -1
        self._tape = _blank(history.tape)
        self._features = Features._make(np.zeros_like(each) for each in history.features)

    def until(self, t: int) -> tuple[Tape, Features]:
        if not -1 <= self._last <= t < self._history.n_bars:
            raise InvalidParameter(
                f"a chronicle shows bars forward, from {self._last} to {self._history.n_bars - 1}, "
                f"was asked for {t}. Begin another one"
            )
        rows = slice(self._last + 1, t + 1)
        for name in _rows_of(self._tape):
            getattr(self._tape, name)[rows] = getattr(self._history.tape, name)[rows]
        for own, all_of_it in zip(self._features, self._history.features, strict=True):
            own[rows] = all_of_it[rows]
        self._last = t
        return self._tape, self._features

    def growth(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bar `t`, (K,)."""
        row: FloatArray = self._tape.sleeve_return[t]
        return row

    def growth_until(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bars 0 to `t`, (t + 1, K)."""
        return self._tape.sleeve_return[: t + 1]

    def image(self) -> bytes:
        """Return nothing: the sleeves have run already."""
        return b""

    def restore(self, image: bytes, growth: FloatArray) -> None:
        """Refuse a history in which the sleeves returned something else."""
        if image or not np.array_equal(growth, self._history.tape.sleeve_return[: len(growth)]):
            raise RunMismatch(
                "a replayed account must go on with the market and the strategies it began with, "
                "was another market or others. Begin a new one"
            )


def with_opening(tape: Tape, opening: Opening, t: int) -> Tape:
    """Return the tape with what is known of bar `t`, the one after its last, when that opens."""
    tape = tape if tape.session.size > t else _longer(tape)
    tape.bars[t], tape.actions[t] = opening.bars, opening.actions
    tape.session[t] = opening.session
    tape.calendar["has_action"][t] = opening.has_action
    # As if its last price were too old: the gates look at that of the close that was decided at.
    tape.facts["age"][t - 1, list(opening.doubtful)] = np.inf
    return tape


def _rows_of(tape: Tape) -> tuple[str, ...]:
    """Return the names of all arrays that have a row for every bar."""
    return EVERY_BAR if not tape.offers.size else (*EVERY_BAR, "offers")


def _blank(tape: Tape) -> Tape:
    """Return a tape of the same size of which nothing is known that has a row for every bar."""
    return tape._replace(**{name: _unknown(getattr(tape, name)) for name in _rows_of(tape)})


def _longer(tape: Tape) -> Tape:
    """Return a copy of the tape with an unknown row at its end."""
    return tape._replace(
        **{name: _with_row(getattr(tape, name)) for name in _rows_of(tape)},
        offers=_with_row(tape.offers) if tape.offers.size else np.zeros((0, 0), OFFER),
    )


def _with_row(array: AnyArray) -> AnyArray:
    longer = np.empty((array.shape[0] + 1, *array.shape[1:]), array.dtype)
    longer[:-1], longer[-1:] = array, _unknown(array[:1])
    return longer


def _unknown(array: AnyArray) -> AnyArray:
    """Return an array of the same shape in which every number is not one, or none at all."""
    blank = np.zeros_like(array)
    if array.dtype.names is None:
        if np.issubdtype(array.dtype, np.floating):
            blank[:] = np.nan
        return blank
    for name in array.dtype.names:
        if np.issubdtype(array.dtype[name], np.floating):
            blank[name] = np.nan
    return blank
