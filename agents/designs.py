"""How a policy is made, from its settings: the same few questions for every kind of network."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from benbot.agents.algorithm_settings import REPLAYING
from benbot.agents.networks.actor_critic import AllocationPolicy
from benbot.agents.networks.body import AS_TOLD, Body
from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.policy import Allocator, TrainedPolicy, layers_of
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.agents.recurrent_policy import LSTM, Memory, RecurrentAllocator
from benbot.agents.settings import AgentSettings
from benbot.agents.shared_policy import SharedAllocator
from benbot.envs.arrays import FloatArray
from benbot.envs.observation import Layout


class Design(Protocol):
    """What a learner has to know of the policy that it trains.

    kind           of the policy that Stable-Baselines3 makes, with `options`
    action_scale   of the softmax that makes weights of an action, None if it is the weights
    """

    kind: type[BasePolicy]
    action_scale: float | None

    def options(self) -> dict[str, Any]: ...

    def normaliser(self, numbers: dict[str, Any] | None = None) -> ObservationNormaliser:
        """Return a normaliser that learns, from the beginning or from where another was."""
        ...

    def acting(self, policy: BasePolicy) -> dict[str, Tensor]:
        """Return what stands between an observation and the deterministic action, by name."""
        ...

    def policy(
        self, tensors: Mapping[str, FloatArray], normaliser: ObservationNormaliser
    ) -> TrainedPolicy:
        """Return the policy with these tensors, named as in `acting`."""
        ...


class MlpDesign:
    """Layers that know each strategy by its place, and Gaussian actions."""

    kind: type[BasePolicy] = ActorCriticPolicy

    def __init__(self, settings: AgentSettings, layout: Layout) -> None:
        self.settings, self.size = settings, layout.size
        self.action_scale: float | None = settings.action_scale

    def options(self) -> dict[str, Any]:
        return {
            "net_arch": list(self.settings.net_arch),
            "log_std_init": self.settings.log_std_init,
        }

    def normaliser(self, numbers: dict[str, Any] | None = None) -> ObservationNormaliser:
        if numbers is None:
            return ObservationNormaliser.of(self.size)
        return ObservationNormaliser.from_numbers(numbers, learning=True)

    def acting(self, policy: BasePolicy) -> dict[str, Tensor]:
        assert isinstance(policy, ActorCriticPolicy)  # noqa: S101 - made of `kind`
        return _layers([*policy.mlp_extractor.policy_net, policy.action_net])

    def policy(
        self, tensors: Mapping[str, FloatArray], normaliser: ObservationNormaliser
    ) -> TrainedPolicy:
        layers = layers_of(list(tensors.values()))
        return Allocator(layers, normaliser, self.settings.action_scale)


class SquashedDesign(MlpDesign):
    """The same layers for SAC and TD3, whose actions a tanh keeps in [-1, 1]."""

    def __init__(self, settings: AgentSettings, layout: Layout) -> None:
        super().__init__(settings, layout)
        self.kind = SACPolicy if settings.algorithm == "sac" else TD3Policy

    def options(self) -> dict[str, Any]:
        return {"net_arch": list(self.settings.net_arch), "activation_fn": nn.Tanh}

    def acting(self, policy: BasePolicy) -> dict[str, Tensor]:
        if isinstance(policy, SACPolicy):
            return _layers([*policy.actor.latent_pi, policy.actor.mu])
        assert isinstance(policy, TD3Policy)  # noqa: S101 - made of `kind`
        return _layers(list(policy.actor.mu))

    def policy(
        self, tensors: Mapping[str, FloatArray], normaliser: ObservationNormaliser
    ) -> TrainedPolicy:
        layers = layers_of(list(tensors.values()))
        return Allocator(layers, normaliser, self.settings.action_scale, squashed=True)


class RecurrentDesign(MlpDesign):
    """An LSTM over the observations of an account, then layers; the values have their own."""

    kind: type[BasePolicy] = RecurrentActorCriticPolicy

    def options(self) -> dict[str, Any]:
        return super().options() | {"lstm_hidden_size": self.settings.recurrent.width}

    def acting(self, policy: BasePolicy) -> dict[str, Tensor]:
        assert isinstance(policy, RecurrentActorCriticPolicy)  # noqa: S101 - made of `kind`
        own = {f"lstm.{name}": getattr(policy.lstm_actor, f"{name}_l0").detach() for name in LSTM}
        return own | super().acting(policy)

    def policy(
        self, tensors: Mapping[str, FloatArray], normaliser: ObservationNormaliser
    ) -> TrainedPolicy:
        memory = Memory(*(np.array(tensors[f"lstm.{name}"], np.float32) for name in LSTM))
        layers = layers_of(list(tensors.values())[len(LSTM) :])
        return RecurrentAllocator(memory, layers, normaliser, self.settings.action_scale)


class EquivariantDesign:
    """One rule that scores every strategy, and either distribution."""

    kind: type[BasePolicy] = AllocationPolicy

    def __init__(self, settings: AgentSettings, layout: Layout) -> None:
        chosen = settings.policy
        self.settings, self.layout = settings, layout
        self.body = Body(chosen.width, chosen.exchange, chosen.prior)
        gaussian = chosen.actions == "gaussian"
        self.action_scale: float | None = settings.action_scale if gaussian else None

    def options(self) -> dict[str, Any]:
        return {
            "layout": self.layout,
            "body": self.body,
            "distribution": self.settings.policy.actions,
            "log_std_init": self.settings.log_std_init,
        }

    def normaliser(self, numbers: dict[str, Any] | None = None) -> ObservationNormaliser:
        if numbers is None:
            return PooledNormaliser.for_layout(self.layout, AS_TOLD)
        return PooledNormaliser.from_numbers(numbers, learning=True)

    def acting(self, policy: BasePolicy) -> dict[str, Tensor]:
        assert isinstance(policy, AllocationPolicy)  # noqa: S101 - made of `kind`
        return policy.acting()

    def policy(
        self, tensors: Mapping[str, FloatArray], normaliser: ObservationNormaliser
    ) -> TrainedPolicy:
        assert isinstance(normaliser, PooledNormaliser)  # noqa: S101 - made above
        own = {name: np.array(each, np.float32) for name, each in tensors.items()}
        return SharedAllocator(self.layout, self.body, own, normaliser, self.action_scale)


def design_of(settings: AgentSettings, layout: Layout) -> Design:
    """Return how the policy of the settings is made for observations of this layout."""
    if settings.algorithm in REPLAYING:
        return SquashedDesign(settings, layout)
    if settings.algorithm == "recurrent_ppo":
        return RecurrentDesign(settings, layout)
    if settings.policy.network == "mlp":
        return MlpDesign(settings, layout)
    return EquivariantDesign(settings, layout)


def _layers(modules: Iterable[nn.Module]) -> dict[str, Tensor]:
    """Return the tensors of the linear ones among some modules, named as `policy.Allocator`'s."""
    linear = [each for each in modules if isinstance(each, nn.Linear)]
    return {
        f"layer.{i}.{part}": getattr(each, part).detach()
        for i, each in enumerate(linear)
        for part in ("weight", "bias")
    }
