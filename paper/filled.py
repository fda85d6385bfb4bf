"""What the venue says has filled of an order, and whether it has said all of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from benbot.paper.boundary import ROUNDING
from benbot.paper.intents import Intent, total_of
from benbot.paper.venue import Venue, VenueFill, VenueOrder

UNSAID = timedelta(hours=1)  # by which our clock may be ahead where a venue names no time


def fills_of(venue: Venue, intent: Intent, order: VenueOrder) -> list[VenueFill]:
    """Return the fills of an order, the oldest first; raises `VenueUnavailable`."""
    if not order.filled_units > 0.0:
        return []
    identifiers = {intent.client_order_id, order.venue_order_id}
    # By the venue's clock, which ours may be ahead of: no fill is older than its order there.
    since = min(intent.planned, order.submitted_at or intent.planned - UNSAID)
    once = {fill.execution_id: fill for fill in venue.fills(since)}
    ours = [
        replace(fill, client_order_id=intent.client_order_id)  # not every venue says so
        for fill in once.values()
        if identifiers & {fill.client_order_id, fill.venue_order_id}
    ]
    # Sums depend on the order of what is added, so it must not be that of the listing.
    return sorted(ours, key=lambda fill: (fill.time, fill.execution_id))


def is_told(order: VenueOrder, fills: Sequence[VenueFill]) -> bool:
    """Return whether an order is over and its fills are all that filled of it."""
    units = abs(total_of(fills)[0]) if fills else 0.0
    is_whole = abs(units - order.filled_units) <= ROUNDING * max(units, order.filled_units)
    return order.status.is_terminal and is_whole
