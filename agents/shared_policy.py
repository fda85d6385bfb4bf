"""The equivariant network as plain numbers: what evaluation and live trading run.

token, state   (K, W), as `networks.equivariant` explains them
score          (K+1,), the last entry is cash
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from benbot.agents.networks.body import SCORE_SCALE, Body
from benbot.agents.policy import simplex
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.envs.arrays import Float32Array, IntArray
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.observation import Layout


def shapes_of(body: Body, n_features: int, n_context: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter between an observation and the scores, by name."""
    width = body.width
    shapes: dict[str, tuple[int, ...]] = {
        "strategy.weight": (width, n_features),
        "strategy.bias": (width,),
        "context.weight": (width, n_context),
        "own.weight": (width, width),
        "own.bias": (width,),
        "score.weight": (1, width),
        "score.bias": (1,),
        "cash.weight": (1, width),
        "cash.bias": (1,),
    }
    if body.exchange != "none":
        shapes["others.weight"] = (width, width)
    if body.exchange == "attention":
        shapes["affinity.weight"] = (width, width)
    if body.prior != "none":
        shapes["prior"] = (1,)
    return shapes


@dataclass(frozen=True, eq=False)
class SharedAllocator:
    """A trained network that scores every strategy by the same rule; it is deterministic.

    layout         of the observations it is handed
    parameters     by the names that they have in torch
    action_scale   of the softmax that makes weights of the scores; None if they are the mode of a
                   Dirichlet distribution, whose spread stands beside the parameters
    retired        strategies that are as if they were not there: nobody hears of them, and their
                   weight is zero
    """

    layout: Layout
    body: Body
    parameters: Mapping[str, Float32Array]
    normaliser: PooledNormaliser
    action_scale: float | None
    retired: frozenset[str] = frozenset()
    name: str = "agent"

    def reset(self) -> None:
        """Nothing to forget: it looks at the present observation alone."""

    def for_layout(self, layout: Layout, retired: Iterable[str] | None = None) -> "SharedAllocator":
        """Return the same rule for other strategies, some of which may be retired.

        Whoever is retired stays so, unless it is said who is.

        It has never seen those, so this has to be asked for. Their features, and the context, must
        be what it was trained on.
        """
        for part in ("strategy_features", "context_features"):
            expected, was = getattr(self.layout, part), getattr(layout, part)
            if expected != was:
                odd = sorted(set(expected) ^ set(was)) or "another order"
                raise RunMismatch(
                    f"the {part} must be those that the policy was trained on, the difference was "
                    f"{odd}. Train it anew"
                )
        if retired is None:
            retired = self.retired & set(layout.strategies)
        unknown = set(retired) - set(layout.strategies)
        if unknown:
            raise UnknownName(
                f"retired strategies must be some of {', '.join(layout.strategies)}, was "
                f"{', '.join(sorted(unknown))}"
            )
        normaliser = self.normaliser.for_strategies(len(layout.strategies))
        return replace(self, layout=layout, normaliser=normaliser, retired=frozenset(retired))

    def require_whole(self) -> None:
        """Refuse parameters and a normaliser that contradict the architecture."""
        n_features, n_context = (
            len(self.layout.strategy_features),
            len(self.layout.context_features),
        )
        expected = shapes_of(self.body, n_features, n_context) | (
            {"log_spread": (1,)} if self.action_scale is None else {}
        )
        was = {name: each.shape for name, each in self.parameters.items()}
        scaled = self.normaliser.strategies.mean.size, self.normaliser.context.mean.size
        if expected != was or scaled != (n_features, n_context):
            odd = sorted(name for name in expected | was if expected.get(name) != was.get(name))
            raise RunMismatch(
                f"the tensors and the normaliser of a policy must be those of its architecture; "
                f"what differs: {', '.join(odd) or 'the normaliser'}. The file is damaged"
            )
        self.for_layout(self.layout, self.retired)

    def weights(self, observation: Float32Array) -> Float32Array:
        weights = np.zeros(len(self.layout.strategies) + 1, np.float32)
        if self._live.size:
            weights[[*self._live, -1]] = self._shares(self.scores(observation))
        else:
            weights[-1] = 1.0
        return weights

    def scores(self, observation: Float32Array) -> Float32Array:
        """Return the scores of the strategies that are not retired, and of cash."""
        strategies, context = self._parts(observation)
        token = np.tanh(self._linear("strategy", strategies) + self._linear("context", context))
        state = np.tanh(self._linear("own", token) + self._told(token))
        score = self._linear("score", state)[:, 0]
        if self.body.prior != "none":
            told = strategies[:, self.layout.strategy_features.index(self.body.prior)]
            score = score + self.parameters["prior"] * told
        return np.append(score, self._linear("cash", state.mean(axis=0)))

    @property
    def architecture(self) -> dict[str, Any]:
        return {
            "network": "equivariant",
            **self.body._asdict(),
            "action_scale": self.action_scale,
            "retired": sorted(self.retired),
            "strategies": list(self.layout.strategies),
            "strategy_features": list(self.layout.strategy_features),
            "context_features": list(self.layout.context_features),
        }

    @property
    def tensors(self) -> dict[str, Float32Array]:
        """The network by name."""
        return dict(self.parameters)

    @cached_property
    def _live(self) -> IntArray:
        chosen = [k for k, each in enumerate(self.layout.strategies) if each not in self.retired]
        return np.array(chosen, np.int64)

    def _parts(self, observation: Float32Array) -> tuple[Float32Array, Float32Array]:
        seen = self.normaliser.scaled(observation)
        n_features = len(self.layout.strategy_features)
        end = len(self.layout.strategies) * n_features
        return seen[:end].reshape(-1, n_features)[self._live], seen[end:]

    def _told(self, token: Float32Array) -> Float32Array | float:
        """Return what the others tell each strategy, (K, W), or (W,) if it is the same for all."""
        if self.body.exchange == "none":
            return 0.0
        if self.body.exchange == "mean":
            return self._linear("others", token.mean(axis=0))
        likeness = self._linear("affinity", token) @ token.T / np.float32(self.body.width**0.5)
        share = np.exp(likeness - likeness.max(axis=1, keepdims=True))
        return self._linear("others", share / share.sum(axis=1, keepdims=True) @ token)

    def _linear(self, name: str, inputs: Float32Array) -> Float32Array:
        outputs: Float32Array = inputs @ self.parameters[f"{name}.weight"].T
        bias = self.parameters.get(f"{name}.bias")
        return outputs if bias is None else outputs + bias

    def _shares(self, scores: Float32Array) -> Float32Array:
        if self.action_scale is not None:
            return simplex(scores, self.action_scale)
        share = np.exp(np.float32(SCORE_SCALE) * (scores - scores.max()))
        shares: Float32Array = (share / share.sum()).astype(np.float32)
        return shares
