"""From what was written down to a policy that acts."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, get_args

import numpy as np

from benbot.agents.networks.body import Body, Exchange, Prior
from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import SQUASHED, Allocator, TrainedPolicy, layers_of
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.agents.recurrent_policy import LSTM, NETWORK, Memory, RecurrentAllocator
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Layout

# More than anybody observes; a few names of strategies and features can claim any number.
MOST_ENTRIES = 1_000_000


def rebuilt(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, Float32Array],
    normaliser: dict[str, Any],
) -> TrainedPolicy:
    """Return the policy of an architecture, its tensors in order, and the normaliser's numbers.

    Missing entries raise `KeyError`; what contradicts itself raises `RunMismatch`.
    """
    network = architecture["network"]
    if not isinstance(normaliser, dict):
        raise _contradiction(f"a normaliser of {normaliser!r}")
    if network in ("mlp", SQUASHED):
        return _mlp(architecture, tensors, normaliser)
    if network == NETWORK:
        return _recurrent(architecture, tensors, normaliser)
    if network != "equivariant":
        raise RunMismatch(
            f"the network of a stored policy must be mlp, {SQUASHED}, {NETWORK} or equivariant, "
            f"was {network!r}. A later version wrote it; use that one"
        )
    strategies, features, context = (
        _words(architecture, name)
        for name in ("strategies", "strategy_features", "context_features")
    )
    n_entries = len(strategies) * len(features) + len(context)
    scaled_for = normaliser.get("n_strategies", len(strategies))
    if n_entries > MOST_ENTRIES or scaled_for != len(strategies):
        raise _contradiction(
            f"{len(strategies)} strategies with {len(features)} features each, {scaled_for!r} in "
            f"the normaliser"
        )
    prior, exchange = architecture["prior"], architecture["exchange"]
    told_by = {"none", *features} & set(get_args(Prior))
    if prior not in told_by or exchange not in get_args(Exchange):
        raise _contradiction(f"exchange {exchange!r} and prior {prior!r} over {features}")
    scale = architecture["action_scale"]
    policy = SharedAllocator(
        Layout(strategies, features, context),
        Body(*(architecture[name] for name in Body._fields)),
        {name: np.array(each, np.float32) for name, each in tensors.items()},
        PooledNormaliser.from_numbers(normaliser),
        None if scale is None else _scale(scale),
        frozenset(_words(architecture, "retired")),
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
    policy = RecurrentAllocator(memory, layers, scaling, _scale(architecture["action_scale"]))
    policy.require_whole(architecture)
    return policy


def _mlp(
    architecture: Mapping[str, Any],
    tensors: Mapping[str, Float32Array],
    normaliser: dict[str, Any],
) -> Allocator:
    own = ObservationNormaliser.from_numbers(normaliser)
    sizes = [own.moments.mean.size, *architecture["net_arch"]]
    was = [(name, each.shape) for name, each in tensors.items()]
    n_outputs = was[-1][1][0] if was else 0
    expected = []
    for i, (n_in, n_out) in enumerate(pairwise([*sizes, n_outputs])):
        expected += [(f"layer.{i}.weight", (n_out, n_in)), (f"layer.{i}.bias", (n_out,))]
    if expected != was:
        raise _contradiction(f"tensors {was}, expected {expected}")
    scale, squashed = _scale(architecture["action_scale"]), architecture["network"] == SQUASHED
    return Allocator(layers_of(list(tensors.values())), own, scale, squashed=squashed)


def _words(architecture: Mapping[str, Any], name: str) -> tuple[str, ...]:
    words = architecture[name]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _contradiction(f"{name} of {words!r}")
    return tuple(words)


def _scale(value: Any) -> float:  # noqa: ANN401
    if type(value) not in {int, float} or not 0.0 < value < math.inf:
        raise _contradiction(f"an action_scale of {value!r}")
    return float(value)


def _contradiction(what: str) -> RunMismatch:
    return RunMismatch(
        f"the architecture, the tensors and the normaliser of a stored policy must agree, was "
        f"{what[:500]}. The file is damaged"
    )
