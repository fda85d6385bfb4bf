"""How a price moves inside a bar of which only the four prices are known.

A path goes from the open to the close in straight pieces, touches the low and the high, each at a
knot that is drawn, and never leaves the range. Between these four it is a random walk that is
tied to them and held within the range, so whoever watches knows no better than on any other
market where it goes next. Of one seed and bar there is one path.

share   of the bar that has passed, 0 to 1
"""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray, RecordArray

N_PIECES = 64
ROUGHNESS = 0.5  # deviation of the free walk over a whole bar, in ranges
KNOTS: FloatArray = np.arange(N_PIECES + 1, dtype=np.float64)


class Touch(NamedTuple):
    """When a price is reached first, and what is quoted then."""

    share: float
    price: float


def paths_of(bars: RecordArray, generator: np.random.Generator) -> FloatArray:
    """Return the price of S symbols at each knot of a bar, (S, N_PIECES + 1); NaN: no price."""
    n_symbols = bars.size
    steps = generator.standard_normal((n_symbols, N_PIECES))
    touched = 1 + generator.random((n_symbols, N_PIECES - 1)).argsort(axis=1)[:, :2]
    touched.sort(axis=1)
    low_first = generator.random(n_symbols) < 0.5
    walks = np.concatenate([np.zeros((n_symbols, 1)), np.cumsum(steps, axis=1)], axis=1)
    paths = np.empty((n_symbols, N_PIECES + 1))
    for s, bar in enumerate(bars):
        ends = (bar["low"], bar["high"]) if low_first[s] else (bar["high"], bar["low"])
        ties = np.array([bar["open"], *ends, bar["close"]])
        at = np.array([0, *touched[s], N_PIECES])
        swing = ROUGHNESS / np.sqrt(N_PIECES) * (bar["high"] - bar["low"])
        free = walks[s] - np.interp(KNOTS, at, walks[s, at])
        path = np.clip(np.interp(KNOTS, at, ties) + swing * free, bar["low"], bar["high"])
        path[at] = ties
        paths[s] = path
    return paths


def price_at(path: FloatArray, share: float) -> float:
    """Return the price of a path."""
    price = float(np.interp(N_PIECES * share, KNOTS, path))
    return min(max(price, float(path.min())), float(path.max()))


def first_touch(
    path: FloatArray, span: tuple[float, float], level: float, towards: float
) -> Touch | None:
    """Return when, within a span of shares, a price is first at a level or beyond it.

    `towards` is 1 where beyond is above, -1 where it is below; None: it is not reached.
    """
    begin, end = (N_PIECES * share for share in span)
    inner = np.arange(np.floor(begin) + 1.0, np.ceil(end))
    places = np.concatenate([[begin], inner, [end]])
    gaps = towards * (np.interp(places, KNOTS, path) - level)
    reached = np.flatnonzero(gaps >= 0.0)
    if not reached.size:
        return None
    k = int(reached[0])
    if k == 0:
        return Touch(span[0], price_at(path, span[0]))
    before, after = gaps[k - 1], gaps[k]
    place = places[k - 1] + (places[k] - places[k - 1]) * before / (before - after)
    return Touch(float(place) / N_PIECES, level)
