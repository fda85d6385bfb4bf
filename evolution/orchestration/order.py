"""What an orchestrator is asked to do, and what comes of each of its looks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benbot.envs.arrays import IntArray
from benbot.envs.history import Span
from benbot.evolution.orchestration.asking import Land
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.strategies.tournament.settings import TournamentSettings

MINUTE = np.timedelta64(1, "m")


@dataclass(frozen=True, eq=False)
class Order:
    """What an orchestrator is to do, and where.

    span      it looks at the closes of these bars
    identity  what a run that goes on must have in common with the one that was begun
    """

    settings: OrchestratorSettings
    tournament: TournamentSettings
    land: Land
    span: Span
    seed: int
    identity: dict[str, str]

    def looks(self, known: IntArray, since: int) -> Iterator[int]:
        """Yield the bars at whose close to look, behind the bar `since`.

        `known` (D,) are those at which it is known that a session is over. Which bars they are
        depends on the span alone, not on where a run was ended.
        """
        times, every = self.land.market.timestamps, self.settings.every * MINUTE
        last, over = self.span.first, set(known.tolist())
        for bar in range(last + 1, self.span.last + 1):
            if bar in over or times[bar] - times[last] >= every:
                last = bar
                if bar > since:
                    yield bar


@dataclass(frozen=True)
class Look:
    """What came of one look: the bar, and what was decided, as (kind, subject)."""

    bar: int
    decided: tuple[tuple[str, str], ...]
