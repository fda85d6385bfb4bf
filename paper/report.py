"""What is told of an account's day: plain values, the same as JSON.

growth    log growth of equity
gaps      basis points of log growth, the account less its shadow in the environment
"""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from benbot.envs.desk.reasons import Breaker, Verdict
from benbot.strategies.drift import Finding
from benbot.strategies.shift import Shifted

PLAIN = (
    *("equity", "growth", "shadow_growth", "gap", "gap_since", "costs", "model_costs"),
    *("slippage", "worst"),
)
LET_IN = (Verdict.PASSED.name, Verdict.CLIPPED.name)
NORMAL = Breaker.NORMAL.name


class Day(NamedTuple):
    """A trading day of an account, and its bars."""

    date: str
    first: int
    last: int


@dataclass(frozen=True)
class Unfilled:
    """An order that did not fill, or not all of it, and why."""

    symbol: str
    strategy: str
    reason: str  # NONE opens or enlarges
    units: float
    filled: float
    status: str
    note: str


@dataclass(frozen=True)
class FeatureDrift:
    """What the policy saw at the last closes, beside the closes of its training.

    unlike     closes of the day at which a feature was not what the history says it is now
    farthest   the features that are farthest off, not more than ten
    n_moved    features with a stability index above 0.25
    alarms     those with a p-value of at most the level, for all of them together
    """

    n_closes: int
    unlike: int
    n_moved: int
    farthest: tuple[Shifted, ...] = ()
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True)
class DailyReport:
    """One day of an account.

    growth, shadow_growth   of the day; the shadow is None where nobody ran it
    gap, gap_since          of the day, and since the account began
    verdicts                of the gates on the candidates that were traded on this day
    orders                  by how they ended
    costs, model_costs      of the fills, account currency
    slippage, worst         of all fills together, and of the dearest one; None without any
    breakers                at the closes of the day
    moves                   of strategies between stages at these closes, in words
    """

    account: str
    day: str
    bars: tuple[int, int]
    equity: float
    growth: float
    shadow_growth: float | None
    gap: float | None
    gap_since: float | None
    weights: dict[str, float]
    verdicts: dict[str, int]
    orders: dict[str, int]
    unfilled: tuple[Unfilled, ...]
    fills: tuple[dict[str, Any], ...]
    costs: float
    model_costs: float
    slippage: float | None
    worst: float | None
    slippage_drift: Finding | None
    features: FeatureDrift | None
    breakers: tuple[str, ...]
    events: tuple[dict[str, Any], ...] = field(default=())
    moves: tuple[str, ...] = field(default=())


def report_as_json(report: DailyReport) -> str:
    """Return the text of a report; the same report is the same text. What is no number is null."""
    told = _plain(asdict(report))
    if not report.moves:  # as those said that were made before anybody's stage was kept
        del told["moves"]
    return json.dumps(told, indent=1, sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def metrics_of(report: dict[str, Any]) -> dict[str, float]:
    """Return the numbers of a report, read back from its text, by the names they are tracked by.

    What is not known is left out.
    """
    orders, features = report["orders"], report["features"] or {}
    known = {
        **{name: report[name] for name in PLAIN},
        "n_orders": sum(orders.values()),
        "n_fills": len(report["fills"]),
        "n_unfilled": len(report["unfilled"]),
        "n_refused_by_gates": sum(
            count for word, count in report["verdicts"].items() if word not in LET_IN
        ),
        "n_events": len(report["events"]),
        "n_breaker_closes": sum(name != NORMAL for name in report["breakers"]),
        "features_unlike": features.get("unlike"),
        "features_moved": features.get("n_moved") if features.get("n_closes") else None,
        "features_alarming": len(features["alarms"]) if features.get("n_closes") else None,
        "slippage_p_value": (report["slippage_drift"] or {}).get("p_value"),
    }
    return {f"paper/{name}": float(value) for name, value in known.items() if value is not None}
