"""Whatever answer to an order is lost, there is one order in the end, and one fill of it."""

from datetime import timedelta

import pytest

from benbot.envs.errors import OutcomeUnknown
from benbot.paper.venue import OrderStatus, VenueOrder
from tests.paper.emulator.faults import LOSSES, seeded_losses
from tests.paper.scenes import Emulated, buy

SEED = 20260105


def sent(alpaca: Emulated, identifier: str, units: float) -> VenueOrder:
    """Send an order as the contract says: where nobody knows, ask before sending the same again."""
    intent = buy(identifier, units=units)
    for _ in range(5):
        try:
            return alpaca.venue.submit(intent)
        except OutcomeUnknown:
            found = alpaca.venue.order(identifier)
            if found is not None:
                return found
    raise AssertionError("never sent")


def lose_answers(alpaca: Emulated, n: int) -> set[str]:
    """Send n orders whose answers are lost in all ways, check them all, and say which ways."""
    begun, broker = alpaca.clock.now, alpaca.emulator.broker
    happened = set()
    for i, fault in enumerate(seeded_losses(SEED, n)):
        alpaca.emulator.faults = [] if fault is None else [fault]
        sent(alpaca, f"lost-{i}", 1.0 + i % 3)
        happened.add("nothing" if fault is None else fault.action)
        alpaca.clock.advance(milliseconds=10)
    alpaca.emulator.faults = []
    identifiers = [order.client_order_id for order in broker.orders]
    assert identifiers == [f"lost-{i}" for i in range(n)]
    total = sum(1.0 + i % 3 for i in range(n))
    assert [one.units for one in alpaca.venue.positions()] == [total]
    fills = alpaca.venue.fills(begun - timedelta(days=1))
    assert sum(fill.units for fill in fills) == total
    assert {fill.execution_id for fill in fills} == {fill.id for fill in broker.fills}
    assert all(order.status == OrderStatus.FILLED for order in broker.orders)
    return happened


def test_an_order_whose_answer_is_lost_is_one_order(alpaca: Emulated) -> None:
    assert lose_answers(alpaca, 60) == {*LOSSES, "nothing"}


@pytest.mark.nightly
def test_a_thousand_orders_whose_answers_are_lost_are_a_thousand_orders(alpaca: Emulated) -> None:
    assert lose_answers(alpaca, 1_000) == {*LOSSES, "nothing"}
