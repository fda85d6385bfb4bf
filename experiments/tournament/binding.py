"""A tournament that binds the account: its stages are shown, and only LIVE is given money.

It is played over the whole market from its first bar on, so that the stage of each close is what
the sleeves had shown until then. Every strategy begins in R1.
"""

import numpy as np

from benbot.envs.arrays import IntArray
from benbot.envs.history import History, Span
from benbot.envs.standing import Standings, with_standings
from benbot.evolution.orchestration.watching import known_ends
from benbot.experiments.tournament.sleeves import SleeveSessions, sleeve_sessions
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament


def bound(history: History, settings: TournamentSettings | None) -> History:
    """Return the history with the standings of a tournament, if the settings say that it binds."""
    if settings is None or not settings.binding:
        return history
    sessions = sleeve_sessions(history, Span(0, history.n_bars - 1))
    stage = stages_of(history, sessions, settings)
    return with_standings(history, Standings(stage.astype(np.int8), stage == Stage.LIVE))


def stages_of(history: History, sessions: SleeveSessions, settings: TournamentSettings) -> IntArray:
    """Return the stage of each strategy as known at the close of each bar, (T, K).

    It changes when it is known that a session is over, for the decision that is made at that close.
    """
    names = history.signals.strategies
    known = known_ends(sessions.last_bars, history.market.session)
    tournament = Tournament(settings)
    for name in names:
        tournament.register(name, name)
    stages = np.empty((history.n_bars, len(names)), np.int64)
    stages[:] = tournament.stages
    model = np.zeros(len(names))  # who simulates fills as the model says
    for i, bar in enumerate(known):
        day, counts = int(sessions.days[i]), (sessions.n_trades[i], model, sessions.breaches[i])
        moves = tournament.advance(day, sessions.returns[i], *counts)
        if moves + tournament.bury(sessions.returns[i]):
            stages[bar:] = tournament.stages
    return stages
