"""What the gates decided, and what was earned in which regime.

Every function takes the evaluations of all seeds of one policy and counts them together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.agents.roster import HINDSIGHT
from benbot.envs.arrays import FloatArray, IntArray, RecordArray
from benbot.envs.desk.reasons import Verdict
from benbot.envs.market.regime import REGIMES, UNKNOWN
from benbot.experiments.verdict.statistics import log_returns


@dataclass(frozen=True)
class VerdictGroup:
    """Decisions of the gates that ended alike.

    share             of all decisions
    wanted, allowed   exposure asked for and granted: sums of absolute fractions of equity
    """

    name: str
    count: int
    share: float
    wanted: float
    allowed: float


@dataclass(frozen=True)
class RegimeGroup:
    """What was earned in the bars that followed a close in one regime.

    share    of all bars
    growth   mean log growth of those bars, a year
    """

    name: str
    share: float
    growth: float


@dataclass(frozen=True, eq=False)
class RegimeWeights:
    """What was chosen at the closes of one regime: mean weights (K+1,), cash last.

    share       of all decisions
    deviation   (K+1,) of the means of the seeds; NaN for a single one
    """

    name: str
    share: float
    weights: FloatArray
    deviation: FloatArray


def readable(name: str) -> str:
    """Return the name of a reason as words: "DAILY_TRADES" becomes "daily trades"."""
    return name.replace("_", " ").lower()


def titled(policy: str) -> str:
    """Return the name of a policy as words, and whether it was chosen with hindsight."""
    return f"{readable(policy)}{' (hindsight)' if policy in HINDSIGHT else ''}"


def decisions_by_verdict(evaluations: Sequence[Evaluation]) -> list[VerdictGroup]:
    """Return one group per verdict that occurred, the most frequent first."""
    decisions = _joined([one.decisions for one in evaluations])
    groups = [
        VerdictGroup(
            name=readable(Verdict(code).name),
            count=int(own.size),
            share=own.size / decisions.size,
            wanted=float(np.abs(own["wanted"]).sum()),
            allowed=float(np.abs(own["allowed"]).sum()),
        )
        for code, own in _by(decisions, "verdict")
    ]
    return sorted(groups, key=lambda group: -group.count)


def growth_by_regime(evaluations: Sequence[Evaluation]) -> list[RegimeGroup]:
    """Return one group per regime that occurred, in the order of `REGIMES`, unknown last.

    A bar belongs to the regime known at the close before it, when its weights were chosen.
    """
    if not evaluations:
        return []
    regime = np.concatenate([one.regime[:-1] for one in evaluations]).astype(np.int64)
    growth = np.concatenate([log_returns(one.equity) for one in evaluations])
    yearly = evaluations[0].bars_per_year
    codes = [code for code in (*range(len(REGIMES)), UNKNOWN) if (regime == code).any()]
    return [_regime_group(code, regime, growth, yearly) for code in codes]


def weights_by_regime(evaluations: Sequence[Evaluation]) -> list[RegimeWeights]:
    """Return one row per regime in which weights were chosen, in the order of `growth_by_regime`.

    The seeds met the same regimes, so the mean over all of them is that of their means.
    """
    if not evaluations:
        return []
    regime = evaluations[0].regime[:-1].astype(np.int64)
    rows = []
    for code in (*range(len(REGIMES)), UNKNOWN):
        own = regime == code
        if own.any():
            means = np.array([one.weights[own].mean(axis=0) for one in evaluations])
            n = len(evaluations)
            deviation = means.std(axis=0, ddof=1) if n > 1 else np.full(means.shape[1], np.nan)
            name = "unknown" if code == UNKNOWN else REGIMES[code]
            rows.append(RegimeWeights(name, float(own.mean()), means.mean(axis=0), deviation))
    return rows


def _regime_group(code: int, regime: IntArray, growth: FloatArray, yearly: float) -> RegimeGroup:
    own = regime == code
    return RegimeGroup(
        name="unknown" if code == UNKNOWN else REGIMES[code],
        share=float(own.mean()),
        growth=yearly * float(growth[own].mean()),
    )


def _joined(records: Sequence[RecordArray]) -> RecordArray:
    return np.concatenate(records) if records else np.zeros(0)


def _by(records: RecordArray, field: str) -> Iterator[tuple[int, RecordArray]]:
    for code in np.unique(records[field]) if records.size else ():
        yield int(code), records[records[field] == code]
