"""Who comes down at a close, and why."""

from collections.abc import Iterator

import numpy as np

from benbot.envs.arrays import BoolArray, RecordArray
from benbot.strategies.tournament.ladder import Ladder, begin_trial
from benbot.strategies.tournament.probation import RULES, broken_rules
from benbot.strategies.tournament.settings import StageSettings, TournamentSettings
from benbot.strategies.tournament.stages import TRIALS, Reason, Stage

Move = tuple[int, Stage, Reason, str]  # row, target, reason, note


def descents(ladder: Ladder, seen: BoolArray, settings: TournamentSettings) -> Iterator[Move]:
    """Yield the moves down of the rows that were seen in this session; each row moves once."""
    over = list(given_up(ladder.rows, seen, settings))
    yield from over
    left = seen.copy()
    left[[move[0] for move in over]] = False
    for stage in TRIALS:
        at = left & (ladder.rows["stage"] == stage)
        yield from fallen(ladder.rows, at, stage, settings.at(stage))
    yield from brought_back(ladder, left & (ladder.rows["stage"] == Stage.LIVE), settings)


def given_up(rows: RecordArray, seen: BoolArray, settings: TournamentSettings) -> Iterator[Move]:
    """Yield the strategies on paper whose skill is refuted, or who have used up their sessions."""
    rules = settings.retirement
    on_paper = seen & (rows["stage"] >= Stage.R1) & (rows["stage"] <= Stage.R3)
    hopeless = on_paper & (rows["doubt"] >= -np.log(rules.level)) & settings.gate.enabled
    exhausted = on_paper & ~hopeless & (rows["sessions"] >= rules.sessions)
    for i in np.flatnonzero(hopeless):
        note = f"a Sharpe ratio of {rules.sharpe:g} is refuted at {rules.level:g}"
        yield int(i), Stage.RETIRED, Reason.HOPELESS, note
    for i in np.flatnonzero(exhausted):
        note = f"{rows['sessions'][i]} sessions on paper"
        yield int(i), Stage.RETIRED, Reason.EXHAUSTED, note


def fallen(rows: RecordArray, at: BoolArray, stage: Stage, asked: StageSettings) -> Iterator[Move]:
    """Yield who lost or broke more than the stage allows; in R1 the trial begins anew instead."""
    lost = at & ~(rows["fall"] <= asked.drawdown)
    broke = at & ~(rows["breaches"] <= asked.breaches)
    if stage == Stage.R1:
        begin_trial(rows, lost | broke)
        return
    for i in np.flatnonzero(lost | broke):
        below = Stage(stage - 1)
        if lost[i]:
            note = f"fell {rows['fall'][i]:.1%}, more than {asked.drawdown:.1%}"
            yield int(i), below, Reason.DRAWDOWN, note
        else:
            note = f"broke {rows['breaches'][i]} limits, more than {asked.breaches}"
            yield int(i), below, Reason.BREACHES, note


def brought_back(ladder: Ladder, live: BoolArray, settings: TournamentSettings) -> Iterator[Move]:
    """Yield who loses live capital, by the rules of probation or because its returns changed."""
    at = np.flatnonzero(live)
    rows = ladder.rows[at]
    year = settings.sessions_per_year
    broken = broken_rules(ladder.rings[at], rows["days"], settings.live, year)
    failed = broken.sum(axis=1) >= settings.live.broken
    alarmed = ~(rows["alarm"] < settings.detector.run_length) & settings.detector.enabled
    last = rows["demotions"] + 1 >= settings.retirement.demotions
    for j in np.flatnonzero(failed | alarmed):
        target = Stage.RETIRED if last[j] else Stage.R1
        if failed[j]:
            which = " and ".join(np.array(RULES)[broken[j]])
            note = f"{which} over {settings.live.window} sessions"
            yield int(at[j]), target, Reason.PROBATION, note
        else:
            note = f"no longer a Sharpe ratio of {rows['held_to'][j]:.2f}"
            yield int(at[j]), target, Reason.CHANGED, note
