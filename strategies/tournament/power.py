"""What a ladder lets through: how many of a kind reach each stage, and how long it takes.

Each strategy is tried as if it were alone: there are places enough, and what others find does not
help it. So the cohort asks of each what it asks of the first one that is found.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import beta, binom

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.strategies.tournament.discoveries import share_of_error
from benbot.strategies.tournament.noise import Kind
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage
from benbot.strategies.tournament.tournament import Tournament

ROOMY = 10**9  # slots, which nobody ever fills
REACHED = (Stage.R2, Stage.R3, Stage.LIVE)
CONFIDENCE = 0.95  # of the intervals


@dataclass(frozen=True)
class Passage:
    """When each of N simulated strategies first reached a stage.

    sessions  (N,) counted from the first one in R1; 0: not within the horizon
    """

    sessions: IntArray

    @property
    def share(self) -> float:
        """How many reached it."""
        return float((self.sessions > 0).mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The exact binomial interval of the share (Clopper and Pearson 1934, Biometrika 26)."""
        n, k = self.sessions.size, int((self.sessions > 0).sum())
        tail = (1.0 - CONFIDENCE) / 2.0
        low = float(beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0
        high = float(beta.ppf(1.0 - tail, k + 1, n - k)) if k < n else 1.0
        return low, high

    def after(self, share: float) -> float:
        """Return the sessions within which so many of all had reached it; inf beyond the end."""
        return float(np.quantile(self._waits(), share, method="higher"))

    def after_interval(self, share: float) -> tuple[float, float]:
        """Return the interval of `after`, from order statistics: it supposes no distribution."""
        ordered = np.sort(self._waits())
        tail = (1.0 - CONFIDENCE) / 2.0
        low = int(binom.ppf(tail, ordered.size, share)) - 1
        high = int(binom.ppf(1.0 - tail, ordered.size, share))
        return float(ordered[max(low, 0)]), float(ordered[min(high, ordered.size - 1)])

    def _waits(self) -> FloatArray:
        return np.where(self.sessions > 0, self.sessions.astype(np.float64), np.inf)


def thresholds_alone(settings: TournamentSettings) -> TournamentSettings:
    """Return the ladder without the gate."""
    return changed(settings, gate={"enabled": False})


def one_by_one(settings: TournamentSettings) -> TournamentSettings:
    """Return the ladder with the level of each strategy, whatever the cohort finds."""
    return changed(settings, gate={"false_discoveries": None})


def first_of_cohort(settings: TournamentSettings) -> TournamentSettings:
    """Return the ladder as the first strategy of a cohort meets it, before anything was found.

    That is a level of q γ, see `discoveries`, where that is below the level of R3.
    """
    rate = settings.gate.false_discoveries
    if not settings.gate.enabled or rate is None:
        return settings
    level = rate * float(share_of_error(np.zeros(1, np.int64), settings.gate.planned)[0])
    lower = {"level": min(level, settings.r3.level)}
    return changed(one_by_one(settings), r3=lower)


def changed(settings: TournamentSettings, **parts: dict[str, Any]) -> TournamentSettings:
    """Return the settings with some fields of some parts changed."""
    tree = settings.model_dump()
    for name, part in parts.items():
        tree[name] |= part
    return TournamentSettings.model_validate(tree)


def roomy(settings: TournamentSettings) -> TournamentSettings:
    """Return the ladder with a place for everybody on every stage."""
    slots = {"slots": ROOMY}
    return changed(settings, r1=slots, r2=slots, r3=slots, live=slots)


def crowd(settings: TournamentSettings, n: int) -> Tournament:
    """Return a tournament that `n` strategies have just entered."""
    tournament = Tournament(roomy(settings))
    for k in range(n):
        tournament.register(f"{k}", f"{k}")
    return tournament


def climb(
    settings: TournamentSettings, kind: Kind, n: int, n_sessions: int, rng: np.random.Generator
) -> dict[Stage, Passage]:
    """Return when `n` strategies of a kind first reached each stage, in so many sessions."""
    tournament = crowd(settings, n)
    returns = kind.returns(n_sessions, n, rng, settings.sessions_per_year)
    still, trades = np.zeros(n), np.full(n, kind.trades)
    first = {stage: np.zeros(n, np.int64) for stage in REACHED}
    for t in range(n_sessions):
        moves = tournament.advance(t, returns[t], trades, still, np.zeros(n, np.int64))
        for move in moves:
            reached = first.get(move.target)
            if reached is not None and reached[move.strategy] == 0 and move.target > move.source:
                reached[move.strategy] = t + 1
    return {stage: Passage(sessions) for stage, sessions in first.items()}


@dataclass(frozen=True)
class Tenure:
    """How long each of N strategies kept live capital.

    sessions  (N,) from the promotion, or from when the edge was gone, until the demotion
    ended     (N,) whether it was demoted; otherwise the simulation ended first
    """

    sessions: IntArray
    ended: BoolArray

    @property
    def mean(self) -> float:
        """Mean sessions until a demotion: all sessions over all demotions; inf without one."""
        n_ended = int(self.ended.sum())
        return float(self.sessions.sum()) / n_ended if n_ended else float("inf")

    def within(self, share: float) -> float:
        """Return the sessions within which so many were demoted; inf beyond the end."""
        waits = np.where(self.ended, self.sessions.astype(np.float64), np.inf)
        return float(np.quantile(waits, share, method="higher"))


def tenure(
    settings: TournamentSettings,
    kind: Kind,
    size: tuple[int, int],
    edge_lasts: int | None,
    rng: np.random.Generator,
) -> Tenure:
    """Return how long strategies keep live capital when their edge lasts so many sessions on it.

    Of `size`, which is strategies and sessions, those count that were promoted and still had live
    capital when their edge was switched off. None: it lasts, and the time is that of false alarms.
    """
    n, n_sessions = size
    tournament = crowd(settings, n)
    returns = kind.returns(n_sessions, n, rng, settings.sessions_per_year)
    edge = kind.sharpe * kind.volatility / settings.sessions_per_year
    still, trades, none = np.zeros(n), np.full(n, kind.trades), np.zeros(n, np.int64)
    gone = np.full(n, n_sessions)  # session from which the edge is gone
    end = np.full(n, -1)
    start = np.full(n, n_sessions)
    for t in range(n_sessions):
        for move in tournament.advance(t, returns[t] - edge * (t >= gone), trades, still, none):
            i = move.strategy
            if move.target == Stage.LIVE and start[i] == n_sessions:
                start[i] = t + 1 + (edge_lasts or 0)
                gone[i] = n_sessions if edge_lasts is None else start[i]
            elif move.source == Stage.LIVE and end[i] < 0:
                end[i] = t + 1
                gone[i] = n_sessions
    counts = (start < n_sessions) & ((end < 0) | (end > start))
    ended = end[counts] >= 0
    last = np.where(ended, end[counts], n_sessions)
    return Tenure(last - start[counts], ended)
