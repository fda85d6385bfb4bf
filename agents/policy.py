"""What decides: an observation in, weights out.

observation   (D,), as `envs.observation.Layout` names it
weights       (K+1,), a point of the simplex; the last entry is cash
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from benbot.agents.normaliser import ObservationNormaliser
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.errors import InvalidWeights

SQUASHED = "squashed_mlp"  # network of an allocator whose actions a tanh keeps in [-1, 1]


class Policy(Protocol):
    """Whatever can manage an account; the same object trains no further."""

    @property
    def name(self) -> str: ...

    def reset(self) -> None:
        """Forget what was seen so far: a new account begins."""
        ...

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the weights (K+1,) for one observation (D,)."""
        ...


class TrainedPolicy(Policy, Protocol):
    """A policy that can be written down: how it is made, its tensors and its normaliser."""

    @property
    def architecture(self) -> dict[str, Any]:
        """What, beside the tensors, decides how it acts; JSON can hold it."""
        ...

    @property
    def tensors(self) -> dict[str, Float32Array]:
        """The network by name."""
        ...

    @property
    def normaliser(self) -> ObservationNormaliser: ...


def simplex(action: Float32Array, scale: float) -> Float32Array:
    """Return the weights that an action in [-1, 1] means: softmax(scale × action), last axis.

    The action 0 is equal weight, so that a policy that knows nothing spreads its risk; the largest
    ratio of two weights is exp(2 × scale). What is not finite stays so: the desk then keeps the
    last weights.
    """
    clipped = np.clip(action, -1.0, 1.0)
    share = np.exp(np.float32(scale) * (clipped - clipped.max(axis=-1, keepdims=True)))
    weights: Float32Array = (share / share.sum(axis=-1, keepdims=True)).astype(np.float32)
    return weights


@dataclass(frozen=True, eq=False)
class Layer:
    """An affine map: weight (out, in) and bias (out,)."""

    weight: Float32Array
    bias: Float32Array


def through(layers: Sequence[Layer], seen: Float32Array) -> Float32Array:
    """Return what comes out of the last layer; tanh stands between them."""
    for layer in layers[:-1]:
        seen = np.tanh(layer.weight @ seen + layer.bias)
    out: Float32Array = layers[-1].weight @ seen + layers[-1].bias
    return out


def named_layers(layers: Sequence[Layer]) -> dict[str, Float32Array]:
    """Return the tensors of layers by name, in order."""
    named: dict[str, Float32Array] = {}
    for i, layer in enumerate(layers):
        named |= {f"layer.{i}.weight": layer.weight, f"layer.{i}.bias": layer.bias}
    return named


@dataclass(frozen=True, eq=False)
class Allocator:
    """A trained network as plain numbers: the very code that evaluation and live trading run.

    It is deterministic: the mean of the action distribution. Tanh stands between the layers and,
    if `squashed`, after the last one, too, as in SAC and TD3.
    """

    layers: tuple[Layer, ...]
    normaliser: ObservationNormaliser
    action_scale: float
    squashed: bool = False
    name: str = "agent"

    def reset(self) -> None:
        """Nothing to forget: it looks at the present observation alone."""

    def weights(self, observation: Float32Array) -> Float32Array:
        return simplex(self.action(observation), self.action_scale)

    def action(self, observation: Float32Array) -> Float32Array:
        """Return the mean action, not yet clipped to [-1, 1]."""
        action = through(self.layers, self.normaliser.scaled(observation))
        return np.tanh(action) if self.squashed else action

    @cached_property
    def net_arch(self) -> tuple[int, ...]:
        """Units of the hidden layers."""
        return tuple(layer.bias.size for layer in self.layers[:-1])

    @property
    def architecture(self) -> dict[str, Any]:
        return {
            "network": SQUASHED if self.squashed else "mlp",
            "net_arch": list(self.net_arch),
            "action_scale": self.action_scale,
        }

    @property
    def tensors(self) -> dict[str, Float32Array]:
        """The network by name."""
        return named_layers(self.layers)


def checked_weights(policy: Policy, weights: Float32Array, n_entries: int) -> Float32Array:
    """Return what a policy chose, contiguous; refuse what no account should be managed by.

    An environment keeps the last weights when it is handed nonsense, because a learner must be able
    to go on. A policy that is judged or deployed has no such excuse.
    """
    chosen = np.ascontiguousarray(weights, np.float32)
    if chosen.shape != (n_entries,):
        raise InvalidWeights(
            f"weights of {policy.name} must have one entry per strategy and one for cash, that is "
            f"({n_entries},), was {chosen.shape}"
        )
    if not (np.isfinite(chosen).all() and (chosen >= 0.0).all() and chosen.any()):
        raise InvalidWeights(
            f"weights of {policy.name} must be finite, none of them negative and not all zero, was "
            f"{np.array2string(chosen, precision=3, threshold=12)}. All of it in cash is 1 in the "
            f"last entry"
        )
    return chosen


def layers_of(tensors: Sequence[FloatArray | Float32Array]) -> tuple[Layer, ...]:
    """Return layers from weights and biases that alternate."""
    return tuple(
        Layer(np.array(weight, np.float32), np.array(bias, np.float32))
        for weight, bias in zip(tensors[::2], tensors[1::2], strict=True)
    )
