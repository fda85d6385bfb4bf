"""PPO or A2C of Stable-Baselines3 over the batched environment, all its randomness in our hands.

One update = every account trades `n_steps` bars, then the network learns from them. Between two
updates the learner's whole state can be taken and put back, so that training goes on exactly where
it stopped.
"""

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor

from benbot.agents.designs import Design, design_of
from benbot.agents.normaliser import Moments
from benbot.agents.policy import TrainedPolicy
from benbot.agents.settings import AgentSettings
from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.mixture import MixedVectorEnv, Part
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings

NEVER = 2**31  # updates between two tables that nobody reads


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned from what: everything that decides the outcome of a training run.

    mixture   the accounts by market, where an agent learns from others than `fit` of the history
    """

    history: History
    fit: Span
    valid: Span
    environment: EnvironmentSettings
    agent: AgentSettings
    seed: int
    mixture: tuple[Part, ...] = ()

    def open_accounts(self) -> AllocationVectorEnv:
        """Return the accounts that the agent learns with."""
        if self.mixture:
            return MixedVectorEnv(self.mixture, self.environment)
        return AllocationVectorEnv(self.history, self.fit, self.environment, self.agent.n_envs)


@dataclass(frozen=True, eq=False)
class LearnerState:
    """A learner between two updates: arrays by name, and numbers that JSON can hold."""

    arrays: dict[str, np.ndarray[Any, Any]]
    numbers: dict[str, Any]


@contextmanager
def torch_apart(threads: int) -> Iterator[None]:
    """Let torch have its own random state and number of threads inside the block only."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(before)


class ShuffledBuffer(RolloutBuffer):
    """A rollout buffer that shuffles by its own generator instead of numpy's global one."""

    def __init__(self, *args: Any, shuffler: np.random.Generator, **kwargs: Any) -> None:  # noqa: ANN401
        self.shuffler = shuffler
        super().__init__(*args, **kwargs)

    def get(self, batch_size: int | None = None) -> Generator[RolloutBufferSamples, None, None]:
        """Yield all steps once, in batches and in random order."""
        names = ("observations", "actions", "values", "log_probs", "advantages", "returns")
        columns = [self._column(getattr(self, name)) for name in names]
        order = torch.from_numpy(self.shuffler.permutation(columns[0].shape[0]))
        for rows in order.split(batch_size or len(order)):  # type: ignore[no-untyped-call]
            yield RolloutBufferSamples(*(column[rows] for column in columns))

    def _column(self, values: np.ndarray[Any, Any]) -> Tensor:
        rows = values.reshape(self.buffer_size * self.n_envs, -1)
        return torch.from_numpy(rows if rows.shape[1] > 1 else rows[:, 0])


