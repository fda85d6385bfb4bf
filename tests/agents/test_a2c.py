"""A2C goes through the same learner as PPO, with one gradient per update."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C

from benbot.agents.bundle import policy_digest
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.settings import AgentSettings, PolicySettings
from benbot.agents.training import Progress, train


@pytest.fixture(params=["mlp", "equivariant"])
def lesson(request: pytest.FixtureRequest, lesson_of: Callable[..., Lesson]) -> Lesson:
    """Return a training of four updates."""
    own = {"policy", "net_arch", "total_steps", "n_epochs", "algorithm"}
    plain = lesson_of().agent.model_dump(exclude=own)
    policy = PolicySettings(network=request.param)
    agent = AgentSettings(algorithm="a2c", policy=policy, total_steps=384, **plain)
    return lesson_of(agent=agent)


def test_an_update_is_one_step_of_the_optimiser(lesson: Lesson) -> None:
    with torch_apart(1):
        learner = Learner(lesson)
        assert isinstance(learner.model, A2C)
        figures = [learner.update() for _ in range(3)]
        optimiser = learner.model.policy.optimizer
        steps = {int(each["step"]) for each in optimiser.state.values()}
    assert steps == {3}
    assert isinstance(optimiser, torch.optim.RMSprop)
    assert [each["train/n_updates"] for each in figures] == [1.0, 2.0, 3.0]
    assert all(np.isfinite(value) for each in figures for value in each.values())


def test_a_restored_learner_goes_on_as_if_nothing_had_happened(lesson: Lesson) -> None:
    with torch_apart(1):
        learner = Learner(lesson)
        learner.update()
        kept = learner.state()
        figures = [learner.update() for _ in range(2)]
        expected = learner.state()
        other = Learner(lesson)
        other.restore(kept)
        assert [other.update() for _ in range(2)] == figures
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(other.state().arrays[name], array, err_msg=name)


def test_the_same_seed_trains_the_same_policy(lesson: Lesson, tmp_path: Path) -> None:
    def deaf(progress: Progress) -> None:
        """Listen to nothing."""

    one, two = (train(lesson, tmp_path / name, deaf).policy for name in ("one", "two"))
    assert policy_digest(one) == policy_digest(two)
