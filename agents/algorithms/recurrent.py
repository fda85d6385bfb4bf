"""PPO of a policy that remembers, of sb3-contrib, learned from whole stretches of accounts."""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.type_aliases import RecurrentRolloutBufferSamples, RNNStates
from torch import Tensor

from benbot.agents.algorithms.on_policy import OnPolicy, clipped, shared_by_all
from benbot.agents.designs import Design
from benbot.agents.settings import AgentSettings
from benbot.agents.vec_env import AllocationVecEnv

STATES = ("hidden_states_pi", "cell_states_pi", "hidden_states_vf", "cell_states_vf")


class StretchBuffer(RecurrentRolloutBuffer):
    """A rollout buffer whose batches are all the steps of some accounts, drawn by a generator.

    sb3-contrib cuts the steps of all accounts at one place, drawn from numpy's global generator,
    and pads what is short. Here every stretch begins where the update began, with the state that
    the network had there, so that all are equally long and batches differ from one pass to the
    next. The network forgets at the episode starts within.
    """

    def __init__(self, *args: Any, shuffler: np.random.Generator, **kwargs: Any) -> None:  # noqa: ANN401
        self.shuffler = shuffler
        super().__init__(*args, **kwargs)

    def get(  # type: ignore[override]
        self, batch_size: int | None = None
    ) -> Generator[RecurrentRolloutBufferSamples, None, None]:
        """Yield the stretches of all accounts once, in random order."""
        n_accounts = (batch_size or self.buffer_size * self.n_envs) // self.buffer_size
        order = self.shuffler.permutation(self.n_envs)
        for begin in range(0, self.n_envs, n_accounts):
            yield self._stretches(order[begin : begin + n_accounts])

    def _stretches(self, accounts: np.ndarray[Any, Any]) -> RecurrentRolloutBufferSamples:
        values, log_probs, advantages, returns, starts = (
            self._column(getattr(self, name), accounts)
            for name in ("values", "log_probs", "advantages", "returns", "episode_starts")
        )
        first = [torch.from_numpy(getattr(self, name)[0])[:, accounts] for name in STATES]
        return RecurrentRolloutBufferSamples(
            self._rows(self.observations, accounts),
            self._rows(self.actions, accounts),
            values,
            log_probs,
            advantages,
            returns,
            RNNStates((first[0], first[1]), (first[2], first[3])),
            starts,
            torch.ones_like(starts),
        )

    def _rows(self, values: np.ndarray[Any, Any], accounts: np.ndarray[Any, Any]) -> Tensor:
        """Return the steps of an account one after the other, as the network wants them."""
        chosen = values[:, accounts].swapaxes(0, 1)
        return torch.from_numpy(chosen.reshape(-1, values.shape[-1]))

    def _column(self, values: np.ndarray[Any, Any], accounts: np.ndarray[Any, Any]) -> Tensor:
        return self._rows(values[..., None], accounts)[:, 0]


class Recurrent(OnPolicy):
    """RecurrentPPO, which goes on with the states of its networks from one update to the next."""

    model: RecurrentPPO

    def memory(self) -> dict[str, np.ndarray[Any, Any]]:
        states = self.model._last_lstm_states
        named = {
            f"seen/{network}/{part}": getattr(states, network)[i].numpy()
            for network in ("pi", "vf")
            for i, part in enumerate(("hidden", "cell"))
        }
        return super().memory() | named

    def _model(
        self, settings: AgentSettings, design: Design, environment: AllocationVecEnv
    ) -> RecurrentPPO:
        told = shared_by_all(settings, design) | clipped(settings)
        model = RecurrentPPO(design.kind, environment, **told)  # type: ignore[arg-type]
        made = model.rollout_buffer
        assert isinstance(made, RecurrentRolloutBuffer)  # noqa: S101 - sb3-contrib makes no other
        model.rollout_buffer = StretchBuffer(
            made.buffer_size,
            made.observation_space,
            made.action_space,
            made.hidden_state_shape,
            made.device,
            gamma=made.gamma,
            gae_lambda=made.gae_lambda,
            n_envs=made.n_envs,
            shuffler=self.shuffler,
        )
        return model
