"""The word on an agent and one baseline, by a rule that was stated before anybody looked.

growth   log growth a year, agent less baseline, over the same bars: 0.01 is one per cent a year
S seeds, T bars, B baselines
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pydantic import ConfigDict

from benbot.envs.arrays import FloatArray
from benbot.experiments.report.curves import Curves
from benbot.experiments.verdict.need import INFINITE, Claim, needed
from benbot.experiments.verdict.resampling import Resampled, resample
from benbot.experiments.verdict.statistics import NAN, block_length
from benbot.experiments.verdict.superiority import stepwise_p_values

LEVEL = 0.05  # of error over all baselines together
CONFIDENCE = 0.95  # of each interval
SMALLEST_EFFECT = 0.01  # log growth a year: what is surely less is not worth an agent
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


def rulings_on(
    curves: Curves, names: Sequence[str], generator: np.random.Generator, repetitions: int
) -> tuple[float, tuple[Ruling, ...]]:
    """Return the mean length of a block, and a ruling for each baseline."""
    growth = curves.bars_per_year * curves.growth_over(names)
    known = [i for i in range(len(names)) if np.isfinite(growth[:, :, i]).all()]
    lost = bool(ruined_seeds(curves))
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


def ruined_seeds(curves: Curves) -> tuple[int, ...]:
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
