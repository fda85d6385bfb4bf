"""The stages of strategies over time: a lane for each, as high as its stage, beside the weights.

A lane has the decisions of the figure of the weights at the same places across.
"""

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from benbot.envs.arrays import Int8Array
from benbot.experiments.dashboard.figures import WIDTH, dates_of
from benbot.paper.overview.stages import NOT_KEPT, stage_name
from benbot.paper.overview.strategies import Weights
from benbot.strategies.records.moments import written
from benbot.strategies.tournament.stages import Stage

LANE = 40.0  # height of a lane
LEAST = 3.0  # width of what has only just begun
HEIGHTS = {
    Stage.LIVE: 1.0,
    Stage.R3: 0.76,
    Stage.R2: 0.52,
    Stage.R1: 0.28,
    Stage.WAITING: 0.1,
    Stage.RETIRED: 0.1,
}


@dataclass(frozen=True)
class Step:
    """A stretch on one stage, as a box in the drawing."""

    stage: str
    x: float
    width: float
    height: float

    @property
    def y(self) -> float:
        return LANE - self.height


@dataclass(frozen=True)
class Lane:
    """A strategy: where it stood, from left to right, and in words.

    place   number of the strategy, by which it has its colour
    now     its stage; None: not kept
    """

    place: int
    name: str
    now: str | None
    steps: tuple[Step, ...]
    text: str


@dataclass(frozen=True)
class Lanes:
    """All of them above one axis of time."""

    lanes: tuple[Lane, ...]
    dates: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, ...]:
        """Return the stages that occur, from the top of the ladder to its foot."""
        there = {step.stage for lane in self.lanes for step in lane.steps}
        return tuple(stage.name for stage in HEIGHTS if stage.name in there)


def stages_figure(chosen: Weights) -> Lanes | None:
    """Draw where each strategy stood at each decision; None of fewer than two, or of none kept."""
    codes = chosen.stages
    if len(codes) < 2 or (codes == NOT_KEPT).all():
        return None
    days = [written(int(moment))[:10] for moment in chosen.moments]
    lanes = tuple(
        _lane(k, name, codes[:, k], days) for k, name in enumerate(chosen.names[: codes.shape[1]])
    )
    return Lanes(lanes, dates_of(chosen.moments))


def _lane(k: int, name: str, codes: Int8Array, days: list[str]) -> Lane:
    across = np.linspace(0.0, WIDTH, codes.size)
    steps, words, first = [], [], 0
    for code, run in groupby(codes.tolist()):
        end = first + len(list(run))
        if code != NOT_KEPT:
            x = min(float(across[first]), WIDTH - LEAST)
            width = float(across[min(end, codes.size - 1)]) - x
            stage = Stage(code)
            steps.append(Step(stage.name, x, max(width, LEAST), LANE * HEIGHTS[stage]))
            words.append(f"{stage.name} from {days[first]}")
        first = end
    return Lane(k, name, stage_name(int(codes[-1])), tuple(steps), ", ".join(words))
