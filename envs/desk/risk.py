"""What the risk gates know of symbols: how they move together, and with the universe.

D sessions, S symbols, R rows. A session is a trading day. Nothing here changes within one: an
estimate is made when a session is over, and known from the first bar of the next.

return       log of the last price of a session over the last price of the session before
exposure     signed notional, in any currency or as a fraction of equity
covariance   of the returns of one session, not of a year
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray, IntArray, WordArray
from benbot.envs.covariance.carried import CarriedRows
from benbot.envs.covariance.rows import Pace
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market

NOTHING_KNOWN = -1
LARGEST = 4 * 2**30  # bytes of covariances that a machine can be expected to hold
ROUNDING = 1e-5  # of a variance, more than the float32 of its parts can err


@dataclass(frozen=True)
class RiskSettings:
    """How fast the risk of the past is forgotten, and how often a new estimate is written."""

    memory: float = 0.94  # weight of a session over that of the next; RiskMetrics' daily decay
    beta_memory: float = 0.98  # the same for betas, which change more slowly
    min_sessions: int = 20  # returns before a number is known
    refresh: int = 1  # sessions from one row to the next; memory needed falls with it

    def __post_init__(self) -> None:
        for name in ("memory", "beta_memory"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise InvalidParameter(f"{name} must be in (0, 1], was {getattr(self, name)}")
        for name in ("min_sessions", "refresh"):
            if not getattr(self, name) >= 1:
                raise InvalidParameter(f"{name} must be at least 1, was {getattr(self, name)}")


class RiskFacts(NamedTuple):
    """The estimates, and which of them is known when.

    row          (T,)       the row known at the close of bar t, -1 when none is
    covariance   (R, S, S)  symmetric; NaN until both symbols returned `min_sessions` times
    beta         (R, S)     to the equally weighted universe; NaN until it is known
    bound        (R, S)     deviations that bound swings, see `covariance.rows.bounds`
    tied         (R + 1, 2, S, W)  see `covariance.rows.tied_symbols`
    """

    row: IntArray
    covariance: Float32Array
    beta: Float32Array
    bound: Float32Array
    tied: WordArray


class SessionReturns(NamedTuple):
    """What each session brought.

    last    (D,)    its last bar
    value   (D, S)  return of each symbol; NaN unless it traded in this session and the one before
    """

    last: IntArray
    value: FloatArray


class Kupiec(NamedTuple):
    """The test of a value at risk by the number of its violations."""

    statistic: float  # likelihood ratio, chi-squared with one degree of freedom
    p_value: float


DEFAULT = RiskSettings()


def risk_facts(
    market: Market,
    settings: RiskSettings = DEFAULT,
    limit: float = 1.0,
    carried: CarriedRows | None = None,
) -> RiskFacts:
    """Return the covariances and betas of a market, a row every `refresh` sessions.

    The first session writes row 0; the row of a bar is the last one written by a session before its
    own. Whether the bar's own session is over cannot be told from the bars up to it. Symbols are
    tied from the correlation `limit` on. What was `carried` from a shorter history of the market is
    not counted again.
    """
    returns = session_returns(market)
    _check_size(len(returns.last), market.n_symbols, settings.refresh)
    rows = CarriedRows() if carried is None else carried
    rows.follow(returns.value, _pace(settings), limit)
    before = np.searchsorted(returns.last, np.arange(market.n_bars), side="left")
    return RiskFacts(
        row=np.where(before > 0, (before - 1) // settings.refresh, NOTHING_KNOWN),
        covariance=rows.covariance,
        beta=_betas(returns.value, settings)[:: settings.refresh].astype(np.float32),
        bound=rows.bound,
        tied=rows.tied,
    )


def session_returns(market: Market) -> SessionReturns:
    """Return the log return of every symbol in every session, from its last traded closes.

    A symbol that skips a session has no return in it and none in the next: a move of two
    sessions is not one of one.
    """
    last = np.flatnonzero(np.diff(market.session, append=market.session[-1] + 1))
    first = np.concatenate([[0], last[:-1] + 1])
    bars = np.where(market.tradable, np.arange(market.n_bars)[:, None], NOTHING_KNOWN)
    traded = np.maximum.accumulate(bars, axis=0)[last]
    closes = np.take_along_axis(market.close, np.maximum(traded, 0), axis=0)
    logs = np.log(np.where(traded >= first[:, None], closes, np.nan))
    value = np.full(logs.shape, np.nan)
    value[1:] = np.diff(logs, axis=0)
    return SessionReturns(last, value)


def portfolio_var(exposures: FloatArray, covariance: Float32Array, level: float = 0.95) -> float:
    """Return the loss that a session exceeds with probability 1 - `level`, positive.

    In the unit of the signed `exposures` (S,); `covariance` is one row (S, S). Normal returns of
    mean zero (RiskMetrics Technical Document, J.P. Morgan, 4th ed. 1996). NaN when an exposure
    meets a covariance that is not known, or when pairs that were estimated from different sessions
    contradict each other so far that the variance comes out negative.
    """
    if not 0.5 < level < 1.0:
        raise InvalidParameter(f"level must be in (0.5, 1), say 0.95, was {level}")
    if covariance.shape != (exposures.size, exposures.size):
        raise InvalidParameter(
            f"{exposures.size} exposures need covariances of shape "
            f"({exposures.size}, {exposures.size}), was {covariance.shape}"
        )
    held = np.flatnonzero(exposures)  # NaN is not zero, so it stays and makes the answer NaN
    matrix = covariance[np.ix_(held, held)].astype(np.float64)
    variance = float(exposures[held] @ matrix @ exposures[held])
    largest = float(np.abs(exposures[held]) @ np.sqrt(np.diag(matrix))) ** 2
    if not variance >= -ROUNDING * largest:
        return math.nan
    return NormalDist().inv_cdf(level) * math.sqrt(max(variance, 0.0))


def kupiec(violations: int, n: int, probability: float) -> Kupiec:
    """Test whether `violations` of `n` sessions fit a loss that has this `probability`.

    The likelihood ratio of the binomial, unconditional coverage (Kupiec, Journal of Derivatives
    3(2), 1995).

    >>> round(kupiec(20, 252, 0.05).statistic, 4)
    3.9126
    """
    if not (0 <= violations <= n and n > 0 and 0.0 < probability < 1.0):
        raise InvalidParameter(
            "need 0 <= violations <= n, n > 0 and a probability in (0, 1), "
            f"was {violations}, {n} and {probability}"
        )
    observed = violations / n
    statistic = 2.0 * (
        _times_log(violations, observed / probability)
        + _times_log(n - violations, (1.0 - observed) / (1.0 - probability))
    )
    statistic = max(statistic, 0.0)  # rounding, where both are the same
    return Kupiec(statistic, math.erfc(math.sqrt(statistic / 2.0)))


def _pace(settings: RiskSettings) -> Pace:
    return Pace(settings.memory, settings.min_sessions, settings.refresh)


def _betas(returns: FloatArray, settings: RiskSettings) -> FloatArray:
    """Return the slope through zero of each symbol on the universe, (D, S), NaN until known."""
    known = np.isfinite(returns)
    moves = np.where(known, returns, 0.0)
    universe = moves.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    enough = np.cumsum(known, axis=0) >= settings.min_sessions
    betas = np.full(returns.shape, np.nan)
    joint, square = np.zeros((2, returns.shape[1]))
    for d, own in enumerate(moves):
        joint = settings.beta_memory * joint + own * universe[d]
        square = settings.beta_memory * square + known[d] * universe[d] ** 2
        np.divide(joint, square, out=betas[d], where=enough[d] & (square > 0.0))
    return betas


def _check_size(n_sessions: int, n_symbols: int, refresh: int) -> None:
    row = np.dtype(np.float32).itemsize * n_symbols**2
    size = row * -(-n_sessions // refresh)
    if size > LARGEST:
        raise InvalidParameter(
            f"covariances must fit into {LARGEST / 2**30:.0f} GiB, {n_symbols} symbols over "
            f"{n_sessions} sessions need {size / 2**30:.1f} GiB with refresh={refresh}. Raise "
            f"refresh to {-(-n_sessions // max(LARGEST // row, 1))}, or take fewer symbols"
        )


def _times_log(count: int, ratio: float) -> float:
    return count * math.log(ratio) if count else 0.0
