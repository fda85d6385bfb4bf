"""A tournament that binds the account: its stages are shown, and only LIVE is given money.

It is played over the whole market from its first bar on, so that the stage of each close is what
the sleeves had shown until then. Every strategy begins in R1. `climb` plays the same from close to
close, where a market goes on.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from benbot.envs.arrays import FloatArray, IntArray
from benbot.envs.history import History, Span
from benbot.envs.standing import Standings, with_standings
from benbot.strategies.tournament.sessions import known_ends
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.sleeves import SleeveSessions, sleeve_sessions
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Moves, Tournament


def bound(history: History, settings: TournamentSettings | None) -> History:
    """Return the history with the standings of a tournament, if the settings say that it binds."""
    if settings is None or not settings.binding:
        return history
    sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
    return standing(history, stages_of(history, sessions, settings))


def standing(history: History, stages: IntArray) -> History:
    """Return the history with these stages, (T, K), that bind whoever trades on it."""
    return with_standings(history, Standings(stages.astype(np.int8), stages == Stage.LIVE))


def stages_of(history: History, sessions: SleeveSessions, settings: TournamentSettings) -> IntArray:
    """Return the stage of each strategy as known at the close of each bar, (T, K).

    It changes when it is known that a session is over, for the decision that is made at that close.
    """
    names = history.signals.strategies
    tournament = entered(names, settings)
    stages = np.empty((history.n_bars, len(names)), np.int64)
    stages[:] = tournament.stages
    for bar, moves in moves_of(history, sessions, tournament):
        if moves:
            stages[bar:] = tournament.stages
    return stages


def moves_of(
    history: History, sessions: SleeveSessions, tournament: Tournament
) -> Iterator[tuple[int, Moves]]:
    """Tell a tournament of every session; yield the bar at whose close it is known, and the moves.

    The last one of a history may be known only behind it.
    """
    known = known_ends(sessions.last_bars, history.market.session)
    for i, bar in enumerate(known):
        day, counts = int(sessions.days[i]), (sessions.n_trades[i], sessions.breaches[i])
        yield int(bar), judged(tournament, day, sessions.returns[i], *counts)


def entered(names: Sequence[str], settings: TournamentSettings) -> Tournament:
    """Return a tournament that these strategies have entered, before the first session."""
    tournament = Tournament(settings)
    for name in names:
        tournament.register(name, name)
    return tournament


def judged(
    tournament: Tournament,
    day: int,
    returns: FloatArray,
    n_trades: IntArray,
    breaches: IntArray,
) -> Moves:
    """Tell a tournament of a session, whose fills cost what the model says; return the moves."""
    model = np.zeros(returns.size)
    moves = tournament.advance(day, returns, n_trades, model, breaches)
    return moves + tournament.bury(returns)
