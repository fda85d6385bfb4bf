"""What Stable-Baselines3 does with the steps of an update, as our batches let it be done faster."""

from collections.abc import Generator
from typing import Any

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.type_aliases import RolloutBufferSamples
from torch import Tensor

from benbot.envs.arrays import BoolArray


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
            # Four times as fast as `column[rows]`, and the same.
            yield RolloutBufferSamples(*(column.index_select(0, rows) for column in columns))

    def _column(self, values: np.ndarray[Any, Any]) -> Tensor:
        rows = values.reshape(self.buffer_size * self.n_envs, -1)
        return torch.from_numpy(rows if rows.shape[1] > 1 else rows[:, 0])


class _EndsOnly:
    """Hears of episodes where they end; the other infos of a batch have nothing to say."""

    ep_info_buffer: Any

    def _update_info_buffer(
        self, infos: list[dict[str, Any]], dones: BoolArray | None = None
    ) -> None:
        ended = np.flatnonzero(dones) if dones is not None else range(0)
        self.ep_info_buffer.extend(infos[i]["episode"] for i in ended)


class BatchPPO(_EndsOnly, PPO):
    """PPO of Stable-Baselines3 over a batch that says where episodes end."""


class BatchA2C(_EndsOnly, A2C):
    """A2C of Stable-Baselines3 over such a batch."""
