"""From what was written down to a policy that acts."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benbot.agents.networks.body import Body
from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import Allocator, TrainedPolicy, layers_of
from benbot.agents.pooled_normaliser import PooledNormaliser
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
    if network == "mlp":
        layers = layers_of(list(tensors.values()))
        scale = float(architecture["action_scale"])
        return Allocator(layers, ObservationNormaliser.from_numbers(normaliser), scale)
    if network != "equivariant":
        raise RunMismatch(
            f"the network of a stored policy must be mlp or equivariant, was {network!r}. A later "
            f"version wrote it; use that one"
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
