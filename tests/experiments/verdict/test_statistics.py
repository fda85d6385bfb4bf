"""The metrics against numbers worked out by hand, and the laws that they obey."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.ledger import FILL, TRADE
from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.statistics import (
    drawdown,
    growth_difference,
    log_returns,
    metrics,
    over_seeds,
    simple_returns,
)

Maker = Callable[..., Evaluation]
NAMES = [
    "total_return",
    "annual_return",
    "log_growth",
    "volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown",
    "win_rate",
    "profit_factor",
    "turnover",
    "exposure",
    "n_trades",
    "fees_paid",
    "slippage_bps",
]
COUNTS = {"n_trades", "fees_paid"}  # zero of these is a fact, not a lack of one
equities = arrays(np.float64, st.integers(2, 40), elements=st.floats(1.0, 1e6, allow_nan=False))


def test_up_ten_per_cent_then_down_ten_per_cent(make_evaluation: Maker) -> None:
    # returns +0.1 and -0.1, two bars a year: the two bars are one year
    measured = metrics(make_evaluation([100.0, 110.0, 99.0], bars_per_year=2.0))
    assert measured["total_return"] == pytest.approx(-0.01)
    assert measured["annual_return"] == pytest.approx(-0.01)
    assert measured["log_growth"] == pytest.approx(math.log(0.99))
    # mean 0, squared deviations 0.01 + 0.01 over n - 1 = 1, times two bars a year
    assert measured["volatility"] == pytest.approx(math.sqrt(0.02) * math.sqrt(2.0))
    assert measured["sharpe_ratio"] == pytest.approx(0.0, abs=1e-12)
    assert measured["max_drawdown"] == pytest.approx(0.1)
    assert measured["calmar_ratio"] == pytest.approx(-0.1)


def test_sharpe_and_sortino_of_three_bars(make_evaluation: Maker) -> None:
    # returns 0.10, -0.05, 0.04: mean 0.03, deviations 0.07, -0.08, 0.01
    measured = metrics(make_evaluation([100.0, 110.0, 104.5, 108.68], bars_per_year=12.0))
    deviation = math.sqrt((0.07**2 + 0.08**2 + 0.01**2) / 2)
    assert measured["sharpe_ratio"] == pytest.approx(0.03 / deviation * math.sqrt(12))
    assert measured["sortino_ratio"] == pytest.approx(0.03 / (0.05 / math.sqrt(3)) * math.sqrt(12))
    assert measured["annual_return"] == pytest.approx(1.0868**4 - 1)  # three months, four times


def test_trades_fills_turnover_and_exposure_by_hand(make_evaluation: Maker) -> None:
    trades = np.zeros(4, TRADE)
    trades["profit"] = [30.0, -10.0, 0.0, -5.0]
    fills = np.zeros(2, FILL)
    fills["units"], fills["price"], fills["cost"] = [10.0, -10.0], [100.0, 150.0], [1.0, 1.5]
    evaluation = make_evaluation(
        [100.0, 101.0, 102.0],
        trades=trades,
        fills=fills,
        turnover=np.array([0.1, 0.3]),
        exposure=np.array([0.0, 0.4, 0.8]),
    )
    measured = metrics(evaluation)
    assert measured["win_rate"] == pytest.approx(0.25)  # the trade that made nothing did not win
    assert measured["profit_factor"] == pytest.approx(2.0)
    assert measured["n_trades"] == 4.0
    assert measured["fees_paid"] == pytest.approx(2.5)
    assert measured["slippage_bps"] == pytest.approx(1e4 * 2.5 / 2500.0)
    assert measured["turnover"] == pytest.approx(0.2 * 252)
    assert measured["exposure"] == pytest.approx(0.6)  # the start, always flat, does not count


def test_the_names_are_those_that_are_tracked(make_evaluation: Maker) -> None:
    assert list(metrics(make_evaluation([1.0, 2.0]))) == NAMES


def test_without_bars_everything_but_the_counts_is_undefined(make_evaluation: Maker) -> None:
    for equity in ([], [100.0]):
        measured = metrics(make_evaluation(equity))
        assert {name for name, value in measured.items() if not math.isnan(value)} == COUNTS


def test_cash_has_no_ratios_and_no_risk(make_evaluation: Maker) -> None:
    measured = metrics(make_evaluation([100.0] * 50))
    assert measured["total_return"] == measured["volatility"] == measured["max_drawdown"] == 0.0
    for name in ("sharpe_ratio", "sortino_ratio", "calmar_ratio", "win_rate", "profit_factor"):
        assert math.isnan(measured[name]), name


def test_steady_growth_is_not_an_infinite_sharpe_ratio(make_evaluation: Maker) -> None:
    # The returns differ by rounding alone, so their deviation is 1e-17 and not exactly zero.
    measured = metrics(make_evaluation(100.0 * 1.001 ** np.arange(300)))
    assert math.isnan(measured["sharpe_ratio"])


def test_ruin_is_a_total_loss_and_not_a_missing_number(make_evaluation: Maker) -> None:
    for last in (0.0, -5.0):
        measured = metrics(make_evaluation([100.0, 50.0, last]))
        assert measured["annual_return"] == -1.0
        assert measured["log_growth"] == -math.inf
        assert measured["max_drawdown"] >= 1.0


def test_a_mark_that_is_not_a_number_is_not_hidden(make_evaluation: Maker) -> None:
    measured = metrics(make_evaluation([100.0, math.nan, 120.0]))
    for name in ("volatility", "sharpe_ratio", "sortino_ratio", "max_drawdown", "calmar_ratio"):
        assert math.isnan(measured[name]), name


@given(equity=equities)
def test_drawdown_lies_between_zero_and_one_and_vanishes_at_the_peak(equity: FloatArray) -> None:
    fall = drawdown(equity)
    assert ((fall >= 0.0) & (fall < 1.0)).all()
    assert fall[int(equity.argmax())] == 0.0


def test_a_later_peak_does_not_deepen_an_earlier_fall() -> None:
    fall = drawdown(np.array([100.0, 90.0, 200.0, 150.0]))
    np.testing.assert_allclose(fall, [0.0, 0.1, 0.0, 0.25])


@given(equity=equities, scale=st.floats(0.01, 100.0))
def test_the_size_of_the_account_changes_no_return(equity: FloatArray, scale: float) -> None:
    np.testing.assert_allclose(simple_returns(scale * equity), simple_returns(equity), atol=1e-9)
    np.testing.assert_allclose(log_returns(scale * equity), log_returns(equity), atol=1e-9)


@given(equity=equities)
def test_returns_compound_to_the_last_mark(equity: FloatArray) -> None:
    grown = equity[0] * np.prod(1.0 + simple_returns(equity))
    assert grown == pytest.approx(equity[-1], rel=1e-9)
    assert log_returns(equity).sum() == pytest.approx(np.log(equity[-1] / equity[0]), abs=1e-9)


def test_over_seeds_gives_mean_and_deviation() -> None:
    spread = over_seeds([{"sharpe_ratio": 1.0}, {"sharpe_ratio": 3.0}])["sharpe_ratio"]
    assert (spread.mean, spread.deviation) == (2.0, pytest.approx(math.sqrt(2.0)))
    alone = over_seeds([{"sharpe_ratio": 1.0}])["sharpe_ratio"]
    assert alone.mean == 1.0
    assert math.isnan(alone.deviation)


def test_one_undefined_seed_is_not_averaged_away() -> None:
    spread = over_seeds([{"sharpe_ratio": 1.0}, {"sharpe_ratio": math.nan}])["sharpe_ratio"]
    assert math.isnan(spread.mean)


def test_an_agent_that_is_the_baseline_differs_by_exactly_nothing(walk: Maker) -> None:
    difference = growth_difference([walk(1)], walk(1), seed=7)
    assert difference.mean == difference.low == difference.high == 0.0


def test_a_constant_lead_is_found_exactly_and_without_doubt(walk: Maker) -> None:
    baseline = walk(2)
    lead = np.exp(0.05 / 252 * np.arange(baseline.equity.size))
    agent = walk(2, equity=baseline.equity * lead)
    difference = growth_difference([agent], baseline, seed=7)
    assert difference.mean == pytest.approx(0.05)
    assert difference.low == pytest.approx(0.05)
    assert difference.high == pytest.approx(0.05)


def test_the_standard_error_of_independent_bars_is_the_textbook_one(walk: Maker) -> None:
    agent, baseline = walk(3, n_bars=2000), walk(4, n_bars=2000)
    per_bar = log_returns(agent.equity) - log_returns(baseline.equity)
    textbook = 252 * per_bar.std(ddof=1) / math.sqrt(per_bar.size)
    difference = growth_difference([agent], baseline, seed=7)
    assert difference.standard_error == pytest.approx(textbook, rel=0.15)
    assert difference.low < difference.mean < difference.high
    width = difference.high - difference.low
    assert width == pytest.approx(2 * 1.96 * difference.standard_error, rel=0.15)


def test_bars_that_move_together_widen_the_interval(walk: Maker) -> None:
    baseline, rng = walk(5, n_bars=2000), np.random.default_rng(5)
    noise = rng.normal(0.0, 0.002, 2000)
    momentum = np.zeros(2000)
    for t in range(1, 2000):
        momentum[t] = 0.8 * momentum[t - 1] + noise[t]
    agent = walk(5, n_bars=2000)
    path = np.exp(np.concatenate([[0.0], np.cumsum(momentum)]))
    agent = walk(5, n_bars=2000, equity=agent.equity * path)
    difference = growth_difference([agent], baseline, seed=7)
    naive = 252 * momentum.std(ddof=1) / math.sqrt(2000)
    # The long-run deviation of this process is 1 / (1 - 0.8) x sqrt(1 - 0.8^2) = 3 times as large.
    assert difference.block > 5.0
    assert difference.standard_error > 2.0 * naive


def test_the_same_seed_gives_the_same_interval_and_another_another(walk: Maker) -> None:
    first, again, other = (growth_difference([walk(6)], walk(7), seed=s) for s in (1, 1, 2))
    assert first == again
    assert first.low != other.low


def test_seeds_are_averaged_and_their_own_spread_is_told_apart(walk: Maker) -> None:
    baseline = walk(8)
    both = growth_difference([walk(9), walk(10)], baseline, seed=7)
    each = [growth_difference([walk(s)], baseline, seed=7).mean for s in (9, 10)]
    assert both.mean == pytest.approx(np.mean(each))
    assert both.seed_deviation == pytest.approx(np.std(each, ddof=1))


def test_too_few_bars_give_a_difference_but_no_interval(make_evaluation: Maker) -> None:
    agent, baseline = make_evaluation([100.0, 102.0]), make_evaluation([100.0, 101.0])
    difference = growth_difference([agent], baseline, seed=7)
    assert difference.mean == pytest.approx(252 * math.log(102 / 101))
    assert math.isnan(difference.low)
    assert math.isnan(difference.standard_error)


def test_a_ruined_account_makes_the_comparison_undefined(walk: Maker) -> None:
    equity = walk(1).equity.copy()
    equity[-1] = 0.0
    difference = growth_difference([walk(1, equity=equity)], walk(2), seed=7)
    assert math.isnan(difference.mean)
    assert math.isnan(difference.high)


def test_different_bars_are_refused_with_both_spans(walk: Maker) -> None:
    with pytest.raises(InvalidParameter, match=r"same bars on both sides.*601 marks.*301 marks"):
        growth_difference([walk(1)], walk(2, n_bars=300), seed=7)
    with pytest.raises(InvalidParameter, match="at least one evaluation of the agent"):
        growth_difference([], walk(2), seed=7)
