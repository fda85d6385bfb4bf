"""Clusters of returns: those that were planted are found, whatever the order, again and again."""

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.evolution.clustering import n_clusters


def planted(n_blocks: int, size: int, seed: int = 0) -> FloatArray:
    """Return the returns (N, T) of blocks, each of which goes along with something of its own."""
    generator = np.random.default_rng(seed)
    common = generator.standard_normal((n_blocks, 1, 500))
    own = generator.standard_normal((n_blocks, size, 500))
    rows = (common + 0.6 * own).reshape(-1, 500)
    return rows[generator.permutation(len(rows))]


@pytest.mark.parametrize(("n_blocks", "size"), [(3, 7), (2, 8), (5, 5)])
def test_planted_clusters_are_found(n_blocks: int, size: int) -> None:
    assert n_clusters(np.corrcoef(planted(n_blocks, size))) == n_blocks


def test_what_holds_together_badly_is_looked_at_once_more() -> None:
    """Three tight blocks, beside which two pairs of blocks look like two blocks at first."""
    generator = np.random.default_rng(2)
    rows = [generator.standard_normal(800) + noisy(generator, 20, 0.1) for _ in range(3)]
    for _ in range(2):
        pair = np.sqrt(0.7) * generator.standard_normal(800)
        for _ in range(2):
            block = pair + np.sqrt(0.3) * generator.standard_normal(800)
            rows.append(block + noisy(generator, 6, 0.4))
    assert n_clusters(np.corrcoef(np.concatenate(rows))) == 7


def noisy(generator: np.random.Generator, size: int, noise: float) -> FloatArray:
    return noise * generator.standard_normal((size, 800))


def test_the_same_correlations_give_the_same_number_in_any_order() -> None:
    growth = planted(4, 4)
    first = n_clusters(np.corrcoef(growth))
    assert n_clusters(np.corrcoef(growth)) == first
    assert n_clusters(np.corrcoef(growth[::-1])) == first


def test_who_is_the_same_is_one_cluster() -> None:
    assert n_clusters(np.ones((12, 12))) == 1


def test_what_has_nothing_in_common_is_put_together_all_the_same() -> None:
    """Which is why the number of clusters alone deflates nothing: here 4, for another seed 19."""
    growth = np.random.default_rng(0).standard_normal((40, 500))
    assert n_clusters(np.corrcoef(growth)) < 20


def test_few_trials_are_not_put_together() -> None:
    assert n_clusters(np.eye(3)) == 3
    assert n_clusters(np.zeros((0, 0))) == 0


def test_a_correlation_that_is_not_known_is_none() -> None:
    together = np.corrcoef(planted(3, 6))
    together[0, 1] = together[1, 0] = np.nan
    assert n_clusters(together) == 3
