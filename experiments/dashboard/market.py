"""In which market an account trades, in words, and whose the times of its page are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

REAL = "bars of Alpaca"
DRAWN = re.compile(r"drawn on from seed (?P<seed>[0-9]+)")


@dataclass(frozen=True)
class Place:
    """A market.

    said           what it is; empty where it is a real one
    has_own_time   whether its times are other than this machine's
    """

    said: str = ""
    has_own_time: bool = False

    @property
    def zone(self) -> str:
        """What stands behind a time of the account."""
        return "UTC of the market" if self.has_own_time else "UTC"


def place_of(identity: Mapping[str, object]) -> Place:
    """Return where an account trades, by what was kept as it began."""
    market = str(identity.get("market", ""))
    drawn = DRAWN.search(market)
    if drawn is not None:
        pace = identity.get("pace")
        how = f"a bar lasts {pace:g} s here" if isinstance(pace, int | float) else "in real time"
        return Place(f"A drawn market, no real one: seed {drawn['seed']}, {how}.", True)
    if not market or market.startswith(REAL):
        return Place()
    return Place("A stretch of the past, replayed as fast as it goes.", True)
