"""The best fixed weights grow at least as fast as all that they were chosen from."""

from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import Fixed, cash, equal_weight, single
from benbot.agents.evaluation import evaluate
from benbot.agents.hindsight import NAME, best_fixed_weights
from benbot.agents.oracle import School, mean_growth
from benbot.agents.roster import BASELINES, HINDSIGHT
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

SPAN, SETTINGS = Span(60, 160), EnvironmentSettings()


@pytest.fixture(scope="module")
def best(history: History) -> Fixed:
    return best_fixed_weights(history, SPAN, SETTINGS)


def growth(policy: Fixed, history: History) -> float:
    return evaluate(policy, history, SPAN, SETTINGS).annual_growth


def test_no_simple_choice_would_have_grown_faster(history: History, best: Fixed) -> None:
    layout = history.layout
    others = [cash(layout), equal_weight(layout), *(single(layout, k, "one") for k in range(3))]
    mine = growth(best, history)
    assert all(mine >= growth(other, history) - 1e-6 for other in others)
    assert best.chosen.sum() == pytest.approx(1.0)


def test_no_neighbour_would_have_grown_faster_by_much(history: History, best: Fixed) -> None:
    drawn = np.random.default_rng(0).dirichlet(np.ones(4), 60).astype(np.float32)
    assert growth(best, history) > max(growth(Fixed("one", w), history) for w in drawn) - 0.01


def test_no_price_after_the_span_changes_the_choice(history: History, best: Fixed) -> None:
    bars = history.tape.bars.copy()
    for name in ("open", "high", "low", "close"):
        bars[name][SPAN.last + 1 :] *= np.linspace(1.0, 3.0, bars.shape[0] - SPAN.last - 1)[:, None]
    other = replace(history, tape=history.tape._replace(bars=bars))
    np.testing.assert_array_equal(best_fixed_weights(other, SPAN, SETTINGS).chosen, best.chosen)


def test_a_school_that_ends_with_the_span_grows_as_the_span_is_traded(history: History) -> None:
    weights = np.array([0.2, 0.3, 0.4, 0.1], np.float32)
    school = School(history, np.ones((history.n_bars, 1)), SPAN.first, SETTINGS.ruin, SPAN.last)
    found = mean_growth([school], weights[None, None].astype(np.float64))[0]
    assert found == pytest.approx(growth(Fixed("one", weights), history), abs=1e-6)


def test_it_is_marked_as_hindsight_and_comes_last_of_what_is_traded_anyway() -> None:
    assert BASELINES[-1] == NAME
    assert set(HINDSIGHT) == {NAME, "oracle"}
