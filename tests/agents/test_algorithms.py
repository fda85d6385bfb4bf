"""Every algorithm by name goes through the same learner, and nothing of it is hidden from us."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3 import SAC, TD3

from benbot.agents.bundle import Expectations, load_bundle, policy_digest, save_bundle
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.settings import AgentSettings
from benbot.agents.training import Progress, train
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History
from benbot.envs.vector import EnvironmentSettings

SHARED: dict[str, Any] = {
    "total_steps": 384,  # four updates
    "n_envs": 6,
    "n_steps": 16,
    "batch_size": 48,
    "learning_rate": 1e-2,
    "net_arch": (16, 8),
    "evaluations": 2,
}
REPLAY = {"size": 160, "warmup": 60, "gradients": 2}  # not whole bars; forgets before the end
OWN: dict[str, dict[str, Any]] = {
    "recurrent_ppo": {"recurrent": {"width": 12}, "n_epochs": 2},
    "sac": {"replay": REPLAY},
    "td3": {"replay": REPLAY},
}
KINDS = {"recurrent_ppo": RecurrentPPO, "sac": SAC, "td3": TD3}


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


@pytest.fixture(params=OWN)
def lesson(request: pytest.FixtureRequest, lesson_of: Callable[..., Lesson]) -> Lesson:
    settings = {"algorithm": request.param, **SHARED, **OWN[request.param]}
    return lesson_of(agent=AgentSettings.model_validate(settings))


def predicted(learner: Learner, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what the model itself would do at some bars of one account, one after another."""
    state, actions = None, []
    for row in rows:
        seen = learner.environment.normaliser.scaled(row)
        action, state = learner.model.predict(seen, state=state, deterministic=True)
        actions.append(action)
    return np.stack(actions)


def observations(learner: Learner) -> np.ndarray[Any, Any]:
    size = learner.environment.normaliser.moments.mean.size
    return np.random.default_rng(0).uniform(-3.0, 3.0, (30, size)).astype(np.float32)


def test_the_policy_of_a_bundle_does_what_the_model_would(
    lesson: Lesson, history: History, tmp_path: Path
) -> None:
    agent = lesson.agent.model_copy(update={"averaging": 1e9})  # the last update alone
    with torch_apart(1):
        learner = Learner(lesson_with(lesson, agent))
        assert isinstance(learner.model, KINDS[agent.algorithm])
        for _ in range(3):
            learner.update()
        policy, rows = learner.allocator(), observations(learner)
        expected = predicted(learner, rows)
    save_bundle(
        tmp_path,
        policy,
        Expectations.of(
            history, [{"name": name} for name in history.layout.strategies], "0123456789abcdef"
        ),
        {},
    )
    loaded = load_bundle(tmp_path).policy
    for _ in range(2):  # a second account begins as the first one did
        loaded.reset()
        actions = np.stack([loaded.action(row) for row in rows])  # type: ignore[attr-defined]
        np.testing.assert_allclose(np.clip(actions, -1.0, 1.0), expected, rtol=0, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.01
    assert policy_digest(loaded) == policy_digest(policy)


def lesson_with(lesson: Lesson, agent: AgentSettings) -> Lesson:
    return replace(lesson, agent=agent)


@pytest.mark.parametrize("at", [1, 2])  # with the replay not yet full, and full
def test_a_restored_learner_goes_on_as_if_nothing_had_happened(lesson: Lesson, at: int) -> None:
    with torch_apart(1):
        learner = Learner(lesson)
        for _ in range(at):
            learner.update()
        kept = learner.state()
        figures = [learner.update() for _ in range(2)]
        expected = learner.state()
        other = Learner(lesson)
        other.update()  # what it knew is forgotten
        other.restore(kept)
        assert [other.update() for _ in range(2)] == figures
        assert all(np.isfinite(value) for each in figures for value in each.values())
        again = other.state()
    assert again.numbers == expected.numbers
    assert again.arrays.keys() == expected.arrays.keys()
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], array, err_msg=name)
    moved = [name for name in kept.arrays if name.startswith("average/")]
    assert all((kept.arrays[name] != expected.arrays[name]).any() for name in moved)


class StopHere(Exception):
    """What a listener raises that cannot go on."""


def test_a_training_that_was_broken_off_ends_where_one_without_a_break_does(
    lesson: Lesson, tmp_path: Path
) -> None:
    def fail(progress: Progress) -> None:
        if progress.n_steps == 96 * 3:
            raise StopHere

    whole = train(lesson, tmp_path / "whole", deaf)
    with pytest.raises(StopHere):
        train(lesson, tmp_path / "broken", fail)
    resumed = train(lesson, tmp_path / "broken", deaf)
    assert policy_digest(resumed.policy) == policy_digest(whole.policy)
    assert (resumed.at_steps, resumed.valid_growth) == (whole.at_steps, whole.valid_growth)


def test_nobody_else_s_randomness_is_used_or_moved(lesson: Lesson) -> None:
    def states() -> list[bytes]:
        plain = [repr(random.getstate()), repr(np.random.get_state())]  # noqa: NPY002
        return [text.encode() for text in plain] + [torch.get_rng_state().numpy().tobytes()]

    def digest() -> str:
        with torch_apart(1):
            learner = Learner(lesson)
            for _ in range(2):
                learner.update()
            return policy_digest(learner.allocator())

    before = states()
    one = digest()
    assert states() == before
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert digest() == one


def test_the_checkpoint_of_another_algorithm_is_refused(
    lesson: Lesson, lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    train(lesson, tmp_path / "own", deaf)
    with pytest.raises(RunMismatch, match="go on with the configuration it came from"):
        train(lesson_of(), tmp_path / "own", deaf)
    train(lesson_of(), tmp_path / "other", deaf)
    with pytest.raises(RunMismatch, match="o on with the configuration it came from"):
        train(lesson, tmp_path / "other", deaf)


EAGER = {"size": 8192, "warmup": 1024, "gradients": 4, "target_rate": 0.02}
LEARNING: dict[str, dict[str, Any]] = {
    "recurrent_ppo": {"recurrent": {"width": 16}},
    "sac": {"replay": EAGER, "batch_size": 128, "sac": {"first_temperature": 0.01}},
    "td3": {"replay": EAGER, "batch_size": 128},
}
SMALL: dict[str, Any] = {
    "total_steps": 8192,
    "n_envs": 32,
    "n_steps": 32,
    "batch_size": 256,
    "learning_rate": 1e-2,
    "net_arch": (16,),
    "evaluations": 4,
}


@pytest.mark.parametrize("algorithm", LEARNING)
def test_it_learns_to_trust_the_strategy_that_always_earns(
    algorithm: str, clear_cut: History, lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    settings = {"algorithm": algorithm, **SMALL, **LEARNING[algorithm]}
    environment = EnvironmentSettings(episode_bars=40)
    lesson = lesson_of(
        history=clear_cut,
        agent=AgentSettings.model_validate(settings),
        environment=environment,
    )
    with torch_apart(1):
        untrained = Learner(lesson).allocator()
    trained = train(lesson, tmp_path / "checkpoint", deaf)
    before, after = (
        evaluate(policy, clear_cut, lesson.valid, environment)
        for policy in (untrained, trained.policy)
    )
    loser, earner, _ = after.weights.mean(axis=0)
    assert before.weights.mean(axis=0)[1] < 0.45
    assert earner > 0.6
    assert loser < 0.1
    assert trained.at_steps > 0
