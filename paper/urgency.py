"""Exits that do not come off: after some failures in a row the next one is an emergency.

An exit fails when the venue refuses it, or when it ends without having filled at all. The desk asks
for it again in its next stage. After `NEEDED` failures it is sent at the market, whatever price was
meant; whatever rests in its symbol is cancelled first, because that is what makes venues refuse to
let go of a position; and it is left to wait for ten minutes, in which no other order leaves: then
the others have their turn, and it comes again. Each time somebody is told.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from benbot.paper.change import Change
from benbot.paper.intents import EMERGENCY, Intent, IntentStatus
from benbot.paper.store import PaperStore
from benbot.paper.venue import OrderKind
from benbot.strategies.records.moments import microseconds

NEEDED = 3  # failures in a row
LOOK_BACK = timedelta(days=30)  # in which failures are remembered


class Urgency:
    """Whoever counts, by symbol, the exits that failed since one came off."""

    def __init__(self, store: PaperStore) -> None:
        self._failed: Counter[str] = Counter()
        for intent in store.intents_since(microseconds(store.now() - LOOK_BACK)):
            self.note(intent)

    def note(self, intent: Intent) -> None:
        """Note how an order ended; one that was never sent says nothing."""
        if intent.is_entry or not intent.status.is_settled:
            return
        if intent.filled or intent.status is IntentStatus.BOOKED:
            self._failed.pop(intent.ticker, None)
        elif intent.status is not IntentStatus.DROPPED:
            self._failed[intent.ticker] += 1

    def pressed(self, intent: Intent) -> Intent:
        """Return an order as it is to be sent: an emergency after too many that failed."""
        n_failed = self._failed[intent.ticker]
        if intent.is_entry or n_failed < NEEDED:
            return intent
        note = f"{EMERGENCY}: {n_failed} exits failed before it"
        return replace(intent, kind=OrderKind.MARKET, limit=None, note=note)

    def alarm(self, change: Change, intent: Intent) -> None:
        """Raise an alarm about an emergency."""
        if intent.is_emergency:
            change.alarm(f"exit {intent.ticker}", why=intent.note, order=intent.client_order_id)
