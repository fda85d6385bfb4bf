"""A season: the strategies of a configuration in a tournament, session by session.

What happened lies in the store of records, a change a session: the days and round trips of whoever
takes part, who moved and why, and the state of the ladder. A season that was killed goes on after
the last whole change. What the strategies do alone is computed again, for it depends on nothing
that the tournament decides, and comes out the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import RunMismatch
from benbot.evolution.orchestration.members import digest_of
from benbot.experiments.resolved import config_digest
from benbot.experiments.tournament.frames import days_of, trades_of
from benbot.experiments.training.preparation import Prepared
from benbot.strategies.records import Change, Records, Registered
from benbot.strategies.records.moments import moment_at
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import SleeveSessions
from benbot.strategies.tournament.telling import tell
from benbot.strategies.tournament.tournament import Moves, Tournament

STATE = "tournament"  # by what name the store keeps it
ORIGIN = "catalogue"


@dataclass(frozen=True, eq=False)
class Season:
    """What a season is played on.

    run_id     of MLflow; "" where it is not recorded
    paper      the store with the fills of paper trading; "" where fills are as the model says
    slippage   (N, K) what they cost above it, see `paper_slippage`; None: nothing
    """

    prepared: Prepared
    segment: str
    sessions: SleeveSessions
    run_id: str = ""
    paper: str = ""
    slippage: FloatArray | None = None

    @property
    def settings(self) -> TournamentSettings:
        return self.prepared.config.tournament or TournamentSettings()

    @property
    def identity(self) -> dict[str, str]:
        """What a season that goes on must have in common with the one that was begun."""
        return {
            "config": config_digest(self.prepared.config),
            "data": self.prepared.market.digest,
            "segment": self.segment,
            "paper": self.paper,
        }

    def moment(self, i: int) -> datetime:
        """Return when session `i` closed; -1 is before the first."""
        bar = self.prepared.span(self.segment).first if i < 0 else self.sessions.last_bars[i]
        return moment_at(self.prepared.market.timestamps[int(bar)])


def play(season: Season, moved: Callable[[int], None] = lambda done: None) -> Iterator[Moves]:
    """Play a whole season without a store; yield the moves of each session, entries first."""
    tournament = Tournament(season.settings)
    yield tuple(move for entry in _entries(season, tournament) for move in entry)
    for i in range(season.sessions.n_sessions):
        yield _advance(season, tournament, i)
        moved(i + 1)


def play_recorded(
    season: Season, records: Records, moved: Callable[[int], None] = lambda done: None
) -> Tournament:
    """Play a season, or what is left of it, into a store; return how the ladder stands then."""
    tournament, first = resume(season, records)
    if tournament is None:
        tournament = Tournament(season.settings)
        with records.change(season.moment(-1)) as change:
            _register(season, tournament, change)
            change.state(STATE, _document(season, tournament, 0))
    for i in range(first, season.sessions.n_sessions):
        stages = tournament.stages
        with records.change(season.moment(i)) as change:
            moves = _advance(season, tournament, i)
            change.trades(trades_of(season.prepared.history, season.sessions.trades[i], stages))
            change.days(days_of(season.prepared.history, season.sessions, i, stages))
            tell(moves, tournament.ladder.names, change)
            change.state(STATE, _document(season, tournament, i + 1))
        moved(i + 1)
    return tournament


def resume(season: Season, records: Records) -> tuple[Tournament | None, int]:
    """Return the tournament that a store has, and how many of its sessions are done; or None, 0."""
    kept = records.state(STATE)
    if kept is None:
        return None, 0
    for name, now in season.identity.items():
        if kept.get(name, "") != now:
            raise RunMismatch(
                f"a season can only go on with the {name} that it began with, {kept.get(name)}, "
                f"was {now}. Undo the change, or choose another store"
            )
    return Tournament.resume(kept["tournament"], season.settings), int(kept["sessions"])


def run_of(records: Records) -> str:
    """Return the id of the run whose season a store has; "" where there is none."""
    kept = records.state(STATE)
    return "" if kept is None else str(kept["run"])


def _document(season: Season, tournament: Tournament, done: int) -> dict[str, Any]:
    known = {"run": season.run_id, "sessions": done, "tournament": tournament.state()}
    return season.identity | known


def _advance(season: Season, tournament: Tournament, i: int) -> Moves:
    told = season.sessions
    # Who simulates fills as the model says; paper trading may know better.
    model: FloatArray = np.zeros(told.returns.shape[1])
    slippage = model if season.slippage is None else season.slippage[i]
    moves = tournament.advance(
        int(told.days[i]), told.returns[i], told.n_trades[i], slippage, told.breaches[i]
    )
    return moves + tournament.bury(told.returns[i])


def _entries(season: Season, tournament: Tournament) -> Iterator[Moves]:
    choices = season.prepared.config.strategies
    for strategy, choice in zip(season.prepared.strategies, choices, strict=True):
        yield tournament.register(strategy.name, digest_of(choice))


def _register(season: Season, tournament: Tournament, change: Change) -> None:
    choices = season.prepared.config.strategies
    for strategy, choice in zip(season.prepared.strategies, choices, strict=True):
        digest = digest_of(choice)
        moves = tournament.register(strategy.name, digest)
        parameters = dict(choice.parameters)
        change.register(Registered(strategy.name, choice.name, ORIGIN, parameters, digest))
        tell(moves, tournament.ladder.names, change)
