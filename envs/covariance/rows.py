"""Covariances session by session, and what follows from each row of them alone.

D sessions, S symbols, R rows, W words of 64 bits. Every function writes the rows from `first` on
and leaves those before it as they are, so whoever has them need not ask for them again.
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import Float32Array, FloatArray, WordArray
from benbot.envs.covariance.compiled import compiled

BLOCK = 8  # symbols whose sums stay in the processor's cache from session to session
BOUND_ROUNDING = np.float32(1.0 + 1e-5)  # of single precision
WORD = 64  # bits
NOT_WRITTEN = -1


class Sums(NamedTuple):
    """What the sessions so far have left of each pair, (S, S)."""

    moved: FloatArray  # weighted sum of r_i r_j
    weight: FloatArray  # sum of the weights
    seen: FloatArray  # sessions in which both returned

    def copy(self) -> "Sums":
        return Sums(*(each.copy() for each in self))


class Pace(NamedTuple):
    """How fast is forgotten, and how often written; `risk.RiskSettings` says more."""

    memory: float
    min_sessions: int
    refresh: int

    def rows(self, n_sessions: int) -> int:
        """Return how many rows so many sessions write: the first, and every `refresh`-th."""
        return -(-n_sessions // self.refresh)


def no_sums(n_symbols: int) -> Sums:
    """Return the sums of no session."""
    return Sums(*np.zeros((3, n_symbols, n_symbols)))


def write_covariances(
    rows: Float32Array, sums: Sums, returns: FloatArray, pace: Pace, first: int
) -> None:
    """Add sessions to the sums, and write the rows (R, S, S) that are due in them.

    `returns` (D, S) are those of session `first` and later ones, NaN where there is none. The sums
    must be those of all sessions before, and are those of all sessions afterwards.

    A covariance is the weighted mean of r_i r_j over the sessions in which both are known, with
    weight memory^age, and ages counted in all sessions. Dividing by the sum of the weights so far,
    and not by that of an endless past, keeps it unbiased from the first. The mean return is taken
    as zero, as RiskMetrics does for spans this short.
    """
    known = np.isfinite(returns)
    moves = np.where(known, returns, 0.0)
    _write_covariances(rows, sums, moves, known.astype(np.float64), pace, first)


def bounds(
    covariance: Float32Array, written: Float32Array | None = None, first: int = 0
) -> Float32Array:
    """Return the deviation of each symbol where |cov_ij| <= σ_i σ_j for all known j, else NaN.

    Covariances (R, S, S) of pairs that were seen in different sessions need not keep to that; where
    they do, the deviation of any account's profit is at most the sum of |worth| x deviation. The
    covariance itself must be known wherever both deviations are. The rows before `first` stay as
    they were `written`, (R, S).
    """
    bound = np.empty(covariance.shape[:2], np.float32) if written is None else written
    _write_bounds(bound, covariance, first)
    return bound


def tied_symbols(
    covariance: Float32Array, limit: float, written: WordArray | None = None, first: int = 0
) -> WordArray:
    """Return which symbols the correlation gate keeps apart, (R + 1, 2, S, W); a limit of 1 none.

    Bit j of symbol i is set unless cov_ij < limit σ_i σ_j (on the same side), or -cov_ij (on
    opposite sides); so it is where a covariance is not known, and in row 0 for all. Row r + 1 is
    that of covariance r; those before `first` + 1 stay as they were `written`.
    """
    n_rows, n_symbols, _ = covariance.shape
    tied = blank_ties(n_rows, n_symbols) if written is None else written
    if limit < 1.0:
        if first == 0:
            _write_ties(tied[:1], np.full((1, n_symbols, n_symbols), np.nan, np.float32), limit, 0)
        _write_ties(tied[1:], covariance, limit, first)
    return tied


def blank_ties(n_rows: int, n_symbols: int) -> WordArray:
    """Return the ties of nobody, (R + 1, 2, S, W)."""
    return np.zeros((n_rows + 1, 2, n_symbols, -(-n_symbols // WORD)), np.uint64)


@compiled
def _write_covariances(
    rows: Float32Array, sums: Sums, moves: FloatArray, known: FloatArray, pace: Pace, first: int
) -> None:
    """Do so for moves (D, S), and `known` 1 where there is one and 0 elsewhere.

    Numbers of a pair depend on that pair alone, so the order of symbols and sessions is free.
    """
    moved, weight, seen = sums
    memory, least = pace.memory, float(pace.min_sessions)
    n_sessions, n_symbols = moves.shape
    for begun in range(0, n_symbols, BLOCK):
        for d in range(n_sessions):
            number = first + d
            row = number // pace.refresh if number % pace.refresh == 0 else NOT_WRITTEN
            for i in range(begun, min(begun + BLOCK, n_symbols)):
                own, is_known = moves[d, i], known[d, i]
                for j in range(n_symbols):
                    joint = is_known * known[d, j]
                    moved[i, j] = moved[i, j] * memory + own * moves[d, j]
                    weight[i, j] = weight[i, j] * memory + joint
                    seen[i, j] += joint
                if row != NOT_WRITTEN:
                    for j in range(n_symbols):
                        mean = moved[i, j] / weight[i, j]
                        rows[row, i, j] = mean if seen[i, j] >= least else np.nan


@compiled
def _write_bounds(bound: Float32Array, covariance: Float32Array, first: int) -> None:
    n_rows, n_symbols = bound.shape
    deviation = np.empty(n_symbols, np.float32)
    for row in range(first, n_rows):
        for i in range(n_symbols):
            deviation[i] = np.sqrt(covariance[row, i, i])
        for i in range(n_symbols):
            beyond = _count_beyond(covariance[row, i], deviation, BOUND_ROUNDING * deviation[i])
            is_bound = deviation[i] > 0.0 and beyond == 0
            bound[row, i] = deviation[i] if is_bound else np.nan


@compiled
def _count_beyond(covariance: Float32Array, deviation: Float32Array, own: float) -> int:
    """Return with how many known symbols one has a covariance beyond the product of deviations."""
    beyond = 0
    for j in range(deviation.size):
        is_kept = np.abs(covariance[j]) <= own * deviation[j]  # False for NaN
        beyond += int(deviation[j] > 0.0 and not is_kept)
    return beyond


@compiled
def _write_ties(tied: WordArray, covariance: Float32Array, limit: float, first: int) -> None:
    """Write the ties (R, 2, S, W) of as many covariances (R, S, S)."""
    n_rows, _, n_symbols, n_words = tied.shape
    deviation = np.empty(n_symbols)
    for row in range(first, n_rows):
        for i in range(n_symbols):
            deviation[i] = np.sqrt(covariance[row, i, i])
        for i in range(n_symbols):
            for w in range(n_words):
                begun = w * WORD
                end = min(begun + WORD, n_symbols)
                own = covariance[row, i, begun:end]
                together, opposite = _ties(own, deviation[begun:end], deviation[i], limit)
                if begun <= i < end:  # no symbol is tied to itself
                    others = ~(np.uint64(1) << np.uint64(i - begun))
                    together, opposite = together & others, opposite & others
                tied[row, 0, i, w], tied[row, 1, i, w] = together, opposite


@compiled
def _ties(
    covariance: Float32Array, deviation: FloatArray, own: float, limit: float
) -> tuple[np.uint64, np.uint64]:
    """Return the ties of one symbol to up to 64 others, on the same side and on opposite ones."""
    together = opposite = np.uint64(0)
    for j in range(covariance.size):
        most = limit * (own * deviation[j])  # symmetric to the last digit
        each = np.float64(covariance[j])
        bit = np.uint64(1) << np.uint64(j)
        together |= np.uint64(0) if each < most else bit
        opposite |= np.uint64(0) if -each < most else bit
    return together, opposite
