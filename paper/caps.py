"""How many orders may leave, and how large: what stands when everything above it is wrong.

The gates of the desk decide what is sensible, and by default they let through a small part of what
is allowed here. These caps believe nobody: they count what was sent. What is beyond them is
dropped and never sent, and the first of a day is an alarm. Orders that leave a position have caps
of their own, which only a loop that runs wild can reach.

day   of UTC, by the clock of the account
"""

from collections import Counter
from datetime import datetime

from pydantic import Field

from benbot.envs.settings import Settings
from benbot.paper.change import ALARM
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.store import PaperStore
from benbot.strategies.records.moments import EPOCH, microseconds

SUBJECT = "orders"  # of the alarm


class Caps(Settings):
    """The most that may be sent; `entries` open or enlarge a position, `exits` leave one."""

    entries_per_cycle: int = Field(200, ge=0)
    entries_per_day: int = Field(2_000, ge=0)
    entries_per_symbol: int = Field(200, ge=0, description="a day")
    entry: float = Field(2.0, ge=0, description="notional of one that enters, of equity")
    entries: float = Field(100.0, ge=0, description="notional of all that enter in a day, likewise")
    exits_per_day: int = Field(20_000, ge=0)
    exits_per_symbol: int = Field(2_000, ge=0, description="a day")


class Meter:
    """Whoever counts the orders of a day; read from the store, so that a restart forgets none."""

    def __init__(self, store: PaperStore) -> None:
        self._store = store
        self._day = EPOCH
        self._entries: Counter[str] = Counter()
        self._exits: Counter[str] = Counter()
        self._notional = 0.0
        self._in_cycle = 0

    def begin_cycle(self) -> None:
        """Count the orders of a cycle from here on."""
        self._in_cycle = 0

    def why_not(self, intent: Intent, caps: Caps, equity: float) -> str:
        """Return which cap an order would exceed, nothing where it may leave."""
        self._turn(self._store.now())
        if not intent.is_entry:
            return self._why_stay(intent, caps)
        notional = abs(intent.units) * intent.price
        within = {
            f"{caps.entries_per_cycle} entries of a cycle": self._in_cycle < caps.entries_per_cycle,
            f"{caps.entries_per_day} entries of a day": self._entries.total()
            < caps.entries_per_day,
            f"{caps.entries_per_symbol} entries in {intent.ticker} of a day": self._entries[
                intent.ticker
            ]
            < caps.entries_per_symbol,
            # Written so that what is not a number is beyond them.
            f"an entry of {caps.entry:g} times equity": notional <= caps.entry * equity,
            f"entries of {caps.entries:g} times equity a day": self._notional + notional
            <= caps.entries * equity,
        }
        return _beyond(within)

    def count(self, intent: Intent) -> None:
        """Count an order that is to be sent."""
        if intent.status is IntentStatus.DROPPED:
            return
        self._in_cycle += intent.is_entry
        self._add(intent)

    def is_news(self, why: str) -> bool:
        """Return whether nobody was told of a cap today; to be asked before a change begins."""
        since = microseconds(self._day)
        known = (one.reasons.get("why") for one in self._store.events(ALARM) if one.moment >= since)
        return why not in known

    def _why_stay(self, intent: Intent, caps: Caps) -> str:
        return _beyond(
            {
                f"{caps.exits_per_day} exits of a day": self._exits.total() < caps.exits_per_day,
                f"{caps.exits_per_symbol} exits in {intent.ticker} of a day": self._exits[
                    intent.ticker
                ]
                < caps.exits_per_symbol,
            }
        )

    def _turn(self, now: datetime) -> None:
        """Begin a new day where one has begun, with what was sent in it before."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if day == self._day:
            return
        self._day, self._notional = day, 0.0
        self._entries.clear()
        self._exits.clear()
        for intent in self._store.intents_since(microseconds(day)):
            if intent.status is not IntentStatus.DROPPED:
                self._add(intent)

    def _add(self, intent: Intent) -> None:
        if not intent.is_entry:
            self._exits[intent.ticker] += 1
            return
        self._entries[intent.ticker] += 1
        self._notional += abs(intent.units) * intent.price


def _beyond(within: dict[str, bool]) -> str:
    beyond = next((name for name, is_within in within.items() if not is_within), "")
    return f"beyond the cap of {beyond}" if beyond else ""
