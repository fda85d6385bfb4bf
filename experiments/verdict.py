"""Whether an agent beats each baseline, by a rule that was stated before anybody looked.

growth   log growth a year, agent less baseline, over the same bars: 0.01 is one per cent a year
S seeds, T bars, B baselines
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from pydantic import ConfigDict, TypeAdapter

from benbot.agents.oracle import NAME as ORACLE
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.curves import Curves
from benbot.experiments.need import INFINITE, Claim, needed
from benbot.experiments.over_seeds import Interval, interquartile_interval
from benbot.experiments.overfitting import backtest_overfitting
from benbot.experiments.resampling import FEWEST_SEEDS, Resampled, resample
from benbot.experiments.sharpe import deflated, minimum_length_2025, probabilistic_2012, track_of
from benbot.experiments.standing import Standing, standing
from benbot.experiments.statistics import FEWEST_BARS, NAN, block_length
from benbot.experiments.superiority import stepwise_p_values

LEVEL = 0.05  # of error over all baselines together
CONFIDENCE = 0.95  # of each interval
SMALLEST_EFFECT = 0.01  # log growth a year: what is surely less is not worth an agent
REPETITIONS = 4000
PARTS = 16  # stretches of history for the probability of overfitting
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

    low, high           the interval of the growth, over resampled time and seeds; the growth and
                        both ends are minus infinity where a seed lost everything
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

    n_trials    agents that were trained: of every run, seed and search that was judged on the very
                bars
    deviation   of their annual Sharpe ratios on `test`; NaN below two
    returns     (T, N) of them, as far as they are kept; those of its own agents come first, and
                what is the same to the last digit is one
    openings    how often somebody asked for results on these bars, or on some of them
    elsewhere   agents of the experiment that were not judged on these bars
    """

    n_trials: int
    deviation: float
    returns: FloatArray
    openings: int
    elsewhere: int = 0


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
    elsewhere           agents of the experiment on other bars, which are not among the trials
    ruined              seeds that lost everything
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
    elsewhere: int = 0
    ruined: tuple[int, ...] = ()
    standing: Standing = field(default_factory=Standing)


def judge(
    curves: Curves, family: Family, *, seed: int = 0, repetitions: int = REPETITIONS
) -> RunVerdict:
    """Return the verdict on a run; the oracle is no baseline, for it knows what nobody can."""
    verdict = rule(curves, family, seed=seed, repetitions=repetitions)
    names, tried = _rivals(curves), family.returns
    place = standing(curves, names, tried, block=verdict.block, seed=seed)
    return replace(verdict, standing=place)


def rule(
    curves: Curves, family: Family, *, seed: int = 0, repetitions: int = REPETITIONS
) -> RunVerdict:
    """Return the verdict without the standing, which takes longest and decides nothing."""
    if not curves.agents or curves.n_bars < FEWEST_BARS:
        raise InvalidParameter(
            f"a verdict needs a seed and {FEWEST_BARS} bars or more, was {len(curves.agents)} "
            f"seeds and {max(curves.n_bars, 0)} bars"
        )
    generator = np.random.default_rng(seed)
    block, rulings = _rulings(curves, _rivals(curves), generator, repetitions)
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
        elsewhere=family.elsewhere,
        ruined=_ruined_seeds(curves),
    )


def needs(ruling: Ruling, verdict: RunVerdict) -> str:
    """Say how much history or how many seeds would decide; nothing where it is decided."""
    if ruling.word is not Word.UNDECIDED or math.isnan(ruling.bars_needed):
        return ""
    # Rounded up, so that it is never what is there already.
    years = float(np.ceil(10.0 * ruling.bars_needed / verdict.bars_per_year)) / 10.0
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


def _rivals(curves: Curves) -> list[str]:
    return [name for name in curves.baselines if name != ORACLE]


def _rulings(
    curves: Curves, names: Sequence[str], generator: np.random.Generator, repetitions: int
) -> tuple[float, tuple[Ruling, ...]]:
    """Return the mean length of a block, and a ruling for each baseline."""
    growth = curves.bars_per_year * curves.growth_over(names)
    known = [i for i in range(len(names)) if np.isfinite(growth[:, :, i]).all()]
    lost = bool(_ruined_seeds(curves))
    rulings = {
        name: _lost(name) if lost and _is_whole(curves.baselines[name]) else _unknown(name)
        for name in names
    }
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
        bars, seeds = needed(found, shape[1], shape[0], claims_on(float(found.mean), n_tests))
    return Ruling(name, word, float(found.mean), low, high, p_value, bars, seeds)


def _unknown(name: str) -> Ruling:
    """Return the ruling on growth that is not a number, as that of an account without anything."""
    return Ruling(name, Word.UNDECIDED, NAN, NAN, NAN, NAN, NAN, NAN)


def _lost(name: str) -> Ruling:
    """Return the ruling on an agent of which a seed lost everything and the baseline did not."""
    lost = -INFINITE
    return Ruling(name, word_of(1.0, lost, lost), lost, lost, lost, 1.0, NAN, NAN)


def _ruined_seeds(curves: Curves) -> tuple[int, ...]:
    """Return the seeds that lost everything; a mark that is not a number is no loss."""
    agents = curves.agents.items()
    return tuple(seed for seed, one in agents if np.isfinite(one).all() and not _is_whole(one))


def _is_whole(equity: FloatArray) -> bool:
    return bool((np.isfinite(equity) & (equity > 0.0)).all())


def claims_on(growth: float, n_tests: int) -> tuple[Claim, Claim]:
    """Return what would decide: that the growth is above 0, or below what is worth an agent.

    The first is tested at 0.025 or at 0.05 / B if that is less, the second at 0.025.
    """
    usual = (1.0 - CONFIDENCE) / 2.0
    return Claim(growth, min(usual, LEVEL / n_tests)), Claim(SMALLEST_EFFECT - growth, usual)


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
