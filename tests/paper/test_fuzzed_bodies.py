"""Whatever a server sends, only our own errors come of it, and no order that was not meant."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.alpaca.quotes import AlpacaQuotes
from benbot.paper.alpaca.wire import data_wire
from tests.paper.scenes import KEYS, Emulated, buy, done, limit, sell

SEED = 7


def fuzz(alpaca: Emulated, n: int) -> Counter[str]:
    """Ask n times with broken answers, and count what came of it."""
    done(alpaca, buy("held", "UP", 7.0))
    done(alpaca, sell("short", "DOWN", 7.0))
    alpaca.venue.submit(buy("waiting", **limit(40.0)))
    rng = random.Random(SEED)  # noqa: S311
    alpaca.emulator.fail("body", times=10**9, fuzz=rng)
    wire = data_wire(KEYS, alpaca.emulator.url, alpaca.clock)
    source, venue = AlpacaQuotes(wire), alpaca.venue
    since = alpaca.clock.now - timedelta(days=1)
    questions = (
        venue.clock,
        venue.account,
        venue.positions,
        venue.open_orders,
        lambda: venue.order("held"),
        lambda: venue.cancel("waiting"),
        lambda: venue.fills(since),
        lambda: source.quotes(["FLAT", "UP"]),
        lambda: venue.submit(buy("new", **limit(30.0))),
    )
    came: Counter[str] = Counter()
    for i in range(n):
        try:
            questions[i % len(questions)]()
        except (VenueUnavailable, OutcomeUnknown, OrderRefused) as error:
            came[type(error).__name__] += 1
        else:
            came["answer"] += 1
    identifiers = Counter(order.client_order_id for order in alpaca.emulator.broker.orders)
    assert identifiers == {"held": 1, "short": 1, "waiting": 1, "new": 1}
    assert len(alpaca.emulator.broker.fills) == 2
    wire.close()
    return came


def test_hundreds_of_broken_answers_do_no_harm(alpaca: Emulated) -> None:
    came = fuzz(alpaca, 400)
    assert came["VenueUnavailable"] > 100
    assert came["OutcomeUnknown"] > 10
    assert came["answer"] > 10


@pytest.mark.nightly
def test_thousands_of_broken_answers_do_no_harm(alpaca: Emulated) -> None:
    fuzz(alpaca, 5_000)
