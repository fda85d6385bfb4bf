"""The batched environment as a learner of Stable-Baselines3 meets it."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import VecCheckNan, VecMonitor

from benbot.agents.policy import simplex
from benbot.agents.vec_env import NOTHING, AllocationVecEnv
from benbot.envs.arrays import Float32Array
from benbot.envs.history import History, Span
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings

N_ENVS, N_ACTIONS, SCALE = 5, 4, 3.0
SPAN = Span(30, 200)


@pytest.fixture
def batch(history: History, environment: EnvironmentSettings) -> AllocationVecEnv:
    env = AllocationVecEnv(AllocationVectorEnv(history, SPAN, environment, N_ENVS), SCALE, 0.9)
    env.seed(7)
    env.reset()
    return env


def actions_of(rng: np.random.Generator) -> Float32Array:
    """Return actions of which some lie outside the space, as a Gaussian's do."""
    return rng.normal(0.0, 1.0, (N_ENVS, N_ACTIONS)).astype(np.float32)


def test_spaces_shapes_and_types_are_those_of_the_contract(batch: AllocationVecEnv) -> None:
    assert batch.num_envs == N_ENVS
    assert batch.action_space == gym.spaces.Box(-1.0, 1.0, (N_ACTIONS,), np.float32)
    rng = np.random.default_rng(0)
    for _ in range(60):
        observation, reward, done, infos = batch.step(actions_of(rng))
        assert (observation.shape, observation.dtype) == (
            (N_ENVS, *batch.observation_space.shape),
            np.float32,
        )
        assert all(batch.observation_space.contains(row) for row in observation)
        assert (reward.shape, reward.dtype) == ((N_ENVS,), np.float32)
        assert (done.shape, done.dtype) == ((N_ENVS,), np.bool_)
        assert len(infos) == N_ENVS


def test_it_is_the_batched_environment_row_for_row(
    batch: AllocationVecEnv, history: History, environment: EnvironmentSettings
) -> None:
    plain = AllocationVectorEnv(history, SPAN, environment, N_ENVS)
    plain.reset(seed=7)
    rng, growth = np.random.default_rng(1), np.zeros(N_ENVS)
    n_ended = 0
    for _ in range(70):
        actions = actions_of(rng)
        observation, _, done, infos = batch.step(actions)
        raw, reward, terminated, truncated, info = plain.step(simplex(actions, SCALE))
        np.testing.assert_array_equal(observation, batch.normaliser.scaled(raw))
        np.testing.assert_array_equal(done, terminated | truncated)
        growth += reward
        for i in np.flatnonzero(done):
            final = batch.normaliser.scaled(info["final_obs"][i])
            np.testing.assert_array_equal(infos[i]["terminal_observation"], final)
            assert infos[i]["episode"]["r"] == growth[i]
            assert (final != observation[i]).any()
            growth[i] = 0.0
            n_ended += 1
    assert n_ended == 3 * N_ENVS


def test_the_end_of_the_time_is_a_truncation(batch: AllocationVecEnv) -> None:
    rng = np.random.default_rng(0)
    ends = [batch.step(actions_of(rng))[2].tolist() for _ in range(20)]
    assert ends == [[False] * N_ENVS] * 19 + [[True] * N_ENVS]
    batch.environment.arena.episodes["last"][[1, 3]] = (
        batch.environment.arena.episodes["bar"][[1, 3]] + 1
    )
    _, _, done, infos = batch.step(actions_of(rng))
    assert done.tolist() == [False, True, False, True, False]
    assert [bool(info) for info in infos] == done.tolist()
    assert infos[1]["TimeLimit.truncated"] is True
    assert infos[1]["terminal_observation"].shape == batch.observation_space.shape
    assert infos[1]["episode"]["l"] == 1
    assert infos[1]["episode"]["t"] == 21 * N_ENVS


def test_ruin_is_no_truncation(batch: AllocationVecEnv) -> None:
    accounts = batch.environment.arena.desk.book.accounts
    ruined = 0.25 * batch.environment.history.rules.capital
    accounts["cash"][2] = accounts["equity"][2] = ruined
    # Even where the time is over in the same step.
    batch.environment.arena.episodes["last"][2] = batch.environment.arena.episodes["bar"][2] + 1
    _, _, done, infos = batch.step(np.zeros((N_ENVS, N_ACTIONS), np.float32))
    assert done.tolist() == [False, False, True, False, False]
    assert infos[2]["TimeLimit.truncated"] is False
    assert "terminal_observation" in infos[2]
    assert accounts["equity"][2] == batch.environment.history.rules.capital