class Learner:
    """Make and use it inside `torch_apart`."""

    def __init__(self, lesson: Lesson) -> None:
        settings = lesson.agent
        draws = np.random.SeedSequence(lesson.seed).generate_state(3, np.uint32)
        accounts = lesson.open_accounts()
        self.design = design_of(settings, accounts.layout)
        self.environment = AllocationVecEnv(
            accounts, self.design.action_scale, settings.gamma, self.design.normaliser()
        )
        self.environment.seed(int(draws[0]))
        self.shuffler = np.random.default_rng(int(draws[1]))
        torch.manual_seed(int(draws[2]))
        self.settings = settings
        self.model = _model(settings, self.design, self.environment, self.shuffler)
        self.n_updates = 0
        self.averages = {name: each.astype(np.float64) for name, each in self._acting().items()}

    @property
    def n_steps(self) -> int:
        return self.n_updates * self.settings.steps_per_update

    def update(self) -> dict[str, float]:
        """Trade, learn, and return the figures of this update by name."""
        self.model.learn(
            self.settings.steps_per_update, reset_num_timesteps=False, log_interval=NEVER
        )
        self.n_updates += 1
        self._average()
        recorded = self.model.logger.name_to_value
        figures = {name: float(value) for name, value in recorded.items()}
        episodes = self.model.ep_info_buffer
        if episodes:
            figures["fit/episode_reward"] = float(np.mean([each["r"] for each in episodes]))
        return figures

    def allocator(self) -> TrainedPolicy:
        """Return the policy so far as numbers of its own; its weights are averages over updates.

        Each update jumps about a good policy because a batch is mostly noise; their mean lies
        nearer to it (Polyak and Juditsky 1992, SIAM Journal on Control and Optimization 30).
        """
        return self.design.policy(self.averages, self.environment.normaliser.frozen())

    def _average(self) -> None:
        """Fold in the weights of this update: the i-th counts in proportion to i to the power η.

        mean += (η + 1) / (n + η) × (weights - mean); Shamir and Zhang 2013, ICML, section 4.
        """
        eta = self.settings.averaging
        share = (eta + 1.0) / (self.n_updates + eta)
        for name, weights in self._acting().items():
            average = self.averages[name]
            average += share * (weights - average)

    def _acting(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of the weights between an observation and its action, by name."""
        return {name: each.numpy() for name, each in self.design.acting(self.model.policy).items()}

    def state(self) -> LearnerState:
        """Return a copy of all that the next update depends on."""
        environment = self.environment
        numbers = {
            "n_updates": self.n_updates,
            "normaliser": environment.normaliser.to_numbers(),
            "reward_moments": environment.scaler.moments.to_numbers(),
            "shuffler": self.shuffler.bit_generator.state,
            "episodes": list(self.model.ep_info_buffer or ()),
        }
        live = self._network() | self._accounts()
        arrays = {name: array.copy() for name, array in live.items()}
        return LearnerState(arrays | {"random/torch": torch.get_rng_state().numpy()}, numbers)

    def restore(self, state: LearnerState) -> None:
        """Become the learner that the state was taken from."""
        environment, numbers = self.environment, state.numbers
        self.model._last_obs = environment.reset()
        self.model._last_episode_starts = np.zeros(environment.num_envs, np.bool_)
        self._step_optimiser_once()
        for name, array in (self._network() | self._accounts()).items():
            array[...] = _of_shape(array.shape, state.arrays, name)
        self.n_updates = numbers["n_updates"]
        self.model.num_timesteps = self.n_steps
        self.model._n_updates = self.n_updates * self.settings.gradients_per_update
        self.model.ep_info_buffer = deque(numbers["episodes"], self.model._stats_window_size)
        self.model.ep_success_buffer = deque(maxlen=self.model._stats_window_size)
        environment.n_steps = self.n_steps
        environment.normaliser = self.design.normaliser(numbers["normaliser"])
        environment.scaler.moments = Moments.from_numbers(numbers["reward_moments"])
        self.shuffler.bit_generator.state = numbers["shuffler"]
        torch.set_rng_state(torch.from_numpy(state.arrays["random/torch"].copy()))

    def _step_optimiser_once(self) -> None:
        """Make the optimiser's moments exist; what they hold is overwritten."""
        for parameter in self.model.policy.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.model.policy.optimizer.step()

    def _network(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of the tensors of network and optimiser, and of the averages."""
        named: dict[str, Tensor] = {}
        optimiser = self.model.policy.optimizer
        for name, parameter in self.model.policy.named_parameters():
            named[f"network/{name}"] = parameter.detach()
            moments = optimiser.state[parameter]
            named |= {f"optimiser/{name}/{part}": moments[part] for part in moments}
        averages = {f"average/{name}": each for name, each in self.averages.items()}
        return {name: tensor.numpy() for name, tensor in named.items()} | averages

    def _accounts(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of what the environments are in the middle of; records as bytes."""
        environment, arena = self.environment, self.environment.environment.arena
        records = arena.desk.book._asdict() | {"episodes": arena.episodes}
        return {
            **{f"accounts/{name}": array.view(np.uint8) for name, array in records.items()},
            "accounts/returns": environment.scaler.returns,
            "accounts/episode_reward": environment.episode_reward,
            "accounts/episode_length": environment.episode_length,
            "seen/observation": self.model._last_obs,
            "seen/episode_starts": self.model._last_episode_starts,
        }


def _of_shape(
    shape: tuple[int, ...], arrays: dict[str, np.ndarray[Any, Any]], name: str
) -> np.ndarray[Any, Any]:
    if name not in arrays or arrays[name].shape != shape:
        was = arrays[name].shape if name in arrays else "missing"
        raise RunMismatch(
            f"{name} of the checkpoint must have the shape {shape}, was {was}. It belongs to other "
            f"strategies or settings; go on with the configuration it came from"
        )
    return arrays[name]


def _model(
    settings: AgentSettings,
    design: Design,
    environment: AllocationVecEnv,
    shuffler: np.random.Generator,
) -> PPO | A2C:
    shared: dict[str, Any] = {
        "learning_rate": settings.learning_rate,
        "n_steps": settings.n_steps,
        "gamma": settings.gamma,
        "gae_lambda": settings.gae_lambda,
        "ent_coef": settings.entropy,
        "vf_coef": settings.value_coefficient,
        "max_grad_norm": settings.max_grad_norm,
        "rollout_buffer_class": ShuffledBuffer,
        "rollout_buffer_kwargs": {"shuffler": shuffler},
        "policy_kwargs": design.options(),
        "device": "cpu",
    }
    model: PPO | A2C
    if settings.algorithm == "a2c":
        model = A2C(design.kind, environment, normalize_advantage=True, **shared)
    else:
        model = PPO(
            design.kind,
            environment,
            batch_size=settings.batch_size,
            n_epochs=settings.n_epochs,
            clip_range=settings.clip_range,
            **shared,
        )
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model
