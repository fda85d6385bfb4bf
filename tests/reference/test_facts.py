"""Sections 2 and 10: facts."""

import math

import numpy as np
import pytest

from tests.reference.facts import Facts
from tests.reference.orders import style_numbers
from tests.reference.scenes import FLAT, GONE, closes, facts_of, market_of, rules_of


def test_a_covariance_is_a_decaying_mean_of_products_of_session_returns() -> None:
    r, q = [0.01, -0.02, 0.03, 0.04], [0.02, 0.01, -0.01, 0.05]
    market = market_of(
        closes(*np.exp(np.cumsum([0.0, *r])).tolist()),
        closes(*np.exp(np.cumsum([0.0, *q])).tolist()),
    )
    risk = facts_of(market, gates={"memory": 0.5, "min_sessions": 3, "beta_memory": 0.5}).risk
    expected = (0.25 * 0.0002 + 0.5 * -0.0002 - 0.0003) / 1.75
    assert risk.covariance(4, 0, 1) == pytest.approx(expected, rel=1e-6)
    assert math.isnan(risk.covariance(3, 0, 1))  # the session of bar 3 is not known to be over
    mean = [0.015, -0.005, 0.01]
    slope = (0.25 * 0.01 * 0.015 + 0.5 * 0.02 * 0.005 + 0.03 * 0.01) / (
        sum(w * m * m for w, m in zip([0.25, 0.5, 1.0], mean, strict=True))
    )
    assert risk.beta(4, 0) == pytest.approx(slope, rel=1e-6)


def test_covariances_stay_between_two_refreshes_and_know_complete_sessions_only() -> None:
    market = market_of(closes(1.0, 1.1, 1.0, 1.2, 1.1, 1.3), session=[0, 1, 2, 3, 4, 4])
    risk = facts_of(market, gates={"memory": 0.5, "refresh": 2}).risk
    assert risk.row == [-1, 0, 0, 2, 2, 2]
    a, b = math.log(1.1) ** 2, math.log(1.0 / 1.1) ** 2
    assert risk.covariance(4, 0, 0) == pytest.approx((0.5 * a + b) / 1.5, rel=1e-6)


def test_impact_is_of_the_bars_before() -> None:
    prices = closes(100.0, 110.0, 99.0, 99.0)
    facts = facts_of(market_of(prices, volume=[10.0, 20.0, 30.0, 40.0]), costs={"impact": 2.0})
    squares = math.log(1.1) ** 2, math.log(0.9) ** 2
    assert [row[0] for row in facts.impact[:2]] == [0.0, 0.0]
    assert facts.impact[2][0] == pytest.approx(2.0 * math.log(1.1) / math.sqrt((1000 + 2200) / 2))
    sigma = math.sqrt(0.94 * squares[0] + 0.06 * squares[1])
    assert facts.impact[3][0] == pytest.approx(2.0 * sigma / math.sqrt((1000 + 2200 + 2970) / 3))


def test_adv_is_of_complete_sessions_and_room_of_the_bar_itself() -> None:
    days = [0, 0, 1, 1, 1, 2]
    market = market_of(closes(*[10.0] * 6), session=days, volume=[0.0, 3.0, np.nan, 5.0, 2.0, 5.0])
    facts = facts_of(market, costs={"participation": 0.1})
    assert [row[0] for row in facts.adv] == [math.inf, math.inf, 30.0, 30.0, 30.0, 50.0]
    assert [row[0] for row in facts.room] == [math.inf, 3.0, math.inf, 5.0, 2.0, 5.0]


def test_age_counts_from_the_last_price() -> None:
    facts = facts_of(market_of([GONE, FLAT, GONE, GONE, FLAT], halted=[False] * 4 + [True]))
    assert [row[0] for row in facts.age] == [math.inf, 0.0, 1.0, 2.0, math.inf]


def test_an_estimated_spread_was_known_at_the_traded_bar_before() -> None:
    market = market_of([FLAT, GONE, FLAT, FLAT], spread=[np.nan, np.nan, np.nan, 0.004])
    rules = rules_of(costs={"spread": "estimated", "half_spread": 0.01})
    facts = Facts(market, rules, [[0.003], [0.5], [0.004], [0.005]])
    assert [row[0] for row in facts.half_spread] == [0.01, 0.01, 0.003, 0.002]


def test_execution_styles_are_three_numbers() -> None:
    assert style_numbers("open", 8, 1.0) == (0.0, 0.0, 1.0)
    assert style_numbers("vwap", 4, 1.0) == (0.0, 1.0, 0.5)
    assert style_numbers("twap", 4, 1.0) == pytest.approx((0.5, 0.0, 0.5))
    first = 1.0 - math.sinh(0.5) / math.sinh(1.0)
    drift, _, factor = style_numbers("almgren_chriss", 2, 1.0)
    assert drift == pytest.approx(0.25 * first + 0.75 * (1.0 - first))
    assert factor == pytest.approx(first**1.5 + (1.0 - first) ** 1.5)
