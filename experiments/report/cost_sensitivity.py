"""What is left of a result when trading costs more, or less, than was assumed.

The same weights are replayed with half spreads, impact, commissions and borrow rates times a
multiple. What the desk believes stays as it was learned at the costs of the configuration: the
values of candidates and the sleeves behind them. The gates that look at a cost, spread and borrow
rate, have their limits multiplied alike, so that they refuse whom they refused.

growth    mean log growth a year, of all seeds
costs     of fills and of borrowing, account currency, mean over seeds
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.audit.orders import Script

MULTIPLES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
# Nothing, nearly: a power of two, so that a cost and the limit of its gate still compare as before.
NEXT_TO_NOTHING = 2.0**-40
BISECTIONS = 7  # of a bracket of MULTIPLES, so a break-even is known to a hundredth of it
SCALED_OPTIONS = ("fee_per_contract", "half_spread")
SCALED_BARS = ("half_spread", "impact", "borrow_rate")
SCALED_COSTS = (
    "commission_rate",
    "commission_per_unit",
    "commission_per_order",
    "commission_minimum",
)


@dataclass(frozen=True)
class CostPoint:
    """What came of one multiple of the costs; `bps` is the cost of 10,000 units traded."""

    multiple: float
    growth: float
    costs: float
    bps: float


@dataclass(frozen=True)
class CostCurve:
    """One policy at every multiple.

    break_even   where growth is zero, between the last multiple that earned and the first that did
                 not; none if there is no such place, and then `why` says so
    """

    name: str
    points: tuple[CostPoint, ...]
    break_even: CostPoint | None
    why: str = ""

    @property
    def replayed(self) -> tuple[CostPoint, ...]:
        """Every point, with that of the break-even."""
        return (*self.points, self.break_even) if self.break_even else self.points


def cost_curve(
    evaluations: Sequence[Evaluation], history: History, settings: EnvironmentSettings
) -> CostCurve:
    """Replay the evaluations of all seeds of one policy at every multiple of the costs."""

    def at(multiple: float) -> CostPoint:
        return replay(evaluations, history, settings, multiple)

    points = tuple(at(multiple) for multiple in MULTIPLES)
    break_even, why = find_break_even(points, at)
    return CostCurve(evaluations[0].name, points, break_even, why)


def find_break_even(
    points: Sequence[CostPoint], at: Callable[[float], CostPoint]
) -> tuple[CostPoint | None, str]:
    """Return where growth falls to zero, by bisection, or why it does not."""
    if all(point.costs == 0.0 for point in points):
        return None, "it never traded"
    if not points[0].growth > 0.0:
        return None, "it already loses when nothing costs anything"
    for low, high in pairwise(points):
        if not high.growth > 0.0:
            return _bisected(low, high, at), ""
    return None, f"it still grows at {points[-1].multiple:g} times the costs"


def _bisected(low: CostPoint, high: CostPoint, at: Callable[[float], CostPoint]) -> CostPoint:
    middle = low
    for _ in range(BISECTIONS):
        middle = at((low.multiple + high.multiple) / 2.0)
        low, high = (middle, high) if middle.growth > 0.0 else (low, middle)
    return middle


def replay(
    evaluations: Sequence[Evaluation],
    history: History,
    settings: EnvironmentSettings,
    multiple: float,
) -> CostPoint:
    """Trade the weights of every seed again at a multiple of the costs."""
    changed = at_cost(history, multiple)
    again = [_again(one, changed, settings) for one in evaluations]
    costs = float(np.mean([_costs(one) for one in again]))
    traded = float(np.mean([_traded(one) for one in again]))
    return CostPoint(
        multiple,
        float(np.mean([one.annual_growth for one in again])),
        costs,
        1e4 * costs / traded if traded > 0.0 else float("nan"),
    )


def at_cost(history: History, multiple: float) -> History:
    """Return the same history where trading costs a multiple of what it did."""
    scale = max(multiple, NEXT_TO_NOTHING)
    bars = history.tape.bars.copy()
    for name in SCALED_BARS:
        bars[name] *= scale
    rules = history.rules
    costs = {name: scale * getattr(rules.costs, name) for name in SCALED_COSTS}
    gates = {name: scale * getattr(rules.gates, name) for name in ("spread", "borrow_rate")}
    options = {name: scale * getattr(rules.options, name) for name in SCALED_OPTIONS}
    update = {
        "options": rules.options.model_copy(update=options),
        "costs": rules.costs.model_copy(update=costs),
        "gates": rules.gates.model_copy(update=gates),
    }
    return replace(
        history,
        tape=history.tape._replace(bars=bars),
        rules=rules.model_copy(update=update),
    )


def _again(evaluation: Evaluation, history: History, settings: EnvironmentSettings) -> Evaluation:
    span = Span(int(evaluation.bars[0]), int(evaluation.bars[-1]))
    return evaluate(Script(evaluation.weights.astype(np.float32)), history, span, settings)


def _costs(evaluation: Evaluation) -> float:
    return float(evaluation.trades["costs"].sum() + evaluation.open_trades["costs"].sum())


def _traded(evaluation: Evaluation) -> float:
    """Return the money that changed hands, for shares and for options."""
    fills, options = evaluation.fills, evaluation.options
    premiums = options["contracts"] * options["multiplier"] * options["price"]
    return float(np.abs(fills["units"] * fills["price"]).sum() + np.abs(premiums).sum())
