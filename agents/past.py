"""What is known at a close beside the observation, and how a policy that learns from it is told.

The environment (`agents.evaluation`) and the loop of paper trading (`paper.trust`) ask a policy by
the same call, which tells it first what every sleeve returned until that close. So what is learned
as bars go by is made of the same numbers in both, and of none that is later: there is no later row.
T bars, K strategies, D entries of an observation.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from benbot.agents.policy import Policy
from benbot.envs.arrays import Float32Array, FloatArray, IntArray
from benbot.envs.desk.tape import Tape
from benbot.envs.errors import InvalidParameter, InvalidWeights
from benbot.envs.observation import Features


@dataclass(frozen=True, eq=False)
class Past:
    """The bars up to a close, from the first one of the history.

    growth    (T, K)  log growth of each sleeve; the first bar has none, which is 0
    session   (T,)    number of the trading day
    rows      (T, D)  observations, 0 where they are about an account
    """

    growth: FloatArray
    session: IntArray
    rows: Float32Array

    @property
    def last(self) -> int:
        """The bar at whose close this is known."""
        return len(self.growth) - 1

    def since(self, t: int) -> range:
        """Return the bars that are new to whoever knows all up to bar `t`."""
        if t > self.last:
            raise InvalidParameter(
                f"closes must be told in order, bar {t} is known already, was told of {self.last}. "
                "Reset the policy before it begins another span"
            )
        return range(t + 1, self.last + 1)

    def until(self, t: int) -> "Past":
        """Return what was known at the close of bar `t`."""
        return Past(self.growth[: t + 1], self.session[: t + 1], self.rows[: t + 1])


def past_of(tape: Tape, features: Features, t: int) -> Past:
    """Return what is known at the close of bar `t` of a history that may go on after it."""
    return Past(tape.sleeve_return, tape.session, features.rows).until(t)


@runtime_checkable
class Informed(Protocol):
    """A policy that looks at more than the observation (`agents.policy.Policy`).

    After a reset it is told of the close of its first decision, and then of every close after it.
    """

    def inform(self, past: Past) -> None:
        """Learn what is known at the close at which it is asked next."""


def ask(policy: Policy, past: Past, observation: Float32Array) -> Float32Array:
    """Return what a policy chooses at a close, after it was told what is known there."""
    if isinstance(policy, Informed):
        policy.inform(past)
    return policy.weights(observation)


def uninformed(name: str) -> InvalidWeights:
    """Return what is said of somebody who was asked before anybody told him of the past."""
    return InvalidWeights(
        f"weights of {name} need to know what the sleeves returned, nobody had said. Ask by "
        "agents.past.ask"
    )
