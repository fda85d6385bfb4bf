"""A policy whose weights somebody else has a bounded say in, as bars go by.

K strategies. The share of cash stays what the policy chose. Advice at bar t is made of what the
sleeves returned until its close (`agents.past`), and the policy sees none of it.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from benbot.agents.baselines import equal_weight, regime_record
from benbot.agents.evaluation import Noting
from benbot.agents.past import Informed, Past, uninformed
from benbot.agents.policy import Policy
from benbot.agents.sleeve_learners import SLEEVE_LEARNERS, OverSleeves
from benbot.envs.arrays import Float32Array, FloatArray
from benbot.envs.observation import Layout
from benbot.strategies.learning.correlation import Uniqueness
from benbot.strategies.learning.settings import MOST_ADVISED, LearningSettings

Maker = Callable[[Layout], Policy]
OWN: Mapping[str, Maker] = MappingProxyType(
    {"equal_weight": equal_weight, "regime_record": regime_record}
)
# Baselines with advice, by name: what advises them. They come only when they are asked for.
ADVISED: Mapping[str, LearningSettings] = MappingProxyType(
    {
        "uncrowded": LearningSettings(correlation=True),
        "blended": LearningSettings(online_share=MOST_ADVISED),
    }
)
ADVISED_BASELINES = tuple(f"{own}_{advice}" for own in OWN for advice in ADVISED)


class Advised:
    """The weights of a policy after advice, close by close."""

    def __init__(self, policy: Policy, settings: LearningSettings) -> None:
        self.policy, self.name = policy, policy.name
        self._settings = settings
        name = settings.online_learner
        self._learner = OverSleeves(name, SLEEVE_LEARNERS[name])
        self.reset()

    def reset(self) -> None:
        self.policy.reset()
        self._learner.reset()
        self._uniqueness = Uniqueness(self._settings.refit)
        self._unique: FloatArray | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        return self.policy.notes if isinstance(self.policy, Noting) else ()

    def inform(self, past: Past) -> None:
        """Ask for advice on what the sleeves returned, whether the policy will choose or not."""
        if isinstance(self.policy, Informed):
            self.policy.inform(past)
        if self._settings.online_share > 0.0:
            self._learner.inform(past)
        self._unique = np.ones(past.growth.shape[1])
        if self._settings.correlation:
            self._unique = self._uniqueness.at_close(past.growth, past.session)

    def weights(self, observation: Float32Array) -> Float32Array:
        """Return the next weights (K+1,); what is not finite stays so, for the desk to refuse."""
        if self._unique is None:
            raise uninformed(self.name)
        chosen = self.policy.weights(observation).astype(np.float64)
        own, cash = chosen[:-1] * self._unique, chosen[-1]
        shares = _normalised(own)
        if self._settings.online_share > 0.0:
            told = self._learner.weights(observation)[:-1]
            shares = shares + self._settings.online_share * (told - shares)
        return np.append(chosen[:-1].sum() * shares, cash).astype(np.float32)


def advised(policy: Policy, settings: LearningSettings) -> Policy:
    """Return the policy with the advice that the settings ask for, itself if they ask for none."""
    return Advised(policy, settings) if settings.changes_weights else policy


def advised_baseline(name: str, layout: Layout) -> Policy:
    """Return the baseline of that name, one of `ADVISED_BASELINES`."""
    own, _, advice = name.rpartition("_")
    policy = Advised(OWN[own](layout), ADVISED[advice])
    policy.name = name
    return policy


def _normalised(shares: FloatArray) -> FloatArray:
    """Return shares with the sum 1; equal ones of nothing, which is then multiplied by nothing."""
    total = shares.sum()
    if total == 0.0:
        return np.full(shares.size, 1.0 / shares.size)
    normalised: FloatArray = shares / total
    return normalised
