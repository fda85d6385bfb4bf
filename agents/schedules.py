"""A number that stays, or one that changes over the planned steps of a training."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from benbot.envs.settings import Settings


class ScheduleSettings(Settings):
    """From `start`, before anything is learned, to `end`, when all planned steps are taken."""

    start: float = Field(ge=0)
    end: float | None = Field(None, ge=0, description="null: start, which only constant allows")
    shape: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="cosine: slow at both ends"
    )

    @model_validator(mode="after")
    def _moving(self) -> Self:
        stays = self.end is None or self.end == self.start
        if stays and self.shape != "constant":
            raise ValueError(
                f"shape {self.shape} needs an end other than start {self.start}, was {self.end}. "
                f"Give one, or write shape: constant"
            )
        if not stays and self.shape == "constant":
            raise ValueError(
                f"shape constant stays at start {self.start}, was given end {self.end}. Remove it, "
                f"or choose linear or cosine"
            )
        return self

    def at(self, done: float) -> float:
        """Return the value when a share of the planned steps is done, from 0 to 1.

        cosine   start + (end - start) (1 - cos π done) / 2; Loshchilov and Hutter 2017, ICLR,
                 section 3, without restarts
        """
        if self.end is None:
            return self.start
        moved = done if self.shape == "linear" else (1.0 - math.cos(math.pi * done)) / 2.0
        return self.start + (self.end - self.start) * moved


def _kind(value: Any) -> str:  # noqa: ANN401
    return "schedule" if isinstance(value, dict | ScheduleSettings) else "number"


Scheduled = Annotated[ScheduleSettings, Tag("schedule")]
Rate = Annotated[
    Annotated[float, Field(gt=0, le=1), Tag("number")] | Scheduled, Discriminator(_kind)
]
Coefficient = Annotated[
    Annotated[float, Field(ge=0), Tag("number")] | Scheduled, Discriminator(_kind)
]


def value_at(value: float | ScheduleSettings, done: float) -> float:
    """Return a number as it is, or that of a schedule when a share of the steps is done."""
    return value.at(done) if isinstance(value, ScheduleSettings) else value
