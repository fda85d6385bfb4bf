"""What an account held on average: gross and net, by sector, and its beta as the desk saw it.

Every function takes the evaluations of all seeds of one policy and counts their marks together; the
first mark of each, where nothing can be held yet, is left out. All are fractions of equity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.history import History


@dataclass(frozen=True)
class Extent:
    """One measure of what was held; `least` and `most` are over all marks, NaN where unknown."""

    name: str
    mean: float
    least: float
    most: float


@dataclass(frozen=True)
class SectorHolding:
    """What was held in one sector: mean longs, mean shorts (positive), and the most of both."""

    name: str
    long: float
    short: float
    most: float


def extents(evaluations: Sequence[Evaluation], history: History) -> list[Extent]:
    """Return gross, net and the beta to the universe, by the betas known at each close.

    A mark at which the beta of some holding was not known is left out of the beta.
    """
    beta = history.tape.facts["beta"]
    measures = {
        "gross": [_by_mark(one, np.abs(one.holdings["worth"])) for one in evaluations],
        "net": [_by_mark(one, one.holdings["worth"]) for one in evaluations],
        "beta": [_by_mark(one, one.holdings["worth"] * _at(beta, one)) for one in evaluations],
    }
    return [_extent(name, np.concatenate(values)) for name, values in measures.items()]


def sector_holdings(evaluations: Sequence[Evaluation], history: History) -> list[SectorHolding]:
    """Return one row per sector that was held, the largest first."""
    sectors = np.array(history.market.sectors)
    rows = [_sector(name, evaluations, sectors == name) for name in np.unique(sectors)]
    return sorted((row for row in rows if row.most > 0.0), key=lambda row: -(row.long + row.short))


def _sector(
    name: str,
    evaluations: Sequence[Evaluation],
    members: BoolArray,
) -> SectorHolding:
    longs, shorts = [], []
    for one in evaluations:
        worth = np.where(members[one.holdings["symbol"]], one.holdings["worth"], 0.0)
        longs.append(_by_mark(one, np.maximum(worth, 0.0)))
        shorts.append(_by_mark(one, np.maximum(-worth, 0.0)))
    long, short = np.concatenate(longs), np.concatenate(shorts)
    return SectorHolding(
        str(name), float(long.mean()), float(short.mean()), float((long + short).max())
    )


def _by_mark(evaluation: Evaluation, values: FloatArray) -> FloatArray:
    """Return the sum over what was held at each mark after the first, (N,)."""
    sums = np.zeros(evaluation.bars.size)
    np.add.at(sums, evaluation.holdings["bar"] - evaluation.bars[0], values)
    return sums[1:]


def _at(facts: Float32Array, evaluation: Evaluation) -> FloatArray:
    held = evaluation.holdings
    own: FloatArray = facts[held["bar"], held["symbol"]].astype(np.float64)
    return own


def _extent(name: str, values: FloatArray) -> Extent:
    known = values[np.isfinite(values)]
    if not known.size:
        return Extent(name, *(float("nan"),) * 3)
    return Extent(name, float(known.mean()), float(known.min()), float(known.max()))
