"""What gates refused is counted by hand, and earns what the trade itself would have earned."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.desk.ledger import DECISION
from benbot.envs.desk.reasons import Verdict
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.report.refusals import (
    REFUSAL,
    all_refusals,
    clustered_error,
    effect_of,
    gate_effects,
    occasions,
    refusals_of,
)

Maker = Callable[..., Evaluation]
SPAN = Span(40, 290)
FREE = EnvironmentSettings(ruin=0.0)


def gated(history: History, **limits: float) -> Evaluation:
    """Return what equal weight did under other limits than the history's."""
    rules = history.rules.without_breakers()
    still = rules.sizing.model_copy(update={"no_trade_band": np.inf})
    changed = rules.model_copy(
        update={"sizing": still, "limits": rules.limits.model_copy(update=limits)}
    )
    return evaluate(equal_weight(history.layout), replace(history, rules=changed), SPAN, FREE)


def test_an_account_that_may_not_trade_would_have_earned_what_its_first_trade_earns(
    eventful: History,
) -> None:
    barred, free = gated(eventful, daily_trades=0), gated(eventful)
    assert not barred.fills.size
    own = refusals_of([barred], eventful)
    assert set(own["gate"]) <= {Verdict.DAILY_TRADES, Verdict.UNKNOWN_REGIME}
    trade = free.trades[free.trades["opened"] == free.trades["opened"].min()][0]
    same = (own["bar"] == trade["opened"] - 1) & (own["symbol"] == trade["symbol"])
    (refusal,) = own[same & (own["strategy"] == trade["strategy"])]
    assert refusal["profit"] * barred.equity[0] == pytest.approx(trade["profit"], abs=1e-6)
    assert refusal["notional"] * barred.equity[0] == pytest.approx(trade["notional"])


def test_every_decision_that_was_not_passed_is_in_one_row(eventful: History) -> None:
    seeds = [gated(eventful), gated(eventful, gross=0.2)]
    decisions = np.concatenate([one.decisions for one in seeds])
    rows = gate_effects(seeds, eventful)
    both = [row.refused + row.clipped for row in rows]
    assert sum(both) == (decisions["verdict"] != Verdict.PASSED).sum()
    assert sum(row.clipped for row in rows) == (decisions["verdict"] == Verdict.CLIPPED).sum() > 0
    assert both == sorted(both, reverse=True)
    everything = all_refusals(seeds, eventful)
    assert everything.refused + everything.clipped == sum(both)
    assert everything.profit == pytest.approx(sum(row.profit for row in rows))
    assert everything.exposure == pytest.approx(sum(row.exposure for row in rows))
    assert {"gross", "capacity"} & {row.name for row in rows}


def test_what_could_not_be_filled_is_counted_and_earns_nothing(
    eventful: History, make_evaluation: Maker
) -> None:
    decisions = np.zeros(2, DECISION)
    decisions["bar"], decisions["symbol"] = [205, 50], 2  # it is gone from bar 200 on
    decisions["wanted"], decisions["verdict"] = 0.1, [Verdict.NOT_TRADABLE, Verdict.STRESS]
    one = make_evaluation(np.full(291, 1e5), decisions=decisions)
    gone, stressed = sorted(gate_effects([one], eventful), key=lambda row: row.name)
    assert (gone.name, gone.refused, gone.unfilled, gone.profit) == ("not tradable", 1, 1, 0.0)
    assert math.isnan(gone.mean_return)
    assert math.isnan(gone.win_rate)
    assert (stressed.name, stressed.unfilled) == ("stress", 0)
    assert stressed.profit != 0.0


def test_an_enlargement_is_counted_and_not_traded(
    eventful: History, make_evaluation: Maker
) -> None:
    decisions = np.zeros(2, DECISION)
    decisions["bar"], decisions["wanted"], decisions["verdict"] = 50, 0.1, Verdict.SECTOR
    decisions["enlarges"] = [1, 0]
    one = make_evaluation(np.full(291, 1e5), decisions=decisions)
    (row,) = gate_effects([one], eventful)
    assert (row.refused, row.enlargements, row.unfilled, row.occasions) == (2, 1, 0, 1)
    assert row.exposure == pytest.approx(0.1)


def refusals(n: int) -> np.ndarray:
    rows = np.zeros(n, REFUSAL)
    rows["wanted"], rows["notional"] = 0.1, 0.1
    return rows


def test_the_numbers_of_a_row_are_those_of_its_trades() -> None:
    rows = refusals(4)
    rows["allowed"] = [0.0, 0.0, 0.04, 0.0]
    rows["profit"] = [0.01, -0.02, 0.03, 0.0]
    rows["notional"][3] = 0.0
    rows["month"] = [1, 1, 2, 2]
    row = effect_of("gross", rows)
    assert (row.refused, row.clipped, row.unfilled) == (3, 1, 1)
    assert row.exposure == pytest.approx(0.36)
    assert row.profit == pytest.approx(0.02)
    assert row.mean_return == pytest.approx(0.2 / 3.0)
    assert row.win_rate == pytest.approx(2.0 / 3.0)
    # Months deviate by -0.1 - 2/3 x 0.2 = -0.2333 and +0.2333 from what they should sum to.
    assert row.standard_error == pytest.approx(math.sqrt(2.0 * 2.0 * 0.23333333**2) / 3.0)


def test_an_occasion_ends_where_a_bar_passes_without_a_refusal() -> None:
    rows = refusals(7)
    rows["bar"] = [5, 3, 4, 7, 3, 3, 3]
    rows["symbol"] = [0, 0, 0, 0, 1, 0, 0]
    rows["strategy"] = [0, 0, 0, 0, 0, 1, 0]
    rows["seed"] = [0, 0, 0, 0, 0, 0, 1]
    assert occasions(rows) == 5  # bars 3 to 5, bar 7, another symbol, strategy, seed
    assert occasions(refusals(0)) == 0


def test_the_error_of_a_mean_is_the_usual_one_where_every_draw_is_its_own() -> None:
    values = np.random.default_rng(0).normal(size=50)
    usual = values.std(ddof=1) / math.sqrt(50)
    assert clustered_error(values, np.arange(50)) == pytest.approx(usual)
    thrice = np.repeat(values, 3)
    assert clustered_error(thrice, np.repeat(np.arange(50), 3)) == pytest.approx(usual)
    assert math.isnan(clustered_error(values, np.zeros(50, np.int64)))
    assert math.isnan(clustered_error(values[:0], np.zeros(0, np.int64)))


def test_nobody_refused_has_no_rows(eventful: History, make_evaluation: Maker) -> None:
    assert gate_effects([make_evaluation([1.0, 1.0])], eventful) == []
