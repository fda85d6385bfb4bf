"""At which price a stop or a limit meets a bar that it waited for."""

from datetime import UTC, datetime

import numpy as np
import pytest

from benbot.envs.desk.tape import BAR
from benbot.paper.matching import match_close, match_range
from benbot.paper.resting import Resting
from benbot.paper.venue import OrderIntent
from tests.paper.scenes import buy, limit, sell, stop

NOW = datetime(2026, 1, 5, tzinfo=UTC)
RISING = np.array((100.0, 110.0, 95.0, 105.0, 0.0, 0.0, np.inf, 0.0), BAR)[()]
FALLING = np.array((100.0, 105.0, 90.0, 95.0, 0.0, 0.0, np.inf, 0.0), BAR)[()]


def waiting(intent: OrderIntent) -> Resting:
    return Resting(intent, 1, 0, NOW, NOW)


@pytest.mark.parametrize(
    ("intent", "price"),
    [
        (sell("s", **stop(97.0)), 97.0),
        (sell("s", **stop(103.0)), 100.0),  # the open was worse
        (sell("s", **stop(94.0)), None),
        (buy("b", **stop(108.0)), 108.0),
        (buy("b", **stop(98.0)), 100.0),
        (buy("b", **stop(111.0)), None),
        (sell("s", **limit(108.0)), 108.0),
        (sell("s", **limit(98.0)), 100.0),  # the open was better
        (sell("s", **limit(111.0)), None),
        (buy("b", **limit(97.0)), 97.0),
        (buy("b", **limit(103.0)), 100.0),
        (buy("b", **limit(94.0)), None),
        (buy("b"), None),  # at the market: it has no price to wait for
    ],
)
def test_an_order_meets_the_range_at_its_price_or_at_the_open(
    intent: OrderIntent, price: float | None
) -> None:
    match = match_range(waiting(intent), RISING)
    assert (match.price if match else None) == price


@pytest.mark.parametrize(
    ("intent", "price"),
    [
        (sell("s", **stop(97.0)), 95.0),
        (sell("s", **stop(94.0)), None),
        (buy("b", **limit(97.0)), 97.0),
        (buy("b", **limit(94.0)), None),
        (sell("s", **limit(94.0)), 94.0),
        (buy("b", **stop(94.0)), 95.0),
    ],
)
def test_an_order_meets_the_close_never_at_better_than_it_asked_for(
    intent: OrderIntent, price: float | None
) -> None:
    match = match_close(waiting(intent), FALLING)
    assert (match.price if match else None) == price


def test_a_range_that_is_no_number_is_met_by_nothing() -> None:
    unknown = RISING.copy()
    unknown["high"] = unknown["low"] = np.nan
    for intent in (sell("s", **stop(97.0)), buy("b", **limit(97.0))):
        assert match_range(waiting(intent), unknown) is None
