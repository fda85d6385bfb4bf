"""Costs scale as they say, the same weights are replayed, and a break-even is where growth ends."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.baselines import Random, cash
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.report.cost_figure import cost_figure
from benbot.experiments.report.cost_sensitivity import (
    MULTIPLES,
    CostCurve,
    CostPoint,
    at_cost,
    cost_curve,
    find_break_even,
    replay,
)

SPAN = Span(40, 290)
FREE = EnvironmentSettings(ruin=0.0)


def point(multiple: float, growth: float) -> CostPoint:
    return CostPoint(multiple, growth, 10.0 * multiple, multiple)


def line(slope: float, start: float = 0.1) -> Callable[[float], CostPoint]:
    return lambda multiple: point(multiple, start - slope * multiple)


@pytest.fixture(scope="module")
def seeds(eventful: History) -> list[Evaluation]:
    return [evaluate(Random(eventful.layout, seed), eventful, SPAN, FREE) for seed in (0, 1)]


def test_a_replay_at_the_configured_costs_is_what_happened(
    eventful: History, seeds: list[Evaluation]
) -> None:
    again = replay(seeds, eventful, FREE, 1.0)
    assert again.growth == pytest.approx(np.mean([one.annual_growth for one in seeds]), abs=1e-5)
    paid = [one.trades["costs"].sum() + one.open_trades["costs"].sum() for one in seeds]
    assert again.costs == pytest.approx(np.mean(paid), rel=1e-5)
    traded = [np.abs(one.fills["units"] * one.fills["price"]).sum() for one in seeds]
    assert again.bps == pytest.approx(1e4 * np.mean(paid) / np.mean(traded), rel=1e-5)


@pytest.mark.parametrize("name", ["half_spread", "impact", "borrow_rate"])
def test_every_cost_of_a_bar_is_scaled(eventful: History, name: str) -> None:
    bars = eventful.tape.bars
    before = bars.copy()
    np.testing.assert_array_equal(at_cost(eventful, 4.0).tape.bars[name], 4.0 * bars[name])
    assert bars.tobytes() == before.tobytes()


def test_commissions_are_scaled_and_the_gates_of_costs_with_them(eventful: History) -> None:
    rules, dear = eventful.rules, at_cost(eventful, 2.0).rules
    for name in (
        "commission_rate",
        "commission_per_unit",
        "commission_per_order",
        "commission_minimum",
    ):
        assert getattr(dear.costs, name) == 2.0 * getattr(rules.costs, name)
    assert dear.gates.spread == 2.0 * rules.gates.spread
    assert dear.gates.borrow_rate == 2.0 * rules.gates.borrow_rate
    assert dear.options.fee_per_contract == 2.0 * rules.options.fee_per_contract
    assert dear.options.half_spread == 2.0 * rules.options.half_spread
    assert dear.record()["costs_commission_minimum"][0] == 2.0


def test_what_cannot_be_borrowed_still_cannot_when_nothing_costs_anything(
    eventful: History,
) -> None:
    bars = eventful.tape.bars.copy()
    bars["borrow_rate"] = np.inf
    bars["half_spread"] = 1.0  # beyond the gate
    closed = replace(eventful, tape=eventful.tape._replace(bars=bars))
    free = at_cost(closed, 0.0)
    assert np.isinf(free.tape.bars["borrow_rate"]).all()
    done = evaluate(Random(free.layout, 0), free, SPAN, FREE)
    assert not done.fills.size


def test_less_cost_leaves_more(eventful: History, seeds: list[Evaluation]) -> None:
    curve = cost_curve(seeds, eventful, FREE)
    assert tuple(one.multiple for one in curve.points) == MULTIPLES
    costs = [one.costs for one in curve.points]
    assert costs == sorted(costs)
    assert costs[0] == pytest.approx(0.0, abs=1e-6)
    assert curve.points[0].growth > curve.points[-1].growth
    assert curve.name == "random"


def test_growth_ends_where_the_line_crosses_zero() -> None:
    at = line(0.03)
    found, why = find_break_even([at(multiple) for multiple in MULTIPLES], at)
    assert found is not None
    assert found.multiple == pytest.approx(10.0 / 3.0, abs=0.02)
    assert found.earned.multiple < 10.0 / 3.0 <= found.lost.multiple
    assert found.bps == found.earned.multiple
    assert found.jump < 0.001
    assert why == ""


def test_who_earns_at_the_configured_costs_is_followed_up_to_its_first_fall() -> None:
    growth = dict(zip(MULTIPLES, (0.1, -0.1, 0.1, -0.1, 0.2, -0.1), strict=True))

    def at(multiple: float) -> CostPoint:
        return point(multiple, growth.get(multiple, -0.01))

    found, _ = find_break_even([at(multiple) for multiple in MULTIPLES], at)
    assert found is not None
    assert (found.earned.multiple, found.lost.multiple) == (1.0, 1.0 + 2.0**-7)


def test_who_loses_at_the_configured_costs_is_followed_down_to_where_it_earned() -> None:
    growth = dict(zip(MULTIPLES, (0.1, 0.1, -0.1, 0.3, 0.2, -0.1), strict=True))

    def at(multiple: float) -> CostPoint:
        return point(multiple, growth.get(multiple, 0.01))

    found, _ = find_break_even([at(multiple) for multiple in MULTIPLES], at)
    assert found is not None
    assert (found.earned.multiple, found.lost.multiple) == (1.0 - 2.0**-8, 1.0)


def test_growth_that_jumps_is_not_drawn_as_if_it_came_to_zero() -> None:
    def at(multiple: float) -> CostPoint:
        return point(multiple, 0.05 if multiple < 3.0 else -0.35)

    found, _ = find_break_even([at(multiple) for multiple in MULTIPLES], at)
    assert found is not None
    assert found.multiple == pytest.approx(3.0, abs=0.01)
    assert (found.earned.growth, found.lost.growth) == (0.05, -0.35)
    assert found.jump == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("start", "slope", "why"),
    [(0.1, 0.01, "still grows at 8 times"), (-0.1, 0.01, "does not grow even"), (0.0, 0.0, "even")],
)
def test_no_break_even_says_why(start: float, slope: float, why: str) -> None:
    at = line(slope, start)
    found, said = find_break_even([at(multiple) for multiple in MULTIPLES], at)
    assert found is None
    assert why in said


def test_cash_never_traded(eventful: History) -> None:
    idle = evaluate(cash(eventful.layout), eventful, SPAN, FREE)
    curve = cost_curve([idle], eventful, FREE)
    assert (curve.break_even, curve.why) == (None, "it never traded")
    assert all(np.isnan(one.bps) for one in curve.points)


def curve_of(name: str, at: Callable[[float], CostPoint]) -> CostCurve:
    points = tuple(at(multiple) for multiple in MULTIPLES)
    return CostCurve(name, points, *find_break_even(points, at))


def test_the_figure_has_a_line_for_each_policy_and_a_ring_where_it_breaks_even() -> None:
    figure = cost_figure([curve_of("agent", line(0.03)), curve_of("equal_weight", line(0.001))])
    (ax,) = figure.axes
    rings: list[Any] = [one for one in ax.lines if one.get_fillstyle() == "none"]
    assert len(rings) == 1
    assert rings[0].get_xdata()[0] == pytest.approx(10.0 / 3.0, abs=0.02)
    paths = [one for one in ax.lines if len(one.get_xdata()) >= len(MULTIPLES)]
    drawn = [one for one in paths if one.get_linestyle() != "None"]
    assert [len(one.get_xdata()) for one in drawn] == [len(MULTIPLES) + 2, len(MULTIPLES)]
    assert {"agent", "equal weight"} <= {text.get_text() for text in ax.texts}
