"""What a search may try: values of a configuration by their dotted keys."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from benbot.envs.errors import BadConfig
from benbot.envs.settings import Settings

# What neither changes the market, nor who trades, nor how an account is judged on `valid`.
TUNABLE = ("agent.", "environment.reward.")
# With more steps or more looks at `valid` a trial would have an easier task than the others.
FIXED = ("agent.total_steps", "agent.evaluations", "agent.torch_threads")
PLAIN = re.compile(r"[A-Za-z_]+")


class Range(Settings):
    """Numbers from `low` to `high`, both included; whole ones if both are written as such."""

    low: int | float
    high: int | float
    log: bool = Field(default=False, description="whether factors count, not differences")

    @model_validator(mode="after")
    def _wide(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be less than high, was {self.low} and {self.high}")
        if self.log and not self.low > 0:
            raise ValueError(f"low must be above 0 with log: true, was {self.low}")
        return self

    @property
    def is_whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[int | float, ...]:
        """Values that have to be possible."""
        return self.low, self.high

    def value(self, point: float) -> int | float:
        """Return what a point of the search means."""
        return int(point) if self.is_whole else float(point)


class Choice(Settings):
    """One of some values: numbers, names, lists or sections."""

    choices: tuple[Any, ...] = Field(min_length=2)

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that have to be possible."""
        return self.choices

    def value(self, point: float) -> Any:  # noqa: ANN401
        """Return what a point of the search, the number of a choice, means."""
        return self.choices[int(point)]


def _kind(value: Any) -> str:  # noqa: ANN401
    is_choice = isinstance(value, Choice) or (isinstance(value, dict) and "choices" in value)
    return "choice" if is_choice else "range"


Dimension = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choice, Tag("choice")], Discriminator(_kind)
]
Space = Mapping[str, Range | Choice]


def check_keys(space: Space) -> None:
    """Refuse a space of nothing, and keys by which trials could not be compared."""
    if not space:
        raise BadConfig(
            "tuning needs a key or more, was none. Add one, such as tuning: "
            "{agent.learning_rate: {low: 1e-4, high: 1e-2, log: true}}"
        )
    for key in space:
        if key in FIXED:
            raise BadConfig(
                f"tuning must leave {', '.join(FIXED)} as they are, so that every trial has the "
                f"same budget, was {key}. Set it in the configuration"
            )
        if not key.startswith(TUNABLE):
            raise BadConfig(
                f"tuning must have keys that begin with {' or '.join(TUNABLE)}, since trials on "
                f"another market, with other rules or strategies cannot be compared; was {key}"
            )


def as_override(key: str, value: Any) -> str:  # noqa: ANN401
    """Return a value as the command line has it, so that it is read as the very same."""
    bare = isinstance(value, str) and PLAIN.fullmatch(value) and value not in ("true", "null")
    return f"{key}={value if bare else json.dumps(value)}"


def overrides_of(values: Mapping[str, Any]) -> Sequence[str]:
    """Return values by dotted key as overrides."""
    return [as_override(key, value) for key, value in values.items()]
