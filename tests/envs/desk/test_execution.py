"""Schedules and their costs are those of the paper; within a bar they obey their limits."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from benbot.envs.desk.execution import (
    AlmgrenChriss,
    Style,
    almgren_chriss_holdings,
    cost_deviation,
    efficient_frontier,
    expected_cost,
    fill_model,
    mean_price,
    twap_holdings,
    vwap_holdings,
)
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import InvalidParameter, UnknownName

Trial = Callable[..., Any]
Rules = Callable[..., DeskRules]

# The example of the paper: a million shares at 50, sold within five days.
PAPER = AlmgrenChriss(
    volatility=0.95,
    half_spread=0.0625,
    permanent=2.5e-7,
    temporary=2.5e-6,
    risk_aversion=1e-6,
    horizon=5.0,
    n_intervals=5,
)
MILLION = 1e6

aversions = st.floats(0.0, 1e-3)
intervals = st.integers(1, 60)
urgencies = st.floats(0.0, 100.0)
slices = st.integers(1, 200)


@st.composite
def bars(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Draw open, high, low and close of a bar."""
    low, *above = sorted(draw(st.lists(st.floats(0.01, 1e5), min_size=4, max_size=4)))
    start, close = draw(st.permutations(above[:2]))
    return start, above[2], low, close


# The paper


def test_the_best_schedule_is_that_of_the_paper() -> None:
    assert math.sqrt(PAPER.kappa_squared) == pytest.approx(0.61644, abs=5e-6)
    assert PAPER.kappa == pytest.approx(0.60708, abs=5e-6)
    holdings = almgren_chriss_holdings(MILLION, PAPER)
    assert holdings == pytest.approx([1e6, 541_956, 289_854, 147_897, 62_142, 0], abs=0.5)
    assert expected_cost(holdings, PAPER) == pytest.approx(911_227, abs=0.5)
    assert cost_deviation(holdings, PAPER) == pytest.approx(603_431, abs=0.5)


def test_equal_slices_cost_what_the_paper_says() -> None:
    holdings = twap_holdings(MILLION, 5)
    assert holdings.tolist() == pytest.approx([1e6, 8e5, 6e5, 4e5, 2e5, 0.0])
    assert expected_cost(holdings, PAPER) == pytest.approx(662_500)
    assert cost_deviation(holdings, PAPER) == pytest.approx(1_040_673, abs=0.5)
    spread = 0.95 * MILLION * math.sqrt(5.0 / 3.0 * (1.0 - 1.0 / 5.0) * (1.0 - 1.0 / 10.0))
    assert cost_deviation(holdings, PAPER) == pytest.approx(spread)


@pytest.mark.parametrize(("n", "net_temporary"), [(5, 2.375e-6), (10, 2.4375e-6), (1, 1.875e-6)])
def test_half_of_the_permanent_impact_of_an_interval_is_no_cost_of_haste(
    n: int, net_temporary: float
) -> None:
    market = replace(PAPER, n_intervals=n)
    assert market.interval == 5.0 / n
    assert market.net_temporary == pytest.approx(net_temporary, rel=1e-12)
    assert market.kappa_squared == pytest.approx(1e-6 * 0.95**2 / net_temporary, rel=1e-12)


