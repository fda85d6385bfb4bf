"""How the bars of a market become known while it moves."""

from collections.abc import Sequence
from typing import Protocol

from benbot.paper.reel import Opening


class Feed(Protocol):
    """Whoever sees the market: what is known of a bar now, and what is over.

    Bars are counted as in the market of the account. What is not known yet is None, and nothing
    later than now is ever in an answer.
    """

    def last_closed(self) -> int:
        """Return the last bar that has closed."""

    def opening(self, t: int) -> Opening | None:
        """Return what is known of bar `t` once its orders can fill."""

    def seen(self, t: int) -> Opening | None:
        """Return the range of bar `t` since this was asked last; None where nothing new is known.

        Of a bar as a whole nobody needs it.
        """

    def ending(self, t: int) -> Opening | None:
        """Return the rest of the range of bar `t` once no more of it can come."""

    def closed_at(self, t: int) -> int | None:
        """Return when bar `t` closed, microseconds since 1970; None: it has not."""

    def is_past(self, t: int) -> bool:
        """Return whether it is too late to trade in bar `t`."""

    def stale(self, symbols: Sequence[int]) -> int:
        """Return how many of these symbols had no good quote when quotes were read last."""
