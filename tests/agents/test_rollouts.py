"""Steps are shuffled by our own generator, and episodes are heard of where they end."""

from collections.abc import Callable

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from benbot.agents.algorithms.on_policy import ShuffledBuffer
from benbot.agents.learner import Learner, Lesson, torch_apart


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


def test_it_hears_of_the_same_episodes_as_plain_stable_baselines(
    lesson_of: Callable[..., Lesson],
) -> None:
    def heard(*, plainly: bool) -> list[dict[str, float]]:
        with torch_apart(1):
            learner = Learner(lesson_of())
            model = learner.model
            if plainly:
                listen = BaseAlgorithm._update_info_buffer
                model._update_info_buffer = lambda infos, dones: listen(model, infos, dones)
            for _ in range(4):
                learner.update()
        return list(model.ep_info_buffer or ())

    episodes = heard(plainly=False)
    assert len(episodes) > 1
    assert episodes == heard(plainly=True)
