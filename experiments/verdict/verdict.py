"""Whether an agent beats each baseline, and how far its numbers can be trusted.

T bars, N agents of the family
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from pydantic import TypeAdapter

from benbot.agents.roster import HINDSIGHT
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.report.curves import Curves
from benbot.experiments.verdict.interquartile import Interval, interquartile_interval
from benbot.experiments.verdict.overfitting import backtest_overfitting, ruined
from benbot.experiments.verdict.resampling import FEWEST_SEEDS
from benbot.experiments.verdict.ruling import (
    CONFIDENCE,
    LEVEL,
    SMALLEST_EFFECT,
    WITH_NAN,
    Ruling,
    Word,
    ruined_seeds,
    rulings_on,
)
from benbot.experiments.verdict.standing import Standing, standing
from benbot.experiments.verdict.statistics import FEWEST_BARS, NAN
from benbot.strategies.sharpe import deflated, minimum_length_2025, probabilistic_2012, track_of

__all__ = ["LEVEL", "SMALLEST_EFFECT", "Family", "Ruling", "RunVerdict", "Word", "judge", "needs"]

REPETITIONS = 4000
PARTS = 16  # stretches of history for the probability of overfitting
MOST_YEARS = 1000.0  # more than that is never
VERDICT_FILE = "verdict.json"


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
    """Return the verdict on a run; who has hindsight is no baseline, but knows what nobody can."""
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
    block, rulings = rulings_on(curves, _rivals(curves), generator, repetitions)
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
        ruined=ruined_seeds(curves),
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
    return [name for name in curves.baselines if name not in HINDSIGHT]


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
    """Return the probability of overfitting; NaN with fewer than two agents or too few bars.

    Who lost everything is last from then on. A mark that is not a number makes it NaN.
    """
    n_bars, n_agents = returns.shape
    is_told = bool((np.isfinite(returns) | ruined(returns)).all())
    if n_agents < FEWEST_SEEDS or n_bars < 2 * PARTS or not is_told:
        return NAN
    return backtest_overfitting(returns, PARTS).probability
