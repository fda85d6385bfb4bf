"""Every rule of the catalogue against every law, on markets that are as awkward as real ones."""

from collections import Counter

import numpy as np
import pytest

from benbot.strategies import checks
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import CATALOGUE
from tests.strategies.markets import Awkward, awkward_market, fitted

SLICE = range(6)
ALL = range(6, 206)
PLACES = 4  # bars with an opinion whose memory is looked at, in each market


def assert_lawful(strategy: Strategy, awkward: Awkward) -> None:
    """Put a strategy through every check, and where it speaks through that of memory once more."""
    market = awkward.market
    for check in checks.CHECKS:
        check(strategy, market)
    whole = strategy.opinion(market)
    spoken = np.flatnonzero((whole.direction != 0).any(axis=1))
    for t in spoken[:: max(spoken.size // PLACES, 1)][:PLACES]:
        checks.assert_remembered(strategy, market, whole, int(t))


@pytest.mark.parametrize("seed", SLICE)
def test_every_rule_is_lawful_on_some_awkward_markets(seed: int) -> None:
    awkward = awkward_market(seed)
    for rule in CATALOGUE.values():
        for strategy in fitted(rule, awkward, seed):
            assert_lawful(strategy, awkward)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", ALL)
def test_every_rule_is_lawful_on_many_awkward_markets(seed: int) -> None:
    awkward = awkward_market(seed)
    for rule in CATALOGUE.values():
        for strategy in fitted(rule, awkward, seed):
            assert_lawful(strategy, awkward)


def test_every_rule_has_something_to_say_on_them() -> None:
    """A rule that is silent would obey any law."""
    spoken: Counter[str] = Counter()
    for seed in SLICE:
        awkward = awkward_market(seed)
        for name, rule in CATALOGUE.items():
            for strategy in fitted(rule, awkward, seed):
                opinion = strategy.opinion(awkward.market)
                spoken[name] += int(np.count_nonzero(opinion.confidence))
    assert {name for name in CATALOGUE if spoken[name] < 50} == set()