def test_selling_at_once_costs_most_and_risks_nothing() -> None:
    holdings = np.array([MILLION, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert expected_cost(holdings, PAPER) == pytest.approx(2_562_500)
    assert cost_deviation(holdings, PAPER) == 0.0


def test_buying_costs_what_selling_does() -> None:
    sale, purchase = (almgren_chriss_holdings(units, PAPER) for units in (MILLION, -MILLION))
    assert expected_cost(purchase, PAPER) == expected_cost(sale, PAPER)
    assert cost_deviation(purchase, PAPER) == cost_deviation(sale, PAPER)


@given(aversion=st.floats(1e-9, 1e-4), n=st.integers(2, 60))
def test_costs_are_the_closed_forms_of_the_paper(aversion: float, n: int) -> None:
    market = replace(PAPER, risk_aversion=aversion, n_intervals=n)
    kappa, tau, horizon = market.kappa, market.interval, market.horizon
    assert 2.0 * (math.cosh(kappa * tau) - 1.0) == pytest.approx(
        market.kappa_squared * tau**2, rel=1e-6
    )
    sinh = math.sinh(kappa * horizon)
    shape = tau * math.sinh(2.0 * kappa * horizon) + 2.0 * horizon * math.sinh(kappa * tau)
    temporary = math.tanh(kappa * tau / 2.0) * shape / (2.0 * tau**2 * sinh**2)
    cost = 62_500.0 + 125_000.0 + market.net_temporary * MILLION**2 * temporary
    shape = tau * sinh * math.cosh(kappa * (horizon - tau)) - horizon * math.sinh(kappa * tau)
    variance = 0.5 * (0.95 * MILLION) ** 2 * shape / (sinh**2 * math.sinh(kappa * tau))
    holdings = almgren_chriss_holdings(MILLION, market)
    assert expected_cost(holdings, market) == pytest.approx(cost, rel=1e-6)
    assert cost_deviation(holdings, market) ** 2 == pytest.approx(variance, rel=1e-5)


@given(aversion=aversions, n=st.integers(2, 30), seed=st.integers(0, 2**32 - 1))
def test_no_other_schedule_is_better(aversion: float, n: int, seed: int) -> None:
    market = replace(PAPER, risk_aversion=aversion, n_intervals=n)
    best = almgren_chriss_holdings(MILLION, market)
    other = best.copy()
    other[1:-1] += np.random.default_rng(seed).normal(0.0, 0.01 * MILLION, n - 1)

    def burden(holdings: Any) -> float:  # noqa: ANN401
        risk = aversion * cost_deviation(holdings, market) ** 2
        return expected_cost(holdings, replace(market, half_spread=0.0)) + risk

    assert burden(best) <= burden(other) * (1.0 + 1e-12)


def test_a_frontier_trades_cost_for_risk() -> None:
    frontier = efficient_frontier(MILLION, PAPER, np.array([0.0, 1e-7, 1e-6, 1e-5, 1.0]))
    assert (np.diff(frontier.expected) > 0.0).all()
    assert (np.diff(frontier.deviation) < 0.0).all()
    assert frontier.expected[[0, 2]] == pytest.approx([662_500, 911_227], abs=0.5)
    assert frontier.deviation[[0, 2]] == pytest.approx([1_040_673, 603_431], abs=0.5)
    assert frontier.expected[4] == pytest.approx(2_562_500, rel=1e-4)
    assert frontier.deviation[4] == pytest.approx(0.0, abs=10.0)


# Schedules


@given(units=st.floats(-1e9, 1e9), aversion=st.floats(0.0, 1e6), n=intervals)
def test_a_schedule_goes_from_the_whole_order_to_nothing_without_turning(
    units: float, aversion: float, n: int
) -> None:
    market = replace(PAPER, risk_aversion=aversion, n_intervals=n)
    for holdings in (almgren_chriss_holdings(units, market), twap_holdings(units, n)):
        assert len(holdings) == n + 1
        assert holdings[0] == pytest.approx(units)
        assert holdings[-1] == 0.0
        assert (np.diff(math.copysign(1.0, units) * holdings) <= 0.0).all()


def test_without_risk_aversion_slices_are_equal() -> None:
    market = replace(PAPER, risk_aversion=0.0)
    assert almgren_chriss_holdings(MILLION, market).tolist() == twap_holdings(MILLION, 5).tolist()


def test_slices_follow_the_volume_that_is_expected() -> None:
    holdings = vwap_holdings(-100.0, np.array([4.0, 1.0, 0.0, 5.0]))
    assert holdings.tolist() == pytest.approx([-100.0, -60.0, -50.0, -50.0, 0.0])
    assert vwap_holdings(8.0, np.full(4, 0.1)) == pytest.approx(twap_holdings(8.0, 4))
    assert vwap_holdings(1.0, np.full(10, 0.1))[-1] == 0.0  # whose sum is not that of ten steps


# Within a bar


def test_an_order_at_the_open_pays_the_open_and_its_whole_impact() -> None:
    assert fill_model("open", 8, 1.0) == (0.0, 0.0, 1.0)


@given(n=slices)
def test_equal_slices_see_half_the_way_and_the_impact_of_a_root_less(n: int) -> None:
    model = fill_model("twap", n, 5.0)
    assert model == pytest.approx((0.5, 0.0, 1.0 / math.sqrt(n)))
    assert fill_model("vwap", n, 5.0) == (0.0, 1.0, 1.0 / math.sqrt(n))
    assert fill_model("almgren_chriss", n, 0.0) == model


def test_two_slices_by_hand() -> None:
    urgency = 2.0 * math.acosh(2.0)  # sinh(u/2) / sinh(u) = 1 / (2 cosh(u/2)) = 1/4
    model = fill_model("almgren_chriss", 2, urgency)
    assert model.drift_share == pytest.approx(0.75 * 0.25 + 0.25 * 0.75)
    assert model.impact_factor == pytest.approx(0.75**1.5 + 0.25**1.5)


@given(n=slices, urgency=urgencies)
def test_the_factor_is_the_mean_impact_of_the_slices(n: int, urgency: float) -> None:
    market = replace(PAPER, n_intervals=n, horizon=1.0, permanent=0.0)
    # A risk aversion for which the schedule has this urgency: 2 (cosh(κτ) - 1) = κ~² τ².
    kappa_squared = (2.0 * n * math.sinh(urgency / n / 2.0)) ** 2
    market = replace(market, risk_aversion=kappa_squared * market.temporary / 0.95**2)
    sold = -np.diff(almgren_chriss_holdings(1.0, market))
    order, volume, volatility = 300.0, 5_000.0, 0.02
    each = volatility / math.sqrt(n) * np.sqrt(sold * order / (volume / n))
    whole = volatility * math.sqrt(order / volume)
    model = fill_model("almgren_chriss", n, urgency)
    assert whole * model.impact_factor == pytest.approx(float(sold @ each), rel=1e-4)


@given(n=slices, urgency=urgencies, more=st.floats(0.0, 50.0))
def test_more_urgency_costs_more_impact_and_drifts_less(
    n: int, urgency: float, more: float
) -> None:
    calm, hasty = (fill_model("almgren_chriss", n, u) for u in (urgency, urgency + more))
    assert hasty.impact_factor >= calm.impact_factor - 1e-12
    assert hasty.drift_share <= calm.drift_share + 1e-12
    if n > 1 and urgency < 5.0 and more > 1.0:
        assert hasty.impact_factor > calm.impact_factor
        assert hasty.drift_share < calm.drift_share


@given(n=slices, urgency=urgencies)
def test_urgency_lies_between_equal_slices_and_all_at_once(n: int, urgency: float) -> None:
    model = fill_model("almgren_chriss", n, urgency)
    assert 0.5 / n - 1e-12 <= model.drift_share <= 0.5 + 1e-12
    assert 1.0 / math.sqrt(n) - 1e-12 <= model.impact_factor <= 1.0 + 1e-12


@pytest.mark.parametrize("urgency", [1e4, 1e300])
def test_without_end_of_urgency_everything_trades_in_the_first_interval(urgency: float) -> None:
    assert fill_model("almgren_chriss", 8, urgency) == pytest.approx((1.0 / 16.0, 0.0, 1.0))


def test_a_faint_urgency_joins_equal_slices_without_a_step() -> None:
    below, above = (fill_model("almgren_chriss", 50, u) for u in (0.999e-6, 1.001e-6))
    assert below == pytest.approx(above, rel=1e-9)
    assert fill_model("almgren_chriss", 50, 1e-3).drift_share < below.drift_share - 1e-8


def test_an_urgency_below_a_millionth_is_none() -> None:
    calm, faint = (fill_model("almgren_chriss", 2, u).drift_share for u in (0.9e-6, 1.5e-6))
    assert calm == 0.5
    assert 0.0 < 0.5 - faint < 1e-12  # u² / 32


@example(prices=(0.1, 0.1, 0.1, 0.1), style="vwap", n=1, urgency=0.0)  # 0.3 / 3 rounds up
@given(prices=bars(), style=st.sampled_from(get_args(Style)), n=slices, urgency=urgencies)
def test_the_mean_price_lies_within_the_bar(
    prices: tuple[float, float, float, float], style: Style, n: int, urgency: float
) -> None:
    model = fill_model(style, n, urgency)
    assert prices[2] <= mean_price(model, prices) <= prices[1]
    # A mean of prices of the bar, and not only pressed into its range.
    assert 0.0 <= model.drift_share <= 1.0
    assert 0.0 <= model.typical_share <= 1.0


@pytest.mark.parametrize(
    ("start", "close", "twap", "vwap", "urgent"),
    [
        (100.0, 104.0, 102.0, 104.0, 101.5),  # rises: who waits pays more
        (104.0, 100.0, 102.0, 308.0 / 3.0, 102.5),  # falls
        (104.0, 104.0, 104.0, 104.0, 104.0),
    ],
)
def test_the_mean_price_of_each_style_by_hand(
    start: float, close: float, twap: float, vwap: float, urgent: float
) -> None:
    prices = (start, 112.0, 96.0, close)
    urgency = 2.0 * math.acosh(2.0)  # of two slices the first trades three quarters
    assert mean_price(fill_model("open", 2, urgency), prices) == start
    assert mean_price(fill_model("twap", 2, urgency), prices) == pytest.approx(twap)
    assert mean_price(fill_model("vwap", 2, urgency), prices) == pytest.approx(vwap)
    # 3/4 after a quarter of the way, 1/4 after three quarters of it
    assert mean_price(fill_model("almgren_chriss", 2, urgency), prices) == pytest.approx(urgent)
    at_once = start + (close - start) / 8.0  # the middle of the first of four intervals
    assert mean_price(fill_model("almgren_chriss", 4, 1e4), prices) == pytest.approx(at_once)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("close", "price"), [(104.0, 102.0), (96.0, 98.0)])
def test_a_large_order_in_equal_slices_fills_half_way_from_open_to_close(
    trial: Trial, rules: Rules, side: float, close: float, price: float
) -> None:
    account = trial(3, rules=rules(execution={"style": "twap", "large": 0.01}))
    account.facts["adv"] = 100_000.0  # 8,000 is more than a hundredth of it
    account.shape(1, high=108.0, low=92.0, close=close)
    account.want(0, 0.01 * side)
    account.run()
    assert account.fills["price"].tolist() == [price]
    assert account.fills["units"].tolist() == [80.0 * side]


# Refusals


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"volatility": -1.0}, "volatility"),
        ({"volatility": math.inf}, "volatility"),
        ({"risk_aversion": math.nan}, "risk_aversion"),
        ({"horizon": 0.0}, "horizon"),
        ({"horizon": math.inf}, "a horizon above 0"),
        ({"temporary": math.inf}, "temporary"),
        ({"n_intervals": 0}, "interval"),
        ({"permanent": 5e-6}, "more intervals"),
    ],
)
def test_markets_that_mean_nothing_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        replace(PAPER, **wrong)


