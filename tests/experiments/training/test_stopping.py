"""A seed that was out of patience says so in its run and on the console."""

import io
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.training import Progress, Trained
from benbot.experiments.config import load_config
from benbot.experiments.progress import Display
from benbot.experiments.tracking.tracker import Run
from benbot.experiments.training import pupil
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixture
from benbot.experiments.training.pupil import STOPPED, Pupil
from benbot.experiments.training.teacher import Begun
from benbot.experiments.verdict.seal import Seal


@pytest.mark.parametrize("unused", [0, 512])
def test_what_was_left_unused_is_in_the_run_and_was_said(
    unused: int,
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pupil, "save_bundle", lambda *parts: None)
    monkeypatch.setattr(pupil, "policy_digest", lambda policy: "0" * 16)
    monkeypatch.setattr(Run, "log_artifacts", lambda *parts: None)
    said = io.StringIO()
    prepared = SimpleNamespace(config=load_config(workshop.config), history=None)
    fold = Fold(0, {"fit": None, "valid": None})  # type: ignore[dict-item]
    with workshop.tracker.start_run("seed 0") as run:
        training: Any = SimpleNamespace(
            prepared=prepared,
            display=Display(Console(file=said)),
            folder=tmp_path,
            parent=run,
            mixtures=SimpleNamespace(of=lambda fold: Mixture()),
            seal=Seal(),
            judged=(),
            child=lambda *labels: nullcontext(run),
            provenance=SimpleNamespace(versions={}, config_digest="0" * 16),
        )
        monkeypatch.setattr(Pupil, "_expectations", lambda self: None)
        one = Pupil(training, 0, fold)
        one.hear(Begun())
        figures = {"train/learning_rate": 0.1, "valid/log_growth": 0.1}
        one.hear(Progress(1536, 2048, 0.1, figures))
        one.finish(Trained(None, 0.1, 512, 2048 - unused, unused))  # type: ignore[arg-type]
    assert run.metrics["chosen_at_step"] == 512
    assert run.metrics["train/learning_rate"] == 0.1
    if unused:
        assert run.tags[STOPPED] == "at step 1536"
        assert (run.metrics["stopped_at_step"], run.metrics["unused_steps"]) == (1536, 512)
        assert "stopped at step 1,536, nothing better on valid since 512; 512 steps are" in (
            said.getvalue()
        )
    else:
        assert STOPPED not in run.tags
        assert "unused_steps" not in run.metrics
        assert "stopped" not in said.getvalue()
