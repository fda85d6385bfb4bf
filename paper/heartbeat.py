"""The loop's heart: what the last cycle did, for whoever wants to know whether the loop lives.

It is told and nothing depends on it. So a heartbeat that cannot be written is left out, and the
loop goes on with its exits; whether the store is well, the next order finds out. Only who finds out
here that another process has taken the account over ends: nothing of it is left to manage.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from benbot.envs.errors import RecordsHeld, TradingError

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heartbeat:
    """What a cycle did.

    cycle         its number since the loop began
    statuses      in order; the last says how it ended
    progress      why the trader stopped, `Progress`
    failures      calls of the venue that failed in a row
    stale_quotes  symbols whose quotes were too old
    skew          seconds between our clock and the venue's; None where it was not asked
    duration      seconds that the cycle took
    """

    cycle: int
    statuses: tuple[str, ...]
    why: str
    progress: str
    failures: int
    stale_quotes: int
    skew: float | None
    duration: float

    def row(self) -> dict[str, Any]:
        """Return its columns but the account's and the times."""
        return {
            "cycle": self.cycle,
            "statuses": json.dumps(self.statuses),
            "why": self.why,
            "progress": self.progress,
            "failures": self.failures,
            "stale_quotes": self.stale_quotes,
            "skew": self.skew,
            "duration": self.duration,
        }


class Kept(Protocol):
    """Whoever keeps heartbeats, as the store does."""

    def beat(self, heartbeat: Heartbeat) -> None:
        """Keep it in place of the one before."""


def beat(kept: Kept, heartbeat: Heartbeat) -> None:
    """Keep a heartbeat if that can be done; whoever was taken over is refused."""
    try:
        kept.beat(heartbeat)
    except RecordsHeld:
        raise
    except (TradingError, SQLAlchemyError, OSError) as error:
        LOGGER.warning("the heartbeat of cycle %d is not kept: %s", heartbeat.cycle, error)