@pytest.mark.parametrize("profile", [[0.0, 0.0], [1.0, -0.5], [1.0, math.nan], [1.0, math.inf], []])
def test_volumes_that_mean_nothing_are_refused(profile: list[float]) -> None:
    with pytest.raises(InvalidParameter, match="profile"):
        vwap_holdings(1.0, np.array(profile))


def test_holdings_that_do_not_end_with_nothing_or_do_not_fit_are_refused() -> None:
    for holdings in (np.array([1.0, 0.0]), np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.5])):
        with pytest.raises(InvalidParameter, match="6 entries"):
            expected_cost(holdings, PAPER)
        with pytest.raises(InvalidParameter, match="6 entries"):
            cost_deviation(holdings, PAPER)
    with pytest.raises(InvalidParameter, match="interval"):
        twap_holdings(1.0, 0)


def test_styles_that_do_not_exist_and_numbers_that_mean_nothing_are_refused() -> None:
    unknown: Any = "iceberg"
    with pytest.raises(UnknownName, match="almgren_chriss, was 'iceberg'"):
        fill_model(unknown, 8, 1.0)
    for n, urgency in ((0, 1.0), (8, -1.0), (8, math.nan), (8, math.inf)):
        with pytest.raises(InvalidParameter, match="urgency"):
            fill_model("twap", n, urgency)
