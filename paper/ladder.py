"""Where each strategy of an account stands on the ladder of the tournament, close by close.

Every account knows it. Only where the policy was trained with a tournament that binds does it
decide anything: elsewhere it is what the tournament says of the shadow sleeves.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from benbot.envs.arrays import Int8Array, IntArray, TimeArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.history import History, Span
from benbot.envs.observation import Features
from benbot.paper.images import image_of, restore
from benbot.strategies.tournament.binding import entered, moves_of
from benbot.strategies.tournament.climb import Climb
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import sleeve_sessions
from benbot.strategies.tournament.tournament import Moves


class KeptLadder(NamedTuple):
    """A ladder between two closes.

    state     of the tournament, and the close at which it stands; JSON
    accounts  image of the accounts that it judges
    """

    state: dict[str, Any]
    accounts: bytes


class Stood(NamedTuple):
    """What is known at a close.

    stages  (K,) `Stage` of each strategy
    moves   those of this close
    """

    stages: Int8Array
    moves: Moves


class Ladder(Protocol):
    """Whoever knows the stages of an account's strategies.

    names  (K,) of the strategies
    binds  whether the account's money goes to LIVE alone
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def binds(self) -> bool: ...

    def at(self, t: int) -> Stood:
        """Return what is known at the close of bar `t`, the last one that was shown."""

    def kept(self) -> KeptLadder | None:
        """Return where it stands; None where nothing has to be kept."""

    def recall(self, kept: KeptLadder | None, bar: int) -> None:
        """Go on at the close of a bar where it stood; without that it is played anew."""


class LiveLadder:
    """The ladder of a market that goes on, beside the shadow sleeves (`paper.growing`).

    Where nothing fits that was kept (another version, other thresholds) it is played anew over all
    of the history when that is shown next.
    """

    def __init__(
        self, rules: DeskRules, names: tuple[str, ...], settings: TournamentSettings
    ) -> None:
        self._made_of = rules, names, settings
        self._climb = Climb(rules, names, settings)

    @property
    def names(self) -> tuple[str, ...]:
        return self._climb.names

    @property
    def binds(self) -> bool:
        return self._made_of[2].binding

    @property
    def bar(self) -> int:
        """The bar at whose close it stands, -1 before the first."""
        return self._climb.bar

    def follow(self, tape: Tape, features: Features, days: TimeArray) -> None:
        """Go on to the last bar of a history; see `Climb.follow`."""
        self._climb.follow(tape, features, days)

    def path(self) -> IntArray:
        """Return the stages at every close so far, (bar + 1, K)."""
        return self._climb.path()

    def at(self, t: int) -> Stood:
        if t != self.bar:
            raise AssertionError(
                f"a ladder must stand at the close of bar {t}, stood at {self.bar}"
            )
        return Stood(self._climb.stages.astype(np.int8), self._climb.moves)

    def kept(self) -> KeptLadder | None:
        return KeptLadder(self._climb.state(), image_of(self._climb.arrays))

    def recall(self, kept: KeptLadder | None, bar: int) -> None:
        self._climb = Climb(*self._made_of)
        if kept is not None and self._climb.fits(kept.state, bar):
            self._climb.restore(kept.state)
            restore(kept.accounts, self._climb.arrays)


@dataclass(frozen=True, eq=False)
class ForeseenLadder:
    """The ladder of a history that was prepared before; of a close it tells what was known then."""

    history: History
    settings: TournamentSettings

    @property
    def names(self) -> tuple[str, ...]:
        return self.history.signals.strategies

    @property
    def binds(self) -> bool:
        return self.settings.binding

    def at(self, t: int) -> Stood:
        bars, stages, moves = self._played
        last = int(np.searchsorted(bars, t, side="right")) - 1
        return Stood(stages[last + 1], moves[last] if last >= 0 and bars[last] == t else ())

    def kept(self) -> KeptLadder | None:
        return None

    def recall(self, kept: KeptLadder | None, bar: int) -> None:
        """Do nothing: all of it was played already."""

    @cached_property
    def _played(self) -> tuple[IntArray, list[Int8Array], list[Moves]]:
        """Return where anybody moved (C,), the stages before and after (C + 1), and the moves."""
        history, tournament = self.history, entered(self.names, self.settings)
        sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
        bars, stages, moved = [], [tournament.stages.astype(np.int8)], []
        for bar, moves in moves_of(history, sessions, tournament):
            if moves:
                bars.append(bar)
                stages.append(tournament.stages.astype(np.int8))
                moved.append(moves)
        return np.array(bars, np.int64), stages, moved
