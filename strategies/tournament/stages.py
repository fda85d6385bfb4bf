"""Where a strategy stands on the ladder, and why it moved."""

from enum import IntEnum, StrEnum
from typing import NamedTuple

from benbot.envs.market.selection import check_known


class Stage(IntEnum):
    """Where a strategy stands; a higher code is a higher rung."""

    RETIRED = -1
    WAITING = 0  # registered, and no place in R1 is free
    R1 = 1
    R2 = 2
    R3 = 3
    LIVE = 4


TRIALS = (Stage.R1, Stage.R2, Stage.R3)  # the stages on paper, lowest first


class Reason(StrEnum):
    """Why a strategy moved."""

    ENTERED = "entered"  # it was registered, or a place in R1 became free
    PASSED = "passed"  # it met everything that its stage asks for
    DRAWDOWN = "drawdown"  # it lost more than its stage allows
    BREACHES = "breaches"  # it broke more limits than its stage allows
    DISPLACED = "displaced"  # one with more evidence took its place
    PROBATION = "probation"  # two or more of the rules for live capital were broken
    CHANGED = "changed"  # its returns are no longer those that it was promoted for
    HOPELESS = "hopeless"  # the skill that is sought has been refuted
    EXHAUSTED = "exhausted"  # it was given all the sessions that there are
    RUINED = "ruined"  # hardly anything of its capital is left
    WITHDRAWN = "withdrawn"  # somebody took it out


class Transition(NamedTuple):
    """One strategy's move, made at the close of a session; it counts from the next one on."""

    session: int
    strategy: int  # row of the ladder
    source: Stage
    target: Stage
    reason: Reason
    note: str  # the figures that decided, in words


def stage_named(name: str) -> Stage:
    """Return the stage of a name; unknown ones are refused with the names that there are."""
    check_known("stage", [name], Stage.__members__)
    return Stage[name]
