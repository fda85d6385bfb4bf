"""Accounts are kept bar by bar and come back equal."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.errors import BadConfig
from benbot.experiments.report.curves import curves_as_parquet, curves_from_parquet, curves_of

Maker = Callable[..., Evaluation]


def test_curves_come_back_as_they_were_written(make_evaluation: Maker) -> None:
    agents = {3: make_evaluation([1.0, 1.1, 1.2]), 8: make_evaluation([1.0, 0.9, 0.0])}
    made = curves_of(agents, [make_evaluation([1.0, 1.0, 1.0], name="cash")], np.array([1, 1, 2]))
    back = curves_from_parquet(curves_as_parquet(made))
    assert (back.bars_per_year, back.n_bars) == (252.0, 2)
    np.testing.assert_array_equal(back.timestamps, made.timestamps)
    assert back.fold.tolist() == [1, 1, 2]
    assert list(back.agents) == [3, 8]
    assert list(back.baselines) == ["cash"]
    assert back.agents[8].tolist() == [1.0, 0.9, 0.0]


def test_what_a_seed_is_ahead_by_can_be_computed_by_hand(make_evaluation: Maker) -> None:
    agents = {0: make_evaluation([1.0, np.e, np.e]), 1: make_evaluation([2.0, 2.0, 1.0])}
    baselines = [make_evaluation([1.0, 1.0, np.e], name="b"), make_evaluation([1.0] * 3, name="c")]
    curves = curves_of(agents, baselines)
    ahead = curves.growth_over(["c", "b"])
    assert ahead.shape == (2, 2, 2)
    np.testing.assert_allclose(ahead[0], [[1.0, 1.0], [0.0, -1.0]])
    np.testing.assert_allclose(curves.returns()[:, 1], [0.0, -0.5])
    pooled = np.array([1.0, (np.e + 1.0) / 2.0, (np.e + 0.5) / 2.0])
    np.testing.assert_allclose(curves.pooled_returns(), pooled[1:] / pooled[:-1] - 1.0)


@pytest.mark.parametrize("content", [b"", b"no parquet at all", b"PAR1PAR1"])
def test_a_file_that_holds_no_curves_is_refused(content: bytes) -> None:
    with pytest.raises(BadConfig, match=r"curves\.parquet must be one that a training has written"):
        curves_from_parquet(content)
