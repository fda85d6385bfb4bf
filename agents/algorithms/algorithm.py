"""One algorithm of Stable-Baselines3 as a learner needs to know it."""

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from torch import Tensor
from torch.optim import Optimizer

from benbot.agents.settings import AgentSettings

NEVER = 2**31  # updates between two tables that nobody reads


class Algorithm(Protocol):
    """A model between two updates: what it learns with, and what it remembers.

    All of it together with the environments is what the next update depends on.
    """

    @property
    def model(self) -> BaseAlgorithm: ...

    def begin(self, settings: AgentSettings, done: float) -> dict[str, float]:
        """Set what is scheduled for a share of the planned steps; return figures of it by name."""
        ...

    def parameters(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name; writing to it changes the model."""
        ...

    def optimisers(self) -> Iterable[Optimizer]: ...

    def numbers(self) -> dict[str, Any]:
        """Return generators and counts, as JSON can hold them."""
        ...

    def recall(self, numbers: dict[str, Any], n_updates: int) -> None:
        """Put back what `numbers` said; it comes before `memory` is filled."""
        ...

    def memory(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return views of what is remembered from one update to the next, by name."""
        ...


def quietened(model: BaseAlgorithm) -> None:
    """Let a model write its tables nowhere."""
    model.set_logger(Logger(folder=None, output_formats=[]))
