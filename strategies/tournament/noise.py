"""Returns whose skill is known: five kinds of noise, and a Sharpe ratio on top."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.selection import check_known

DEGREES = 4  # of freedom of the heavy tails: the kurtosis is infinite
CORRELATION = 0.2  # of a return with the next
COMMON, GROUP = 0.5, 50  # correlation of any two strategies of so many; groups are independent
SHOCK, PERSISTENCE = 0.08, 0.90  # of the clustered variance, GARCH(1, 1)


@dataclass(frozen=True)
class Kind:
    """A kind of strategy: T sessions of N such have returns [T, N].

    sharpe      true ratio a year
    noise       one of NOISES
    volatility  a year
    trades      round trips a session
    """

    sharpe: float = 0.0
    noise: str = "normal"
    volatility: float = 0.08
    trades: int = 6

    def __post_init__(self) -> None:
        check_known("noise", [self.noise], NOISES)

    def returns(self, n_sessions: int, n: int, rng: np.random.Generator, year: float) -> FloatArray:
        """Draw the returns of `n` strategies; `year` is the number of sessions a year."""
        drawn = NOISES[self.noise]((n_sessions, n), rng) + self.sharpe / np.sqrt(year)
        returns: FloatArray = self.volatility / np.sqrt(year) * drawn
        return returns


def normal(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw independent normal numbers; like all of these with mean 0 and variance 1."""
    return rng.standard_normal(shape)


def heavy_tailed(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw from Student's t with 4 degrees of freedom."""
    drawn: FloatArray = rng.standard_t(DEGREES, shape) * np.sqrt((DEGREES - 2.0) / DEGREES)
    return drawn


def autocorrelated(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw numbers each of which has a correlation of 0.2 with the one before."""
    drawn = rng.standard_normal(shape)
    drawn[1:] *= np.sqrt(1.0 - CORRELATION**2)
    for t in range(1, len(drawn)):
        drawn[t] += CORRELATION * drawn[t - 1]
    return drawn


def clustered(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw numbers whose variance is that of a GARCH(1, 1), from its mean on."""
    drawn, variance = rng.standard_normal(shape), np.ones(shape[1])
    for t in range(len(drawn)):
        drawn[t] *= np.sqrt(variance)
        variance = 1.0 - SHOCK - PERSISTENCE + SHOCK * drawn[t] ** 2 + PERSISTENCE * variance
    return drawn


def correlated(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Draw numbers of which any two of a session and a group have a correlation of 0.5."""
    n_groups = -(-shape[1] // GROUP)
    common = np.repeat(rng.standard_normal((shape[0], n_groups)), GROUP, axis=1)[:, : shape[1]]
    drawn: FloatArray = np.sqrt(COMMON) * common + np.sqrt(1.0 - COMMON) * normal(shape, rng)
    return drawn


NOISES: dict[str, Callable[[tuple[int, int], np.random.Generator], FloatArray]] = {
    "normal": normal,
    "heavy_tailed": heavy_tailed,
    "autocorrelated": autocorrelated,
    "clustered": clustered,
    "correlated": correlated,
}
