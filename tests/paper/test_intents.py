"""An order that was meant, and what its fills make of it."""

from datetime import UTC, datetime

import pytest

from benbot.envs.desk.reasons import Exit
from benbot.paper.intents import Intent
from benbot.paper.venue import Side, VenueFill

NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)


def filled(units: float, of_it: float) -> Intent:
    """Return an order to buy so many units, of which so many were filled."""
    intent = Intent("bb-1", 1, 0, 0, 0, "AAA", 0, int(Exit.NONE), units, 50.0, NOW)
    return intent.done([VenueFill("f1", "v1", "bb-1", "AAA", Side.BUY, of_it, 50.0, NOW)])


@pytest.mark.parametrize(
    ("units", "of_it", "is_more"),
    [
        (10.0, 10.0, False),
        (0.0123456789012, 0.012345679, False),  # a venue counts in nine decimals
        (0.0123456789012, 0.012345681, True),
        (10.0, 10.001, True),
        (10.0, 9.0, False),
    ],
)
def test_what_a_venue_rounds_up_is_not_more_than_was_ordered(
    units: float, of_it: float, is_more: bool
) -> None:
    assert filled(units, of_it).is_overfilled is is_more
