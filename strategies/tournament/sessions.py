"""Where the sessions of a market end, and when that is known."""

import numpy as np

from benbot.envs.arrays import IntArray
from benbot.envs.history import Span


def session_ends(session: IntArray, span: Span) -> IntArray:
    """Return the last bar of every session that ends behind the first bar of a span."""
    inside = session[span.first : span.last + 1]
    ends = span.first + np.flatnonzero(np.append(np.diff(inside) != 0, True))
    found: IntArray = ends[ends > span.first].astype(np.int64)
    return found


def known_ends(ends: IntArray, session: IntArray) -> IntArray:
    """Return the bar at whose close it is known that a session is over, (D,).

    That is its own last bar where every session has one, and else the first bar of the next: a
    prefix of the history would not know that no bar is to come.
    """
    known: IntArray = ends if is_daily(session) else ends + 1
    return known


def is_daily(session: IntArray) -> bool:
    """Return whether every bar is a session of its own."""
    return bool((np.diff(session) > 0).all())
