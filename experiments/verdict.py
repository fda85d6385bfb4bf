"""Whether an agent beats each baseline, by a rule that was stated before anybody looked.

growth   log growth a year, agent less baseline, over the same bars: 0.01 is one per cent a year
S seeds, T bars, B baselines
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import ConfigDict, TypeAdapter
from scipy.stats import norm

from benbot.agents.oracle import NAME as ORACLE
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.curves import Curves
from benbot.experiments.over_seeds import Interval, interquartile_interval
from benbot.experiments.overfitting import backtest_overfitting
from benbot.experiments.resampling import FEWEST_SEEDS, Resampled, resample
from benbot.experiments.statistics import FEWEST_BARS, NAN, block_length
from benbot.experiments.superiority import stepwise_p_values
from benbot.strategies.sharpe import deflated, minimum_length_2025, probabilistic_2012, track_of

LEVEL = 0.05  # of error over all baselines together
CONFIDENCE = 0.95  # of each interval
SMALLEST_EFFECT = 0.01  # log growth a year: what is surely less is not worth an agent
POWER = 0.8  # with which what is needed would decide
REPETITIONS = 4000
PARTS = 16  # stretches of history for the probability of overfitting
INFINITE = float("inf")
MOST_YEARS = 1000.0  # more than that is never
VERDICT_FILE = "verdict.json"
WITH_NAN = ConfigDict(ser_json_inf_nan="strings")  # JSON has no number for them


class Word(StrEnum):
    """What can be said of an agent and one baseline."""

    BEATS = "BEATS"
    DOES_NOT_BEAT = "DOES NOT BEAT"
    UNDECIDED = "UNDECIDED"


def word_of(p_value: float, low: float, high: float) -> Word:
    """Return the word for a corrected p-value and the ends of the interval of the growth.

    BEATS           the p-value is below 0.05 and the interval lies above 0
    DOES NOT BEAT   the interval lies below 0.01, the smallest effect of interest: whatever the
                    truth is, it is not worth an agent
    UNDECIDED       everything else, and whatever is not a number
    """
    if p_value < LEVEL and low > 0.0:
        return Word.BEATS
    if high < SMALLEST_EFFECT:
        return Word.DOES_NOT_BEAT
    return Word.UNDECIDED


@dataclass(frozen=True)
class Ruling:
    """The word on one baseline, and why.

    low, high           the interval of the growth, over resampled time and seeds
    p_value             that the agent does not grow faster, corrected for all baselines
    bars_needed         in all, until this growth would be decided, the seeds as they are
    seeds_needed        in all, the bars as they are; both are infinite where more of it cannot
                        decide and NaN where nothing is left to decide
    """

    __pydantic_config__ = WITH_NAN
    baseline: str
    word: Word
    growth: float
    low: float
    high: float
    p_value: float
    bars_needed: float
    seeds_needed: float


@dataclass(frozen=True, eq=False)
class Family:
    """All that was tried in an experiment, as far as it is known.

    n_trials    agents that were trained: of every run, seed and search
    deviation   of their annual Sharpe ratios on `test`; NaN below two
    returns     (T, N) of all agents that were judged on the very bars; its own agents among them
    openings    how often somebody asked for results on these bars
    """

    n_trials: int
    deviation: float
    returns: FloatArray
    openings: int


@dataclass(frozen=True)
class RunVerdict:
    """The rulings on a run, and how far its numbers can be trusted.

    block               mean length of the resampled blocks, in bars
    growth              interquartile mean of the agent's log growth a year, over seeds and folds
    sharpe_ratio        a year, of one account in which each seed has an equal part
    probabilistic       probability that its true ratio is above 0
    deflated            the same, above the best that so many trials have by luck
    bars_for_sharpe     after which that ratio would be told from 0
    overfitting         probability that who is best in one half of the bars is below the middle in
                        the other, over all agents of the family; NaN where there are too few
    """

    __pydantic_config__ = WITH_NAN
    rulings: tuple[Ruling, ...]
    first: str
    last: str
    n_bars: int
    n_seeds: int
    n_folds: int
    bars_per_year: float
    block: float
    growth: Interval
    sharpe_ratio: float
    probabilistic: float
    deflated: float
    bars_for_sharpe: float
    overfitting: float
    n_compared: int
    n_trials: int
    openings: int


def judge(
    curves: Curves, family: Family, *, seed: int = 0, repetitions: int = REPETITIONS
) -> RunVerdict:
    """Return the verdict on a run; the oracle is no baseline, for it knows what nobody can."""
    if not curves.agents or curves.n_bars < FEWEST_BARS:
        raise InvalidParameter(
            f"a verdict needs a seed and {FEWEST_BARS} bars or more, was {len(curves.agents)} "
            f"seeds and {max(curves.n_bars, 0)} bars"
        )
    names = [name for name in curves.baselines if name != ORACLE]
    generator = np.random.default_rng(seed)
    block, rulings = _rulings(curves, names, generator, repetitions)
    track = track_of(curves.pooled_returns())
    yearly = float(np.sqrt(curves.bars_per_year))
    first, last = curves.timestamps[[0, -1]].astype("datetime64[D]")
    return RunVerdict(
        rulings=rulings,
        first=str(first),
        last=str(last),
        n_bars=curves.n_bars,
        n_seeds=len(curves.agents),
        n_folds=np.unique(curves.fold[1:]).size,
        bars_per_year=curves.bars_per_year,
        block=block,
        growth=_middle_growth(curves, generator),
        sharpe_ratio=track.ratio * yearly,
        probabilistic=probabilistic_2012(track),
        deflated=_deflated(track.ratio, family, curves),
        bars_for_sharpe=minimum_length_2025(track, confidence=CONFIDENCE),
        overfitting=_overfitting(family.returns),
        n_compared=family.returns.shape[1],
        n_trials=family.n_trials,
        openings=family.openings,
    )


def needs(ruling: Ruling, verdict: RunVerdict) -> str:
    """Say how much history or how many seeds would decide; nothing where it is decided."""
    if ruling.word is not Word.UNDECIDED or math.isnan(ruling.bars_needed):
        return ""
    years = ruling.bars_needed / verdict.bars_per_year
    ways = [f"{years:,.1f} years"] if years < MOST_YEARS else []
    if math.isfinite(ruling.seeds_needed):
        ways.append(f"{math.ceil(ruling.seeds_needed):,} seeds")
    return " or ".join(ways) or "more of both"


def verdict_as_json(verdict: RunVerdict) -> str:
    """Return the text from which `verdict_from_json` makes the same verdict."""
    return TypeAdapter(RunVerdict).dump_json(verdict, indent=1).decode()


def verdict_from_json(text: str) -> RunVerdict:
    """Return a verdict that was written."""
    return TypeAdapter(RunVerdict).validate_json(text)


def _rulings(
    curves: Curves, names: Sequence[str], generator: np.random.Generator, repetitions: int
) -> tuple[float, tuple[Ruling, ...]]:
    """Return the mean length of a block, and a ruling for each baseline."""
    growth = curves.bars_per_year * curves.growth_over(names)
    known = [i for i in range(len(names)) if np.isfinite(growth[:, :, i]).all()]
    rulings = {name: _unknown(name) for name in names}
    if not known:
        return NAN, tuple(rulings.values())
    known_growth = growth[:, :, known]
    block = max(block_length(column) for column in known_growth.mean(axis=0).T)
    found = resample(known_growth, int(block), generator, repetitions)
    values = stepwise_p_values(found.mean, found.draws, found.error)
    for place, i in enumerate(known):
        one = Resampled(*(part[..., place] for part in found))
        rulings[names[i]] = _ruling(names[i], one, float(values[place]), growth.shape, len(known))
    return block, tuple(rulings.values())


def _ruling(
    name: str, found: Resampled, p_value: float, shape: tuple[int, ...], n_tests: int
) -> Ruling:
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = (float(end) for end in np.quantile(found.draws, [tail, 1.0 - tail]))
    word = word_of(p_value, low, high)
    bars = seeds = NAN
    if word is Word.UNDECIDED:
        bars, seeds = needed(found, shape[1], shape[0], n_tests)
    return Ruling(name, word, float(found.mean), low, high, p_value, bars, seeds)


def _unknown(name: str) -> Ruling:
    """Return the ruling on growth that is not a number, as that of an account without anything."""
    return Ruling(name, Word.UNDECIDED, NAN, NAN, NAN, NAN, NAN, NAN)


def needed(found: Resampled, n_bars: int, n_seeds: int, n_tests: int) -> tuple[float, float]:
    """Return how many bars, or how many seeds, would decide if the truth is as measured.

    The standard error has a part from time, in proportion to 1 / √bars, and one from seeds, to
    1 / √seeds. A growth g is told from 0 with a power of 0.8 when g = (z(1 - a) + z(0.8)) × error,
    a = 0.025 or 0.05 / B if that is less; it is told from the smallest effect likewise, with
    a = 0.025. The nearer of the two counts. The z are those of a normal distribution, so with two
    or three seeds it is the least that is needed. With independent bars, one seed, one baseline and
    a power of one half it is the minimum track length of the differences.
    """
    growth = float(found.mean)
    usual = float(norm.isf((1.0 - CONFIDENCE) / 2.0))
    corrected = max(usual, float(norm.isf(LEVEL / n_tests)))
    power = float(norm.ppf(POWER))
    error = max(growth / (corrected + power), (SMALLEST_EFFECT - growth) / (usual + power))
    time, seeds = float(found.time_error) ** 2, float(found.seed_error) ** 2
    more_bars = n_bars * time / (error**2 - seeds) if error**2 > seeds else INFINITE
    more_seeds = n_seeds * seeds / (error**2 - time) if error**2 > time else INFINITE
    return more_bars, more_seeds if n_seeds >= FEWEST_SEEDS else INFINITE


def _middle_growth(curves: Curves, generator: np.random.Generator) -> Interval:
    growth = curves.growth_by_fold()
    if not np.isfinite(growth).all():
        return Interval(NAN, NAN, NAN)
    return interquartile_interval(growth, generator, confidence=CONFIDENCE)


def _deflated(ratio: float, family: Family, curves: Curves) -> float:
    """Return the deflated ratio; NaN where it is not known how much the trials' ratios differ."""
    if not np.isfinite(ratio):
        return NAN
    track = track_of(curves.pooled_returns())
    if family.n_trials < FEWEST_SEEDS:
        return probabilistic_2012(track)
    return deflated(track, family.n_trials, family.deviation / float(np.sqrt(curves.bars_per_year)))


def _overfitting(returns: FloatArray) -> float:
    """Return the probability of overfitting; NaN with fewer than two agents or too few bars."""
    n_bars, n_agents = returns.shape
    if n_agents < FEWEST_SEEDS or n_bars < 2 * PARTS or not np.isfinite(returns).all():
        return NAN
    return backtest_overfitting(returns, PARTS).probability
