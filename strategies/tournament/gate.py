"""Whether a record is sure enough to leave a stage, beside the user's thresholds."""

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, Record, RecordArray
from benbot.strategies.sharpe import Track, minimum_length_2012, probabilistic_2012
from benbot.strategies.tournament.discoveries import discoveries, level_of, share_of_error
from benbot.strategies.tournament.evidence import log_evidence
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

FEWEST = 2
STILL = 1e-14  # of the mean square: a variance that small is rounding


def sure(rows: RecordArray, stage: Stage, settings: TournamentSettings) -> BoolArray:
    """Return which rows the gate lets leave a stage upwards, (N,), the cohort not yet asked.

    The e-value has to reach one over the level, and the probabilistic Sharpe ratio one less the
    level. The latter says the same as that the record is as long as its minimum length.
    """
    if not settings.gate.enabled:
        return np.ones(len(rows), np.bool_)
    level = level_of(settings.at(stage).level, np.maximum(rows["attempt"], 1))
    enough: BoolArray = log_evidence(rows) >= -np.log(level)
    for i in np.flatnonzero(enough):
        enough[i] = probability(rows[i], settings) >= 1.0 - level[i]
    return enough


def discovered(rows: RecordArray, before: int, most: int, settings: TournamentSettings) -> IntArray:
    """Return which of the candidates for LIVE are promoted, best first; see `discoveries`."""
    evidence = log_evidence(rows)
    rate = settings.gate.false_discoveries
    if not settings.gate.enabled or rate is None:
        return np.argsort(-evidence, kind="stable")[: max(most, 0)]
    share = share_of_error(rows["number"], settings.gate.planned)
    return discoveries(evidence, share, rate, before, most)


def probability(row: Record, settings: TournamentSettings) -> float:
    """Return the probabilistic Sharpe ratio (2012) of an attempt against the benchmark; or NaN."""
    track = track_of_sums(row)
    benchmark = settings.gate.benchmark / np.sqrt(settings.sessions_per_year)
    return probabilistic_2012(track, benchmark) if track.n_bars >= FEWEST else float("nan")


def sessions_needed(row: Record, level: float, settings: TournamentSettings) -> float:
    """Return how long the record has to be, in sessions, if it goes on as it is; inf, or NaN."""
    benchmark = settings.gate.benchmark / np.sqrt(settings.sessions_per_year)
    return minimum_length_2012(track_of_sums(row), benchmark, 1.0 - level)


def track_of_sums(row: Record) -> Track:
    """Return the track of an attempt from the sums of powers of its returns; NaN without spread."""
    n = int(row["sessions"])
    moments: FloatArray = np.array([row[f"power_{power}"] for power in range(1, 5)]) / max(n, 1)
    mean, square, cube, fourth = moments
    variance = square - mean**2
    if n < FEWEST or not variance > STILL * square:
        return Track(float("nan"), n, float("nan"), float("nan"))
    skewness = (cube - 3.0 * mean * square + 2.0 * mean**3) / variance**1.5
    kurtosis = (fourth - 4.0 * mean * cube + 6.0 * mean**2 * square - 3.0 * mean**4) / variance**2
    ratio = mean / np.sqrt(variance * n / (n - 1.0))
    return Track(float(ratio), n, float(skewness), float(kurtosis))
