"""How many trials there were, how many independent ones they count for, and what is left."""

import numpy as np
import pytest

from benbot.evolution.deflation import Trials, count_trials, mean_correlation
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import alone
from benbot.strategies.sharpe import expected_maximum, probabilistic_2012, track_of
from tests.evolution.conftest import Opener


def test_the_mean_correlation_is_that_of_pairs() -> None:
    generator = np.random.default_rng(0)
    growth = generator.standard_normal(200) + generator.standard_normal((5, 200))
    together = np.corrcoef(growth)
    pairs = together[np.triu_indices(5, 1)]
    assert mean_correlation(together) == pytest.approx(pairs.mean())


def test_a_ratio_is_compared_with_the_luck_of_so_many() -> None:
    growth = 0.01 * np.random.default_rng(1).standard_normal(500) + 0.002
    trials = Trials(1000, 400.0, 0.2, 0.05, 500)
    luck = expected_maximum(400.0, 500**-0.5)
    assert trials.luck == pytest.approx(luck)
    assert trials.deflated(growth) == pytest.approx(probabilistic_2012(track_of(growth), luck))


def test_more_trials_leave_less() -> None:
    growth = 0.01 * np.random.default_rng(2).standard_normal(500) + 0.002
    few, many = (Trials(n, float(n), 0.0, 0.05, 500).deflated(growth) for n in (10, 10_000))
    assert few > many


def test_several_searches_count_together() -> None:
    trials = Trials(1000, 400.0, 0.2, 0.05, 500)
    assert trials.over(3).effective == 1200.0
    assert trials.over(3).luck > trials.luck


def test_the_larger_of_two_numbers_counts() -> None:
    growth = 0.01 * np.random.default_rng(2).standard_normal(500) + 0.002
    alike, apart = Trials(100, 5.0, 0.9, 0.05, 500, 40.0), Trials(100, 40.0, 0.4, 0.05, 500, 5.0)
    assert alike.effective == apart.effective == 40.0
    assert alike.deflated(growth) == apart.deflated(growth)
    assert alike.over(3).effective == 120.0


def test_who_never_moved_is_nothing() -> None:
    assert Trials(10, 10.0, 0.0, 0.0, 50).deflated(np.zeros(50)) == 0.0


def test_every_trial_of_a_search_is_counted(open_search: Opener, own: EvolutionSettings) -> None:
    search = open_search(own)
    for _ in range(3):
        search.advance(alone)
    trials = count_trials(search.ledger, search.fitness, own, alone)
    trading = sum(entry.n_trades >= own.least_trades for entry in search.ledger.entries())
    assert trials.n == 36
    assert 1.0 < trials.effective <= trading
    share = max(trials.correlation, 0.0)
    assert trials.by_correlation == pytest.approx(share + (1.0 - share) * trading)
    assert 2 <= trials.by_clusters <= trading
    assert trials == count_trials(search.ledger, search.fitness, own, alone)


def test_without_skill_hardly_anybody_passes() -> None:
    """The best of 200 lucky ones passes at 95 % about as often as it may, one time in twenty."""
    generator = np.random.default_rng(3)
    passed = 0
    for _ in range(200):
        growth = generator.standard_normal((200, 250))
        best = growth[(growth.mean(axis=1) / growth.std(axis=1)).argmax()]
        passed += Trials(200, 200.0, 0.0, 0.06, 250).deflated(best) >= 0.95
    assert passed <= 6
