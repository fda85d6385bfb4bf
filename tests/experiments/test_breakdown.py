"""The tables of the report against records made by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import DECISION, TRADE
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.experiments.breakdown import (
    TradeGroup,
    VerdictGroup,
    decisions_by_verdict,
    growth_by_regime,
    trades_by_exit,
    trades_by_strategy,
)
from benbot.experiments.statistics import metrics

Maker = Callable[..., Evaluation]


def three_trades() -> np.ndarray:
    trades = np.zeros(3, TRADE)
    trades["strategy"] = [0, 1, 0]
    trades["reason"] = [Exit.STOP, Exit.TIME, Exit.STOP]
    trades["profit"] = [30.0, 100.0, -10.0]
    trades["costs"] = [1.0, 2.0, 3.0]
    trades["opened"], trades["closed"] = [0, 0, 10], [4, 7, 12]
    return trades


def test_trades_are_summed_by_strategy_over_all_seeds(make_evaluation: Maker) -> None:
    seeds = [make_evaluation([1.0, 1.0], trades=three_trades()) for _ in range(2)]
    assert trades_by_strategy(seeds) == [
        TradeGroup("reversion", 2, 1.0, pytest.approx(math.nan, nan_ok=True), 200.0, 4.0, 7.0),
        TradeGroup("trend", 4, 0.5, 3.0, 40.0, 8.0, 3.0),
    ]


def test_trades_are_grouped_by_the_reason_of_their_exit(make_evaluation: Maker) -> None:
    groups = trades_by_exit([make_evaluation([1.0, 1.0], trades=three_trades())])
    assert [(group.name, group.n_trades, group.profit) for group in groups] == [
        ("stop", 2, 20.0),
        ("time", 1, 100.0),
    ]


def test_decisions_say_what_was_wanted_and_what_was_allowed(make_evaluation: Maker) -> None:
    decisions = np.zeros(4, DECISION)
    decisions["verdict"] = [Verdict.PASSED, Verdict.CLIPPED, Verdict.PASSED, Verdict.DAILY_TRADES]
    decisions["wanted"] = [0.1, -0.1, -0.05, 0.1]
    decisions["allowed"] = [0.1, -0.04, -0.05, 0.0]
    groups = decisions_by_verdict([make_evaluation([1.0, 1.0], decisions=decisions)])
    assert groups == [
        VerdictGroup("passed", 2, 0.5, pytest.approx(0.15), pytest.approx(0.15)),
        VerdictGroup("clipped", 1, 0.25, pytest.approx(0.1), pytest.approx(0.04)),
        VerdictGroup("daily trades", 1, 0.25, pytest.approx(0.1), 0.0),
    ]


def test_a_bar_counts_for_the_regime_known_before_it(make_evaluation: Maker) -> None:
    # Two bars: the first follows a close in bull x low (6), the second one in bear x high (2).
    regime = np.array([6, 2, -1], np.int8)
    evaluation = make_evaluation([100.0, 110.0, 99.0], regime=regime, bars_per_year=10.0)
    bear, bull = growth_by_regime([evaluation])
    assert (bear.name, bear.share) == ("bear, high volatility", 0.5)
    assert bear.growth == pytest.approx(10 * math.log(0.9))
    assert (bull.name, bull.growth) == ("bull, low volatility", pytest.approx(10 * math.log(1.1)))


def test_the_regimes_together_earn_what_the_account_earned(walk: Maker) -> None:
    evaluation = walk(3)
    groups = growth_by_regime([evaluation])
    assert sum(group.share for group in groups) == pytest.approx(1.0)
    total = sum(group.share * group.growth for group in groups)
    assert total == pytest.approx(metrics(evaluation)["log_growth"])
    assert groups[-1].name == "unknown"


def test_the_groups_together_are_all_the_trades_and_decisions(walk: Maker) -> None:
    seeds = [walk(1), walk(2)]
    for groups in (trades_by_strategy(seeds), trades_by_exit(seeds)):
        assert sum(group.n_trades for group in groups) == 80
        profit = sum(one.trades["profit"].sum() for one in seeds)
        assert sum(group.profit for group in groups) == pytest.approx(profit)
    verdicts = decisions_by_verdict(seeds)
    assert sum(group.count for group in verdicts) == 180
    assert sum(group.share for group in verdicts) == pytest.approx(1.0)


def test_nothing_happened_gives_empty_tables(make_evaluation: Maker) -> None:
    quiet = [make_evaluation([1.0, 1.0])]
    for table in (trades_by_strategy, trades_by_exit, decisions_by_verdict):
        assert table(quiet) == table([]) == []
    assert growth_by_regime([]) == []
