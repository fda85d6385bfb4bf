"""Orders as Alpaca takes them: parts of a unit only of what it divides, and never of a short.

What is left away counts as not filled, as with any order of which a venue fills a part. So the desk
knows what it holds, and a policy that was trained with parts of units may trade here.
"""

from collections.abc import Collection
from dataclasses import replace
from math import floor

from benbot.envs.errors import OrderRefused
from benbot.paper.alpaca.venue import AlpacaVenue
from benbot.paper.alpaca.wire import Wire
from benbot.paper.boundary import SMALLEST_UNITS
from benbot.paper.venue import OrderIntent, Refusal, Side, VenueOrder

DRIFT = 1e-6  # units by which the desk and Alpaca may differ after many orders


class WholeUnits(AlpacaVenue):
    """An account at Alpaca that sends whole units where it must."""

    def __init__(self, wire: Wire, divisible: Collection[str]) -> None:
        """`divisible` are the symbols of which Alpaca trades parts of a unit."""
        super().__init__(wire)
        self._divisible = frozenset(divisible)

    def submit(self, intent: OrderIntent) -> VenueOrder:
        """Send an order once, of whole units where parts of one are refused."""
        whole = floor(intent.units + SMALLEST_UNITS)
        if abs(intent.units - whole) <= SMALLEST_UNITS:
            return super().submit(intent)
        held = next((one.units for one in self.positions() if one.symbol == intent.symbol), 0.0)
        if intent.symbol in self._divisible and (held > 0.0 or (held == 0.0 and _buys(intent))):
            return super().submit(_whole_position(intent, held))
        if whole < 1:
            raise OrderRefused(
                f"an order in {intent.symbol} must be of whole units, was {intent.units:g}, "
                "which is less than one. With more capital it would be more",
                Refusal.MALFORMED,
            )
        return super().submit(replace(intent, units=float(whole)))


def _buys(intent: OrderIntent) -> bool:
    return intent.side is Side.BUY


def _whole_position(intent: OrderIntent, held: float) -> OrderIntent:
    """Return an order that closes all of a position for exactly what is held.

    A venue counts in nine decimals; what is one of them more than there is would be refused.
    """
    if _buys(intent) or abs(intent.units - held) > DRIFT:
        return intent
    return replace(intent, units=held)
