"""What single algorithms are told beside what all of them are."""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import Field

from benbot.envs.settings import Settings

CLIPPING = ("ppo", "recurrent_ppo")
ON_POLICY = ("ppo", "a2c", "recurrent_ppo")  # forget every update once they have learned from it
REPLAYING = ("sac", "td3")
# Which algorithms hear a value; what is not named here is heard by all of them.
HEARD_BY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "n_epochs": CLIPPING,
        "clip_range": CLIPPING,
        **dict.fromkeys(("gae_lambda", "entropy", "value_coefficient"), ON_POLICY),
        **dict.fromkeys(("max_grad_norm", "log_std_init"), ON_POLICY),
        "recurrent": ("recurrent_ppo",),
        "replay": REPLAYING,
        "sac": ("sac",),
        "td3": ("td3",),
    }
)
SECTIONS = ("recurrent", "replay", "sac", "td3")  # each says nothing to other algorithms


class RecurrentSettings(Settings):
    """What a recurrent policy remembers by; it forgets where an episode or an account begins."""

    width: int = Field(64, ge=1, le=1024, description="units of the LSTM before agent.net_arch")


class ReplaySettings(Settings):
    """What a learner remembers of earlier updates, and how much it makes of it.

    A transition takes 8 D + 4 (K + 1) + 8 bytes, in memory and in every checkpoint: one kilobyte
    with six strategies, two with thirteen.
    """

    size: int = Field(
        65_536, ge=64, le=1_000_000, description="transitions; the oldest are forgotten"
    )
    warmup: int = Field(
        8192, ge=0, description="steps with random actions, before anything is learned"
    )
    gradients: int = Field(
        1,
        ge=1,
        le=1024,
        description="after each bar of all accounts; with n_envs it is one per transition",
    )
    target_rate: float = Field(
        0.005, gt=0, le=1, description="by which the target networks follow at each gradient"
    )


class SacSettings(Settings):
    """How much soft actor-critic likes to stay undecided."""

    temperature: float | None = Field(
        None, gt=0, description="what a nat of entropy is worth; null: learned"
    )
    first_temperature: float = Field(0.003, gt=0, description="what a learned one begins at")


class Td3Settings(Settings):
    """How twin delayed DDPG tries other actions and smooths its targets; deviations of actions."""

    noise: float = Field(0.3, ge=0, le=2, description="of the actions in training")
    target_noise: float = Field(0.2, ge=0, le=2, description="of the actions in targets")
    target_clip: float = Field(0.5, ge=0, le=2, description="most that this noise may be")
    policy_delay: int = Field(2, ge=1, le=100, description="gradients of the critics per policy's")
