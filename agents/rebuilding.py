"""From what was written down to a policy that acts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benbot.agents.networks.body import Body
from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import SQUASHED, Allocator, TrainedPolicy, layers_of
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.agents.recurrent_policy import LSTM, NETWORK, Memory, RecurrentAllocator
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Layout


def rebuilt(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, Float32Array],
    normaliser: dict[str, Any],
) -> TrainedPolicy:
    """Return the policy of an architecture, its tensors in order, and the normaliser's numbers.

    Missing entries raise `KeyError`; what contradicts itself raises `RunMismatch`.
    """
    network = architecture["network"]
    if network in ("mlp", SQUASHED):
        layers = layers_of(list(tensors.values()))
        scale = float(architecture["action_scale"])
        scaling = ObservationNormaliser.from_numbers(normaliser)
        return Allocator(layers, scaling, scale, squashed=network == SQUASHED)
    if network == NETWORK:
        return _recurrent(architecture, tensors, normaliser)
    if network != "equivariant":
        raise RunMismatch(
            f"the network of a stored policy must be mlp, {SQUASHED}, {NETWORK} or equivariant, "
            f"was {network!r}. A later version wrote it; use that one"
        )
    layout = Layout(
        tuple(architecture["strategies"]),
        tuple(architecture["strategy_features"]),
        tuple(architecture["context_features"]),
    )
    scale_or_none = architecture["action_scale"]
    policy = SharedAllocator(
        layout,
        Body(*(architecture[name] for name in Body._fields)),
        {name: np.array(each, np.float32) for name, each in tensors.items()},
        PooledNormaliser.from_numbers(normaliser),
        None if scale_or_none is None else float(scale_or_none),
        frozenset(architecture["retired"]),
    )
    policy.require_whole()
    return policy


def _recurrent(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, Float32Array],
    normaliser: dict[str, Any],
) -> RecurrentAllocator:
    memory = Memory(*(np.array(tensors[f"lstm.{name}"], np.float32) for name in LSTM))
    layers = layers_of([each for name, each in tensors.items() if name.startswith("layer.")])
    scaling = ObservationNormaliser.from_numbers(normaliser)
    policy = RecurrentAllocator(memory, layers, scaling, float(architecture["action_scale"]))
    policy.require_whole(architecture)
    return policy
