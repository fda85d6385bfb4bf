"""The network that scores every strategy by the same rule, whatever their number and order.

observation   (B, D), normalised, as `envs.observation.Layout` names it
token         (B, K, W), what is known of each strategy in the light of the context
score         (B, K+1), the last entry is cash
"""

import torch
from torch import Tensor, nn

from benbot.agents.networks.body import FIRST_PRIOR, Body
from benbot.envs.observation import Layout

OUTPUT_GAIN = 0.01  # an untrained network has next to no opinion
HIDDEN_GAIN = 2.0**0.5


class EquivariantNetwork(nn.Module):
    """Permuting the strategies permutes the scores; no parameter has a shape that depends on K.

    token_k = tanh(strategy_k → W + context → W)
    state_k = tanh(token_k → W + others → W), where others are the mean of all tokens, or their mean
              weighted by softmax(token_k · A · token_j / √W), or nothing
    score_k = state_k → 1, plus a learned multiple of one feature of the strategy, its forecast
    cash    = mean of the states → 1
    value   = tanh(mean of the states → W) → 1

    Zaheer et al. 2017, Deep Sets, NeurIPS, theorem 4 (mean); Vaswani et al. 2017, Attention is all
    you need, NeurIPS, equation 1, with one head whose two projections are multiplied out.
    """

    def __init__(self, layout: Layout, body: Body) -> None:
        super().__init__()
        n_features, n_context = len(layout.strategy_features), len(layout.context_features)
        self.shape = (len(layout.strategies), n_features)
        self.told_by = None if body.prior == "none" else layout.strategy_features.index(body.prior)
        width, self.exchange = body.width, body.exchange
        self.strategy = nn.Linear(n_features, width)
        self.context = nn.Linear(n_context, width, bias=False)
        self.own = nn.Linear(width, width)
        self.others = None if body.exchange == "none" else nn.Linear(width, width, bias=False)
        self.affinity = (
            nn.Linear(width, width, bias=False) if body.exchange == "attention" else None
        )
        self.score, self.cash = nn.Linear(width, 1), nn.Linear(width, 1)
        first = FIRST_PRIOR.get(body.prior)
        self.prior = None if first is None else nn.Parameter(torch.full((1,), first))
        self.value_hidden, self.value = nn.Linear(width, width), nn.Linear(width, 1)
        self._initialise()

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Return the scores (B, K+1) and the value (B, 1)."""
        strategies, state = self._state(observation)
        pooled = state.mean(1)
        return self._scores(strategies, state, pooled), self._value(pooled)

    def scores(self, observation: Tensor) -> Tensor:
        strategies, state = self._state(observation)
        return self._scores(strategies, state, state.mean(1))

    def values(self, observation: Tensor) -> Tensor:
        return self._value(self._state(observation)[1].mean(1))

    def acting(self) -> dict[str, Tensor]:
        """Return the parameters between an observation and its scores, by name."""
        return {
            name: parameter.detach()
            for name, parameter in self.named_parameters()
            if not name.startswith("value")
        }

    def _state(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        n_strategies, n_features = self.shape
        end = n_strategies * n_features
        strategies = observation[:, :end].reshape(-1, n_strategies, n_features)
        context = self.context(observation[:, end:])
        token = torch.tanh(self.strategy(strategies) + context[:, None])
        return strategies, torch.tanh(self._heard(token))

    def _heard(self, token: Tensor) -> Tensor:
        own: Tensor = self.own(token)
        if self.others is None:
            return own
        if self.affinity is None:
            mean: Tensor = self.others(token.mean(1))
            return own + mean[:, None]
        likeness = self.affinity(token) @ token.transpose(1, 2) / token.shape[-1] ** 0.5
        told: Tensor = self.others(likeness.softmax(-1) @ token)
        return own + told

    def _scores(self, strategies: Tensor, state: Tensor, pooled: Tensor) -> Tensor:
        score = self.score(state)[..., 0]
        if self.prior is not None:
            score = score + self.prior * strategies[..., self.told_by]
        return torch.cat([score, self.cash(pooled)], dim=1)

    def _value(self, pooled: Tensor) -> Tensor:
        value: Tensor = self.value(torch.tanh(self.value_hidden(pooled)))
        return value

    def _initialise(self) -> None:
        gains = {self.score: OUTPUT_GAIN, self.cash: OUTPUT_GAIN, self.value: 1.0}
        for layer in (each for each in self.modules() if isinstance(each, nn.Linear)):
            nn.init.orthogonal_(layer.weight, gains.get(layer, HIDDEN_GAIN))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
