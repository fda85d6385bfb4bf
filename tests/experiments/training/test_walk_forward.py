"""Folds: seeds times folds below one parent, one account through all of them, and no end lost."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.agents.baselines import best_single
from benbot.agents.bundle import load_bundle
from benbot.agents.evaluation import evaluate
from benbot.agents.succession import joined
from benbot.agents.training import train
from benbot.envs.errors import RunMismatch
from benbot.experiments.config import load_config
from benbot.experiments.report.curves import CURVES_FILE, curves_from_parquet
from benbot.experiments.tracking.tracker import Status
from benbot.experiments.training import run as run_module
from benbot.experiments.training import teacher as teacher_module
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.training.rebuild import judge_again, rebuild_report
from benbot.experiments.training.review import Question, evaluate_again
from benbot.experiments.training.run import resume_training
from benbot.experiments.training.training import Launch
from benbot.experiments.verdict.opening import OPENED, openings_of

pytestmark = pytest.mark.usefixtures("quick_audit")

FOLDS = (
    "segments=null",
    "folds={n: 2, fit_bars: 300, valid_bars: 120, test_bars: 150, embargo_bars: 5}",
    "agent.total_steps=512",
    "baselines=[cash, best_single]",
    "name=walked",
)
NAMES = [f"seed {seed} fold {fold}" for fold in (1, 2) for seed in (0, 1)]


class Walked:
    """A training in folds that was stopped after its second child and went on."""

    def __init__(self, workshop: Any) -> None:  # noqa: ANN401
        lessons: list[Any] = []

        def stopped_at_the_third(lesson: Any, *how: Any) -> Any:  # noqa: ANN401
            lessons.append(lesson)
            if len(lessons) == 3:
                raise KeyboardInterrupt
            return train(lesson, *how)

        before = set(workshop.runs.glob("*"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(teacher_module, "train", stopped_at_the_third)
            with pytest.raises(SystemExit):
                workshop.train(*FOLDS)
            (self.folder,) = set(workshop.runs.glob("*")) - before
            self.id = self.folder.name
            children = workshop.children(self.id)
            self.statuses = {name: child.status for name, child in children.items()}
            self.said = workshop.resume(self.id)
        self.lessons = [(lesson.fit, lesson.valid) for lesson in lessons]
        self.seeds = [lesson.seed for lesson in lessons]


@pytest.fixture(scope="module")
def walked(workshop: Any) -> Walked:  # noqa: ANN401
    return Walked(workshop)


@pytest.fixture(scope="module")
def prepared(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(workshop.config, FOLDS))


def test_a_training_in_folds_goes_on_where_it_stopped(walked: Walked) -> None:
    assert walked.statuses == {
        NAMES[0]: Status.FINISHED,
        NAMES[1]: Status.FINISHED,
        NAMES[2]: Status.KILLED,
    }
    assert walked.seeds == [0, 1, 0, 0, 1]


def test_seeds_times_folds_are_children_of_one_parent(workshop: Any, walked: Walked) -> None:  # noqa: ANN401
    children = workshop.children(walked.id)
    assert set(children) == {*NAMES, "cash", "best_single"}
    assert {child.status for child in children.values()} == {Status.FINISHED}
    tags = {name: (child.tags["seed"], child.tags["fold"]) for name, child in children.items()}
    assert tags["seed 1 fold 2"] == ("1", "2")
    assert tags["cash"] == ("none", "all")
    parent = workshop.tracker.find_run(walked.id)
    assert parent.tags["verdict/cash"] in {"BEATS", "DOES NOT BEAT", "UNDECIDED"}
    assert parent.tags["test_openings"] == "1"


def test_an_agent_learns_and_is_chosen_within_its_fold(walked: Walked, prepared: Prepared) -> None:
    expected = [(fold.spans["fit"], fold.spans["valid"]) for fold in prepared.folds]
    assert walked.lessons == [expected[fold] for fold in (0, 0, 1, 1, 1)]


def test_every_policy_was_judged_on_the_bars_after_those_it_learned_from(
    workshop: Any,  # noqa: ANN401
    walked: Walked,
    prepared: Prepared,
) -> None:
    children = workshop.children(walked.id)
    for fold in prepared.folds:
        kept = load_bundle(walked.folder / f"fold-{fold.number}" / "seed-1" / "bundle")
        again = evaluate(
            kept.policy, prepared.history, fold.spans["test"], prepared.config.environment
        )
        shown = children[f"seed 1 fold {fold.number}"].metrics["test/log_growth"]
        assert shown == pytest.approx(again.annual_growth)


def test_what_is_kept_is_one_account_through_all_folds(
    workshop: Any,  # noqa: ANN401
    walked: Walked,
    prepared: Prepared,
) -> None:
    parent = workshop.tracker.find_run(walked.id)
    curves = curves_from_parquet(parent.read_file(CURVES_FILE))
    assert curves.n_bars == 300
    assert np.bincount(curves.fold[1:]).tolist() == [0, 150, 150]
    children = workshop.children(walked.id)
    shown = [
        [children[f"seed {seed} fold {fold}"].metrics["test/log_growth"] for fold in (1, 2)]
        for seed in (0, 1)
    ]
    np.testing.assert_allclose(curves.growth_by_fold(), shown)
    judged = judge_again(walked.folder, prepared, "test", with_plan=False)
    np.testing.assert_allclose(judged.agents[1].equity, curves.agents[1])


def test_what_a_baseline_chooses_it_chooses_before_the_fold_in_which_it_trades(
    workshop: Any,  # noqa: ANN401
    walked: Walked,
    prepared: Prepared,
) -> None:
    curves = curves_from_parquet(workshop.tracker.find_run(walked.id).read_file(CURVES_FILE))
    history, settings = prepared.history, prepared.config.environment
    chosen = [best_single(history, fold.spans["valid"]) for fold in prepared.folds]
    assert not np.array_equal(chosen[0].chosen, chosen[1].chosen)  # or it would not tell
    expected = joined(
        [
            evaluate(policy, history, fold.spans["test"], settings)
            for policy, fold in zip(chosen, prepared.folds, strict=True)
        ]
    )
    np.testing.assert_allclose(curves.baselines["best_single"], expected.equity)


def test_the_folds_stand_in_what_is_said_and_in_the_report(
    walked: Walked,
    workshop: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    assert "folds, log growth a year on test" in walked.said
    assert "2 seeds x 2 folds" in walked.said
    page = (walked.folder / "report.html").read_text()
    assert page.index("<h2>Verdict</h2>") < page.index("<h2>Folds</h2>") < page.index("Result on")
    out = tmp_path / "again.html"
    rebuild_report(walked.id, workshop.runs, out, Console(file=io.StringIO()))
    end = "<h2>Where it came from</h2>"
    assert out.read_text().partition(end)[0] == page.partition(end)[0]


def test_a_sealed_test_is_closed_until_it_is_opened_once(workshop: Any) -> None:  # noqa: ANN401
    changes = ("agent.total_steps=256", "seeds=[0]", "baselines=[cash]", "name=sealed")
    said = workshop.train(*changes, sealed=True)
    run_id = said.partition("Run       ")[2].split()[0]
    parent = workshop.tracker.find_run(run_id)
    assert parent.status is Status.FINISHED
    assert f"open it, once, with benbot open {run_id}" in said
    shown = {**parent.metrics, **workshop.children(run_id)["seed 0"].metrics}
    assert any(name.startswith("valid/") for name in shown)
    assert not any(name.startswith(("test/", "verdict/", "baseline/")) for name in shown)
    assert "test_openings" not in parent.tags
    with pytest.raises(RunMismatch, match=f"it has finished. Look at it with benbot open {run_id}"):
        workshop.resume(run_id)
    out, page = Console(file=io.StringIO()), workshop.folder / "page.html"
    with pytest.raises(RunMismatch, match=f"is sealed.*Open it, once, with benbot open {run_id}"):
        evaluate_again(Question(run_id), workshop.runs, out)
    with pytest.raises(RunMismatch, match="is sealed, results on it were asked for"):
        rebuild_report(run_id, workshop.runs, page, out)
    evaluate_again(Question(run_id, segment="valid"), workshop.runs, out)
    assert "test_openings" not in parent.tags

    opened = workshop.resume(run_id, opening=True)
    assert "verdict, 2004-07-0" in opened
    assert workshop.children(run_id)["seed 0"].metrics.keys() > shown.keys() - parent.metrics.keys()
    child = workshop.children(run_id)["seed 0"]
    assert (child.status, parent.status) == (Status.FINISHED, Status.FINISHED)
    assert child.metrics["test/log_growth"] == parent.metrics["test/log_growth"]
    assert parent.tags["test_openings"] == "1"
    with pytest.raises(RunMismatch, match=r"test is opened once, that of run .* was opened before"):
        workshop.resume(run_id, opening=True)


def test_of_two_that_open_a_run_one_is_refused_before_it_sees_anything(workshop: Any) -> None:  # noqa: ANN401
    """The other takes the opening after both have looked, and before either has written."""
    changes = ("agent.total_steps=256", "seeds=[0]", "baselines=[cash]", "name=shared")
    said = workshop.train(*changes, sealed=True)
    parent = workshop.tracker.find_run(said.partition("Run       ")[2].split()[0])

    def late(config: Any, display: Any) -> Prepared:  # noqa: ANN401
        assert parent.claim(f"{OPENED}.1")
        return prepare_experiment(config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "prepare_shown", late)
        with pytest.raises(RunMismatch, match="opened 1 time before, last at this very moment"):
            workshop.resume(parent.id, opening=True)
    assert parent.status is Status.FINISHED
    assert not any(name.startswith("test/") for name in parent.metrics)
    # Had the other been interrupted then and there, the run could still go on, as opened once.
    with pytest.raises(RunMismatch, match="must be finished and sealed to be opened, it is"):
        workshop.resume(parent.id, opening=True)
    workshop.resume(parent.id)
    assert any(name.startswith("test/") for name in parent.metrics)
    assert openings_of(parent) == 1


def test_a_run_cannot_be_sealed_after_it_began(workshop: Any, walked: Walked) -> None:  # noqa: ANN401
    launch = Launch(workshop.runs, "benbot train", Console(file=io.StringIO()), sealed=True)
    with pytest.raises(RunMismatch, match="a run is sealed from its beginning"):
        resume_training(walked.id, None, None, launch)
