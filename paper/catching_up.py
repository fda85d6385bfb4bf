"""Where a market that is played goes on when an account is opened: never before what was done.

The embedded broker keeps what a bar pays (dividends, fees for borrowing) when it has lived through
it, the account what it made of that bar a little later. Whoever is killed in between, or whose
machine's clock was set back, would live through the same hours again with a broker that is ahead.
"""

from datetime import datetime
from typing import Protocol

from benbot.envs.errors import RunMismatch


class Moving(Protocol):
    """A clock of a market that can be moved, and never back."""

    def __call__(self) -> datetime:
        """Return the market's time."""

    def move(self, now: datetime) -> None:
        """Move on to a time."""


class Lasting(Protocol):
    """A broker that outlives the process."""

    def lived_until(self) -> datetime:
        """Return when the last opening or close was that its account has lived through."""


def catch_up(clock: Moving, broker: Lasting, stood: datetime | None) -> None:
    """Move the clock to where the account stood and its broker has come, whichever is later.

    `stood` is None where the account begins; a broker that is ahead of it belongs to another.
    """
    lived = broker.lived_until()
    if stood is None:
        if lived > clock():
            raise RunMismatch(
                f"an account that begins at {clock():%Y-%m-%d %H:%M} needs a broker's account of "
                f"its own, was one that has come to {lived:%Y-%m-%d %H:%M}. Name another --folder, "
                "or restore the store that belongs to it"
            )
        return
    clock.move(max(stood, lived))
