"""What a strategy is expected to earn: what has come true so far in states like this one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benbot.envs import forecast
from benbot.envs.arrays import FloatArray
from benbot.envs.forecast import BLOCK, KEEP, RIDGE, forecasts

N_BARS = 2 * BLOCK + 100


def world(edge: float, seed: int = 0, n_bars: int = N_BARS) -> tuple[FloatArray, FloatArray]:
    """Return states [T, 2] and growths [T, 3]: one earns after a high state, one after a low."""
    rng = np.random.default_rng(seed)
    state = rng.standard_normal((n_bars, 2))
    growth = 0.01 * rng.standard_normal((n_bars, 3))
    growth[1:, 0] += edge * state[:-1, 0]
    growth[1:, 1] -= edge * state[:-1, 0]
    return state, growth


def test_without_a_state_it_is_the_shrunk_mean_as_far_as_that_came_true() -> None:
    growth = np.array([[0.0], [0.01], [0.03]])
    raw = forecast._regressed(np.ones((3, 1)), growth)
    first = 0.01 / (1.0 + RIDGE)
    second = (0.03 + KEEP * 0.01) / (1.0 + KEEP + RIDGE)
    np.testing.assert_allclose(raw[:, 0], [0.0, first, second], rtol=1e-12)


def test_one_met_forecast_is_not_yet_a_reason_to_trust() -> None:
    raw, growth = np.array([[0.01], [0.01], [0.01]]), np.array([[0.0], [0.01], [0.01]])
    trust = forecast._trust(raw, growth)
    assert trust[:2].tolist() == [0.0, 0.0]
    met, weight = 1e-4, 1.0 + KEEP
    assert trust[2] == pytest.approx(1.0 - weight * met**2 / (weight * met) ** 2)


def test_what_never_comes_true_is_not_trusted() -> None:
    raw = np.full((50, 2), 0.01)
    assert not forecast._trust(raw, -raw).any()


def test_it_tells_who_earns_in_which_state() -> None:
    state, growth = world(edge=0.002)
    told = forecasts(state, growth)[BLOCK:]
    expected = 0.2 * np.sqrt(252.0) * state[BLOCK:, 0]  # a fifth of a deviation in each direction
    assert np.corrcoef(told[:, 0], expected)[0, 1] > 0.95
    assert np.corrcoef(told[:, 1], -expected)[0, 1] > 0.95
    assert told[:, 0].std() == pytest.approx(expected.std(), rel=0.25)
    assert told[:, 2].std() < 0.25 * told[:, 0].std()


def test_of_noise_it_tells_next_to_nothing() -> None:
    found, nothing = (
        np.mean([np.abs(forecasts(*world(edge, seed))[BLOCK:]).mean() for seed in range(8)])
        for edge in (0.002, 0.0)
    )
    assert nothing < 0.1 * found


@given(st.integers(2, N_BARS))
@settings(max_examples=10, deadline=None)
def test_a_prefix_has_the_same_forecasts(n_bars: int) -> None:
    state, growth = world(edge=0.002)
    whole = forecasts(state, growth)
    np.testing.assert_array_equal(forecasts(state[:n_bars], growth[:n_bars]), whole[:n_bars])


def test_permuted_strategies_have_permuted_forecasts() -> None:
    state, growth = world(edge=0.002)
    told, order = forecasts(state, growth), [2, 0, 1]
    np.testing.assert_allclose(forecasts(state, growth[:, order]), told[:, order], atol=1e-9)


def test_a_strategy_that_is_added_changes_the_others_only_by_the_unit_and_the_trust() -> None:
    state, growth = world(edge=0.002)
    pair, all_three = forecasts(state, growth[:, :2]), forecasts(state, growth)
    ratio = all_three[BLOCK:, :2] / pair[BLOCK:]
    np.testing.assert_allclose(ratio[:, 0], ratio[:, 1], rtol=1e-9)
    assert 0.8 < ratio.min() < ratio.max() < 1.25


def test_wilder_strategies_have_the_same_forecasts_in_their_own_unit() -> None:
    state, growth = world(edge=0.0005)
    told = forecasts(state, growth)
    np.testing.assert_allclose(forecasts(state, 2.0 * growth), told, rtol=1e-9, atol=1e-12)


def test_a_ruin_is_not_all_that_is_remembered() -> None:
    state, growth = world(edge=0.002)
    before = forecasts(state, growth)[-1]
    growth[BLOCK, 0] = -5.0
    assert forecasts(state, growth)[-1] == pytest.approx(before, rel=0.5, abs=0.2)


def test_a_state_that_never_moves_and_sleeves_that_never_trade_are_no_trouble() -> None:
    told = forecasts(np.zeros((BLOCK, 2)), np.zeros((BLOCK, 3)))
    assert not told.any()
