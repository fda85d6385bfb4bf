"""What candidates are judged by, against the formulas for one and by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from benbot.evolution.objectives import (
    NOTHING,
    Record,
    certainty,
    correlations,
    drawdowns,
    judge,
    ratios,
)
from benbot.strategies.sharpe import probabilistic_2012, track_of


def record(growth: np.ndarray, **changed: np.ndarray) -> Record:
    n = len(growth)
    zero = np.zeros(n)
    fold = np.arange(growth.shape[1]) // 2
    plain = Record(growth, fold, zero, np.full(n, 50), np.arange(n), zero)
    return plain._replace(**changed)


def test_certainty_is_the_probabilistic_ratio_before_it_saturates() -> None:
    growth = 0.01 * np.random.default_rng(0).standard_t(4, (5, 300)) + 0.0005
    expected = [norm.ppf(probabilistic_2012(track_of(row))) for row in growth]
    assert certainty(growth) == pytest.approx(expected)


def test_who_never_moves_has_no_ratio() -> None:
    assert np.isnan(ratios(np.zeros((1, 5)))).all()
    assert judge(record(np.zeros((1, 6))), ("probabilistic_sharpe",), 1) == [[NOTHING]]


def test_a_drawdown_counts_from_the_start_too() -> None:
    growth = np.array([[-0.1, 0.3, -0.2, -0.1], [0.1, 0.1, 0.1, 0.1]])
    assert drawdowns(growth) == pytest.approx([0.3, 0.0])


def test_who_trades_too_little_has_nothing() -> None:
    growth = np.array([[0.01, 0.02, 0.01, 0.03], [0.01, 0.02, 0.01, 0.03]])
    own = record(growth, n_trades=np.array([19, 20]))
    assert judge(own, ("growth", "size"), 20).tolist() == [
        [NOTHING, NOTHING],
        [pytest.approx(0.07), -1.0],
    ]


def test_the_worst_fold_decides() -> None:
    growth = np.array([[0.02, 0.01, 0.01, 0.005, -0.01, -0.02]])
    worst = judge(record(growth), ("worst_fold",), 1)[0, 0]
    assert worst == pytest.approx(certainty(growth[:, 4:])[0])


def test_correlations_are_those_of_numpy() -> None:
    growth = np.random.default_rng(1).standard_normal((4, 50))
    assert correlations(growth[:3], growth[3:]) == pytest.approx(np.corrcoef(growth)[:3, 3:])
    assert correlations(np.zeros((1, 50)), growth[:1]) == [[0.0]]
