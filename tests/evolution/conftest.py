"""A small market, grounds on it, and searches that are over in a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.evolution.candidate import Candidate
from benbot.evolution.fitness import Fitness, Trial
from benbot.evolution.genomes import Species
from benbot.evolution.ground import Division, Ground, Outcome, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.parameters import RuleGenome, Rules
from benbot.evolution.pool import Pool
from benbot.evolution.programs import Programs
from benbot.evolution.search import Search
from benbot.evolution.settings import EvolutionSettings, PoolSettings
from benbot.strategies.programs.features import available
from benbot.strategies.programs.language import Language

FIT, VALID = Span(60, 219), Span(230, 339)
REGIME = RegimeSettings(trend_window=20, volatility_window=10, volatility_history=30)
SEED = 5


@pytest.fixture(scope="session")
def market() -> Market:
    """350 bars of 6 symbols with a range, volume and spreads, and without gaps."""
    return generate(SyntheticSource(seed=3, n_bars=350, n_symbols=6, n_sectors=2)).market


@pytest.fixture(scope="session")
def fit(market: Market) -> Ground:
    return lay_ground(market, FIT, DeskRules(), REGIME, Division(n_folds=3, n_groups=2))


@pytest.fixture(scope="session")
def valid(market: Market) -> Ground:
    return lay_ground(market, VALID, DeskRules(), REGIME)


@pytest.fixture(scope="session")
def programs(fit: Ground) -> Programs:
    names = [name for name in available(fit.market) if name != "market_volatility"]
    return Programs(Language(tuple(names), windows=(2, 5, 10), depth=5, size=20))


@pytest.fixture(scope="session")
def rules() -> Rules:
    return Rules(["rsi_reversion", "ma_crossover", "bollinger_reversion"])


@pytest.fixture
def own() -> EvolutionSettings:
    """A budget of a second."""
    return EvolutionSettings(
        population=12,
        generations=4,
        islands=2,
        migrate_every=2,
        migrants=0.2,
        folds=3,
        groups=2,
        least_trades=2,
        pool=PoolSettings(every=2, offers=4, certainty=0.0),
    )


Opener = Callable[..., Search[Any]]


@pytest.fixture
def open_search(fit: Ground, valid: Ground, programs: Programs, tmp_path: Path) -> Opener:
    """Return the maker of searches: settings, name of the ledger, species, seed."""

    def open_it(
        own: EvolutionSettings,
        name: str = "ledger",
        species: Species[Any] = programs,
        seed: int = SEED,
    ) -> Search[Any]:
        pool = Pool(own.pool, Fitness(species, valid))
        ledger = TrialLedger(tmp_path / f"{name}.jsonl", Identity("market", "config", seed))
        return Search(own, Fitness(species, fit), pool, ledger, seed)

    return open_it


def fame(search: Search[Any]) -> list[Any]:
    """Return everything that a search ends with, to the last digit."""
    members = [(member.candidate.digest, member.valid.tolist()) for member in search.pool.members]
    people = [[each.digest for each in island.people] for island in search.islands]
    front, objectives = search.front()
    return [members, people, [each.digest for each in front], objectives.tolist()]


def candidate_of(growth: FloatArray, name: str = "ma_crossover") -> Candidate[RuleGenome]:
    """Return a candidate that grew so; its genome is no more than a name."""
    outcome = Outcome(growth, np.zeros((1, 1, 9)), 0.1, 50)
    return Candidate(RuleGenome(name, ()), Trial(outcome, name), (), 0)
