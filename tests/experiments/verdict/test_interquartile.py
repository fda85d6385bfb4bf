"""The interquartile mean over seeds, and its interval."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.interquartile import (
    interquartile_interval,
    interquartile_mean,
    probability_of_improvement,
)


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end() -> None:
    assert interquartile_mean(np.arange(1.0, 13.0)) == 6.5
    assert interquartile_mean(np.array([1e9, 1.0, 2.0, -1e9])) == 1.5


def test_its_interval_holds_it_and_is_the_same_for_the_same_generator() -> None:
    scores = np.random.default_rng(1).normal(size=(10, 3))
    first = interquartile_interval(scores, np.random.default_rng(2))
    assert first == interquartile_interval(scores, np.random.default_rng(2))
    assert first.low < first.value < first.high


def test_one_run_has_no_interval_and_a_ruined_one_is_refused() -> None:
    alone = interquartile_interval(np.array([[0.3]]), np.random.default_rng(0))
    assert alone.value == 0.3
    assert np.isnan([alone.low, alone.high]).all()
    with pytest.raises(InvalidParameter, match="finite numbers"):
        interquartile_interval(np.array([[np.nan]]), np.random.default_rng(0))


def test_the_probability_of_improvement_counts_ties_half() -> None:
    first, second = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])
    assert probability_of_improvement(first, second) == (0.5 + 1.0 + 1.0 + 1.0) / 4.0
