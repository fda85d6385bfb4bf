"""The opinion at the last close, from memories alone, is that of the whole history."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import CATALOGUE
from benbot.strategies.hearing import collect, latest, memory_start
from tests.strategies.markets import awkward_market, fitted


def named(strategy: Strategy) -> Strategy:
    """Return it under the name of its rule, which no two share."""
    return replace(strategy, label="")


@pytest.mark.parametrize("seed", range(12))
def test_the_last_close_needs_no_more_than_the_memories(seed: int) -> None:
    awkward = awkward_market(seed)
    strategies = [named(fitted(rule, awkward, seed)[-1]) for rule in CATALOGUE.values()]
    for end in (awkward.market.n_bars, awkward.market.n_bars - 7):
        market = awkward.market.until(end)
        whole, alone = collect(strategies, market), latest(strategies, market)
        assert alone.strategies == whole.strategies
        for name in ("direction", "diamond", "partner"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(whole, name)[-1:])
        for name in ("confidence", "stop_distance", "share"):
            np.testing.assert_allclose(
                getattr(alone, name), getattr(whole, name)[-1:], rtol=2e-7, atol=1e-9
            )
        for name in ("stress", "pairing"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(whole, name))


def test_some_of_them_speak_at_the_last_close() -> None:
    spoken = 0
    for seed in range(12):
        awkward = awkward_market(seed)
        strategies = [named(fitted(rule, awkward, seed)[0]) for rule in CATALOGUE.values()]
        spoken += np.count_nonzero(latest(strategies, awkward.market).confidence)
    assert spoken > 50


def test_a_memory_reaches_back_to_the_bars_that_a_symbol_with_gaps_has() -> None:
    market = awkward_market(2).market
    t = market.n_bars - 1
    start = memory_start(market, t, 50)
    old = market.tradable[t] & (market.tradable.sum(axis=0) > 50)
    assert (market.tradable[start:, old].sum(axis=0) >= 51).all()
