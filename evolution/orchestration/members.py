"""The strategies of a population: what each is, where it comes from, and when it came."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any, Self

from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import StrategyChoice, build
from benbot.strategies.programs.strategy import ProgramStrategy
from benbot.strategies.records.registration import Registered


class Origin(StrEnum):
    """Where a strategy comes from."""

    CATALOGUE = "catalogue"  # of the configuration
    DISCOVERED = "discovered"  # a program that nobody wrote
    BRED = "bred"  # child of the successful


@dataclass(frozen=True)
class Member:
    """One strategy of a population.

    born     bar at whose close it joined; it trades from the next one on
    genome   digest by which a search knows it; "" of the catalogue
    parents  digests of those that it was bred from
    """

    choice: StrategyChoice
    origin: Origin
    born: int
    genome: str = ""
    parents: tuple[str, ...] = ()

    @cached_property
    def strategy(self) -> Strategy:
        return build(self.choice)

    @property
    def name(self) -> str:
        return self.strategy.name

    @property
    def is_program(self) -> bool:
        return self.choice.name == ProgramStrategy.rule

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits of rule and parameters, whatever it is called."""
        return digest_of(self.choice)

    @property
    def registered(self) -> Registered:
        """The member as the store of records takes it."""
        parameters = dict(self.choice.parameters)
        facts = (self.choice.name, str(self.origin), parameters, self.digest, self.parents)
        return Registered(self.name, *facts)

    def plain(self) -> dict[str, Any]:
        """Return the member as JSON."""
        return {
            "choice": self.choice.model_dump(mode="json"),
            "origin": str(self.origin),
            "born": self.born,
            "genome": self.genome,
            "parents": list(self.parents),
        }

    @classmethod
    def of_plain(cls, written: dict[str, Any]) -> Self:
        """Return the member that was written."""
        return cls(
            StrategyChoice.model_validate(written["choice"]),
            Origin(written["origin"]),
            int(written["born"]),
            str(written["genome"]),
            tuple(written["parents"]),
        )


def digest_of(choice: StrategyChoice) -> str:
    """Return sixteen hex digits of a rule and all of its parameters, whatever it is called.

    One that a configuration leaves out is the same as its default said aloud.
    """
    strategy = build(choice)
    names = (*choice.parameters, *strategy.parameters(), *strategy.choices())
    said = {name: getattr(strategy, name) for name in names}
    counted = {"name": choice.name, "parameters": said}
    canonical = json.dumps(counted, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass
class Population:
    """All that ever belonged to it, in the order in which they came.

    sizes  how many came together, litter by litter; where none are given, at each bar
    """

    members: list[Member] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take those of one bar for a litter where nothing else is known."""
        if not self.sizes:
            self.sizes = list(Counter(member.born for member in self.members).values())

    def __iter__(self) -> Iterator[Member]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    @property
    def names(self) -> list[str]:
        return [member.name for member in self.members]

    def join(self, newcomers: Sequence[Member]) -> None:
        """Let a litter in."""
        self.members.extend(newcomers)
        self.sizes.append(len(newcomers))

    def litters(self) -> list[list[Member]]:
        """Return the members by the litter in which they came, the first ones first."""
        rest = iter(self.members)
        return [list(islice(rest, size)) for size in self.sizes]
