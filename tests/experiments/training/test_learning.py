"""An agent finds an edge that is there, and none where there is none."""

from pathlib import Path

import pytest

from benbot.agents.baselines import equal_weight
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Lesson
from benbot.agents.training import train
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.verdict.statistics import GrowthDifference, growth_difference

# The slice has wilder symbols, so that a third of the history shows as much; seeds of its own.
SLICE = (
    "market.seed=21",
    "market.n_bars=12000",
    "market.idiosyncratic_volatility=0.45",
    "segments.fit.end=1929-12-31",
    "segments.valid={start: 1930-01-01, end: 1933-12-31}",
    "segments.test={start: 1934-01-01, end: 1945-12-31}",
    "agent.total_steps=400000",
)
WHOLE = ("market.seed=22",)
SIZES = [
    pytest.param(SLICE, id="slice"),
    pytest.param(WHOLE, id="whole", marks=pytest.mark.nightly),
]


def against_equal_weight(config: str, changes: tuple[str, ...], folder: Path) -> GrowthDifference:
    """Train one seed and return how much faster than equal weight it grows on `test`."""
    prepared = prepare_experiment(load_config(config, changes))
    history, spans, settings = prepared.history, prepared.spans, prepared.config.environment
    fit, valid, test = (spans[name] for name in ("fit", "valid", "test"))
    lesson = Lesson(history, fit, valid, settings, prepared.config.agent, seed=5)
    policy = train(lesson, folder / "checkpoint", lambda progress: None).policy
    agent = evaluate(policy, history, test, settings)
    baseline = evaluate(equal_weight(history.layout), history, test, settings)
    return growth_difference([agent], baseline, seed=0)


@pytest.mark.parametrize("changes", SIZES)
def test_a_planted_edge_is_found(changes: tuple[str, ...], tmp_path: Path) -> None:
    found = against_equal_weight("synthetic_planted", changes, tmp_path)
    assert found.low > 0.0
    assert found.mean > 0.03


@pytest.mark.nightly
@pytest.mark.parametrize("changes", [SLICE, WHOLE], ids=["slice", "whole"])
def test_where_there_is_no_edge_none_is_found(changes: tuple[str, ...], tmp_path: Path) -> None:
    found = against_equal_weight("synthetic_no_edge", changes, tmp_path)
    assert found.low < 0.0 < found.high
