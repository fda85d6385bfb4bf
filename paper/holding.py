"""Exits only: an account whose policy cannot be used is managed by the rules, and opens nothing.

The weights stay as the last decision left them, so stops, targets, times and breakers act as
before. Every close at which nobody chose is written down, and the policy, once it is back, is shown
what it missed and not held to what it did not choose.
"""

from benbot.envs.arrays import Float32Array
from benbot.envs.errors import InvalidWeights

WHY = "exits only: no policy"


class Holding:
    """A policy that has no opinion (`agents.policy.Policy`); whoever asks keeps what there is."""

    name = "exits only"

    def reset(self) -> None:
        """Nothing to forget."""

    def weights(self, observation: Float32Array) -> Float32Array:
        """Refuse: the weights that there are stay."""
        raise InvalidWeights(
            f"weights of {self.name} must not be asked for, were at an observation of "
            f"{observation.size} entries. The account keeps those that it has"
        )
