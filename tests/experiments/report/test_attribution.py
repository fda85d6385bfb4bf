"""Every split of the profit sums to what the accounts gained, to the cent and beyond."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import Random
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.envs.desk.ledger import TRADE
from benbot.envs.desk.reasons import Exit
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.report.attribution import (
    KEYS,
    STILL_OPEN,
    Contribution,
    attribution,
    gain,
    total,
)

Maker = Callable[..., Evaluation]
SPAN = Span(40, 290)


def run(history: History, seed: int = 0, ruin: float = 0.0) -> Evaluation:
    return evaluate(Random(history.layout, seed), history, SPAN, EnvironmentSettings(ruin=ruin))


@pytest.mark.parametrize("key", KEYS)
def test_every_split_sums_to_the_gain_of_the_account(eventful: History, key: str) -> None:
    seeds = [run(eventful, seed) for seed in (0, 1)]
    trades = np.concatenate([one.trades for one in seeds])
    assert (trades["income"] != 0.0).any()
    assert set(np.unique(trades["side"])) == {-1, 1}
    assert all(one.open_trades.size for one in seeds)
    rows = attribution(seeds, key)
    assert len(rows) > 2
    tolerance = 1e-9 * eventful.rules.capital
    assert sum(row.profit for row in rows) == pytest.approx(gain(seeds), abs=tolerance)
    assert total(seeds).profit == pytest.approx(gain(seeds), abs=tolerance)
    left = seeds[0].equity[-1] + seeds[1].equity[-1]
    assert gain(seeds) == pytest.approx(left - 2.0 * eventful.rules.capital, abs=tolerance)


def test_a_ruined_account_is_explained_to_the_bar_in_which_it_stopped(eventful: History) -> None:
    ruined = run(eventful, seed=2, ruin=0.99)
    assert (ruined.equity[-50:] == ruined.equity[-1]).all()
    assert ruined.equity[-1] <= 0.99 * eventful.rules.capital
    assert ruined.open_trades.size
    (earned,) = {round(sum(row.profit for row in attribution([ruined], key)), 4) for key in KEYS}
    assert earned == pytest.approx(ruined.equity[-1] - ruined.equity[0], abs=1e-4)


def test_what_is_open_is_valued_at_the_last_mark_less_its_costs_so_far(eventful: History) -> None:
    one = run(eventful)
    for trade in one.open_trades:
        assert trade["reason"] == Exit.NONE
        assert trade["closed"] == SPAN.last
        assert trade["costs"] > 0.0
    rows = {row.name: row for row in attribution([one], "reason")}
    left = rows[STILL_OPEN]
    assert (left.n_trades, left.n_open) == (0, one.open_trades.size)
    assert left.profit == left.of_open == pytest.approx(one.open_trades["profit"].sum())


def test_costs_are_those_of_fills_and_of_borrowing(eventful: History) -> None:
    one = run(eventful)
    everything = total([one])
    assert everything.costs > one.fills["cost"].sum()
    income = one.trades["income"].sum() + one.open_trades["income"].sum()
    assert everything.income == pytest.approx(income, rel=1e-12)


def test_rows_say_who_won_how_often_and_for_how_long(make_evaluation: Maker) -> None:
    trades = np.zeros(3, TRADE)
    trades["strategy"] = [0, 1, 0]
    trades["reason"] = [Exit.STOP, Exit.TIME, Exit.STOP]
    trades["profit"], trades["costs"] = [30.0, 100.0, -10.0], [1.0, 2.0, 3.0]
    trades["opened"], trades["closed"] = [0, 0, 10], [4, 7, 12]
    left = np.zeros(1, TRADE)
    left["profit"], left["strategy"], left["income"] = 7.0, 1, 0.5
    seeds = [make_evaluation([1.0, 1.0], trades=trades, open_trades=left)]
    nan = pytest.approx(math.nan, nan_ok=True)
    assert attribution(seeds, "strategy") == [
        Contribution("reversion", 1, 1.0, nan, 7.0, 1, 7.0, 2.0, 0.5, 107.0),
        Contribution("trend", 2, 0.5, 3.0, 3.0, 0, 0.0, 4.0, 0.0, 20.0),
    ]
    names = [row.name for row in attribution(seeds, "reason")]
    assert names == ["time", "stop", STILL_OPEN]


def test_an_account_that_never_traded_has_no_rows(make_evaluation: Maker) -> None:
    quiet = [make_evaluation([1.0, 1.0])]
    for key in KEYS:
        assert attribution(quiet, key) == []
    assert (total(quiet).profit, gain(quiet)) == (0.0, 0.0)
    assert gain([replace(quiet[0], equity=np.array([1.0, 3.0]))]) == 2.0
