"""The batched environment keeps the contract, and is B single ones bit for bit."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from pydantic import ValidationError

from benbot.envs.allocation import AllocationEnv
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.reward import RewardSettings
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings

EPISODE_BARS = 25
REWARDS = ("log_growth", "differential_sharpe", "drawdown_penalised")
Step = tuple[Float32Array, Any, Any, Any, dict[str, Any]]


def settings_of(reward: str = "log_growth", **changes: float) -> EnvironmentSettings:
    chosen = RewardSettings.model_validate({"name": reward})
    given = {"episode_bars": EPISODE_BARS, "reward": chosen} | changes
    return EnvironmentSettings.model_validate(given)


@pytest.fixture
def batch(history: History, span: Span) -> AllocationVectorEnv:
    env = AllocationVectorEnv(history, span, settings_of(), 6)
    env.reset(seed=7)
    return env


def random_actions(rng: np.random.Generator, shape: tuple[int, ...]) -> Float32Array:
    """Return actions of which some are nothing that weights could be made of."""
    actions = rng.random(shape).astype(np.float32)
    actions[rng.random(shape) < 0.3] = 0.0
    actions[rng.random(shape[:-1]) < 0.05] = np.nan
    actions[rng.random(shape[:-1]) < 0.05] = 0.0
    actions[..., 0][rng.random(shape[:-1]) < 0.02] = np.inf
    return actions


def test_spaces_shapes_and_types_are_those_of_the_contract(batch: AllocationVectorEnv) -> None:
    assert batch.num_envs == 6
    assert batch.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert batch.single_action_space == gym.spaces.Box(0.0, 1.0, (5,), np.float32)
    assert batch.action_space.shape == (6, 5)
    assert batch.single_observation_space.shape == (batch.layout.size,)
    assert batch.observation_space.shape == (6, batch.layout.size)

    observation, info = batch.reset(seed=1)
    assert batch.observation_space.contains(observation)
    assert info["equity"].shape == (6,)
    batch.action_space.seed(1)
    for _ in range(60):
        observation, reward, terminated, truncated, info = batch.step(batch.action_space.sample())
        assert batch.observation_space.contains(observation)
        assert (reward.shape, reward.dtype) == ((6,), np.float64)
        assert (terminated.shape, terminated.dtype) == ((6,), np.bool_)
        assert (truncated.shape, truncated.dtype) == ((6,), np.bool_)
        assert np.isfinite(reward).all()
        assert info["equity"].shape == (6,)


def test_an_episode_that_ends_begins_anew_within_the_step(batch: AllocationVectorEnv) -> None:
    capital = batch.history.rules.capital
    action = np.full((6, 5), 0.2, np.float32)
    for bar in range(EPISODE_BARS):
        observation, _, terminated, truncated, info = batch.step(action)
        assert truncated.all() == (bar == EPISODE_BARS - 1)
        assert not terminated.any()
        assert ("final_obs" in info) == truncated.any()
    cash = batch.layout.context(observation, "cash")
    assert cash.tolist() == [1.0] * 6
    assert info["equity"].tolist() == [capital] * 6
    for final, equity in zip(info["final_obs"], info["final_info"]["equity"], strict=True):
        assert batch.single_observation_space.contains(final)
        assert batch.layout.context(final, "gross") > 0.0
        assert equity != capital


def test_the_last_observation_is_kept_only_where_an_episode_ended(
    batch: AllocationVectorEnv,
) -> None:
    batch.arena.episodes["last"][[1, 4]] = batch.arena.episodes["bar"][[1, 4]] + 1
    _, _, _, truncated, info = batch.step(np.full((6, 5), 0.2, np.float32))
    ended = [False, True, False, False, True, False]
    assert truncated.tolist() == info["_final_obs"].tolist() == ended
    assert info["_final_info"].tolist() == info["final_info"]["_equity"].tolist() == ended
    assert [final is not None for final in info["final_obs"]] == ended


def test_ruin_terminates_and_is_no_truncation(batch: AllocationVectorEnv) -> None:
    accounts = batch.arena.desk.book.accounts
    ruin = 0.5 * batch.history.rules.capital
    for b, equity in ((2, ruin), (3, ruin + 1.0)):
        accounts["cash"][b] = accounts["equity"][b] = equity
    batch.arena.episodes["last"][2] = batch.arena.episodes["bar"][2] + 1
    _, _, terminated, truncated, info = batch.step(np.eye(5, dtype=np.float32)[[4] * 6])
    assert terminated.tolist() == [False, False, True, False, False, False]
    assert not truncated.any()
    assert info["final_info"]["equity"][2] == ruin


def test_a_reset_in_one_row_disturbs_no_other(history: History, span: Span) -> None:
    def play(first_ends_early: bool) -> list[Step]:
        env = AllocationVectorEnv(history, span, settings_of(), 3)
        env.reset(seed=3)
        if first_ends_early:
            env.arena.episodes["last"][0] = env.arena.episodes["bar"][0] + 4
        rng = np.random.default_rng(0)
        return [env.step(random_actions(rng, (3, 5))) for _ in range(EPISODE_BARS - 1)]

    for early, late in zip(play(True), play(False), strict=True):
        for part in range(4):
            np.testing.assert_array_equal(early[part][1:], late[part][1:])
    assert play(True)[3][3].tolist() == [True, False, False]


@pytest.mark.parametrize("reward", REWARDS)
def test_a_batch_is_its_single_environments_bit_for_bit(
    history: History, span: Span, reward: str
) -> None:
    """Ten thousand random steps with resets: 4 environments, 2,500 steps, for each reward."""
    seed, n_envs, n_steps = 11, 4, 2_500
    settings = settings_of(reward, ruin=0.97)  # so that some episodes end in ruin
    batch = AllocationVectorEnv(history, span, settings, n_envs)
    singles = [AllocationEnv(history, span, settings) for _ in range(n_envs)]
    observation, info = batch.reset(seed=seed)
    for i, single in enumerate(singles):
        own, own_info = single.reset(seed=seed + i)
        np.testing.assert_array_equal(own, observation[i])
        assert own_info["equity"] == info["equity"][i]

    rng = np.random.default_rng(5)
    n_terminated = n_truncated = 0
    for _ in range(n_steps):
        actions = random_actions(rng, (n_envs, 5))
        observation, rewards, terminated, truncated, info = batch.step(actions)
        for i, single in enumerate(singles):
            own, own_reward, own_terminated, own_truncated, own_info = single.step(actions[i])
            assert (own_terminated, own_truncated) == (terminated[i], truncated[i])
            assert own_reward == rewards[i]
            if own_terminated or own_truncated:
                assert np.array_equal(own, info["final_obs"][i])
                assert own_info["equity"] == info["final_info"]["equity"][i]
                own, own_info = single.reset()
            assert np.array_equal(own, observation[i])
            assert own_info["equity"] == info["equity"][i]
        n_terminated += int(terminated.sum())
        n_truncated += int(truncated.sum())
    assert n_terminated > 20
    assert n_truncated > 100


def test_the_same_seed_plays_the_same_and_another_another(history: History, span: Span) -> None:
    def play(seed: int) -> list[Any]:
        env = AllocationVectorEnv(history, span, settings_of(), 3)
        rng = np.random.default_rng(0)
        steps = [env.reset(seed=seed)[0]]
        for _ in range(60):
            observation, reward, *_ = env.step(random_actions(rng, (3, 5)))
            steps += [observation, reward]
        return steps

    first, again, other = play(1), play(1), play(2)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_a_reset_without_a_seed_goes_on_and_with_one_begins_again(
    batch: AllocationVectorEnv,
) -> None:
    def starts(seed: Any = None) -> list[int]:  # noqa: ANN401
        batch.reset(seed=seed)
        return [int(bar) for bar in batch.arena.episodes["bar"]]

    first, then = starts(5), starts()
    assert first != then
    assert starts(5) == first
    assert starts() == then
    seeds = [5, None, 7, None, 9, None]
    mixed = starts(seeds)
    assert [mixed[i] for i in (0, 2, 4)] == [first[i] for i in (0, 2, 4)]


def test_seeds_must_be_as_many_as_environments(batch: AllocationVectorEnv) -> None:
    with pytest.raises(InvalidParameter, match="one seed per environment, 6, was 2"):
        batch.reset(seed=[1, 2])


def test_episodes_start_everywhere_in_the_span_and_stay_within_it(history: History) -> None:
    span = Span(100, 100 + EPISODE_BARS + 3)
    env = AllocationVectorEnv(history, span, settings_of(), 400)
    env.reset(seed=0)
    bars, counts = np.unique(env.arena.episodes["bar"], return_counts=True)
    assert bars.tolist() == [100, 101, 102, 103]
    assert counts.min() > 70
    for _ in range(2 * EPISODE_BARS):
        env.step(env.action_space.sample())
        assert (env.arena.episodes["last"] <= span.last).all()


def test_arrays_that_were_handed_out_are_never_written_to_again(batch: AllocationVectorEnv) -> None:
    rng = np.random.default_rng(0)
    kept: list[tuple[Any, Any]] = []
    for _ in range(2 * EPISODE_BARS):
        observation, reward, terminated, truncated, info = batch.step(random_actions(rng, (6, 5)))
        handed = [observation, reward, terminated, truncated, info["equity"]]
        handed += [final for final in info.get("final_obs", []) if final is not None]
        kept += [(array, array.copy()) for array in handed]
    for array, copy in kept:
        np.testing.assert_array_equal(array, copy)


def test_actions_are_not_written_to(batch: AllocationVectorEnv) -> None:
    actions = np.full((6, 5), 0.7, np.float32)
    batch.step(actions)
    assert (actions == np.float32(0.7)).all()


def test_an_action_is_made_a_point_of_the_simplex(batch: AllocationVectorEnv) -> None:
    actions = np.array([[0.2, 0.0, 0.4, 0.0, 0.2], [3.0, 1.0, 0.0, -5.0, 0.0]] * 3, np.float32)
    batch.step(actions)
    book = batch.arena.desk.book
    expected = [[0.25, 0.0, 0.5, 0.0], [0.75, 0.25, 0.0, 0.0]]
    np.testing.assert_allclose(book.sleeves["weight"][:2], expected, rtol=1e-6)
    np.testing.assert_allclose(book.accounts["cash_weight"][:2], [0.25, 0.0], rtol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        [np.nan, 0.1, 0.1, 0.1, 0.1],
        [0.1, np.inf, 0.1, 0.1, 0.1],
        [0.1, 0.1, 0.1, 0.1, -np.inf],
        [0.0, 0.0, 0.0, 0.0, 0.0],
        [-1.0, -1.0, 0.0, 0.0, -1.0],
    ],
)
def test_an_action_that_says_nothing_keeps_the_last_weights(
    batch: AllocationVectorEnv, bad: list[float]
) -> None:
    good = np.full((6, 5), 0.1, np.float32)
    good[:, 1] = 0.6
    batch.step(good)
    before = batch.arena.desk.book.sleeves["weight"].copy()
    actions = good.copy()
    actions[:, 2] = 5.0
    actions[0] = bad
    batch.step(actions)
    after = batch.arena.desk.book.sleeves["weight"]
    np.testing.assert_array_equal(after[0], before[0])
    assert (after[1:] != before[1:]).all()


def test_before_any_action_an_account_is_in_cash(batch: AllocationVectorEnv) -> None:
    batch.step(np.full((6, 5), np.nan, np.float32))
    assert batch.arena.desk.book.accounts["cash_weight"].tolist() == [1.0] * 6
    assert not batch.arena.desk.book.sleeves["weight"].any()


@pytest.mark.parametrize("shape", [(6, 4), (5, 5), (5,), (6, 5, 1)])
def test_actions_of_another_shape_are_refused(
    batch: AllocationVectorEnv, shape: tuple[int, ...]
) -> None:
    with pytest.raises(InvalidParameter, match=r"actions must have the shape \(6, 5\), was"):
        batch.step(np.zeros(shape, np.float32))


def test_options_are_refused(batch: AllocationVectorEnv) -> None:
    with pytest.raises(InvalidParameter, match="no options at reset, was \\['first'\\]"):
        batch.reset(options={"first": 3})


def test_a_step_needs_a_reset(history: History, span: Span) -> None:
    env = AllocationVectorEnv(history, span, settings_of(), 2)
    with pytest.raises(gym.error.ResetNeeded, match="call reset before step"):
        env.step(np.zeros((2, 5), np.float32))


def test_an_episode_must_fit_into_its_span(history: History) -> None:
    fits = Span(10, 10 + EPISODE_BARS)
    assert AllocationVectorEnv(history, fits, settings_of(), 1).reset(seed=0)
    with pytest.raises(InvalidParameter, match="an episode of 25 bars must fit"):
        AllocationVectorEnv(history, Span(10, 9 + EPISODE_BARS), settings_of(), 1)
    with pytest.raises(InvalidParameter, match="from bar 10 to 240 of 240"):
        AllocationVectorEnv(history, Span(10, 240), settings_of(), 1)


def test_a_batch_needs_an_environment(history: History, span: Span) -> None:
    with pytest.raises(InvalidParameter, match="num_envs must be at least 1, was 0"):
        AllocationVectorEnv(history, span, settings_of(), 0)


def test_settings_outside_their_range_are_refused() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        EnvironmentSettings(episode_bars=0)
    with pytest.raises(ValidationError, match="less than 1"):
        EnvironmentSettings(ruin=1.0)


def test_gymnasium_s_own_statistics_count_what_ended(batch: AllocationVectorEnv) -> None:
    counted = gym.wrappers.vector.RecordEpisodeStatistics(batch)
    counted.reset(seed=7)
    rng, rewards = np.random.default_rng(1), np.zeros(6)
    for _ in range(EPISODE_BARS):
        _, reward, _, _, info = counted.step(rng.random((6, 5)).astype(np.float32))
        rewards += reward
    np.testing.assert_allclose(info["episode"]["r"], rewards)
    assert info["episode"]["l"].tolist() == [EPISODE_BARS] * 6
