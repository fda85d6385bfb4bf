"""What happened, as it was, to be learned from again and again."""

from typing import Any

import numpy as np
import torch
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples

from benbot.agents.vec_env import AllocationVecEnv
from benbot.envs.arrays import Float32Array
from benbot.envs.stepping import Outcome

COLUMNS = ("observations", "next_observations", "actions", "rewards", "dones")


class Replay(ReplayBuffer):
    """A replay buffer that draws by its own generator, and that does not age.

    Observations and rewards are kept as the accounts gave them and are scaled when they are drawn,
    by the moments of that time, so that what is old means the same as what is new.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        environment: AllocationVecEnv,
        shuffler: np.random.Generator,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **(kwargs | {"handle_timeout_termination": False}))
        self.environment, self.shuffler = environment, shuffler

    def keep(self, seen: Float32Array, action: Float32Array, outcome: Outcome) -> None:
        """Take in a step of all accounts; an episode that is cut short is no end of the world."""
        ended = outcome.terminated | outcome.truncated
        following = np.where(ended[:, None], outcome.final_observation, outcome.observation)
        self.add(seen, following, action, outcome.reward, outcome.terminated, [])

    def sample(self, batch_size: int, env: Any = None) -> ReplayBufferSamples:  # noqa: ANN401
        """Return transitions drawn with replacement, each as likely as any other."""
        rows = self.shuffler.integers(0, self.size(), batch_size)
        accounts = self.shuffler.integers(0, self.n_envs, batch_size)
        seen, following, actions, rewards, dones = (
            getattr(self, name)[rows, accounts] for name in COLUMNS
        )
        normaliser, scaler = self.environment.normaliser, self.environment.scaler
        return ReplayBufferSamples(
            torch.from_numpy(normaliser.scaled(seen)),
            torch.from_numpy(actions),
            torch.from_numpy(normaliser.scaled(following)),
            torch.from_numpy(dones[:, None]),
            torch.from_numpy(scaler.by_now(rewards)[:, None]),
        )

    def filled(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of what has been taken in so far, by name."""
        return {name: getattr(self, name)[: self.size()] for name in COLUMNS}
