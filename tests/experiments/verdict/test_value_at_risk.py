"""Forecasts of the desk's value at risk against what was lost, on numbers made by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import HOLDING, Evaluation, evaluate
from benbot.envs.desk.risk import portfolio_var
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.verdict.exceedances import conditional_coverage, coverage, independence
from benbot.experiments.verdict.value_at_risk import (
    LEVEL,
    Forecasts,
    _tested,
    back_tests,
    forecasts,
)

SPAN = Span(60, 290)
NORMAL_95 = 1.6448536269514722


@pytest.fixture(scope="module")
def traded(eventful: History) -> Evaluation:
    policy = equal_weight(eventful.layout)
    return evaluate(policy, eventful, SPAN, EnvironmentSettings(ruin=0.0))


def holding(mark: int, symbol: int, worth: float) -> tuple[int, int, int, float]:
    return (SPAN.first + mark, symbol, 0, worth)


def only(traded: Evaluation, *held: tuple[int, int, int, float], **changed: Any) -> Evaluation:  # noqa: ANN401
    """Return an account of the same bars that held nothing else."""
    return replace(traded, holdings=np.array(list(held), HOLDING), **changed)


def test_one_position_by_hand(eventful: History, traded: Evaluation) -> None:
    mark, symbol = 40, 3
    bar = SPAN.first + mark
    equity = traded.equity.copy()
    equity[mark], equity[mark + 1] = 100.0, 97.0
    found = forecasts(only(traded, holding(mark, symbol, -0.4), equity=equity), eventful)
    row = eventful.tape.calendar["risk_row"][bar]
    deviation = np.sqrt(eventful.tape.covariance[row, symbol, symbol])
    assert found.at_risk == pytest.approx([0.4 * NORMAL_95 * deviation])
    assert found.losses["account"] == pytest.approx([0.03])
    close = eventful.market.close[:, symbol]
    assert found.losses["held"] == pytest.approx([0.4 * (close[bar + 1] / close[bar] - 1.0)])
    assert (found.number.tolist(), found.n_ends) == ([mark], SPAN.n_decisions)


def test_it_is_the_value_at_risk_of_the_gate(eventful: History, traded: Evaluation) -> None:
    """The covariance is that of the close: nothing of the session whose loss is forecast."""
    found = forecasts(traded, eventful)
    held = traded.holdings
    for i in (0, found.made.size // 2, found.made.size - 1):
        mark = int(np.flatnonzero(traded.timestamps == found.made[i])[0])
        own = held[held["bar"] == SPAN.first + mark]
        exposures = np.zeros(6)
        np.add.at(exposures, own["symbol"], own["worth"])
        row = eventful.tape.calendar["risk_row"][SPAN.first + mark]
        expected = portfolio_var(exposures, eventful.tape.covariance[row], LEVEL)
        assert found.at_risk[i] == pytest.approx(expected, rel=1e-6)


def test_no_forecast_knows_what_comes(eventful: History, traded: Evaluation) -> None:
    """Other holdings, prices and covariances after a mark leave the forecasts up to it alone."""
    mark = 120
    bar = SPAN.first + mark
    tape, market = eventful.tape, eventful.market
    covariance = tape.covariance.copy()
    covariance[tape.calendar["risk_row"][bar] + 1 :] *= 9.0
    later = traded.holdings.copy()
    later["worth"][later["bar"] > bar] *= 3.0
    close = market.close.copy()
    close[bar + 1 :] *= 0.5
    changed = replace(
        eventful,
        tape=tape._replace(covariance=covariance),
        market=replace(market, open=close, high=close, low=close, close=close),
    )
    first, second = (
        forecasts(traded, eventful),
        forecasts(replace(traded, holdings=later), changed),
    )
    known = int((first.made <= traded.timestamps[mark]).sum())
    assert known > 50
    np.testing.assert_array_equal(first.at_risk[:known], second.at_risk[:known])
    assert not np.array_equal(first.at_risk[known:], second.at_risk[known:])


def test_a_session_without_positions_has_no_forecast(eventful: History, traded: Evaluation) -> None:
    found = forecasts(only(traded, holding(7, 0, 0.2), holding(9, 1, 0.1)), eventful)
    assert found.number.tolist() == [7, 9]
    [account, _] = back_tests({0: only(traded)}, eventful)
    assert (account.n_sessions, account.without) == (0, SPAN.n_decisions)
    assert np.isnan([account.coverage, account.independence, account.conditional]).all()


def test_within_the_day_the_horizon_is_a_session(eventful: History, traded: Evaluation) -> None:
    """Three bars a session: a forecast where one ends, a loss until the next one ends."""
    days = np.arange(eventful.n_bars) // 3
    within = replace(eventful, market=replace(eventful.market, session=days))
    found = forecasts(traded, within)
    marks = np.flatnonzero(np.isin(traded.timestamps, found.made))
    assert (days[traded.bars[marks]] != days[traded.bars[marks] + 1]).all()
    lost = 1.0 - traded.equity[np.minimum(marks + 3, traded.equity.size - 1)] / traded.equity[marks]
    np.testing.assert_allclose(found.losses["account"], lost)


def made(exceeded: list[int], number: list[int] | None = None) -> Forecasts:
    n = len(exceeded)
    days = np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(1, "D")
    numbers = np.arange(n) if number is None else np.array(number)
    losses = {kind: np.array(exceeded) * 0.02 for kind in ("account", "held")}
    return Forecasts(days, numbers, np.full(n, 0.01), losses, int(numbers[-1]) + 1)


def test_the_tests_are_those_of_the_counts() -> None:
    exceeded = ([0] * 19 + [1]) * 10
    found = _tested("account", 3, made(exceeded))
    flags = np.array(exceeded, bool)
    assert (found.n_sessions, found.n_exceeded, found.without) == (200, 10, 0)
    assert found.expected == pytest.approx(10.0)
    assert found.coverage == pytest.approx(coverage(10, 200, 0.05).p_value)
    assert found.independence == pytest.approx(independence(flags).p_value)
    assert found.conditional == pytest.approx(conditional_coverage(flags, 0.05).p_value)


def test_what_lies_on_both_sides_of_a_gap_is_no_pair() -> None:
    """Exceedances come in twos, always with sessions without positions between the two."""
    twos = [1, 1, *[0] * 18] * 20
    together = _tested("account", 0, made(twos))
    apart = _tested("account", 0, made(twos, [i + 5 * ((i + 19) // 20) for i in range(len(twos))]))
    assert together.independence < 1e-6
    assert apart.independence > 0.01
    assert apart.coverage == together.coverage
    assert apart.without == together.without + 5 * 20


def test_a_forecast_that_could_not_be_made_is_left_out() -> None:
    unknown = made([0, 1, 0, 1])
    unknown.at_risk[1] = np.nan
    found = _tested("account", 0, unknown)
    assert (found.n_sessions, found.n_exceeded, found.without) == (3, 1, 1)


def test_every_seed_has_both_kinds_of_loss(eventful: History, traded: Evaluation) -> None:
    found = back_tests({4: traded, 9: traded}, eventful)
    assert [(one.loss, one.seed) for one in found] == [
        ("account", 4),
        ("account", 9),
        ("held", 4),
        ("held", 9),
    ]
    assert all(one.n_sessions + one.without == SPAN.n_decisions for one in found)
    assert found[2].n_exceeded > 0
