"""Nearest points of the simplex: weights that are not negative and sum to one."""

import numpy as np
from scipy.optimize import nnls

from benbot.envs.arrays import FloatArray


def nearest(point: FloatArray) -> FloatArray:
    """Return the weights (N,) nearest to a point.

    Held, Wolfe and Crowder (1974), Mathematical Programming 6: sort, and take off what makes the
    largest ones sum to one.
    """
    ordered = np.sort(point)[::-1]
    excess = (np.cumsum(ordered) - 1.0) / np.arange(1, point.size + 1)
    n_positive = int(np.flatnonzero(ordered > excess)[-1])
    weights: FloatArray = np.maximum(point - excess[n_positive], 0.0)
    return weights


def nearest_in_metric(point: FloatArray, metric: FloatArray) -> FloatArray:
    """Return the weights w that minimise (w - q)' A (w - q), for q (N,) and A (N, N) positive.

    With A = L L' and u = w times any scale, the distance is that of L' (I - q 1') u from 0; to add
    a row of ones that must come to 1 fixes the scale and leaves the direction of u alone. So it is
    a problem of least squares with u not negative, which Lawson and Hanson (1974) solve exactly.
    """
    root = np.linalg.cholesky(metric).T
    ones = np.ones(point.size)
    rows = np.vstack([root @ (np.eye(point.size) - np.outer(point, ones)), ones])
    scaled, _ = nnls(rows, np.append(np.zeros(point.size), 1.0))
    weights: FloatArray = scaled / scaled.sum()
    return weights
