"""Lessons are audited like everything else, and one that knows its trades too early is caught."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, prepare
from benbot.envs.market.market import Market
from benbot.experiments.audit.audit import Effort, examine
from benbot.experiments.audit.result import AuditResult, Probe
from benbot.strategies.hearing import collect
from benbot.strategies.learning.experience import Experience, live_through
from benbot.strategies.learning.lessons import learned
from benbot.strategies.learning.settings import LearningSettings
from tests.experiments.audit.audit_subjects import REGIME, RULES, leaking, subject_with

QUICK = {"refit": 5, "shrinkage": 5.0}
METHODS = ("calibration", "expected_value", "affinity", "stops")
ALL = LearningSettings.model_validate(dict.fromkeys((*METHODS, "news"), True) | QUICK)
DESK = DeskRules.model_validate({"exits": {"time_stop": 15}})
EFFORT = Effort(cuts=2, starts=1, orders=1)
EARLY = 30  # bars


def audited(market: Market, settings: LearningSettings, early: int, *parts: str) -> AuditResult:
    """Audit lessons whose trades are known `early` bars before they close; `parts` are declared."""

    def history(market: Market) -> History:
        whole = live_through(market, collect(RULES, market), DESK, REGIME)
        return prepare(market, learned(known_early(whole, early), settings), DESK, REGIME)

    subject = subject_with(history=history, learned=frozenset(parts))
    return examine(subject, market.until(250), EFFORT)


def known_early(whole: Experience, early: int) -> Experience:
    """Return the same with trades that seem to close bars before they do, after they opened."""
    trades = whole.trades.copy()
    trades["closed"] = np.maximum(trades["closed"] - early, trades["opened"])
    return replace(whole, trades=trades[np.argsort(trades["closed"], kind="stable")])


def test_all_lessons_together_leak_nothing(market: Market) -> None:
    result = audited(market, ALL, 0, *ALL.changes)
    assert [row.sentence for row in result.leaks] == []
    told = {row.text: row.memory for row in result.rows}
    assert "learned from" in told["signal/ma_crossover/confidence"]
    assert "learned from" in told["tape/stop"]
    assert told["signal/ma_crossover/direction"] == ""


def test_a_lesson_from_trades_that_are_still_open_is_caught(market: Market) -> None:
    affinity = LearningSettings.model_validate({"affinity": True, **QUICK})
    result = audited(market, affinity, EARLY, "confidence")
    leaks = leaking(result)
    assert {f"signal/{rule.name}/confidence" for rule in RULES} & leaks
    assert not {text for text in leaks if text.endswith(("/direction", "/evidence"))}
    assert {row.probe for row in result.leaks} <= {Probe.TRUNCATE, Probe.CHANGE}


def test_a_part_that_is_not_declared_as_learned_must_have_a_finite_memory(market: Market) -> None:
    result = audited(market, ALL, 0)
    assert "signal/ma_crossover/confidence" in leaking(result)
    assert {row.probe for row in result.leaks} == {Probe.START}


@pytest.mark.parametrize("method", METHODS)
def test_any_lesson_is_another_one_where_trades_are_known_too_early(
    market: Market, method: str
) -> None:
    settings, cut = LearningSettings.model_validate({method: True, **QUICK}), 200
    heard = []
    for known in (market, market.until(cut)):
        whole = live_through(known, collect(RULES, known), DESK, REGIME)
        heard.append(learned(known_early(whole, EARLY), settings))
    same = [
        np.array_equal(getattr(heard[0], name)[:cut], getattr(heard[1], name))
        for name in ("confidence", "stop_distance")
    ]
    # Second lives have their own ends, whatever the trades say of theirs.
    assert all(same) == (method == "stops")
