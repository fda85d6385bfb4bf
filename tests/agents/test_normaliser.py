"""What scales observations and rewards forgets nothing and can be written down."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benbot.agents.normaliser import (
    OBSERVATION_CLIP,
    REWARD_CLIP,
    Moments,
    ObservationNormaliser,
    RewardScaler,
)
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.errors import RunMismatch

rows_of_three = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 40), st.just(3)),
    elements=st.floats(-100.0, 100.0, width=32),
)


def learned(rows: Float32Array, *, learning: bool = True) -> ObservationNormaliser:
    normaliser = ObservationNormaliser.of(rows.shape[1])
    normaliser.learn(rows)
    return normaliser if learning else normaliser.frozen()


@given(rows=rows_of_three, cuts=st.lists(st.integers(1, 39), max_size=5))
def test_batch_by_batch_gives_the_moments_of_all_at_once(
    rows: Float32Array, cuts: list[int]
) -> None:
    moments = Moments.of(3)
    for batch in np.split(rows, sorted({cut for cut in cuts if cut < len(rows)})):
        moments.fold(batch)
    exact = rows.astype(np.float64)
    assert moments.count == len(rows)
    np.testing.assert_allclose(moments.mean, exact.mean(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moments.variance, exact.var(axis=0), rtol=1e-6, atol=1e-7)


def test_the_moments_of_nothing_leave_an_observation_as_it_is() -> None:
    observation = np.array([0.5, -2.0], np.float32)
    scaled = ObservationNormaliser.of(2).scaled(observation)
    np.testing.assert_allclose(scaled, observation, rtol=1e-6)


def test_what_was_learned_is_scaled_to_mean_zero_and_deviation_one() -> None:
    rows = np.random.default_rng(0).normal([3.0, -1.0], [0.1, 4.0], (5000, 2)).astype(np.float32)
    scaled = learned(rows).scaled(rows)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-2)
    np.testing.assert_allclose(scaled.std(axis=0), 1.0, atol=1e-2)


@given(rows=rows_of_three, factor=st.floats(1.0, 1e6))
def test_scaled_observations_are_clipped_and_the_given_ones_untouched(
    rows: Float32Array, factor: float
) -> None:
    extreme = (rows * np.float32(factor)).astype(np.float32)
    before = extreme.copy()
    scaled = learned(rows).scaled(extreme)
    assert np.abs(scaled).max() <= OBSERVATION_CLIP
    np.testing.assert_array_equal(extreme, before)


def test_what_never_changes_becomes_zero_and_no_infinity() -> None:
    rows = np.full((10, 2), 0.25, np.float32)
    assert learned(rows).scaled(rows).tolist() == [[0.0, 0.0]] * 10


def test_a_frozen_normaliser_learns_nothing_and_is_not_taught_by_its_origin() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(1.0, 2.0, (50, 4)).astype(np.float32)
    origin = learned(rows)
    frozen = origin.frozen()
    before = frozen.to_numbers()
    frozen.learn(rows + 10.0)
    origin.learn(rows - 10.0)
    assert frozen.to_numbers() == before
    assert origin.to_numbers() != before
    np.testing.assert_array_equal(frozen.scaled(rows), learned(rows).scaled(rows))


@given(rows=rows_of_three)
def test_numbers_survive_json_to_the_last_bit(rows: Float32Array) -> None:
    normaliser = learned(rows)
    written = json.dumps(normaliser.to_numbers())
    again = ObservationNormaliser.from_numbers(json.loads(written))
    assert again.to_numbers() == normaliser.to_numbers()
    assert not again.learning
    np.testing.assert_array_equal(again.scaled(rows * 1.5), normaliser.scaled(rows * 1.5))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"mean": [0.0, float("nan")]}, "2 means and 2 variances"),
        ({"variance": [1.0, -1e-9]}, "variance of at least 0"),
        ({"variance": [1.0, float("inf")]}, "finite variance"),
        ({"variance": [1.0]}, "2 means and 1 variances"),
        ({"mean": 0.0, "variance": 1.0}, "per entry"),
        ({"count": -1.0}, "count -1.0"),
        ({"count": float("nan")}, "count nan"),
        ({"mean": ["a", "b"]}, "all numbers; was ValueError"),
        ({"count": None}, "all numbers; was TypeError"),
        ({"mean": [[0.0], [1.0, 2.0]]}, "all numbers; was ValueError"),
    ],
)
def test_damaged_numbers_are_refused(damage: dict[str, object], message: str) -> None:
    sound = {"mean": [0.0, 1.0], "variance": [1.0, 1.0], "count": 5.0}
    with pytest.raises(RunMismatch, match=message):
        ObservationNormaliser.from_numbers(sound | damage)


def test_missing_numbers_are_refused() -> None:
    with pytest.raises(RunMismatch, match="KeyError\\('variance'\\)"):
        Moments.from_numbers({"mean": [0.0], "count": 1.0})


def test_rewards_are_divided_by_the_deviation_of_the_discounted_return() -> None:
    gamma, n_envs = 0.9, 3
    rng = np.random.default_rng(0)
    scaler = RewardScaler(np.zeros(n_envs), gamma)
    seen: list[FloatArray] = []
    returns = np.zeros(n_envs)
    for step in range(30):
        rewards, ended = rng.normal(0.01, 0.02, n_envs), rng.random(n_envs) < 0.2
        scaled = scaler.scaled(rewards, ended)
        returns = gamma * returns + rewards
        seen.append(returns.copy())
        returns[ended] = 0.0
        if step == 0:
            continue  # the deviation of three numbers is no scale yet
        expected = rewards / np.sqrt(np.concatenate(seen).var() + 1e-8)
        np.testing.assert_allclose(scaled, np.clip(expected, -REWARD_CLIP, REWARD_CLIP), rtol=1e-5)
        assert scaled.dtype == np.float32


def test_a_reward_beyond_all_measure_is_clipped() -> None:
    scaler = RewardScaler(np.zeros(200), 0.9)
    scaler.scaled(np.random.default_rng(0).normal(0.0, 0.01, 200), np.zeros(200, np.bool_))
    shocks = np.zeros(200)
    shocks[:2] = -1.0, 1.0
    scaled = scaler.scaled(shocks, np.zeros(200, np.bool_))
    assert scaled[:2].tolist() == [-REWARD_CLIP, REWARD_CLIP]
