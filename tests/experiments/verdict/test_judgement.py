"""The printed table fits a terminal of 80 columns, whatever the numbers are."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.evaluation import Evaluation
from benbot.agents.roster import BASELINES
from benbot.experiments.config import load_config
from benbot.experiments.report.page import SegmentResult
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.verdict import judgement
from benbot.experiments.verdict.judgement import evaluate_baselines, results_table

Maker = Callable[..., Evaluation]
MOST_OF_IT = 18  # characters of a name; they tell all of them apart


def printed(segment: SegmentResult) -> list[str]:
    page = io.StringIO()
    Console(file=page, width=80).print(results_table(segment))
    return page.getvalue().splitlines()


def test_every_name_and_number_fits_into_eighty_columns(walk: Maker) -> None:
    assert len({name[:MOST_OF_IT] for name in BASELINES}) == len(BASELINES)
    baselines = tuple(walk(i, name=name) for i, name in enumerate(BASELINES))
    lines = printed(SegmentResult("test", {0: walk(50), 1: walk(51)}, baselines))
    assert max(len(line) for line in lines) <= 80
    for name in BASELINES:
        assert any(line.strip().startswith(name[:MOST_OF_IT]) for line in lines), name


def test_a_number_is_never_cut_to_make_room_for_a_name(walk: Maker) -> None:
    base = walk(1)
    wild = np.exp(-8.0 * np.linspace(0.0, 1.0, base.equity.size))
    baselines = (walk(2, name="exponentiated_gradient", equity=base.equity * wild),)
    lines = printed(SegmentResult("test", {0: base}, baselines))
    row = next(line for line in lines if "expon" in line)
    assert row.rstrip().endswith("]")
    assert row.count("%") == 3


def test_what_a_baseline_chooses_it_chooses_before_what_it_is_judged_on(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = prepare_experiment(load_config(workshop.config, ("baselines=[best_single]",)))
    monkeypatch.setattr(judgement, "evaluate_baseline", lambda *given: given)
    spans = prepared.spans
    for judged, chosen in (("test", "valid"), ("valid", "fit"), ("fit", "fit")):
        ((_, _, span, before, _),) = evaluate_baselines(prepared, spans[judged])
        assert (span, before) == (spans[judged], spans[chosen])


def test_that_valid_chose_the_agent_is_said_where_valid_is_shown(walk: Maker) -> None:
    def shown(name: str) -> str:
        return " ".join(" ".join(printed(SegmentResult(name, {0: walk(1)}, ()))).split())

    said = "the agent's policy was chosen on these very bars"
    assert said in shown("valid")
    assert said in shown("valid fold 1")
    assert said not in shown("test")
    assert "of resampled time alone; the verdict's has the chance of training, too" in shown("test")
