"""One that is better is found among many, and noise is not."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.experiments.superiority import confidence_set, superior_ability, superior_candidates


def test_one_that_is_better_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(4)
    benchmark = 0.01 * rng.normal(size=1_000)
    equal = benchmark[:, None] + 0.005 * rng.normal(size=(1_000, 5))
    better = equal.copy()
    better[:, 3] += 0.001
    how = {"block": 10, "seed": 7, "repetitions": 500}
    assert superior_ability(benchmark, equal, **how).consistent > 0.1
    assert superior_ability(benchmark, better, **how).consistent < 0.01
    assert superior_candidates(benchmark, better, **how) == [3]
    assert confidence_set(better, **how) == [3]


def test_a_benchmark_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="for each bar of the candidates"):
        superior_ability(np.zeros(5), np.zeros((6, 2)), block=2, seed=0)
