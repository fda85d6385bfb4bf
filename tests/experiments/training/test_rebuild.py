"""A report that is made again from a run's own files says what the first one said."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import UnknownName
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.training.rebuild import judge_again, rebuild_report
from benbot.experiments.verdict.statistics import metrics

SECTIONS = (
    "Where the profit came from",
    "What the refused trades would have earned",
    "If trading cost more, or less",
    "Exposures",
)


def test_the_page_is_the_same_but_for_who_wrote_it(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    out, said = tmp_path / "again.html", io.StringIO()
    rebuild_report(trained.id, workshop.runs, out, Console(file=said, width=200))
    assert str(out) in said.getvalue()
    first = (workshop.runs / trained.id / "report.html").read_text()
    again = out.read_text()
    assert all(section in first for section in SECTIONS)
    end = "<h2>Where it came from</h2>"
    assert again.partition(end)[0] == first.partition(end)[0]
    assert f"benbot report {trained.id} --rebuild" in again


def test_policies_judged_again_do_what_they_did(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    prepared = prepare_experiment(load_config(workshop.config))
    folder = workshop.runs / trained.id
    segment = judge_again(folder, prepared, "test", with_plan=False)
    assert sorted(segment.agents) == [0, 1]
    growth = np.mean([metrics(one)["log_growth"] for one in segment.agents.values()])
    tracked = workshop.tracker.find_run(trained.id).metrics
    assert growth == pytest.approx(tracked["test/log_growth"], rel=1e-9)


def test_a_run_whose_files_are_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="run must be the id of a run below"):
        rebuild_report("nothing", tmp_path, tmp_path / "page.html", Console(file=io.StringIO()))
