"""The tables of the report against records made by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import DECISION
from benbot.envs.desk.reasons import Verdict
from benbot.experiments.report.breakdown import (
    VerdictGroup,
    decisions_by_verdict,
    growth_by_regime,
)
from benbot.experiments.verdict.statistics import metrics

Maker = Callable[..., Evaluation]


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


def test_the_groups_together_are_all_the_decisions(walk: Maker) -> None:
    seeds = [walk(1), walk(2)]
    verdicts = decisions_by_verdict(seeds)
    assert sum(group.count for group in verdicts) == 180
    assert sum(group.share for group in verdicts) == pytest.approx(1.0)


def test_nothing_happened_gives_empty_tables(make_evaluation: Maker) -> None:
    quiet = [make_evaluation([1.0, 1.0])]
    assert decisions_by_verdict(quiet) == decisions_by_verdict([]) == []
    assert growth_by_regime([]) == []
