"""How an agent is trained."""

from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from benbot.agents.algorithm_settings import (
    CLIPPING,
    HEARD_BY,
    REPLAYING,
    SECTIONS,
    RecurrentSettings,
    ReplaySettings,
    SacSettings,
    Td3Settings,
)
from benbot.agents.schedules import Coefficient, Rate, ScheduleSettings
from benbot.envs.settings import Settings


class PolicySettings(Settings):
    """The network between an observation and the weights, and how it tries other weights."""

    network: Literal["mlp", "equivariant"] = Field(
        "mlp",
        description="mlp: agent.net_arch, each strategy at its fixed place; equivariant: one rule "
        "that scores every strategy, whatever their number and order",
    )
    distribution: Literal["gaussian", "dirichlet"] | None = Field(
        None,
        description="of the actions in training; dirichlet: the weights themselves; gaussian: "
        "numbers that softmax makes weights of. null: dirichlet for equivariant, gaussian for mlp",
    )
    exchange: Literal["mean", "attention", "none"] = Field(
        "mean", description="what an equivariant network tells a strategy about the others"
    )
    width: int = Field(32, ge=1, le=1024, description="units per strategy, if equivariant")
    prior: Literal["forecast", "record_mean", "none"] = Field(
        "forecast",
        description="the feature of which an equivariant network adds a learned multiple to the "
        "score of a strategy",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.network == "equivariant":
            return self
        if self.distribution == "dirichlet":
            raise ValueError(
                "distribution dirichlet needs network: equivariant, was network: mlp. Remove one of"
                " them"
            )
        for name in ("exchange", "width", "prior"):
            default, was = type(self).model_fields[name].default, getattr(self, name)
            if was != default:
                raise ValueError(
                    f"{name} is of network: equivariant, was {was!r} with network: mlp. Remove it, "
                    f"or choose the network"
                )
        return self

    @property
    def actions(self) -> Literal["gaussian", "dirichlet"]:
        """Return the distribution that is meant."""
        if self.distribution is not None:
            return self.distribution
        return "gaussian" if self.network == "mlp" else "dirichlet"


class AgentSettings(Settings):
    """Algorithm and budget; the defaults suit daily data, where most of a reward is noise."""

    algorithm: Literal["ppo", "a2c", "recurrent_ppo", "sac", "td3"] = Field(
        "ppo",
        description="a2c makes one gradient of each update: no batches, epochs or clip_range; "
        "recurrent_ppo remembers its account; sac and td3 learn from a replay of earlier steps",
    )
    total_steps: int = Field(500_000, ge=1, description="steps of all environments together")
    n_envs: int = Field(64, ge=1, le=65_536, description="accounts side by side")
    n_steps: int = Field(64, ge=2, description="bars each account trades between two updates")
    batch_size: int = Field(1024, ge=2, description="steps per gradient")
    n_epochs: int = Field(4, ge=1, description="passes over the steps of an update")
    learning_rate: Rate = Field(
        3e-4, description="a number above 0 and up to 1, or {start, end, shape} over the steps"
    )
    gamma: float = Field(0.97, ge=0, le=1, description="discount per bar; 0.97 looks 33 bars ahead")
    gae_lambda: float = Field(0.9, ge=0, le=1, description="1 trusts returns, 0 the value network")
    clip_range: float = Field(0.2, gt=0, lt=1, description="most a probability moves per update")
    entropy: Coefficient = Field(
        0.0, description="reward for staying undecided; a number, or {start, end, shape}"
    )
    value_coefficient: float = Field(0.5, ge=0)
    max_grad_norm: float = Field(0.5, gt=0)
    policy: PolicySettings = Field(PolicySettings(), description="network and distribution")
    net_arch: tuple[int, ...] = Field((64, 64), description="units of the hidden layers of an mlp")
    log_std_init: float = Field(
        -0.5, ge=-5, le=2, description="log of the first deviation of gaussian actions"
    )
    action_scale: float = Field(
        3.0,
        gt=0,
        le=20,
        description="weights are softmax(scale x action), a gaussian action in [-1, 1]",
    )
    averaging: float = Field(
        8.0,
        ge=0,
        le=1e9,
        description="the policy has the mean weights of all updates, whose mean age is 1 / (2 + "
        "this) of the training so far; 0 is the plain mean, 1e9 the last update alone",
    )
    evaluations: int = Field(20, ge=1, description="times the policy is tried on the valid segment")
    patience: int | None = Field(
        None,
        ge=1,
        description="evaluations without a better one after which a training ends early; null: "
        "it takes all its steps",
    )
    recurrent: RecurrentSettings = Field(
        RecurrentSettings(), description="of algorithm recurrent_ppo"
    )
    replay: ReplaySettings = Field(ReplaySettings(), description="of algorithms sac and td3")
    sac: SacSettings = Field(SacSettings(), description="of algorithm sac")
    td3: Td3Settings = Field(Td3Settings(), description="of algorithm td3")
    torch_threads: int = Field(1, ge=1, le=256, description="results may depend on it")

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        if self.algorithm in REPLAYING:
            return self
        if self.steps_per_update % self.batch_size:
            raise ValueError(
                f"n_envs x n_steps, {self.steps_per_update}, must be a multiple of batch_size, "
                f"was {self.batch_size}"
            )
        if self.algorithm == "recurrent_ppo" and self.batch_size % self.n_steps:
            raise ValueError(
                f"batch_size must be a multiple of n_steps, {self.n_steps}, with algorithm: "
                f"recurrent_ppo, which learns from whole stretches of accounts; was "
                f"{self.batch_size}"
            )
        return self

    @model_validator(mode="after")
    def _remembering(self) -> Self:
        """Refuse a replay that would not hold a batch, or that would never be learned from."""
        if self.algorithm not in REPLAYING:
            return self
        size, warmup = self.replay.size, self.replay.warmup
        least = max(self.batch_size, self.n_envs)
        if size < least:
            raise ValueError(
                f"replay.size must be at least {least}, a batch and a bar of all accounts, was "
                f"{size}"
            )
        if not warmup < self.planned_steps:
            raise ValueError(
                f"replay.warmup must be less than all steps, {self.planned_steps}, was {warmup}, "
                f"so that nothing would be learned. Shorten it"
            )
        return self

    @model_validator(mode="after")
    def _moving(self) -> Self:
        rate = self.learning_rate
        if isinstance(rate, ScheduleSettings) and not (
            0.0 < rate.start <= 1.0 and (rate.end is None or rate.end <= 1.0)
        ):
            raise ValueError(
                f"learning_rate must start above 0 and stay within 1, was {rate.start} to "
                f"{rate.end}"
            )
        return self

    @model_validator(mode="after")
    def _heard(self) -> Self:
        """Refuse a value that the policy or the algorithm chosen would not listen to."""
        deaf = {"net_arch": "network: mlp"} if self.policy.network != "mlp" else {}
        if self.policy.actions == "dirichlet":
            deaf |= dict.fromkeys(("action_scale", "log_std_init"), "distribution: gaussian")
        deaf |= {name: f"algorithm: {_any_of(HEARD_BY[name])}" for name in self._unheard}
        if self.algorithm not in ("ppo", "a2c"):
            deaf["policy"] = "algorithm: ppo or a2c"
        for name, needed in deaf.items():
            default, was = type(self).model_fields[name].default, getattr(self, name)
            if was != default:
                raise ValueError(
                    f"{name} needs {needed}, was {was} with algorithm: {self.algorithm}, network: "
                    f"{self.policy.network}, distribution: {self.policy.actions}. Remove it"
                )
        return self

    @model_serializer(mode="wrap")
    def _sections_heard(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out sections of other algorithms, so that they are in no digest and no run."""
        values: dict[str, Any] = handler(self)
        unheard = self._unheard & set(SECTIONS)
        return {name: value for name, value in values.items() if name not in unheard}

    @property
    def _unheard(self) -> set[str]:
        return {name for name, heard_by in HEARD_BY.items() if self.algorithm not in heard_by}

    @property
    def gradients_per_update(self) -> int:
        """Return how often the algorithm counts an update of ours: once per epoch."""
        return self.n_epochs if self.algorithm in CLIPPING else 1

    @property
    def steps_per_update(self) -> int:
        return self.n_envs * self.n_steps

    @property
    def planned_steps(self) -> int:
        """Return the budget rounded up to whole updates."""
        return self.n_updates * self.steps_per_update

    @property
    def n_updates(self) -> int:
        """Updates that use up the budget: the last one is whole."""
        return -(-self.total_steps // self.steps_per_update)


def _any_of(names: tuple[str, ...]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
