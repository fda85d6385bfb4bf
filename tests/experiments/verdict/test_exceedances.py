"""Tests of a value at risk on counts whose answer is known."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.exceedances import conditional_coverage, coverage, independence


def test_kupiec_on_known_counts() -> None:
    assert coverage(20, 252, 0.05).ratio == pytest.approx(3.9126, abs=5e-5)
    found = coverage(10, 252, 0.01)
    assert found.ratio == pytest.approx(12.8331, abs=5e-5)
    assert found.p_value == pytest.approx(3.405e-4, abs=5e-8)


@pytest.mark.parametrize(
    ("n_bars", "level", "fewest", "most"),
    [(255, 0.01, 1, 6), (255, 0.05, 7, 20), (510, 0.01, 2, 10), (1000, 0.05, 38, 64)],
)
def test_kupiec_rejects_outside_the_known_counts(
    n_bars: int, level: float, fewest: int, most: int
) -> None:
    kept = [n for n in range(n_bars // 5) if coverage(n, n_bars, level).p_value > 0.05]
    assert (kept[0], kept[-1]) == (fewest, most)


def test_clustered_exceedances_are_not_independent() -> None:
    alone = np.zeros(400, bool)
    alone[::20] = True
    together = np.zeros(400, bool)
    together[100:120] = True
    assert independence(together).p_value < 1e-6
    assert independence(alone).p_value > 0.05
    both = conditional_coverage(together, 0.05)
    share = coverage(int(together[1:].sum()), 399, 0.05)
    assert both.ratio == pytest.approx(share.ratio + independence(together).ratio)
    assert independence(np.zeros(50, bool)).ratio == 0.0


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="was 9 of 8"):
        coverage(9, 8, 0.05)
