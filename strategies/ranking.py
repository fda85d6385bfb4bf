"""Where a symbol stands among the others, as evidence for those at the two ends."""

import numpy as np

from benbot.envs.arrays import FloatArray


def evidence_at(place: FloatArray, share: float) -> FloatArray:
    """Return evidence for the `share` at the highest places, and against that at the lowest.

    It is the log-odds of the place, see `standing`, so that the median is no evidence. Confidence
    is then the distance of the place from the median: near 1 for the first and the last of many,
    1 - 2 `share` for those that are just among the chosen.
    """
    chosen = np.abs(place) > 1.0 - 2.0 * share
    return np.where(chosen, np.log1p(place) - np.log1p(-place), 0.0)


def standing(values: FloatArray) -> FloatArray:
    """Return the place of each symbol among those with a value, per row, in (-1, 1); NaN stays.

    The share of symbols with a lower value minus the share with a higher one; equal values share
    their place, so a symbol that is alone, or like all others, is at 0.
    """
    place = np.full(values.shape, np.nan)
    for t in np.flatnonzero(np.isfinite(values).any(axis=1)):
        known = np.isfinite(values[t])
        row = values[t, known]
        ordered = np.sort(row)
        at_most = np.searchsorted(ordered, row, side="right")
        lower = np.searchsorted(ordered, row, side="left")
        place[t, known] = (lower + at_most - row.size) / row.size
    return place
