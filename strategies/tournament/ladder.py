"""The state of a tournament: one row a strategy, plain numbers that JSON keeps to the last bit.

Nothing in it is infinite or not a number. What a row says of the present stage begins anew with
each stage; what it says of the attempt begins anew when the strategy enters R1.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from benbot.envs.arrays import RecordArray
from benbot.envs.errors import RunMismatch
from benbot.strategies.tournament.settings import TournamentSettings

VERSION = 1
LAGS = 10  # sessions back whose correlation with the present is looked at
WORD, REAL = np.int64, np.float64

STANDING = (
    ("stage", WORD),  # `Stage`
    ("since", WORD),  # session of the last move
    ("attempt", WORD),  # how often this strategy has begun in R1, first is 1
    ("number", WORD),  # of the attempt among all that there were, first is 0
    ("demotions", WORD),  # from LIVE
)
TRIAL = (  # of the present stage
    ("days", WORD),
    ("trades", WORD),
    ("breaches", WORD),
    ("total", REAL),  # sum of returns
    ("square", REAL),  # sum of their squares
    ("gain", REAL),  # sum of the positive ones
    ("loss", REAL),  # sum of the negative ones, positive
    ("growth", REAL),  # log
    ("peak", REAL),  # of the growth
    ("fall", REAL),  # largest from the peak, a fraction
    ("slipped", REAL),  # sum over trades of bps above the model
)
ATTEMPT = (
    ("sessions", WORD),
    ("exposed", WORD),  # sessions with a return that is not 0
    ("power_1", REAL),  # sums of powers of the returns
    ("power_2", REAL),
    ("power_3", REAL),
    ("power_4", REAL),
    ("fast", REAL),  # decayed mean square
    ("slow", REAL),  # mean square
    ("moved", REAL),  # sum of standardised returns
    ("doubt", REAL),  # log of the e-value against the skill whose refutation retires
    ("held_to", REAL),  # Sharpe ratio a year that live capital was given for
    ("alarm", REAL),  # statistic of the detector
)


def row_of(settings: TournamentSettings) -> np.dtype[np.void]:
    """Return the type of a row; it depends on how many bets there are."""
    wide: list[Any] = [
        ("recent", REAL, (LAGS,)),  # standardised returns, latest first
        ("products", REAL, (LAGS + 1,)),  # sums of their products with those of so long ago
        ("wealth", REAL, (len(settings.gate.sought),)),  # log of what each bet has become
    ]
    return np.dtype([*STANDING, *TRIAL, *ATTEMPT, *wide])


def ring_of(settings: TournamentSettings) -> np.dtype[np.void]:
    """Return the type of what is remembered of the last sessions with live capital."""
    window = settings.live.window
    columns: list[Any] = [
        ("returns", REAL, (window,)),
        ("slipped", REAL, (window,)),
        ("trades", WORD, (window,)),
        ("breaches", WORD, (window,)),
    ]
    return np.dtype(columns)


@dataclass
class Ladder:
    """N strategies and where they stand.

    names       (N,) what each is called
    digests     (N,) sixteen hex digits of its rule and parameters, or whatever tells them apart
    rows        (N,) of `row_of`
    rings       (N,) of `ring_of`; session i with live capital stands at i modulo the window
    session     last one that was told; -1 before the first
    attempts    how many have begun in R1
    discovered  how many have ever been promoted to LIVE
    given_up    digest of each attempt that ended in RETIRED, and the name it had
    """

    rows: RecordArray
    rings: RecordArray
    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    session: int = -1
    attempts: int = 0
    discovered: int = 0
    given_up: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, settings: TournamentSettings) -> Self:
        """Return a ladder without strategies."""
        return cls(np.zeros(0, row_of(settings)), np.zeros(0, ring_of(settings)))

    @property
    def n_strategies(self) -> int:
        return len(self.names)

    def state(self) -> dict[str, Any]:
        """Return everything as lists and numbers, which JSON keeps exactly."""
        return {
            "version": VERSION,
            "names": list(self.names),
            "digests": list(self.digests),
            "session": self.session,
            "attempts": self.attempts,
            "discovered": self.discovered,
            "given_up": dict(self.given_up),
            "rows": written(self.rows),
            "rings": written(self.rings),
        }

    @classmethod
    def of_state(cls, state: dict[str, Any], settings: TournamentSettings) -> Self:
        """Return the ladder that wrote a state; one that does not fit the settings is refused."""
        if state.get("version") != VERSION:
            raise RunMismatch(
                f"the state of a tournament must be of version {VERSION}, was "
                f"{state.get('version')}. Begin a new season"
            )
        n = len(state["names"])
        return cls(
            read(state["rows"], row_of(settings), n),
            read(state["rings"], ring_of(settings), n),
            list(state["names"]),
            list(state["digests"]),
            int(state["session"]),
            int(state["attempts"]),
            int(state["discovered"]),
            dict(state["given_up"]),
        )


def written(records: RecordArray) -> dict[str, Any]:
    """Return columns as lists; what is no number would not come back from JSON and stops here."""
    columns = {}
    for name in records.dtype.names or ():
        if not np.isfinite(records[name]).all():
            raise AssertionError(f"{name} of the ladder must be finite")
        columns[name] = records[name].tolist()
    return columns


def read(columns: dict[str, Any], kind: np.dtype[np.void], n: int) -> RecordArray:
    """Return `n` records of columns that were written; others are refused."""
    records = np.zeros(n, kind)
    if set(columns) != set(kind.names or ()):
        raise RunMismatch(f"the state must have the columns of this version, was {sorted(columns)}")
    for name in kind.names or ():
        values = np.asarray(columns[name], kind[name].base)
        if n > 0 and values.shape != records[name].shape:
            raise RunMismatch(
                f"{name} of the state must have the shape {records[name].shape}, was "
                f"{values.shape}. live.window and the number of bets in gate.sought are those that "
                "the season began with"
            )
        if n > 0:
            records[name] = values
    return records


def begin_trial(rows: RecordArray, which: Any) -> None:  # noqa: ANN401
    """Forget what the rows say of their present stage."""
    for name, _ in TRIAL:
        rows[name][which] = 0


def begin_attempt(rows: RecordArray, which: Any) -> None:  # noqa: ANN401
    """Forget everything but the standing: evidence of another attempt proves nothing of this."""
    for name in (rows.dtype.names or ())[len(STANDING) :]:
        rows[name][which] = 0
