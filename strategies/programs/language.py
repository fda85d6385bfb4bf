"""Which primitives, features and windows programs may be made of, and how large they may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from benbot.envs.errors import InvalidParameter
from benbot.envs.market.selection import check_known
from benbot.strategies.programs.features import FEATURES
from benbot.strategies.programs.primitives import (
    BY_NAME,
    DEEPEST,
    LARGEST_CONSTANT,
    LONGEST_WINDOW,
    MOST_FEATURES,
    MOST_NODES,
    NUMBER,
    PRIMITIVES,
    WINDOWS,
    Primitive,
    Type,
)

Form = Literal["signal", "parts"]
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True)
class Language:
    """What programs are made of.

    features    names of the leaves; everywhere else they are numbers, in this order
    primitives  names of those that may be used
    windows     bars
    form        "signal": one expression; "parts": entry, exit and size
    constant    largest constant of either sign that is made
    depth       levels below the root, at most
    size        nodes, at most
    """

    features: tuple[str, ...] = tuple(FEATURES)
    primitives: tuple[str, ...] = tuple(BY_NAME)
    windows: tuple[int, ...] = WINDOWS
    form: Form = "signal"
    constant: float = 3.0
    depth: int = 8
    size: int = 60

    def __post_init__(self) -> None:
        check_known("primitive", self.primitives, BY_NAME)
        _check_distinct("features", self.features, MOST_FEATURES)
        _check_distinct("windows", self.windows, LONGEST_WINDOW)
        ranges = {
            "windows": (self.windows, 1, LONGEST_WINDOW),
            "depth": ((self.depth,), 1, DEEPEST),
            "size": ((self.size,), 1, MOST_NODES),
        }
        for name, (numbers, low, high) in ranges.items():
            if not all(type(number) is int and low <= number <= high for number in numbers):
                raise InvalidParameter(
                    f"{name} of a language must be whole numbers from {low} to {high}, "
                    f"was {', '.join(map(str, numbers))}"
                )
        if not 0.0 < self.constant <= LARGEST_CONSTANT:
            raise InvalidParameter(
                f"constant of a language must be above 0 and up to {LARGEST_CONSTANT:g}, "
                f"was {self.constant}"
            )
        if self.form not in FORMS:
            raise InvalidParameter(
                f"form of a language must be one of {', '.join(FORMS)}, was {self.form!r}"
            )

    @cached_property
    def functions(self) -> tuple[Primitive, ...]:
        """Return the primitives that may be used."""
        return tuple(each for each in PRIMITIVES if each.name in self.primitives)

    @cached_property
    def by_type(self) -> Mapping[Type, tuple[Primitive, ...]]:
        """Return which primitives give what."""
        return {
            kind: tuple(each for each in self.functions if each.gives == kind)
            for kind in (Type.SERIES, Type.CONDITION)
        }

    @cached_property
    def least_depth(self) -> Mapping[int, int]:
        """Return how many levels a tree needs below it at least, by the slot that it is for.

        A slot for which nothing can be made has none.
        """
        least = {int(Type.SERIES): 0, int(NUMBER): 0, int(Type.CONSTANT): 0, int(Type.WINDOW): 0}
        conditions = [
            1 + max(least[int(slot)] for slot in each.slots)
            for each in self.by_type[Type.CONDITION]
            if all(int(slot) in least for slot in each.slots)
        ]
        return least | ({int(Type.CONDITION): min(conditions)} if conditions else {})


def _check_distinct(name: str, values: Sequence[object], most: int) -> None:
    if not 0 < len(values) <= most or len(set(values)) < len(values):
        raise InvalidParameter(
            f"{name} of a language must be 1 to {most}, each once, was {len(values)} of which "
            f"{len(set(values))} differ"
        )
