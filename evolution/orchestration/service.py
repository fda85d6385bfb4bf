"""Who serves a regime: earns in it more surely than the best of as many would by luck.

The best of n strategies serves it if its t is above the quantile of Student's that the highest of n
without skill passes with a chance of `level` at most (Šidák, 1967: (1 - level)^(1/n) for each).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.market.regime import REGIMES, UNKNOWN

FEWEST = 20  # sessions of a strategy in a regime, below which it is not judged there
ROUNDING = 1e-9  # of the mean; a deviation that is smaller is what rounding leaves of none


@dataclass(frozen=True)
class Service:
    """How a regime is served.

    n_sessions  of this regime within the lookback
    best        column of the strategy that earns most surely in it; -1: nobody was judged
    sure        its mean return over the standard error of it
    luck        what the best of as many strategies without skill exceeds with the chance `level`
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
    returns: FloatArray, regime: IntArray, taking_part: BoolArray, least: int, level: float
) -> dict[int, Service]:
    """Return how each regime is served that had `least` sessions or more.

    returns      (D, N)  of the sessions of the lookback; NaN where a strategy had none
    regime       (D,)    in which the session was entered, known at the close before it
    taking_part  (N,)    whoever does not cannot serve
    level        chance that strategies without skill are taken to serve a regime, this time
    """
    found = {}
    for code in np.unique(regime[regime != UNKNOWN]):
        inside = regime == code
        n_sessions = int(inside.sum())
        if n_sessions >= least:
            sure = np.where(taking_part, certainty_of(returns[inside]), -np.inf)
            counts = np.isfinite(returns[inside]).sum(axis=0)
            found[int(code)] = _service(int(code), n_sessions, sure, bars_of(counts, level, sure))
    return found


def certainty_of(returns: FloatArray, fewest: int = FEWEST) -> FloatArray:
    """Return the mean of each column over its standard error; -inf where that is unknown.

    It is unknown of a column with less than `fewest` sessions, or whose returns do not vary.
    """
    known = np.isfinite(returns)
    n = known.sum(axis=0)
    values = np.where(known, returns, 0.0)
    mean = values.sum(axis=0) / np.maximum(n, 1)
    moved = np.where(known, returns - mean, 0.0)
    deviation = np.sqrt((moved**2).sum(axis=0) / np.maximum(n - 1, 1))
    judged = (n >= fewest) & (deviation > ROUNDING * np.abs(mean))
    safe = np.where(judged, deviation, 1.0)
    sure: FloatArray = np.where(judged, mean / safe * np.sqrt(n), -np.inf)
    return sure


def bars_of(counts: IntArray, level: float, sure: FloatArray) -> FloatArray:
    """Return what each strategy must pass, (N,), by how many sessions it had and who is judged."""
    n_judged = max(int(np.isfinite(sure).sum()), 1)
    freedom = np.maximum(counts - 1, 1)
    bars: FloatArray = student.isf(-np.expm1(np.log1p(-level) / n_judged), freedom)
    return bars


def _service(code: int, n_sessions: int, sure: FloatArray, bars: FloatArray) -> Service:
    if not np.isfinite(sure).any():
        return Service(code, n_sessions, -1, -np.inf, 0.0)
    best = int(np.argmax(sure - bars))
    return Service(code, n_sessions, best, float(sure[best]), float(bars[best]))
