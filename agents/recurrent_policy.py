"""A recurrent network as plain numbers: what evaluation and live trading run.

hidden, cell   (H,), what it remembers from one bar to the next
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import Layer, named_layers, simplex, through
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch

NETWORK = "recurrent"
LSTM = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # as torch names them


@dataclass(frozen=True, eq=False)
class Memory:
    """An LSTM of one layer: Hochreiter and Schmidhuber 1997, Neural Computation 9, with gates.

    weight_ih (4H, D), weight_hh (4H, H), bias_ih and bias_hh (4H,); input, forget, cell and output
    gate lie below one another, in this order.
    """

    weight_ih: Float32Array
    weight_hh: Float32Array
    bias_ih: Float32Array
    bias_hh: Float32Array

    @property
    def width(self) -> int:
        return int(self.weight_hh.shape[1])

    def step(
        self, seen: Float32Array, hidden: Float32Array, cell: Float32Array
    ) -> tuple[Float32Array, Float32Array]:
        """Return the next hidden state and cell."""
        gates = self.weight_ih @ seen + self.bias_ih + self.weight_hh @ hidden + self.bias_hh
        taken, kept, new, told = gates.reshape(4, self.width)
        cell = _sigmoid(kept) * cell + _sigmoid(taken) * np.tanh(new)
        return _sigmoid(told) * np.tanh(cell), cell


@dataclass(frozen=True, eq=False)
class RecurrentAllocator:
    """A trained network that remembers the account since `reset`; it is deterministic.

    Every observation moves it on, so it has to be handed each bar once and in order.
    """

    memory: Memory
    layers: tuple[Layer, ...]
    normaliser: ObservationNormaliser
    action_scale: float
    name: str = "agent"
    state: Float32Array = field(init=False)  # (2, H), hidden and cell

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", np.zeros((2, self.memory.width), np.float32))

    def reset(self) -> None:
        self.state[:] = 0.0

    def weights(self, observation: Float32Array) -> Float32Array:
        return simplex(self.action(observation), self.action_scale)

    def action(self, observation: Float32Array) -> Float32Array:
        """Return the mean action, not yet clipped to [-1, 1], and remember the observation."""
        seen = self.normaliser.scaled(observation)
        self.state[0], self.state[1] = self.memory.step(seen, *self.state)
        return through(self.layers, self.state[0])

    @property
    def architecture(self) -> dict[str, Any]:
        return {
            "network": NETWORK,
            "width": self.memory.width,
            "net_arch": [layer.bias.size for layer in self.layers[:-1]],
            "action_scale": self.action_scale,
        }

    @property
    def tensors(self) -> dict[str, Float32Array]:
        """The network by name."""
        own = {f"lstm.{name}": getattr(self.memory, name) for name in LSTM}
        return own | named_layers(self.layers)

    def require_whole(self, architecture: Mapping[str, Any]) -> None:
        """Refuse tensors and a normaliser that contradict each other or the architecture."""
        width, size = self.memory.width, self.normaliser.moments.mean.size
        expected = {
            "lstm.weight_ih": (4 * width, size),
            "lstm.weight_hh": (4 * width, width),
            "lstm.bias_ih": (4 * width,),
            "lstm.bias_hh": (4 * width,),
        }
        inputs = width
        for i, layer in enumerate(self.layers):
            expected[f"layer.{i}.weight"] = (layer.bias.size, inputs)
            inputs = layer.bias.size
        was = {name: each.shape for name, each in self.tensors.items() if name in expected}
        odd = sorted(name for name in expected if expected[name] != was[name])
        odd += [name for name, own in self.architecture.items() if architecture.get(name) != own]
        if odd:
            raise RunMismatch(
                f"the tensors and the normaliser of a policy must be those of its architecture; "
                f"what differs: {', '.join(odd)}. The file is damaged"
            )


def _sigmoid(gate: Float32Array) -> Float32Array:
    """Return 1 / (1 + exp(-gate)), which exceeds no number on the way."""
    opened: Float32Array = np.float32(0.5) * (np.tanh(np.float32(0.5) * gate) + np.float32(1.0))
    return opened
