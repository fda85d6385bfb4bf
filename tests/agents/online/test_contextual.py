"""A linear contextual learner finds a line that is there, and spreads where there is none."""

import numpy as np
import pytest

from benbot.agents.online.contextual import COMMON_SHARPE, OWN_SHARPE, LinearContextual

YEARLY = 252.0
DEVIATION = 0.01  # of growth, a bar


def contexts_of(generator: np.random.Generator, n_bars: int, n_features: int = 4) -> np.ndarray:
    """Return ones and features of order 1."""
    return np.column_stack([np.ones(n_bars), generator.standard_normal((n_bars, n_features - 1))])


def taught(contexts: np.ndarray, growth: np.ndarray) -> LinearContextual:
    learner = LinearContextual(growth.shape[1], contexts.shape[1], YEARLY)
    for context, own in zip(contexts, growth, strict=True):
        learner.learn_one(context, own)
    return learner


def test_it_knows_nothing_at_birth_and_trusts_all_alike_and_cash_as_much() -> None:
    weights = LinearContextual(3, 2, YEARLY).weights(np.array([1.0, 4.0]))
    assert weights.tolist() == [0.25] * 4


def test_one_bar_by_hand() -> None:
    learner = LinearContextual(2, 1, YEARLY)
    learner.learn_one(np.array([1.0]), np.array([0.03, 0.01]))
    common, own = YEARLY / COMMON_SHARPE**2 + 1.0, YEARLY / OWN_SHARPE**2 + 1.0
    expected = 0.02 / common + np.array([0.01, -0.01]) / own
    error = np.array([0.03, 0.01]) * np.sqrt(1.0 + 1.0 / common)
    scores = learner.scores(np.array([1.0]))
    np.testing.assert_allclose(scores, np.sqrt(YEARLY) * expected / error)


def test_many_bars_are_the_ridge_regressions_of_the_formula() -> None:
    generator = np.random.default_rng(1)
    x, g = contexts_of(generator, 50), generator.normal(0.0, DEVIATION, (50, 3))
    now = x[7]
    mean, square = g.mean(axis=1), x.T @ x
    common = np.linalg.inv(square + np.eye(4) * 4 * YEARLY / COMMON_SHARPE**2)
    own = np.linalg.inv(square + np.eye(4) * 4 * YEARLY / OWN_SHARPE**2)
    expected = now @ (common @ x.T @ mean)[:, None] + now @ own @ x.T @ (g - mean[:, None])
    error = np.sqrt((g**2).mean(axis=0) * (1.0 + now @ common @ now))
    scores = taught(x, g).scores(now)
    np.testing.assert_allclose(scores, np.sqrt(YEARLY) * expected / error)


def test_a_planted_line_is_found_and_followed() -> None:
    """Strategy 0 earns where feature 1 is above zero, strategy 1 where it is below."""
    generator = np.random.default_rng(2)
    x = contexts_of(generator, 3000)
    edge = 0.3 * DEVIATION * x[:, [1]] * np.array([1.0, -1.0, 0.0])
    learner = taught(x, edge + generator.normal(0.0, DEVIATION, edge.shape))
    for feature in (2.0, -2.0):
        weights = learner.weights(np.array([1.0, feature, 0.0, 0.0]))
        best, worst = (0, 1) if feature > 0.0 else (1, 0)
        assert weights.argmax() == best
        assert weights[best] > 0.7
        assert weights.argmin() == worst


def test_what_all_share_moves_all_of_them_against_cash() -> None:
    generator = np.random.default_rng(3)
    x = contexts_of(generator, 3000)
    edge = 0.3 * DEVIATION * x[:, [1]]
    learner = taught(x, edge + generator.normal(0.0, DEVIATION, (3000, 3)))
    assert learner.weights(np.array([1.0, 2.0, 0.0, 0.0]))[-1] < 0.05
    assert learner.weights(np.array([1.0, -2.0, 0.0, 0.0]))[-1] > 0.5


@pytest.mark.parametrize("n_bars", [250, 2500, 10_000])
def test_in_noise_it_spreads_however_long_it_looks(n_bars: int) -> None:
    """The scores stay near zero: by the prior their root mean square is below half of h."""
    squares, most = [], []
    for seed in range(5):
        generator = np.random.default_rng([n_bars, seed])
        x = contexts_of(generator, n_bars + 40)
        learner = taught(x[:-40], generator.normal(0.0, DEVIATION, (n_bars, 4)))
        squares += [np.mean(learner.scores(now) ** 2) for now in x[-40:]]
        most += [learner.weights(now).max() for now in x[-40:]]
    assert np.sqrt(np.mean(squares)) < 0.5 * COMMON_SHARPE
    assert np.mean(most) < 0.35


def test_a_sleeve_that_holds_nothing_scores_no_more_than_the_others_say() -> None:
    generator = np.random.default_rng(4)
    growth = generator.normal(0.0, DEVIATION, (500, 2))
    growth[:, 1] = 0.0
    x = contexts_of(generator, 500)
    assert np.isfinite(taught(x, growth).scores(x[0])).all()
