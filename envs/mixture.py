"""Accounts on several markets in one batch, so that no agent learns one history by heart."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from benbot.envs.arrays import Float32Array
from benbot.envs.desk.book import Book
from benbot.envs.desk.ledger import open_ledger
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.stepping import Arena, ArenaLoan, Outcome, begin_all, step_all
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings, build_arena


@dataclass(frozen=True, eq=False)
class Part:
    """The accounts on one market: episodes begin anywhere in `span` of its history."""

    name: str
    history: History
    span: Span
    n_envs: int


class MixedVectorEnv(AllocationVectorEnv):
    """The batched environment over several markets, whose numbers of bars and symbols may differ.

    The parts stand in the order of their names, whatever the order in which they are given, and
    each draws its starts from the seed and its name alone. `arena.desk.book` and `arena.episodes`
    hold all accounts; `history` and the tape of `arena` are those of the first part.

    Every part trades its own rows of the one book and writes into its own rows of the one outcome:
    nothing is copied to bring them together.
    """

    def __init__(self, parts: Sequence[Part], settings: EnvironmentSettings) -> None:
        self.parts = tuple(sorted(parts, key=lambda part: part.name))
        _check_alike(self.parts)
        first = self.parts[0]
        super().__init__(first.history, first.span, settings, sum(p.n_envs for p in self.parts))
        ends = np.cumsum([part.n_envs for part in self.parts]).tolist()
        self.rows = tuple(
            slice(end - part.n_envs, end) for part, end in zip(self.parts, ends, strict=True)
        )
        self._loans = tuple(
            ArenaLoan(_arena_of(part, rows, self.arena, settings))
            for part, rows in zip(self.parts, self.rows, strict=True)
        )

    def seeds_of(self, seed: int) -> list[int]:
        """Return the seed of each environment; those of a part follow one another."""
        firsts = [(part_seed(part.name, seed), part.n_envs) for part in self.parts]
        return [first + j for first, n_envs in firsts for j in range(n_envs)]

    def _begin(self, outcome: Outcome) -> None:
        for rows, loan in zip(self.rows, self._loans, strict=True):
            begin_all(loan.lent, outcome.observation[rows])

    def _trade(self, actions: Float32Array, outcome: Outcome) -> None:
        for rows, loan in zip(self.rows, self._loans, strict=True):
            step_all(loan, actions[rows], True, Outcome._make(each[rows] for each in outcome))


def part_seed(name: str, seed: int) -> int:
    """Return the seed of a part in a batch that has this one."""
    state: int = np.random.SeedSequence([seed, crc32(name.encode())]).generate_state(1).item()
    return state


def _arena_of(part: Part, rows: slice, whole: Arena, settings: EnvironmentSettings) -> Arena:
    """Return the arena of a part, whose accounts are rows of the whole."""
    own = build_arena(part.history, part.span, settings, part.n_envs, open_ledger(part.n_envs))
    book = Book(*(records[rows] for records in whole.desk.book))
    return own._replace(desk=own.desk._replace(book=book), episodes=whole.episodes[rows])


def _check_alike(parts: Sequence[Part]) -> None:
    """Refuse parts that one policy and one desk could not trade together."""
    if not parts:
        raise InvalidParameter("a mixture needs at least one market, was none")
    names = [part.name for part in parts]
    for part in parts:
        _refuse(names.count(part.name) > 1, "a name of its own", f"{part.name} twice")
        _refuse(part.n_envs < 1, "at least one account", f"{part.n_envs} for {part.name}")
        for what in ("layout", "rules"):
            own, first = getattr(part.history, what), getattr(parts[0].history, what)
            _refuse(own != first, f"the {what} of the others", f"another one for {part.name}")


def _refuse(bad: bool, needed: str, was: str) -> None:
    if bad:
        raise InvalidParameter(f"every market of a mixture needs {needed}, was {was}")
