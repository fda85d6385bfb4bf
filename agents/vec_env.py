"""The batched environment as Stable-Baselines3 wants it, scaled for a learner.

action        (B, K+1) in [-1, 1]; `policy.simplex` makes it weights, 0 is equal weight; without an
              action scale the weights themselves, in [0, 1]
observation   (B, D), normalised by running moments that learn from every step
reward        (B,), in running deviations of the discounted return
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import gymnasium as gym
import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from benbot.agents.normaliser import OBSERVATION_CLIP, ObservationNormaliser, RewardScaler
from benbot.agents.policy import simplex
from benbot.envs.arrays import BoolArray, Float32Array, FloatArray, IntArray
from benbot.envs.stepping import Outcome
from benbot.envs.vector import AllocationVectorEnv

# Most environments have nothing to say after a step. They share this, which nobody can write to.
NOTHING: Mapping[str, Any] = MappingProxyType({})


class AllocationVecEnv(VecEnv):
    """B accounts for one learner, without a Python loop over those that go on.

    Where an episode ends, `infos` holds `terminal_observation` (normalised like the others),
    `TimeLimit.truncated` and `episode` with `r` (unscaled), `l` (bars) and `t` (steps so far).
    `outcome` is the last step and `unscaled` the last observation as the accounts gave them.
    """

    outcome: Outcome
    unscaled: Float32Array

    def __init__(
        self,
        environment: AllocationVectorEnv,
        action_scale: float | None,
        gamma: float,
        normaliser: ObservationNormaliser | None = None,
    ) -> None:
        n_envs, size = environment.num_envs, environment.layout.size
        self.environment = environment
        self.action_scale = action_scale
        self.normaliser = normaliser or ObservationNormaliser.of(size)
        self.scaler = RewardScaler(np.zeros(n_envs), gamma)
        self.episode_reward: FloatArray = np.zeros(n_envs)
        self.episode_length: IntArray = np.zeros(n_envs, np.int64)
        self.n_steps = 0
        self._actions: Float32Array | None = None
        n_actions = environment.history.signals.n_strategies + 1
        super().__init__(
            n_envs,
            gym.spaces.Box(-OBSERVATION_CLIP, OBSERVATION_CLIP, (size,), np.float32),
            gym.spaces.Box(0.0 if action_scale is None else -1.0, 1.0, (n_actions,), np.float32),
        )

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Fix where episodes begin from the next reset on, as the batch derives it from a seed."""
        super().seed(seed)
        if seed is not None:
            self._seeds = [*self.environment.seeds_of(seed)]
        return self._seeds

    def reset(self) -> Float32Array:
        """Begin anew everywhere; `seed` before it fixes where."""
        observation, _ = self.environment.reset(seed=list(self._seeds))
        self._reset_seeds()
        self.episode_reward[:] = 0.0
        self.episode_length[:] = 0
        self.scaler.returns[:] = 0.0
        self.unscaled = observation
        self.normaliser.learn(observation)
        return self.normaliser.scaled(observation)

    def step_async(self, actions: Float32Array) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[Float32Array, Float32Array, BoolArray, list[dict[str, Any]]]:
        if self._actions is None:
            raise gym.error.ResetNeeded("call step_async before step_wait")
        outcome = self.environment.advance(self._weights(self._actions))
        self.outcome, self.unscaled = outcome, outcome.observation
        ended = outcome.terminated | outcome.truncated
        self.n_steps += self.num_envs
        self.episode_reward += outcome.reward
        self.episode_length += 1
        self.normaliser.learn(outcome.observation)
        infos = [NOTHING] * self.num_envs
        for i in np.flatnonzero(ended):
            infos[i] = self._last_words(outcome, int(i))
        self.episode_reward[ended] = 0.0
        self.episode_length[ended] = 0
        return (
            self.normaliser.scaled(outcome.observation),
            self.scaler.scaled(outcome.reward, ended),
            ended,
            cast(list[dict[str, Any]], infos),
        )

    def _weights(self, actions: Float32Array) -> Float32Array:
        return actions if self.action_scale is None else simplex(actions, self.action_scale)

    def _last_words(self, outcome: Outcome, i: int) -> dict[str, Any]:
        return {
            "terminal_observation": self.normaliser.scaled(outcome.final_observation[i]),
            "TimeLimit.truncated": bool(outcome.truncated[i]),
            "episode": {
                "r": float(self.episode_reward[i]),
                "l": int(self.episode_length[i]),
                "t": self.n_steps,
            },
        }

    def close(self) -> None:
        self.environment.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:  # noqa: ANN401
        """Return an attribute of the batch, once per environment asked for."""
        value = getattr(self.environment, attr_name)
        return [value] * len(self._chosen(indices))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:  # noqa: ANN401
        """Set an attribute of the batch; the environments have none of their own."""
        setattr(self.environment, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *method_args: Any,  # noqa: ANN401
        indices: Any = None,  # noqa: ANN401
        **method_kwargs: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Call a method of the batch once; every environment asked for has its answer."""
        answer = getattr(self.environment, method_name)(*method_args, **method_kwargs)
        return [answer] * len(self._chosen(indices))

    def env_is_wrapped(
        self,
        wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]],
        indices: Any = None,  # noqa: ANN401
    ) -> list[bool]:
        """Return False for every environment: the batch is not made of wrapped ones."""
        return [False] * len(self._chosen(indices))

    def _chosen(self, indices: Any) -> Sequence[int]:  # noqa: ANN401
        return list(self._get_indices(indices))
