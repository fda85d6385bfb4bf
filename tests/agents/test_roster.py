"""Every baseline trades by the name under which a configuration knows it."""

import pytest

from benbot.agents.roster import BASELINES, evaluate_baseline
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_trades_the_span_under_its_name(history: History, name: str) -> None:
    span = Span(60, 110)
    traded = evaluate_baseline(name, history, span, Span(30, 55), EnvironmentSettings())
    assert traded.name == name
    assert traded.equity.size == span.n_decisions + 1
