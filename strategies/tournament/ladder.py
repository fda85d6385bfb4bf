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
    """Return the type of a row; it depends on how many bets there are and on the live window."""
    window = settings.live.window
    wide: list[Any] = [
        ("recent", REAL, (LAGS,)),  # standardised returns, latest first
        ("products", REAL, (LAGS + 1,)),  # sums of their products with those of so long ago
        ("wealth", REAL, (len(settings.gate.sought),)),  # log of what each bet has become
        ("live_return", REAL, (window,)),  # rings, written to while LIVE
        ("live_slipped", REAL, (window,)),
        ("live_trades", WORD, (window,)),
        ("live_breaches", WORD, (window,)),
    ]
    return np.dtype([*STANDING, *TRIAL, *ATTEMPT, *wide])


@dataclass
class Ladder:
    """N strategies and where they stand.

    names       (N,) what each is called
    digests     (N,) sixteen hex digits of its rule and parameters, or whatever tells them apart
    rows        (N,) of `row_of`
    session     last one that was told; -1 before the first
    attempts    how many have begun in R1
    discovered  how many have ever been promoted to LIVE
    given_up    digest of each attempt that ended in RETIRED, and the name it had
    """

    rows: RecordArray
    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    session: int = -1
    attempts: int = 0
    discovered: int = 0
    given_up: dict[str, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, settings: TournamentSettings) -> Self:
        """Return a ladder without strategies."""
        return cls(np.zeros(0, row_of(settings)))

    @property
    def n_strategies(self) -> int:
        return len(self.names)

    def state(self) -> dict[str, Any]:
        """Return everything as lists and numbers, which JSON keeps exactly."""
        assert_finite(self.rows)
        return {
            "version": VERSION,
            "names": list(self.names),
            "digests": list(self.digests),
            "session": self.session,
            "attempts": self.attempts,
            "discovered": self.discovered,
            "given_up": dict(self.given_up),
            "rows": {name: self.rows[name].tolist() for name in self.rows.dtype.names or ()},
        }

    @classmethod
    def of_state(cls, state: dict[str, Any], settings: TournamentSettings) -> Self:
        """Return the ladder that wrote a state; one that does not fit the settings is refused."""
        if state.get("version") != VERSION:
            raise RunMismatch(
                f"the state of a tournament must be of version {VERSION}, was "
                f"{state.get('version')}. Begin a new season"
            )
        kind, columns = row_of(settings), state["rows"]
        n = len(state["names"])
        rows = np.zeros(n, kind)
        if set(columns) != set(kind.names or ()):
            raise RunMismatch(
                f"the state must have the columns of this version, was {sorted(columns)}"
            )
        for name in kind.names or ():
            values = np.asarray(columns[name], kind[name].base)
            if values.shape != rows[name].shape and n:
                raise RunMismatch(
                    f"{name} of the state must have the shape {rows[name].shape}, was "
                    f"{values.shape}. live.window and the number of bets in gate.sought are those "
                    "that the season began with"
                )
            rows[name] = values if n else rows[name]
        return cls(
            rows,
            list(state["names"]),
            list(state["digests"]),
            int(state["session"]),
            int(state["attempts"]),
            int(state["discovered"]),
            dict(state["given_up"]),
        )


def assert_finite(rows: RecordArray) -> None:
    """Stop where a row is no number: it would not come back from JSON."""
    for name in rows.dtype.names or ():
        if not np.isfinite(rows[name]).all():
            raise AssertionError(f"{name} of the ladder must be finite")


def begin_trial(rows: RecordArray, which: Any) -> None:  # noqa: ANN401
    """Forget what the rows say of their present stage."""
    for name, _ in TRIAL:
        rows[name][which] = 0


def begin_attempt(rows: RecordArray, which: Any) -> None:  # noqa: ANN401
    """Forget everything but the standing: evidence of another attempt proves nothing of this."""
    for name in (rows.dtype.names or ())[len(STANDING) :]:
        rows[name][which] = 0
