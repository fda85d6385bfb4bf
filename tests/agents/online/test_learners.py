"""What learners do in numbers that can be checked by hand, and the laws that all of them keep."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from benbot.agents.online.anticor import Anticor, AnticorOfAnticor, claims
from benbot.agents.online.learners import (
    BuyAndHold,
    ExponentiatedGradient,
    FollowTheLeader,
    Hedge,
    OnlineLearner,
    OnlineNewton,
    Rebalanced,
)
from benbot.agents.online.reversion import (
    ConfidenceWeighted,
    ExponentialAverageReversion,
    MovingAverageReversion,
    PassiveAggressive,
)
from benbot.agents.online.simplex import nearest, nearest_in_metric
from benbot.agents.online.wealth import best_rebalanced, run
from benbot.envs.arrays import FloatArray

Make = Callable[[int], OnlineLearner]
ALL: tuple[Make, ...] = (
    BuyAndHold,
    Rebalanced,
    FollowTheLeader,
    Hedge,
    ExponentiatedGradient,
    OnlineNewton,
    lambda n: AnticorOfAnticor(n, longest=5),
    PassiveAggressive,
    ConfidenceWeighted,
    MovingAverageReversion,
    ExponentialAverageReversion,
)
seeds = st.integers(0, 2**32 - 1)


def relatives_of(seed: int, n_bars: int = 60, n_assets: int = 4) -> FloatArray:
    rng = np.random.default_rng(seed)
    moves = 0.03 * rng.standard_t(3, (n_bars, n_assets)).clip(-10.0, 10.0)
    relatives: FloatArray = np.exp(moves)
    return relatives


# Laws.


@pytest.mark.parametrize("make", ALL)
@settings(max_examples=15)
@given(seed=seeds)
def test_weights_are_always_a_point_of_the_simplex(make: Make, seed: int) -> None:
    learner = make(4)
    for relative in relatives_of(seed):
        weights = learner.weights()
        assert weights.min() >= -1e-12
        assert abs(weights.sum() - 1.0) < 1e-9
        learner.learn_one(relative)


@pytest.mark.parametrize("make", ALL)
def test_asking_for_weights_changes_nothing_and_hands_out_no_memory(make: Make) -> None:
    asked, quiet = make(4), make(4)
    for relative in relatives_of(1):
        for _ in range(3):
            asked.weights()[:] = 9.0
        np.testing.assert_array_equal(asked.weights(), quiet.weights())
        asked.learn_one(relative)
        quiet.learn_one(relative)


@pytest.mark.parametrize("make", [*ALL[:6], *ALL[7:]])
def test_the_order_of_the_assets_means_nothing(make: Make) -> None:
    """Anticor is left out: of those who did the same to the last digit it matters who is who."""
    relatives, order = relatives_of(2), np.array([2, 0, 3, 1])
    plain, shuffled = run(make(4), relatives), run(make(4), relatives[:, order])
    np.testing.assert_allclose(plain.wealth, shuffled.wealth, rtol=1e-6)


@pytest.mark.parametrize("make", ALL)
def test_what_comes_after_changes_nothing_before(make: Make) -> None:
    relatives = relatives_of(3)
    other = relatives.copy()
    other[40:] = other[40:, ::-1] * 1.1
    first, second = run(make(4), relatives), run(make(4), other)
    np.testing.assert_array_equal(first.wealth[:40], second.wealth[:40])


@settings(max_examples=20)
@given(seed=seeds)
def test_nobody_who_rebalances_without_knowing_beats_the_best_in_hindsight(seed: int) -> None:
    relatives = relatives_of(seed)
    best = run(Rebalanced(4, best_rebalanced(relatives)), relatives).wealth[-1]
    assert best >= relatives.prod(axis=0).max() - 1e-9
    assert best >= run(Rebalanced(4), relatives).wealth[-1] - 1e-9


@settings(max_examples=20)
@given(seed=seeds)
def test_hedge_regrets_no_more_than_its_bound(seed: int) -> None:
    """Over gains in [0, 1] at a rate of sqrt(8 log N / T) it is sqrt(T log N / 2)."""
    rng = np.random.default_rng(seed)
    n_bars, n_assets = 200, 6
    gains = rng.random((n_bars, n_assets)) ** rng.uniform(0.3, 3.0, n_assets)
    learner = Hedge(n_assets, rate=float(np.sqrt(8.0 * np.log(n_assets) / n_bars)))
    earned = 0.0
    for gain in gains:
        earned += float(learner.weights() @ gain)
        learner.learn_one(np.exp(gain))
    regret = gains.sum(axis=0).max() - earned
    assert regret <= np.sqrt(n_bars * np.log(n_assets) / 2.0)


# Examples.


def test_buy_and_hold_becomes_what_its_assets_become() -> None:
    learner = BuyAndHold(2)
    learner.learn_one(np.array([3.0, 1.0]))
    np.testing.assert_allclose(learner.weights(), [0.75, 0.25])


def test_hedge_at_a_rate_of_one_is_buy_and_hold() -> None:
    relatives = relatives_of(5)
    np.testing.assert_allclose(
        run(Hedge(4), relatives).wealth, run(BuyAndHold(4), relatives).wealth, rtol=1e-12
    )


def test_follow_the_leader_takes_the_first_of_equals() -> None:
    learner = FollowTheLeader(3)
    learner.learn_one(np.array([1.0, 1.1, 1.1]))
    assert learner.weights().tolist() == [0.0, 1.0, 0.0]


def test_exponentiated_gradient_by_hand() -> None:
    learner = ExponentiatedGradient(2, rate=1.0)
    learner.learn_one(np.array([1.2, 0.8]))
    expected = np.exp([1.2, 0.8]) / np.exp([1.2, 0.8]).sum()
    np.testing.assert_allclose(learner.weights(), expected)


def test_passive_aggressive_sells_what_rose() -> None:
    """Loss 1 - 0.5 over a spread of 2 × 0.1² is 25; 25 × 0.1 is beyond the simplex."""
    learner = PassiveAggressive(2)
    learner.learn_one(np.array([1.1, 0.9]))
    assert learner.weights().tolist() == [0.0, 1.0]


def test_passive_aggressive_stays_where_nothing_differs() -> None:
    learner = PassiveAggressive(2)
    learner.learn_one(np.array([1.1, 1.1]))
    assert learner.weights().tolist() == [0.5, 0.5]


def test_the_mean_price_is_that_of_the_last_bars_over_the_present_one() -> None:
    """Prices 1, 2, 4, 2 of the first asset: the mean of the last three, 8 / 3, is 4 / 3 times 2."""
    learner = MovingAverageReversion(2, window=3)
    for relative in ([1.0, 1.0], [2.0, 1.0], [2.0, 1.0], [0.5, 1.0]):
        learner.learn_one(np.array(relative))
    np.testing.assert_allclose(learner._expected(), [4.0 / 3.0, 1.0])


def test_the_exponential_mean_price_by_hand() -> None:
    learner = ExponentialAverageReversion(2, memory=0.5)
    learner.learn_one(np.array([2.0, 1.0]))  # 0.5 + 0.5 / 2
    learner.learn_one(np.array([0.5, 1.0]))  # 0.5 + 0.5 × 0.75 / 0.5
    np.testing.assert_allclose(learner._expected, [1.25, 1.0])


def test_an_asset_gives_to_the_one_that_follows_it() -> None:
    """The second did after what the first did before; the first did better of late."""
    before = np.array([[0.1, 0.0], [-0.1, 0.0], [0.1, 0.0]])
    after = np.array([[0.2, 0.05], [0.2, -0.05], [0.2, 0.05]])
    claim = claims(before, after)
    assert claim.tolist()[1] == [0.0, 0.0]
    np.testing.assert_allclose(claim[0], [0.0, 1.0])


def test_anticor_only_holds_until_its_windows_are_full() -> None:
    learner, held = Anticor(3, window=2), BuyAndHold(3)
    for relative in relatives_of(7, n_bars=3, n_assets=3):
        learner.learn_one(relative)
        held.learn_one(relative)
        np.testing.assert_allclose(learner.weights(), held.weights())


# Projections.


@settings(max_examples=40)
@given(seed=seeds)
def test_the_nearest_weights_are_those_that_a_search_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    point = rng.normal(0.2, 1.0, 4)
    root = rng.normal(size=(4, 4))
    metric = root @ root.T + 0.1 * np.eye(4)
    for shape, found in ((np.eye(4), nearest(point)), (metric, nearest_in_metric(point, metric))):
        searched = minimize(
            lambda w, shape=shape: (w - point) @ shape @ (w - point),
            np.full(4, 0.25),
            method="SLSQP",
            bounds=[(0.0, 1.0)] * 4,
            constraints={"type": "eq", "fun": lambda w: w.sum() - 1.0},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        own = (found - point) @ shape @ (found - point)
        assert own <= searched.fun + 1e-7
        assert abs(found.sum() - 1.0) < 1e-12


def test_costs_are_paid_on_what_changes_hands_and_on_the_first_purchase() -> None:
    """All of it is bought, 1 % / 2 of 1; then 0.75 and 0.25 become halves, 1 % / 2 of 0.5."""
    relatives = np.array([[3.0, 1.0], [1.0, 1.0]])
    course = run(Rebalanced(2), relatives, cost_rate=0.01)
    np.testing.assert_allclose(course.turnover, [1.0, 0.5])
    np.testing.assert_allclose(course.wealth, [2.0 * 0.995, 2.0 * 0.995 * 0.9975])
