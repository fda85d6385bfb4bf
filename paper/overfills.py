"""Symbols of which the venue filled more than was ordered: nothing is opened there until a resume.

What was filled is booked and its exits go on. But somebody sent or counted something twice, and
nobody knows who. It is known from the alarms that were kept, so that no restart forgets it.
"""

from benbot.paper.change import ALARM, Change
from benbot.paper.store import PaperStore

OVERFILL = "overfill"  # how the subject of an alarm begins
WHY = "more was filled in this symbol than was ordered, and nobody has let it go on"


class Overfills:
    """Whoever remembers the symbols, and when somebody had let the account go on before."""

    def __init__(self, store: PaperStore) -> None:
        self._store = store
        self._before: dict[str, int] = {}
        for alarm in store.events(ALARM):
            what, _, ticker = alarm.subject.partition(" ")
            if what == OVERFILL:
                self._before[ticker] = int(alarm.reasons.get("switched", 0))

    def meet(self, ticker: str) -> None:
        """Remember a symbol from now on; to be asked before a change begins."""
        self._before[ticker] = self._store.switched()

    def alarm(self, change: Change, ticker: str, **reasons: object) -> None:
        """Raise an alarm about a symbol that was met."""
        change.alarm(f"{OVERFILL} {ticker}", switched=self._before[ticker], **reasons)

    def why_not(self, ticker: str) -> str:
        """Return why nothing may be opened in a symbol, nothing where it may."""
        if ticker not in self._before:
            return ""
        if self._store.switched() in (0, self._before[ticker]):
            return WHY
        del self._before[ticker]
        return ""
