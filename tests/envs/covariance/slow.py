"""The rows of covariances one session after the other, in numpy and as the formulas are written."""

import numpy as np

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.covariance.rows import Pace

ROUNDING = 1.0 + 1e-5


def slow_covariances(returns: FloatArray, pace: Pace) -> Float32Array:
    n_sessions, n_symbols = returns.shape
    rows = np.empty((-(-n_sessions // pace.refresh), n_symbols, n_symbols), np.float32)
    total, weight, seen = np.zeros((3, n_symbols, n_symbols))
    known = np.isfinite(returns).astype(np.float64)
    moves = np.where(known > 0.0, returns, 0.0)
    for d in range(n_sessions):
        joint = np.outer(known[d], known[d])
        total = pace.memory * total + np.outer(moves[d], moves[d])
        weight = pace.memory * weight + joint
        seen += joint
        if d % pace.refresh == 0:
            mean = np.full_like(total, np.nan)
            np.divide(total, weight, out=mean, where=seen >= pace.min_sessions)
            rows[d // pace.refresh] = mean
    return rows


def slow_bounds(covariance: Float32Array) -> Float32Array:
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    bound = np.full(deviation.shape, np.nan, np.float32)
    for row, own in enumerate(deviation):
        known = np.flatnonzero(own > 0.0)
        most = ROUNDING * own[known, None] * own[known]
        kept = np.abs(covariance[row][np.ix_(known, known)]) <= most
        bound[row, known] = np.where(kept.all(axis=1), own[known], np.nan)
    return bound


def slow_ties(covariance: Float32Array, limit: float) -> BoolArray:
    """Return them one truth for each pair, (R + 1, 2, S, S)."""
    n_symbols = covariance.shape[1]
    unknown = np.full((1, n_symbols, n_symbols), np.nan, np.float32)
    rows = np.concatenate([unknown, covariance])
    deviation = np.sqrt(np.diagonal(rows, axis1=1, axis2=2)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        most = limit * (deviation[:, :, None] * deviation[:, None, :])
    own = rows.astype(np.float64)
    ties = np.stack([~(own < most), ~(-own < most)], axis=1)
    ties &= limit < 1.0
    ties[:, :, np.arange(n_symbols), np.arange(n_symbols)] = False
    return ties
