"""SAC and TD3: they learn from a replay of earlier steps, too."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from stable_baselines3 import SAC, TD3
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from torch import Tensor
from torch.optim import Optimizer

from benbot.agents.algorithms.algorithm import quietened
from benbot.agents.algorithms.replay import Replay
from benbot.agents.designs import Design
from benbot.agents.schedules import value_at
from benbot.agents.settings import AgentSettings
from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.arrays import Float32Array


class Trying(OffPolicyAlgorithm):
    """The part of an algorithm that tries actions and keeps what came of them.

    shuffler   draws the actions of the warm-up, and noise
    noise      deviation of what is added to an action; 0 where the policy is random itself
    unscaled   observations (B, D) as the accounts gave them, before the next step
    """

    env: AllocationVecEnv
    replay_buffer: Replay
    shuffler: np.random.Generator
    noise = 0.0
    unscaled: Float32Array

    def _setup_learn(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        answer = super()._setup_learn(*args, **kwargs)
        if not hasattr(self, "unscaled"):
            self.unscaled = self.env.unscaled.copy()
        return answer

    def _sample_action(
        self,
        learning_starts: int,
        action_noise: Any = None,  # noqa: ANN401
        n_envs: int = 1,
    ) -> tuple[Float32Array, Float32Array]:
        """Return the action of every account, once to trade by and once to remember."""
        shape = (n_envs, *self.action_space.shape)  # type: ignore[misc]
        if self.num_timesteps < learning_starts:
            action = self.shuffler.uniform(-1.0, 1.0, shape).astype(np.float32)
            return action, action
        action, _ = self.predict(np.asarray(self._last_obs), deterministic=False)
        if self.noise:
            moved = action + self.noise * self.shuffler.standard_normal(shape, np.float32)
            action = np.clip(moved, -1.0, 1.0)
        return action, action

    def _store_transition(
        self,
        replay_buffer: Any,  # noqa: ANN401
        buffer_action: Float32Array,
        new_obs: Any,  # noqa: ANN401
        reward: Any,  # noqa: ANN401
        dones: Any,  # noqa: ANN401
        infos: Any,  # noqa: ANN401
    ) -> None:
        outcome = self.env.outcome
        self.replay_buffer.keep(self.unscaled, buffer_action, outcome)
        self._last_obs, self.unscaled = new_obs, outcome.observation.copy()


class TryingSac(Trying, SAC):
    """Soft actor-critic; Haarnoja et al. 2018, Soft Actor-Critic Algorithms and Applications."""


class TryingTd3(Trying, TD3):
    """Twin delayed DDPG; Fujimoto, van Hoof and Meger 2018, ICML."""


class OffPolicy:
    """SAC or TD3 over many accounts: after each bar of all of them, some gradients."""

    def __init__(
        self,
        settings: AgentSettings,
        design: Design,
        environment: AllocationVecEnv,
        shuffler: np.random.Generator,
    ) -> None:
        self.shuffler = shuffler
        self.model = _model(settings, design, environment, shuffler)
        self.model.shuffler = shuffler
        quietened(self.model)

    def begin(self, settings: AgentSettings, done: float) -> dict[str, float]:
        return {}

    def parameters(self) -> dict[str, Tensor]:
        named: dict[str, Tensor] = dict(self.model.policy.named_parameters())
        if isinstance(self.model, SAC) and self.model.log_ent_coef is not None:
            named["log_temperature"] = self.model.log_ent_coef
        return named

    def optimisers(self) -> Iterable[Optimizer]:
        policy = self.model.policy
        own = [policy.actor.optimizer, policy.critic.optimizer]  # type: ignore[union-attr]
        if isinstance(self.model, SAC) and self.model.ent_coef_optimizer is not None:
            own.append(self.model.ent_coef_optimizer)
        return own  # type: ignore[return-value]

    def numbers(self) -> dict[str, Any]:
        replay = self.model.replay_buffer
        return {
            "shuffler": self.shuffler.bit_generator.state,
            "gradients": self.model._n_updates,
            "replay": {"position": replay.pos, "full": replay.full},
        }

    def recall(self, numbers: dict[str, Any], n_updates: int) -> None:
        self.shuffler.bit_generator.state = numbers["shuffler"]
        self.model._n_updates = numbers["gradients"]
        replay, kept = self.model.replay_buffer, numbers["replay"]
        replay.pos, replay.full = kept["position"], kept["full"]
        self.model.unscaled = self.model.env.unscaled.copy()

    def memory(self) -> dict[str, np.ndarray[Any, Any]]:
        replay = self.model.replay_buffer.filled()
        return {
            "seen/observation": np.asarray(self.model._last_obs),
            "seen/unscaled": self.model.unscaled,
            **{f"replay/{name}": array for name, array in replay.items()},
        }


def _model(
    settings: AgentSettings,
    design: Design,
    environment: AllocationVecEnv,
    shuffler: np.random.Generator,
) -> Trying:
    replay = settings.replay
    shared: dict[str, Any] = {
        "learning_rate": value_at(settings.learning_rate, 0.0),
        "buffer_size": replay.size,
        "learning_starts": replay.warmup,
        "batch_size": settings.batch_size,
        "tau": replay.target_rate,
        "gamma": settings.gamma,
        "train_freq": (1, "step"),  # of all accounts
        "gradient_steps": replay.gradients,
        "replay_buffer_class": Replay,
        "replay_buffer_kwargs": {"environment": environment, "shuffler": shuffler},
        "policy_kwargs": design.options(),
        "device": "cpu",
    }
    if settings.algorithm == "sac":
        own, first = settings.sac.temperature, settings.sac.first_temperature
        temperature = f"auto_{first}" if own is None else own
        return TryingSac(design.kind, environment, ent_coef=temperature, **shared)  # type: ignore[arg-type]
    told = settings.td3
    model = TryingTd3(
        design.kind,  # type: ignore[arg-type]
        environment,
        policy_delay=told.policy_delay,
        target_policy_noise=told.target_noise,
        target_noise_clip=told.target_clip,
        **shared,
    )
    model.noise = told.noise
    return model
