"""Who serves a regime: earns in it more surely than the best of as many would by luck."""

from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.regime import REGIMES, UNKNOWN
from benbot.strategies.sharpe import expected_maximum

FEWEST = 5  # sessions of a strategy in a regime, below which it is not judged there


@dataclass(frozen=True)
class Service:
    """How a regime is served.

    n_sessions  of this regime within the lookback
    best        column of the strategy that earns most surely in it; -1: nobody was judged
    sure        its mean return over the standard error of it
    luck        what the best of as many strategies without skill has, on average
    """

    regime: int
    n_sessions: int
    best: int
    sure: float
    luck: float

    @property
    def is_poor(self) -> bool:
        return not self.sure > self.luck

    @property
    def reasons(self) -> dict[str, float | int | str]:
        """What an event says of it."""
        return {
            "regime": REGIMES[self.regime],
            "sessions": self.n_sessions,
            "best": round(self.sure, 4) if np.isfinite(self.sure) else "nobody",
            "luck": round(self.luck, 4),
        }


def services(
    returns: FloatArray, regime: IntArray, taking_part: BoolArray, least: int
) -> dict[int, Service]:
    """Return how each regime is served that had `least` sessions or more.

    returns      (D, N)  of the sessions of the lookback; NaN where a strategy had none
    regime       (D,)    in which the session was entered, known at the close before it
    taking_part  (N,)    whoever does not cannot serve
    """
    found = {}
    for code in np.unique(regime[regime != UNKNOWN]):
        inside = regime == code
        n_sessions = int(inside.sum())
        if n_sessions >= least:
            sure = np.where(taking_part, certainty_of(returns[inside]), -np.inf)
            found[int(code)] = _service(int(code), n_sessions, sure)
    return found


def certainty_of(returns: FloatArray) -> FloatArray:
    """Return the mean of each column over its standard error; -inf where that is unknown."""
    known = np.isfinite(returns)
    n = known.sum(axis=0)
    values = np.where(known, returns, 0.0)
    mean = values.sum(axis=0) / np.maximum(n, 1)
    moved = np.where(known, returns - mean, 0.0)
    deviation = np.sqrt((moved**2).sum(axis=0) / np.maximum(n - 1, 1))
    judged = (n >= FEWEST) & (deviation > 0.0)
    safe = np.where(judged, deviation, 1.0)
    sure: FloatArray = np.where(judged, mean / safe * np.sqrt(n), -np.inf)
    return sure


def _service(code: int, n_sessions: int, sure: FloatArray) -> Service:
    judged = np.isfinite(sure)
    if not judged.any():
        return Service(code, n_sessions, -1, -np.inf, 0.0)
    best = int(np.argmax(sure))
    luck = expected_maximum(float(judged.sum()), 1.0)
    return Service(code, n_sessions, best, float(sure[best]), luck)
