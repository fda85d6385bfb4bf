"""The equivariant network as a policy of Stable-Baselines3."""

import math
from typing import Any, cast

import torch
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from torch import Tensor, nn

from benbot.agents.networks.body import FIRST_SPREAD, FLOOR, SCORE_SCALE, Body, DistributionName
from benbot.agents.networks.dirichlet import AllocationDirichlet
from benbot.agents.networks.equivariant import EquivariantNetwork
from benbot.envs.observation import Layout


class AllocationPolicy(ActorCriticPolicy):
    """Scores by the equivariant network; actions by a distribution whose spread is one number.

    dirichlet   α = floor + spread × (K+1) × softmax(scale × scores), an action is the weights; with
                a floor of 1 the mode is that softmax: it is the deterministic action
    gaussian    mean = scores, deviation = exp(log_std), an action is not yet on the simplex
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        layout: Layout,
        body: Body,
        distribution: DistributionName,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.layout, self.body, self.distribution = layout, body, distribution
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        self.network = EquivariantNetwork(self.layout, self.body)
        if self.distribution == "dirichlet":
            self.action_dist = AllocationDirichlet()  # type: ignore[no-untyped-call]
            self.log_spread = nn.Parameter(torch.full((1,), math.log(FIRST_SPREAD)))
        else:
            self.log_std = nn.Parameter(torch.full((1,), self.log_std_init))
        options = {"lr": lr_schedule(1), **self.optimizer_kwargs}
        self.optimizer = self.optimizer_class(self.parameters(), **options)

    def forward(self, obs: Tensor, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        scores, values = self.network(obs)
        distribution = self._distribution(scores)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, values, distribution.log_prob(actions)

    def evaluate_actions(
        self, obs: PyTorchObs, actions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        scores, values = self.network(obs)
        distribution = self._distribution(scores)
        return values, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: PyTorchObs) -> Distribution:
        return self._distribution(self.network.scores(cast(Tensor, obs)))

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        return self.network.values(cast(Tensor, obs))

    def acting(self) -> dict[str, Tensor]:
        """Return the parameters between an observation and the deterministic action, by name."""
        own = self.network.acting()
        if self.distribution == "dirichlet":
            own["log_spread"] = self.log_spread.detach()
        return own

    def _distribution(self, scores: Tensor) -> Distribution:
        if isinstance(self.action_dist, AllocationDirichlet):
            shared_out = self.log_spread.exp() * scores.shape[-1]
            shares = (SCORE_SCALE * scores).softmax(-1)
            return self.action_dist.proba_distribution(FLOOR + shared_out * shares)
        return self.action_dist.proba_distribution(scores, self.log_std.expand_as(scores[0]))
