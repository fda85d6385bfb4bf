"""Ladders to try things on."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Transition
from benbot.strategies.tournament.tournament import Tournament

Play = Callable[..., list[Transition]]
MANY = 1_000_000  # slots, which nobody ever fills


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., TournamentSettings]:
    """Make the default settings with as many slots as anybody wants, and with other parts."""

    def make(**parts: dict[str, object]) -> TournamentSettings:
        tree = TournamentSettings().model_dump()
        for name in ("r1", "r2", "r3", "live"):
            tree[name]["slots"] = MANY
        for name, part in parts.items():
            tree[name] = {**tree[name], **part}
        return TournamentSettings.model_validate(tree)

    return make


@pytest.fixture(scope="session")
def entered() -> Callable[[TournamentSettings, int], Tournament]:
    """Make a tournament with so many strategies in it."""

    def make(settings: TournamentSettings, n_strategies: int) -> Tournament:
        tournament = Tournament(settings)
        for k in range(n_strategies):
            tournament.register(f"rule {k}", f"digest {k}")
        return tournament

    return make


@pytest.fixture(scope="session")
def play() -> Play:
    """Tell a tournament returns (T, N), each session with so many trades, from a first one on."""

    def run(
        tournament: Tournament, returns: FloatArray, first: int = 0, trades: int = 8
    ) -> list[Transition]:
        n = returns.shape[1]
        moves: list[Transition] = []
        for t, row in enumerate(returns):
            moves += tournament.advance(
                first + t, row, np.full(n, trades), np.zeros(n), np.zeros(n, np.int64)
            )
        return moves

    return run
