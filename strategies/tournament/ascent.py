"""Who rises at a close, into the places that are free."""

from collections.abc import Iterator

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.strategies.tournament.descent import Move
from benbot.strategies.tournament.evidence import log_evidence
from benbot.strategies.tournament.gate import discovered, sure
from benbot.strategies.tournament.ladder import Ladder
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Reason, Stage
from benbot.strategies.tournament.trial import passes, sharpe

AHEAD = np.log(2.0)  # whoever takes another's place has twice its evidence


def candidates(
    ladder: Ladder, ready: BoolArray, stage: Stage, settings: TournamentSettings
) -> IntArray:
    """Return the rows that may leave a stage upwards; `ready` (N,) have not moved at this close."""
    at = np.flatnonzero(ready & (ladder.rows["stage"] == stage))
    rows = ladder.rows[at]
    year = settings.sessions_per_year
    at = at[passes(rows, settings.at(stage), year)]
    return at[sure(ladder.rows[at], stage, settings)]


def to_live(ladder: Ladder, ready: BoolArray, settings: TournamentSettings) -> Iterator[Move]:
    """Yield who is given live capital: sure by itself, and a discovery among all attempts."""
    at = candidates(ladder, ready, Stage.R3, settings)
    free = settings.live.slots - occupied(ladder, Stage.LIVE)
    for i in at[discovered(ladder.rows[at], ladder.discovered, free, settings)]:
        yield int(i), Stage.LIVE, Reason.PASSED, figures(ladder, int(i), settings)


def to_trial(
    ladder: Ladder, ready: BoolArray, target: Stage, settings: TournamentSettings
) -> Iterator[Move]:
    """Yield who rises to R2 or R3, most evidence first, and who has to make room for that."""
    at = candidates(ladder, ready, Stage(target - 1), settings)
    evidence = log_evidence(ladder.rows)
    ranked = at[np.argsort(-evidence[at], kind="stable")]
    free = max(settings.at(target).slots - occupied(ladder, target), 0)
    yielding = weakest(ladder, ready, evidence, target, settings)
    for place, i in enumerate(ranked):
        if place >= free:
            rival = place - free
            if rival >= yielding.size or not evidence[i] > evidence[yielding[rival]] + AHEAD:
                return
            note = f"{ladder.names[i]} has more than twice its evidence"
            yield int(yielding[rival]), Stage(target - 1), Reason.DISPLACED, note
        yield int(i), target, Reason.PASSED, figures(ladder, int(i), settings)


def weakest(
    ladder: Ladder,
    ready: BoolArray,
    evidence: FloatArray,
    stage: Stage,
    settings: TournamentSettings,
) -> IntArray:
    """Return the rows of a stage that have had their least sessions there, least evidence first."""
    settled = ready & (ladder.rows["days"] >= settings.at(stage).days)
    at = np.flatnonzero(settled & (ladder.rows["stage"] == stage))
    return at[np.argsort(evidence[at], kind="stable")]


def to_first(ladder: Ladder, settings: TournamentSettings) -> Iterator[Move]:
    """Yield who enters R1, in the order in which they were registered."""
    at = np.flatnonzero(ladder.rows["stage"] == Stage.WAITING)
    order = at[np.argsort(ladder.rows["since"][at], kind="stable")]
    free = max(settings.r1.slots - occupied(ladder, Stage.R1), 0)
    for i in order[:free]:
        yield int(i), Stage.R1, Reason.ENTERED, f"attempt {ladder.rows['attempt'][i] + 1}"


def occupied(ladder: Ladder, stage: Stage) -> int:
    """Return how many strategies are in a stage."""
    return int((ladder.rows["stage"] == stage).sum())


def figures(ladder: Ladder, i: int, settings: TournamentSettings) -> str:
    """Return the figures of a row by which it passed, in words."""
    row = ladder.rows[i : i + 1]
    ratio = sharpe(row["days"], row["total"], row["square"], settings.sessions_per_year)[0]
    odds = log_evidence(row)[0]
    trades, days = _counted(row["trades"][0], "trade"), _counted(row["days"][0], "session")
    return (
        f"Sharpe {ratio:.2f}, {trades} in {days}, "
        f"e-value {np.exp(min(odds, 100.0)):.3g} after {row['sessions'][0]}"
    )


def _counted(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
