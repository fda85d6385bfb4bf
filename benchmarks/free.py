"""An environment that costs nothing: what PPO reaches when it waits for nobody."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import Wrapper, spaces
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

from benbot.envs.arrays import Float32Array

N_BLOCKS = 16  # of numbers drawn beforehand, handed out in turn


class FreeVecEnv(VecEnv):
    """Hands out numbers drawn beforehand; its episodes end one after the other."""

    def __init__(self, n_envs: int, observation_size: int, action_size: int, episode: int) -> None:
        super().__init__(
            n_envs,
            spaces.Box(-5.0, 5.0, (observation_size,), np.float32),
            spaces.Box(-1.0, 1.0, (action_size,), np.float32),
        )
        rng = np.random.default_rng(0)
        shape = (N_BLOCKS, n_envs, observation_size)
        self._observations = rng.standard_normal(shape, dtype=np.float32)
        self._rewards = rng.standard_normal((N_BLOCKS, n_envs), dtype=np.float32)
        self._age = rng.integers(0, episode, n_envs)
        self._episode = episode
        self._block = 0

    def reset(self) -> VecEnvObs:
        return self._observations[0]

    def step_async(self, actions: Float32Array) -> None:
        """Do nothing: no action matters here."""

    def step_wait(self) -> VecEnvStepReturn:
        self._block = (self._block + 1) % N_BLOCKS
        self._age += 1
        done = self._age >= self._episode
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for i in np.flatnonzero(done):
            last = self._observations[self._block, i]
            infos[i] = {"terminal_observation": last, "TimeLimit.truncated": True}
        self._age[done] = 0
        return self._observations[self._block], self._rewards[self._block], done, infos

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: int | Sequence[int] | None = None) -> list[Any]:
        return [getattr(self, attr_name, None)] * self.num_envs

    def set_attr(
        self, attr_name: str, value: object, indices: int | Sequence[int] | None = None
    ) -> None:
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *args: object, indices: object = None, **kwargs: object
    ) -> list[Any]:
        return [None] * self.num_envs

    def env_is_wrapped(
        self, wrapper_class: type[Wrapper[Any, Any, Any, Any]], indices: object = None
    ) -> list[bool]:
        return [False] * self.num_envs
