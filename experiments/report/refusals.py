"""What each gate refused, and what that would have earned: with hindsight, each trade on its own.

Every function takes the evaluations of all seeds of one policy and counts them together.
exposure and profit are fractions of the account's equity at each decision, summed over decisions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray, IntArray, RecordArray
from benbot.envs.desk.ledger import DECISION
from benbot.envs.desk.reasons import Verdict
from benbot.envs.desk.shadow import SHADOW, shadow_trades
from benbot.envs.history import History
from benbot.experiments.report.breakdown import readable
from benbot.experiments.verdict.statistics import win_rate

KEPT = ("bar", "symbol", "strategy", "wanted", "allowed", "enlarges")
# A decision that was not met in full, with its shadow if it would have opened a position.
REFUSAL = np.dtype(
    [
        *((name, DECISION[name]) for name in KEPT),
        ("gate", np.int32),  # `Verdict`
        ("seed", np.int32),  # number of the evaluation
        ("month", np.int32),
        *((name, SHADOW[name]) for name in ("notional", "profit")),
    ]
)


@dataclass(frozen=True)
class GateEffect:
    """How often one gate bound, and what came of it.

    refused, clipped   decisions that it stopped, or made smaller
    enlargements       those of them that would have added to a position; what follows is of the
                       others, which would have opened one
    occasions          unbroken stretches of bars in which it bound the same strategy in the same
                       symbol: who is refused asks again at the next close
    unfilled           decisions that nobody could have filled; they earn nothing
    exposure           that it kept from being opened
    profit             that would have come of it, after costs
    mean_return        of a trade that could be filled: profit over notional
    standard_error     of that mean, with the trades of one month as one draw; NaN below two months
    win_rate           share of those trades that would have made money
    """

    name: str
    refused: int
    clipped: int
    enlargements: int
    occasions: int
    unfilled: int
    exposure: float
    profit: float
    mean_return: float
    standard_error: float
    win_rate: float


def gate_effects(evaluations: Sequence[Evaluation], history: History) -> list[GateEffect]:
    """Return one row per gate that bound, the most frequent first."""
    refusals = refusals_of(evaluations, history)
    rows = [
        _effect(code, refusals[refusals["gate"] == code]) for code in np.unique(refusals["gate"])
    ]
    return sorted(rows, key=lambda row: -(row.refused + row.clipped))


def all_refusals(evaluations: Sequence[Evaluation], history: History) -> GateEffect:
    """Return the row of all gates together."""
    return effect_of("all gates", refusals_of(evaluations, history))


def refusals_of(evaluations: Sequence[Evaluation], history: History) -> RecordArray:
    """Return records of REFUSAL: every decision that was refused or clipped."""
    return np.concatenate([_own(i, one, history) for i, one in enumerate(evaluations)])


def _own(seed: int, evaluation: Evaluation, history: History) -> RecordArray:
    decisions = evaluation.decisions[evaluation.decisions["verdict"] != Verdict.PASSED]
    marks = decisions["bar"] - evaluation.bars[0]
    refusals = np.zeros(decisions.size, REFUSAL)
    for name in KEPT:
        refusals[name] = decisions[name]
    was_clipped = decisions["verdict"] == Verdict.CLIPPED
    refusals["gate"] = np.where(was_clipped, decisions["limit"], decisions["verdict"])
    refusals["seed"] = seed
    refusals["month"] = evaluation.timestamps[marks].astype("datetime64[M]").astype(np.int64)
    opens = decisions["enlarges"] == 0
    shadows = shadow_trades(
        history.tape,
        history.rules,
        decisions[opens],
        evaluation.equity[marks[opens]],
        int(evaluation.bars[-1]),
    )
    for name in ("notional", "profit"):
        refusals[name][opens] = shadows[name]
    return refusals


def _effect(code: int, refusals: RecordArray) -> GateEffect:
    return effect_of(readable(Verdict(code).name), refusals)


def effect_of(name: str, refusals: RecordArray) -> GateEffect:
    """Return what some refusals amount to."""
    was_clipped = refusals["allowed"] != 0.0
    opening = refusals[refusals["enlarges"] == 0]
    filled = opening[opening["notional"] > 0.0]
    returns = filled["profit"] / filled["notional"]
    missing = np.abs(opening["wanted"] - opening["allowed"])
    return GateEffect(
        name=name,
        refused=int((~was_clipped).sum()),
        clipped=int(was_clipped.sum()),
        enlargements=refusals.size - opening.size,
        occasions=occasions(opening),
        unfilled=opening.size - filled.size,
        exposure=float(missing[np.isfinite(missing)].sum()),
        profit=float(filled["profit"].sum()),
        mean_return=float(returns.mean()) if returns.size else float("nan"),
        standard_error=clustered_error(returns, filled["month"]),
        win_rate=win_rate(filled["profit"]),
    )


def occasions(refusals: RecordArray) -> int:
    """Return the stretches of consecutive bars with the same seed, strategy and symbol."""
    if not refusals.size:
        return 0
    order = np.lexsort([refusals[name] for name in ("bar", "symbol", "strategy", "seed")])
    ordered = refusals[order]
    same = np.ones(ordered.size - 1, np.bool_)
    for name in ("seed", "strategy", "symbol"):
        same &= ordered[name][1:] == ordered[name][:-1]
    return 1 + int((~(same & (np.diff(ordered["bar"]) <= 1))).sum())


def clustered_error(values: FloatArray, cluster: IntArray) -> float:
    """Return the standard error of a mean whose values are related within clusters.

    √(G / (G − 1) Σ_g (Σ_{i in g} x_i − x̄)²) / n over G clusters (Liang and Zeger 1986, for a mean).
    """
    names, own = np.unique(cluster, return_inverse=True)
    if names.size < 2:
        return float("nan")
    sums = np.bincount(own, values - values.mean())
    return float(np.sqrt(names.size / (names.size - 1) * (sums @ sums)) / values.size)
