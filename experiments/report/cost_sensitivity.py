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
class BreakEven:
    """Two multiples next to each other: at the one the account still earned, at the other no more.

    Growth may jump between them, because costs decide also what there is room for.
    """

    earned: CostPoint
    lost: CostPoint

    @property
    def multiple(self) -> float:
        """The multiple in the middle."""
        return (self.earned.multiple + self.lost.multiple) / 2.0

    @property
    def bps(self) -> float:
        """What 10,000 units traded cost where it still earned."""
        return self.earned.bps

    @property
    def jump(self) -> float:
        """How far growth falls between the two."""
        return self.earned.growth - self.lost.growth


@dataclass(frozen=True)
class CostCurve:
    """One policy at every multiple.

    break_even   where growth ends, the change of sign that is next to the configured costs; none
                 if there is no such place, and then `why` says so
    """

    name: str
    points: tuple[CostPoint, ...]
    break_even: BreakEven | None
    why: str = ""

    @property
    def replayed(self) -> tuple[CostPoint, ...]:
        """Every point, with those of the break-even."""
        even = self.break_even
        return (*self.points, even.earned, even.lost) if even else self.points


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
) -> tuple[BreakEven | None, str]:
    """Return where growth ends, by bisection, or why it does not.

    Who earns at the configured costs is followed up to where it first does not, who loses down to
    where it still did. Growth need not fall at every step, so there may be other such places.
    """
    if all(point.costs == 0.0 for point in points):
        return None, "it never traded"
    here = next(i for i, point in enumerate(points) if point.multiple == 1.0)
    if points[here].growth > 0.0:
        falls = (pair for pair in pairwise(points[here:]) if not pair[1].growth > 0.0)
        why = f"it still grows at {points[-1].multiple:g} times the costs"
    else:
        pairs = reversed(list(pairwise(points[: here + 1])))
        falls = (pair for pair in pairs if pair[0].growth > 0.0)
        why = "it does not grow even when nothing costs anything"
    bracket = next(falls, None)
    return (_bisected(*bracket, at), "") if bracket else (None, why)


def _bisected(earned: CostPoint, lost: CostPoint, at: Callable[[float], CostPoint]) -> BreakEven:
    for _ in range(BISECTIONS):
        middle = at((earned.multiple + lost.multiple) / 2.0)
        earned, lost = (middle, lost) if middle.growth > 0.0 else (earned, middle)
    return BreakEven(earned, lost)


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
