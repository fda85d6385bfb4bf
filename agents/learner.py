"""A learner of Stable-Baselines3 over the batched environment, all its randomness in our hands.

One update = every account trades `n_steps` bars, and the network learns: from them when they are
over, or from a replay after each of them. `algorithms` says what each algorithm needs. Between two
updates the learner's whole state can be taken and put back, so that training goes on exactly where
it stopped.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.utils import FloatSchedule
from torch.optim import Optimizer

from benbot.agents.algorithms.algorithm import NEVER, Algorithm
from benbot.agents.algorithms.off_policy import OffPolicy
from benbot.agents.algorithms.on_policy import OnPolicy
from benbot.agents.algorithms.recurrent import Recurrent
from benbot.agents.designs import design_of
from benbot.agents.normaliser import Moments
from benbot.agents.policy import TrainedPolicy
from benbot.agents.schedules import value_at
from benbot.agents.settings import AgentSettings
from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.mixture import MixedVectorEnv, Part
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings

ALGORITHMS: Mapping[str, Callable[..., Algorithm]] = MappingProxyType(
    {
        "ppo": OnPolicy,
        "a2c": OnPolicy,
        "recurrent_ppo": Recurrent,
        "sac": OffPolicy,
        "td3": OffPolicy,
    }
)


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
        shuffler = np.random.default_rng(int(draws[1]))
        torch.manual_seed(int(draws[2]))
        self.settings = settings
        made = ALGORITHMS[settings.algorithm]
        self.algorithm = made(settings, self.design, self.environment, shuffler)
        self.model = self.algorithm.model
        for optimiser in self.algorithm.optimisers():
            _make_moments(optimiser)
        self.n_updates = 0
        self.averages = {name: each.astype(np.float64) for name, each in self._acting().items()}

    @property
    def n_steps(self) -> int:
        return self.n_updates * self.settings.steps_per_update

    def update(self) -> dict[str, float]:
        """Trade, learn, and return the figures of this update by name."""
        settings, done = self.settings, self.n_updates / self.settings.n_updates
        scheduled = self.algorithm.begin(settings, done)
        self.model.lr_schedule = FloatSchedule(value_at(settings.learning_rate, done))
        self.model.learn(settings.steps_per_update, reset_num_timesteps=False, log_interval=NEVER)
        self.n_updates += 1
        self._average()
        recorded = self.model.logger.name_to_value
        figures = {name: float(value) for name, value in recorded.items()} | scheduled
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
            "episodes": list(self.model.ep_info_buffer or ()),
            **self.algorithm.numbers(),
        }
        live = self._network() | self._accounts()
        arrays = {name: array.copy() for name, array in live.items()}
        return LearnerState(arrays | {"random/torch": torch.get_rng_state().numpy()}, numbers)

    def restore(self, state: LearnerState) -> None:
        """Become the learner that the state was taken from."""
        environment, numbers = self.environment, state.numbers
        if not self.algorithm.numbers().keys() <= numbers.keys():
            raise RunMismatch(
                f"the checkpoint must be of algorithm {self.settings.algorithm}, was of another. "
                f"Go on with the configuration it came from"
            )
        self.model._last_obs = environment.reset()
        self.algorithm.recall(numbers, numbers["n_updates"])
        for name, array in (self._network() | self._accounts()).items():
            array[...] = _of_shape(array.shape, state.arrays, name)
        self.n_updates = numbers["n_updates"]
        self.model.num_timesteps = self.n_steps
        self.model.ep_info_buffer = deque(numbers["episodes"], self.model._stats_window_size)
        self.model.ep_success_buffer = deque(maxlen=self.model._stats_window_size)
        environment.n_steps = self.n_steps
        environment.normaliser = self.design.normaliser(numbers["normaliser"])
        environment.scaler.moments = Moments.from_numbers(numbers["reward_moments"])
        torch.set_rng_state(torch.from_numpy(state.arrays["random/torch"].copy()))

    def _network(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of the tensors of network and optimisers, and of the averages."""
        parameters = self.algorithm.parameters()
        arrays = {f"network/{name}": each.detach().numpy() for name, each in parameters.items()}
        moments = {
            parameter: parts
            for optimiser in self.algorithm.optimisers()
            for parameter, parts in optimiser.state.items()
        }
        for name, parameter in parameters.items():
            for part, moment in moments.get(parameter, {}).items():
                arrays[f"optimiser/{name}/{part}"] = moment.numpy()
        return arrays | {f"average/{name}": each for name, each in self.averages.items()}

    def _accounts(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of what the environments are in the middle of; records as bytes."""
        environment, arena = self.environment, self.environment.environment.arena
        records = arena.desk.book._asdict() | {"episodes": arena.episodes}
        return {
            **{f"accounts/{name}": array.view(np.uint8) for name, array in records.items()},
            "accounts/returns": environment.scaler.returns,
            "accounts/episode_reward": environment.episode_reward,
            "accounts/episode_length": environment.episode_length,
            **self.algorithm.memory(),
        }


def _make_moments(optimiser: Optimizer) -> None:
    """Make an optimiser's moments exist, as they are before its first step."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    for parts in optimiser.state.values():
        for moment in parts.values():
            moment.zero_()
    optimiser.zero_grad(set_to_none=True)


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
