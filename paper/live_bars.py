"""The bars of a market that goes on: what has closed, and when the next ones begin and end."""

from datetime import datetime
from typing import NamedTuple, Protocol

from benbot.envs.arrays import RecordArray
from benbot.envs.market.market import Market


class BarTimes(NamedTuple):
    """When a bar begins and ends, UTC; NEVER where nobody can say."""

    begins: datetime
    ends: datetime


class BarOpening(NamedTuple):
    """What is known before a bar opens.

    actions   of ACTION, (S,): splits and dividends
    session   number of its trading day
    """

    actions: RecordArray
    session: int


class LiveBars(Protocol):
    """Whoever knows the bars of a market while it moves.

    Bars are counted from the first that is known, the history before the account began included.
    What was told of a bar once is never told otherwise later, whoever corrects it, and outlives
    this process. A call that fails raises `VenueUnavailable`.
    """

    symbols: tuple[str, ...]

    def n_closed(self) -> int:
        """Return how many bars have closed and are known."""

    def until(self, n_bars: int) -> Market:
        """Return the market of the first `n_bars` bars, all of which have closed."""

    def times(self, t: int) -> BarTimes:
        """Return when bar `t` begins and ends, for bars that have not begun, too."""

    def opening(self, t: int) -> BarOpening:
        """Return what is known of bar `t` before it opens."""
