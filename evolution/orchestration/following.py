"""What is known of strategies that trade alone; who lets them trade, others decide."""

from collections.abc import Sequence
from typing import Protocol

from benbot.envs.arrays import FloatArray, IntArray
from benbot.evolution.orchestration.members import Member
from benbot.strategies.records.change import Change


class Followed(Protocol):
    """Members that came at the same close, each alone from then on; D sessions, K members.

    last_bars  (D,)    bar at whose close each session ends
    returns    (D, K)  of a session, after costs; NaN where it had none
    n_trades   (D, K)  round trips that closed
    breaches   (D, K)  limits that were broken
    """

    @property
    def last_bars(self) -> IntArray: ...

    @property
    def returns(self) -> FloatArray: ...

    @property
    def n_trades(self) -> IntArray: ...

    @property
    def breaches(self) -> IntArray: ...

    def tell(self, i: int, stages: IntArray, change: Change) -> None:
        """Record the round trips and the day of session `i`; `stages` are those of the K."""
        ...


class Follow(Protocol):
    """Lets members trade alone, from the close of a bar on."""

    def __call__(self, members: Sequence[Member], bar: int) -> Followed: ...
