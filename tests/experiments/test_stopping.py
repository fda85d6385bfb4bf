"""A seed that was out of patience says so in its run and on the console."""

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.learner import Lesson
from benbot.agents.training import Listener, Progress, Trained
from benbot.experiments import seeds
from benbot.experiments.config import load_config
from benbot.experiments.folds import Fold
from benbot.experiments.progress import Display
from benbot.experiments.pupil import STOPPED


@pytest.mark.parametrize("unused", [0, 512])
def test_what_was_left_unused_is_in_the_run_and_was_said(
    unused: int,
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def train(lesson: Lesson, checkpoint: Path, listener: Listener) -> Trained:
        listener(Progress(1536, 2048, 0.1, {"train/learning_rate": 0.1, "valid/log_growth": 0.1}))
        return Trained(None, 0.1, 512, 2048 - unused, unused)  # type: ignore[arg-type]

    monkeypatch.setattr(seeds, "train", train)
    said = io.StringIO()
    prepared = SimpleNamespace(config=load_config(workshop.config), history=None)
    training: Any = SimpleNamespace(
        prepared=prepared, display=Display(Console(file=said)), folder=tmp_path
    )
    fold = Fold(0, {"fit": None, "valid": None})  # type: ignore[dict-item]
    with workshop.tracker.start_run("seed 0") as run:
        seeds._train(training, run, 0, fold)
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
