"""Where an agent learns, is chosen and is judged: stretches of calendar days, in this order."""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from benbot.envs.settings import Settings


class Segment(Settings):
    """A stretch of calendar days, both ends included."""

    start: date = Field(description="first day")
    end: date = Field(description="last day, inclusive")

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.start > self.end:
            raise ValueError(f"start must not come after end, was {self.start} to {self.end}")
        return self


class SegmentSettings(Settings):
    """Where an agent learns, is chosen, and is judged once."""

    fit: Segment = Field(description="what the agent learns from")
    valid: Segment = Field(description="what the policy and the best single strategy are chosen on")
    test: Segment = Field(description="what everybody is judged on, once")
    embargo_bars: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="first bars of valid and test that do not count, so that nothing held before "
        "helps in them",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for earlier, later in (("fit", "valid"), ("valid", "test")):
            first, second = getattr(self, earlier), getattr(self, later)
            if not first.end < second.start:
                raise ValueError(
                    f"{later} must begin after {earlier} ends, was {earlier} until {first.end} "
                    f"and {later} from {second.start}; segments that overlap leak what they test"
                )
        return self