def test_what_environments_share_when_they_say_nothing_cannot_be_written_to(
    batch: AllocationVecEnv,
) -> None:
    infos = batch.step(np.zeros((N_ENVS, N_ACTIONS), np.float32))[3]
    assert all(info is NOTHING for info in infos)
    with pytest.raises(TypeError):
        infos[0]["terminal_observation"] = 1


def test_wrappers_of_stable_baselines_find_what_they_need(batch: AllocationVecEnv) -> None:
    wrapped = VecMonitor(VecCheckNan(batch, raise_exception=True))
    wrapped.reset()
    rng = np.random.default_rng(0)
    for _ in range(20):
        _, _, done, infos = wrapped.step(actions_of(rng))
    assert done.all()
    assert [info["episode"]["l"] for info in infos] == [20] * N_ENVS
    assert not NOTHING


def test_observations_are_normalised_by_what_was_seen_so_far(batch: AllocationVecEnv) -> None:
    rng = np.random.default_rng(0)
    seen = [batch.step(actions_of(rng))[0] for _ in range(80)]
    assert batch.normaliser.moments.count == 81 * N_ENVS
    late = np.concatenate(seen[40:])
    varied = batch.normaliser.moments.variance > 1e-3
    assert np.abs(late[:, varied].mean(axis=0)).mean() < 0.5
    assert 0.5 < late[:, varied].std(axis=0).mean() < 1.5


def test_the_same_seed_plays_the_same_and_another_another(
    history: History, environment: EnvironmentSettings
) -> None:
    def play(seed: int) -> list[Any]:
        env = AllocationVecEnv(AllocationVectorEnv(history, SPAN, environment, N_ENVS), SCALE, 0.9)
        env.seed(seed)
        rng = np.random.default_rng(0)
        steps: list[Any] = [env.reset()]
        for _ in range(45):
            steps += env.step(actions_of(rng))[:3]
        return steps

    for one, two in zip(play(1), play(1), strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(play(1), play(2), strict=True))


def test_arrays_that_were_handed_out_are_never_written_to_again(batch: AllocationVecEnv) -> None:
    rng, kept = np.random.default_rng(0), []
    for _ in range(45):
        kept += [(array, array.copy()) for array in batch.step(actions_of(rng))[:3]]
    for array, copy in kept:
        np.testing.assert_array_equal(array, copy)


def test_actions_are_not_written_to(batch: AllocationVecEnv) -> None:
    actions = np.full((N_ENVS, N_ACTIONS), 2.0, np.float32)
    batch.step(actions)
    assert (actions == 2.0).all()


def test_a_step_needs_an_action(history: History, environment: EnvironmentSettings) -> None:
    env = AllocationVecEnv(AllocationVectorEnv(history, SPAN, environment, 1), SCALE, 0.9)
    with pytest.raises(gym.error.ResetNeeded, match="call step_async before step_wait"):
        env.step_wait()


def test_attributes_are_those_of_the_batch_once_per_environment(batch: AllocationVecEnv) -> None:
    assert batch.get_attr("num_envs") == [N_ENVS] * N_ENVS
    assert batch.get_attr("num_envs", [0, 2]) == [N_ENVS] * 2
    assert batch.env_is_wrapped(gym.Wrapper) == [False] * N_ENVS
    batch.set_attr("note", "here")
    assert batch.get_attr("note", 1) == ["here"]
    assert len(batch.env_method("reset", indices=[0, 1], seed=3)) == 2


def test_without_a_scale_an_action_is_the_weights(
    history: History, environment: EnvironmentSettings
) -> None:
    accounts = AllocationVectorEnv(history, SPAN, environment, N_ENVS)
    env, plain = (
        AllocationVecEnv(accounts, None, 0.9),
        AllocationVectorEnv(history, SPAN, environment, N_ENVS),
    )
    assert env.action_space == gym.spaces.Box(0.0, 1.0, (N_ACTIONS,), np.float32)
    env.seed(7)
    env.reset()
    plain.reset(seed=7)
    rng = np.random.default_rng(0)
    for _ in range(30):
        shares = rng.dirichlet(np.ones(N_ACTIONS), N_ENVS).astype(np.float32)
        observation = env.step(shares)[0]
        np.testing.assert_array_equal(observation, env.normaliser.scaled(plain.step(shares)[0]))
    weight = accounts.arena.desk.book.sleeves["weight"]
    np.testing.assert_allclose(weight, shares[:, :-1], atol=1e-6)
