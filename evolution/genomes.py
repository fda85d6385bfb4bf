"""What a search needs to know of what it breeds, whatever that is: parameters, programs.

A genome is an immutable value. A species makes genomes, changes them, and says what they want on a
market; all chance comes from the generator that is handed in.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from benbot.envs.market.market import Market
from benbot.strategies.base import Opinion, Strategy
from benbot.strategies.catalogue import StrategyChoice


class Genome(Protocol):
    """One candidate's plan."""

    @property
    def digest(self) -> str:
        """Sixteen hex digits; equal genomes have equal ones."""
        ...

    @property
    def size(self) -> int:
        """How much of it there is to explain: nodes of a program, parameters of a rule."""
        ...

    @property
    def formula(self) -> str:
        """One line for people."""
        ...


G = TypeVar("G", bound=Genome)


class Species(Protocol[G]):
    """What kind of candidates are bred."""

    name: str

    def draw(self, generator: np.random.Generator) -> G:
        """Return a genome by chance."""
        ...

    def cross(self, mother: G, father: G, generator: np.random.Generator) -> G:
        """Return a child that has something of both."""
        ...

    def mutate(self, genome: G, generator: np.random.Generator) -> G:
        """Return a genome that is a little different."""
        ...

    def opinions(self, genomes: Sequence[G], market: Market) -> Iterator[Opinion]:
        """Yield what each wants at every close of a market, by the law of strategies."""
        ...

    def strategy(self, genome: G, label: str) -> Strategy:
        """Return a candidate as a strategy of that name."""
        ...

    def choice(self, genome: G, label: str) -> StrategyChoice:
        """Return what a configuration says to have this candidate as a strategy of that name."""
        ...

    def write(self, genome: G) -> Any:  # noqa: ANN401  # plain JSON
        """Return a genome as plain JSON."""
        ...

    def read(self, written: object) -> G:
        """Return the genome that was written; what was not is refused."""
        ...
