"""While `test` is sealed, nothing that is told is of a bar on which any fold will be judged."""

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.experiments.config import load_config
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.training.review import Question, evaluate_again
from benbot.experiments.verdict.opening import SEAL_FILE
from benbot.experiments.verdict.seal import Seal, seal_over

pytestmark = pytest.mark.usefixtures("quick_audit")

FOLDS = (
    "segments=null",
    "folds={n: 2, fit_bars: 300, valid_bars: 120, test_bars: 150, embargo_bars: 5}",
    "agent.total_steps=1024",  # with episodes of 60 bars, so that some of them end
    "seeds=[0]",
    "baselines=[cash]",
    "name=sealed walk",
)
FIRST = Fold(1, {"fit": Span(0, 50), "valid": Span(55, 95), "test": Span(100, 150)})
SECOND = Fold(2, {"fit": Span(50, 100), "valid": Span(105, 145), "test": Span(150, 200)})
SEAL = Seal((100, 200))


@dataclass(frozen=True)
class Walk:
    """A sealed training in two folds: what it said, and what the store and the files then had."""

    id: str
    folder: Path
    said: str
    prepared: Prepared
    metrics: dict[str, dict[str, float]]
    drawn: dict[str, str]  # TensorBoard's files of each fold


@pytest.fixture(scope="module")
def walk(workshop: Any) -> Walk:  # noqa: ANN401
    said = workshop.train(*FOLDS, sealed=True)
    run_id = said.partition("Run       ")[2].split()[0]
    folder = workshop.runs / run_id
    curves = {
        path.name: b"".join(file.read_bytes() for file in path.glob("seed-0/tensorboard/*"))
        for path in folder.glob("fold-*")
    }
    return Walk(
        run_id,
        folder,
        said,
        prepare_experiment(load_config(workshop.config, FOLDS)),
        {name: child.metrics for name, child in workshop.children(run_id).items()},
        {name: content.decode("latin-1") for name, content in curves.items()},
    )


def asked(walk: Walk, workshop: Any, segment: str, run: str = "", config: Any = None) -> str:  # noqa: ANN401
    page = io.StringIO()
    question = Question(run or walk.id, config, segment)
    evaluate_again(question, workshop.runs, Console(file=page, width=100))
    return page.getvalue()


def is_before_test(shown: str, prepared: Prepared) -> bool:
    """Return whether all stretches that are named lie before the first bar that is judged."""
    stretches = re.findall(r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)", shown)
    assert stretches
    first = prepared.market.days[prepared.folds[0].spans["test"].first]
    return all(np.datetime64(last) < first for _, last in stretches)


def test_what_lies_within_the_test_of_an_earlier_fold_is_hidden() -> None:
    assert SEAL.seen(FIRST, ("fit", "valid", "test")) == ("fit", "valid")
    assert SEAL.seen(SECOND, ("fit", "valid", "test")) == ()  # its fit ends with the first bar
    assert SEAL.newest_seen((FIRST, SECOND), "valid") is FIRST
    assert SEAL.newest_seen((SECOND,), "valid") is None
    assert Seal().seen(SECOND, ("fit", "valid", "test")) == ("fit", "valid", "test")
    assert not SEAL.hides(Span(40, 99))
    assert SEAL.hides(Span(200, 210))
    assert not SEAL.hides(Span(201, 210))


def test_an_update_tells_what_the_learner_is_and_not_what_it_earned() -> None:
    figures = {"train/loss": 1.0, "fit/episode_reward": 2.0, "valid/log_growth": 3.0, "time/x": 4.0}
    assert SEAL.figures(SECOND, figures) == {"train/loss": 1.0}
    assert SEAL.figures(FIRST, figures) == {k: v for k, v in figures.items() if k != "time/x"}
    assert Seal().figures(SECOND, figures) == figures
    assert SEAL.note(FIRST, 0.05) == Seal().note(SECOND, 0.05) == "best on valid +5.00% a year"
    assert SEAL.note(SECOND, 0.05) == "valid is sealed"


def test_the_only_stretch_there_is_shows_its_valid(workshop: Any) -> None:  # noqa: ANN401
    prepared = prepare_experiment(load_config(workshop.config))
    seal = seal_over(prepared)
    assert seal.seen(prepared.stretches[0], ("fit", "valid", "test")) == ("fit", "valid")


def test_a_sealed_walk_prints_and_logs_nothing_of_the_bars_that_are_judged(walk: Walk) -> None:
    first, second = walk.metrics["seed 0 fold 1"], walk.metrics["seed 0 fold 2"]
    own = ("fit/episode_reward", "valid/log_growth", "train/valid_log_growth", "train/loss")
    assert set(own) <= set(first)
    assert "train/loss" in second
    assert not any(name.startswith(("fit/", "valid/", "test/")) for name in second)
    assert "train/valid_log_growth" not in second
    assert all(name in walk.drawn["fold-1"] for name in own if name != "valid/log_growth")
    assert "train/loss" in walk.drawn["fold-2"]
    assert not any(name in walk.drawn["fold-2"] for name in own[:3])
    assert set(walk.metrics) == {"seed 0 fold 1", "seed 0 fold 2"}
    assert "valid fold 1, " in walk.said
    assert is_before_test(walk.said, walk.prepared)


def test_a_sealed_walk_is_asked_only_for_bars_before_those_that_are_judged(
    walk: Walk,
    workshop: Any,  # noqa: ANN401
) -> None:
    assert is_before_test(asked(walk, workshop, "valid"), walk.prepared)
    assert is_before_test(asked(walk, workshop, "fit"), walk.prepared)
    bundle = str(walk.folder / "fold-2" / "seed-0" / "bundle")
    assert is_before_test(asked(walk, workshop, "valid", bundle), walk.prepared)
    with pytest.raises(RunMismatch, match="is sealed, results on it were asked for by --segment t"):
        asked(walk, workshop, "test")


def test_another_configuration_does_not_look_behind_the_seal(
    walk: Walk,
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    other = tmp_path / "other.yaml"
    later = "{valid: {end: 2005-01-31}, test: {start: 2005-02-01}}"
    other.write_text(f"extends: {workshop.config}\nsegments: {later}\n")
    bundle = str(walk.folder / "fold-1" / "seed-0" / "bundle")
    with pytest.raises(RunMismatch, match=r"is sealed.* asked for by --segment valid"):
        asked(walk, workshop, "valid", bundle, str(other))
    assert "fit, 2001-" in asked(walk, workshop, "fit", bundle, str(other))


def test_a_seal_that_does_not_tell_its_bars_hides_everything(
    walk: Walk,
    workshop: Any,  # noqa: ANN401
) -> None:
    seal = walk.folder / SEAL_FILE
    whole = seal.read_text()
    seal.write_text(whole.splitlines()[0])
    try:
        with pytest.raises(RunMismatch, match=r"is sealed.* or look at --segment valid"):
            asked(walk, workshop, "fit")
    finally:
        seal.write_text(whole)


def test_opening_writes_down_what_was_hidden(walk: Walk, workshop: Any) -> None:  # noqa: ANN401
    workshop.resume(walk.id, opening=True)
    second = workshop.children(walk.id)["seed 0 fold 2"].metrics
    assert {"valid/log_growth", "test/log_growth"} <= set(second)
    assert not is_before_test(asked(walk, workshop, "valid"), walk.prepared)
