"""A replay keeps what happened, draws it by a generator of ours and scales it as of now."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.agents.algorithms.off_policy import OffPolicy, Trying
from benbot.agents.algorithms.replay import Replay
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.settings import AgentSettings
from benbot.envs.arrays import Float32Array
from benbot.envs.stepping import Outcome

N_ENVS = 6


@pytest.fixture(params=["sac", "td3"])
def learner(request: pytest.FixtureRequest, lesson_of: Callable[..., Lesson]) -> Learner:
    """A learner of two updates of eight bars, the first of which is a warm-up."""
    values = {
        "algorithm": request.param,
        "total_steps": 2 * 8 * N_ENVS,
        "n_envs": N_ENVS,
        "n_steps": 8,
        "batch_size": 12,
        "net_arch": (4,),
        "replay": {"size": 11 * N_ENVS + 3, "warmup": 8 * N_ENVS, "gradients": 3},
    }
    with torch_apart(1):
        return Learner(lesson_of(agent=AgentSettings.model_validate(values)))


def replay_of(learner: Learner) -> Replay:
    assert isinstance(learner.algorithm, OffPolicy)
    return learner.algorithm.model.replay_buffer


def outcome_of(size: int, ended: dict[int, str]) -> Outcome:
    """Return a step whose every observation is made of the account's number."""
    number = np.arange(N_ENVS, dtype=np.float32)[:, None]
    fresh: Float32Array = np.broadcast_to(number + 10.0, (N_ENVS, size)).copy()
    last: Float32Array = np.broadcast_to(number + 20.0, (N_ENVS, size)).copy()
    flags = {
        how: np.array([ended.get(i) == how for i in range(N_ENVS)])
        for how in ("terminated", "truncated")
    }
    reward = 0.001 * np.arange(N_ENVS)
    return Outcome(fresh, last, reward, flags["terminated"], flags["truncated"])


def test_an_episode_that_is_cut_short_is_no_end_and_neither_leads_into_the_next(
    learner: Learner,
) -> None:
    replay, size = replay_of(learner), learner.environment.normaliser.moments.mean.size
    action = np.zeros((N_ENVS, 4), np.float32)
    seen = np.zeros((N_ENVS, size), np.float32)
    replay.keep(seen, action, outcome_of(size, {1: "terminated", 4: "truncated"}))
    followed = replay.next_observations[0, :, 0]
    assert followed.tolist() == [10.0, 21.0, 12.0, 13.0, 24.0, 15.0]
    assert replay.dones[0].tolist() == [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_what_is_drawn_is_scaled_by_the_moments_of_now(learner: Learner) -> None:
    replay, environment = replay_of(learner), learner.environment
    size = environment.normaliser.moments.mean.size
    action = np.zeros((N_ENVS, 4), np.float32)
    seen = np.ones((N_ENVS, size), np.float32)
    replay.keep(seen, action, outcome_of(size, {}))
    for rows in (np.ones((50, size), np.float32), 9.0 * np.ones((50, size), np.float32)):
        environment.normaliser.learn(rows)
        environment.scaler.moments.fold(rows[:, :1].astype(np.float64))
        drawn = replay.sample(40)
        expected = environment.normaliser.scaled(seen[0])
        np.testing.assert_array_equal(drawn.observations.numpy(), np.tile(expected, (40, 1)))
        deviation = np.sqrt(environment.scaler.moments.variance[0] + 1e-8)
        allowed = {round(0.001 * i / deviation, 5) for i in range(N_ENVS)}
        clipped = {min(each, 10.0) for each in allowed}
        assert {round(float(each), 5) for each in drawn.rewards[:, 0]} <= clipped


def test_the_draw_is_the_generator_s_and_every_transition_has_its_turn(learner: Learner) -> None:
    replay = replay_of(learner)
    size = learner.environment.normaliser.moments.mean.size
    for bar in range(14):  # three more than there is room for
        action = np.full((N_ENVS, 4), bar, np.float32) + np.arange(N_ENVS)[:, None] / 10.0
        replay.keep(np.zeros((N_ENVS, size), np.float32), action, outcome_of(size, {}))
    replay.shuffler.bit_generator.state = np.random.default_rng(5).bit_generator.state
    drawn = replay.sample(2000).actions[:, 0].numpy()
    kept = [bar + i / 10.0 for bar in range(3, 14) for i in range(N_ENVS)]
    np.testing.assert_allclose(sorted(set(drawn.tolist())), kept, rtol=1e-5)
    replay.shuffler.bit_generator.state = np.random.default_rng(5).bit_generator.state
    np.testing.assert_array_equal(replay.sample(2000).actions[:, 0].numpy(), drawn)
    assert (replay.sample(2000).actions[:, 0].numpy() != drawn).any()


def test_the_warm_up_acts_at_random_and_learns_nothing(learner: Learner) -> None:
    model = learner.model
    assert isinstance(model, Trying)
    with torch_apart(1):
        before = {name: each.copy() for name, each in learner._acting().items()}
        learner.update()
        after = learner._acting()
        assert model._n_updates == 0
        for name, weights in before.items():
            np.testing.assert_array_equal(after[name], weights)
        replay = replay_of(learner)
        seen, followed = replay.observations[:8], replay.next_observations[:8]
        np.testing.assert_array_equal(seen[1:], followed[:-1])  # no episode ends as early
        assert (seen[0] != seen[1]).any()
        tried = replay.actions[:8].reshape(-1, 4)
        assert tried.min() < -0.9
        assert tried.max() > 0.9
        assert len(np.unique(tried[:, 0])) == 8 * N_ENVS
        learner.update()
        assert model._n_updates == 8 * 3  # after each bar of all accounts, and not per transition


@pytest.mark.parametrize(
    ("replay", "other", "message"),
    [
        ({"size": 512}, {}, "replay.size must be at least 1024, a batch and a bar of all acc"),
        (
            {"warmup": 8192},
            {"total_steps": 4096},
            "warmup must be less than all steps, 4096",
        ),
        (
            {"size": 64},
            {"batch_size": 16, "n_envs": 65},
            "size must be at least 65, a batch",
        ),
    ],
)
def test_a_replay_that_could_not_be_learned_from_is_refused(
    replay: dict[str, int], other: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        AgentSettings.model_validate({"algorithm": "sac", "replay": replay, **other})
