"""The learner is PPO of Stable-Baselines3, and nothing of it is hidden from us."""

import math
import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from gymnasium import spaces

from benbot.agents.algorithms.on_policy import ShuffledBuffer
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.envs.errors import RunMismatch


@pytest.fixture
def learner(lesson_of: Callable[..., Lesson]) -> Iterator[Learner]:
    with torch_apart(1):
        yield Learner(lesson_of())


def test_the_allocator_does_what_stable_baselines_would(learner: Learner) -> None:
    learner.update()
    allocator = learner.allocator()
    rows = np.random.default_rng(0).uniform(
        -3.0, 3.0, (40, learner.environment.normaliser.moments.mean.size)
    )
    raw = rows.astype(np.float32)
    policy = learner.model.policy
    seen = torch.from_numpy(learner.environment.normaliser.scaled(raw))
    with torch.no_grad():
        expected = policy.get_distribution(seen).distribution.mean.numpy()
    actions = np.stack([allocator.action(row) for row in raw])
    np.testing.assert_allclose(actions, expected, rtol=1e-4, atol=1e-5)


def test_an_allocator_is_a_copy_that_later_updates_leave_alone(learner: Learner) -> None:
    learner.update()
    allocator = learner.allocator()
    row = np.full(learner.environment.normaliser.moments.mean.size, 0.5, np.float32)
    before = allocator.action(row)
    learner.update()
    np.testing.assert_array_equal(allocator.action(row), before)
    assert (learner.allocator().action(row) != before).any()


def test_a_restored_learner_goes_on_as_if_nothing_had_happened(
    learner: Learner, lesson_of: Callable[..., Lesson]
) -> None:
    for _ in range(2):
        learner.update()
    kept = learner.state()
    figures = [learner.update() for _ in range(2)]
    expected = learner.state()
    other = Learner(lesson_of())
    other.restore(kept)
    assert [other.update() for _ in range(2)] == figures
    assert other.state().numbers == expected.numbers
    for name, array in expected.arrays.items():
        np.testing.assert_array_equal(other.state().arrays[name], array, err_msg=name)


def test_a_state_is_a_copy(learner: Learner) -> None:
    learner.update()
    state = learner.state()
    before = {name: array.copy() for name, array in state.arrays.items()}
    learner.update()
    for name, array in before.items():
        np.testing.assert_array_equal(state.arrays[name], array, err_msg=name)


def test_the_state_of_another_training_is_refused(
    learner: Learner, lesson_of: Callable[..., Lesson]
) -> None:
    learner.update()
    lesson = lesson_of()
    wider = lesson.agent.model_copy(update={"net_arch": (16, 9)})
    other = Learner(lesson_of(agent=wider))
    with pytest.raises(RunMismatch, match=r"must have the shape \(9, 16\), was \(8, 16\)"):
        other.restore(learner.state())
    deeper = lesson.agent.model_copy(update={"net_arch": (16, 8, 8)})
    with pytest.raises(RunMismatch, match="was missing"):
        Learner(lesson_of(agent=deeper)).restore(learner.state())


@pytest.mark.parametrize("eta", [0.0, 3.0])
def test_the_policy_has_the_mean_weights_of_the_updates_the_later_ones_counting_more(
    lesson_of: Callable[..., Lesson], eta: float
) -> None:
    with torch_apart(1):
        lesson = lesson_of()
        learner = Learner(
            lesson_of(agent=lesson.agent.model_copy(update={"averaging": eta})),
        )
        seen = []
        for _ in range(4):
            learner.update()
            seen.append([each.astype(np.float64) for each in learner._acting().values()])
        tensors = list(learner.allocator().tensors.values())
    # With share (η + 1) / (n + η), the i-th of n weighs as i (i + 1) … (i + η - 1), for whole η.
    weight = np.array([math.prod(range(i, i + int(eta))) for i in range(1, 5)], np.float64)
    weight /= weight.sum()
    for k, tensor in enumerate(tensors):
        mean = sum(weight[i] * seen[i][k] for i in range(4))
        np.testing.assert_allclose(tensor, mean, rtol=1e-5, atol=1e-7)


def test_an_average_that_forgets_at_once_is_the_last_update(
    lesson_of: Callable[..., Lesson],
) -> None:
    agent = lesson_of().agent.model_copy(update={"averaging": 1e9})
    with torch_apart(1):
        learner = Learner(lesson_of(agent=agent))
        for _ in range(3):
            learner.update()
        acting = learner._acting()
        for name, tensor in learner.allocator().tensors.items():
            np.testing.assert_allclose(tensor, acting[name], rtol=1e-5, atol=1e-7)


def test_training_leaves_everyone_else_s_randomness_alone(
    lesson_of: Callable[..., Lesson],
) -> None:
    def states() -> list[bytes]:
        plain = [repr(random.getstate()), repr(np.random.get_state())]  # noqa: NPY002
        return [text.encode() for text in plain] + [torch.get_rng_state().numpy().tobytes()]

    before, threads = states(), torch.get_num_threads()
    with torch_apart(1):
        Learner(lesson_of()).update()
    assert states() == before
    assert torch.get_num_threads() == threads


def filled_buffer(seed: int) -> ShuffledBuffer:
    """Return a buffer in which every number of a step is made of the step's own number."""
    n_steps, n_envs = 6, 4
    buffer = ShuffledBuffer(
        n_steps,
        spaces.Box(-1e3, 1e3, (3,), np.float32),
        spaces.Box(-1e3, 1e3, (2,), np.float32),
        n_envs=n_envs,
        shuffler=np.random.default_rng(seed),
    )
    number = np.arange(n_steps * n_envs, dtype=np.float32).reshape(n_steps, n_envs)
    buffer.observations[:] = number[..., None] + [0.0, 0.1, 0.2]
    buffer.actions[:] = number[..., None] + [0.3, 0.4]
    for offset, name in enumerate(("values", "log_probs", "advantages", "returns")):
        getattr(buffer, name)[:] = number + 100.0 * offset
    return buffer


def test_every_step_is_learned_from_once_with_its_own_numbers() -> None:
    batches = list(filled_buffer(0).get(8))
    assert [len(batch.observations) for batch in batches] == [8, 8, 8]
    seen = torch.cat([batch.observations for batch in batches]).numpy()
    number = seen[:, 0]
    assert sorted(number.tolist()) == list(range(24))
    assert number.tolist() != sorted(number.tolist())
    np.testing.assert_allclose(seen[:, 2], number + 0.2, rtol=1e-6)
    actions = torch.cat([batch.actions for batch in batches]).numpy()
    np.testing.assert_allclose(actions[:, 1], number + 0.4, rtol=1e-6)
    for offset, name in enumerate(("old_values", "old_log_prob", "advantages", "returns")):
        column = torch.cat([getattr(batch, name) for batch in batches])
        np.testing.assert_array_equal(column, number + 100.0 * offset, err_msg=name)


def test_the_shuffle_is_the_generator_s_and_new_every_time() -> None:
    def orders(seed: int) -> list[list[float]]:
        buffer = filled_buffer(seed)
        return [next(buffer.get()).observations[:, 0].tolist() for _ in range(2)]

    first, second = orders(1)
    assert first != second
    assert orders(1) == [first, second]
    assert orders(2)[0] != first
