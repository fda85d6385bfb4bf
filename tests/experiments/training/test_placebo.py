"""The placebo is trained beside the agent, resumes, is judged like any baseline, moves nobody."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benbot.agents.learner import Lesson
from benbot.agents.roster import BASELINES, HINDSIGHT
from benbot.agents.training import Listener, Progress, Trained
from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.experiments.config import load_config
from benbot.experiments.report.curves import CURVES_FILE, curves_from_parquet
from benbot.experiments.resolved import config_digest
from benbot.experiments.tracking.tracker import Status
from benbot.experiments.training import placebo as placebo_module
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.placebo import placebos_of
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.training.rebuild import judge_again
from benbot.experiments.verdict.seal import Seal
from benbot.experiments.verdict.verdict import VERDICT_FILE, verdict_from_json

ASKED = "baselines=[equal_weight, placebo, best_fixed_weights]"
NAMES = {"placebo of seed 0", "placebo of seed 1"}


@pytest.fixture(scope="module")
def stopped(workshop: Any) -> str:  # noqa: ANN401
    """Return a run that was stopped in the middle of its last placebo, and went on to its end."""
    learn, seen = placebo_module._learn, []

    def learn_until_stopped(training: Any, run: Any, *rest: Any) -> Any:  # noqa: ANN401
        seen.append(training.parent.id)
        if run.name == "placebo of seed 1":
            raise KeyboardInterrupt
        return learn(training, run, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(placebo_module, "_learn", learn_until_stopped)
        with pytest.raises(SystemExit):
            workshop.train(ASKED)
    children = workshop.children(seen[0])
    assert children["placebo of seed 0"].status is Status.FINISHED
    assert children["placebo of seed 1"].status is Status.KILLED
    assert len(seen) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            placebo_module, "_learn", lambda *args: (seen.append("again"), learn(*args))[1]
        )
        workshop.resume(seen[0])
    assert seen[2:] == ["again"]  # the first placebo was not learned anew
    return str(seen[0])


@pytest.mark.nightly
def test_it_is_a_child_a_seed_and_no_trial(workshop: Any, stopped: str) -> None:  # noqa: ANN401
    children = workshop.children(stopped)
    assert NAMES | {"placebo", "seed 0", "seed 1"} <= set(children)
    for name in NAMES:
        tags = children[name].tags
        assert (tags["seed"], tags["algo"], tags["placebo_of"]) == ("none", "placebo", name[-1])
        assert "test/log_growth" not in children[name].metrics
    run = workshop.tracker.find_run(stopped)
    assert verdict_from_json(run.read_file(VERDICT_FILE).decode()).n_compared >= 2


def test_the_verdict_rules_on_it_and_on_nobody_with_hindsight(
    workshop: Any,  # noqa: ANN401
    stopped: str,
) -> None:
    run = workshop.tracker.find_run(stopped)
    verdict = verdict_from_json(run.read_file(VERDICT_FILE).decode())
    assert [one.baseline for one in verdict.rulings] == ["equal_weight", "placebo"]
    curves = curves_from_parquet(run.read_file(CURVES_FILE))
    assert list(curves.baselines) == ["equal_weight", "placebo", "best_fixed_weights"]
    final = {name: equity[-1] for name, equity in curves.baselines.items()}
    assert final["best_fixed_weights"] > final["equal_weight"]


def test_no_agent_does_anything_else_beside_its_placebo(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    stopped: str,
) -> None:
    plain, beside = (workshop.children(run_id) for run_id in (trained.id, stopped))
    for name in ("seed 0", "seed 1"):
        assert plain[name].tags["policy_digest"] == beside[name].tags["policy_digest"]
    digests = {beside[name].tags["policy_digest"] for name in ("seed 0", *NAMES)}
    assert len(digests) == 3
    assert config_digest(load_config(workshop.config)) == config_digest(
        load_config(workshop.config, [ASKED])
    )


def test_judged_again_it_does_what_it_did(workshop: Any, stopped: str) -> None:  # noqa: ANN401
    folder = workshop.runs / stopped
    prepared = prepare_experiment(load_config(workshop.config, [ASKED]))
    again = {
        one.name: one.equity
        for one in judge_again(folder, prepared, "test", with_plan=False).baselines
    }
    run = workshop.tracker.find_run(stopped)
    kept = curves_from_parquet(run.read_file(CURVES_FILE)).baselines
    assert list(again) == list(kept)
    np.testing.assert_array_equal(again["placebo"], kept["placebo"])
    assert "<td>placebo</td>" in (folder / "report.html").read_text()


def test_a_run_that_trained_none_is_judged_without(workshop: Any, trained: Any) -> None:  # noqa: ANN401
    prepared = prepare_experiment(load_config(workshop.config, [ASKED]))
    found = judge_again(workshop.runs / trained.id, prepared, "valid", with_plan=False)
    assert [one.name for one in found.baselines] == ["equal_weight", "best_fixed_weights"]


def test_its_policies_are_found_by_seed(workshop: Any, stopped: str) -> None:  # noqa: ANN401
    prepared = prepare_experiment(load_config(workshop.config))
    found = placebos_of(workshop.runs / stopped, prepared.stretches[0])
    assert list(found) == [0, 1]
    observation = prepared.history.features.rows[500]
    assert not np.array_equal(*(policy.weights(observation) for policy in found.values()))


def test_it_comes_only_when_it_is_asked_for(workshop: Any) -> None:  # noqa: ANN401
    assert "placebo" not in BASELINES
    assert load_config(workshop.config, ["baselines=[placebo]"]).baselines == ("placebo",)
    for name in ("oracle", "plecebo"):
        assert name in HINDSIGHT or name == "plecebo"
        with pytest.raises(BadConfig, match="baseline"):
            load_config(workshop.config, [f"baselines=[{name}]"])


class Heard:
    """A run and a display that keep what they were told."""

    name = "placebo of seed 0 fold 2"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.metrics: dict[str, float] = {}

    def begin(self, what: str, total: int) -> int:
        return 0

    def move(self, task: int, done: int, note: str) -> None:
        self.notes.append(note)

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        self.metrics |= metrics


def test_it_tells_nothing_of_bars_that_are_sealed(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    figures = {"train/loss": 1.0, "valid/log_growth": 0.25, "fit/episode_reward": 2.0}

    def learn(lesson: Lesson, checkpoint: Path, listener: Listener) -> Trained:
        listener(Progress(512, 2048, 0.25, figures))
        return Trained(None, 0.25, 512, 512)  # type: ignore[arg-type]

    monkeypatch.setattr(placebo_module, "train", learn)
    agent: Any = SimpleNamespace(agent=load_config(workshop.config).agent)
    sealed = Fold(2, {"fit": Span(50, 100), "valid": Span(105, 145), "test": Span(150, 200)})
    for seal, told in ((Seal((100, 200)), {"train/loss"}), (Seal(), set(figures))):
        heard = Heard()
        training: Any = SimpleNamespace(display=heard, seal=seal)
        placebo_module._learn(training, heard, agent, sealed, Path())  # type: ignore[arg-type]
        assert {name.replace("train/valid_", "valid/") for name in heard.metrics} == told
        assert heard.notes == [seal.note(sealed, 0.25)]


def test_it_learns_on_the_markets_of_the_agent_and_sees_nothing_there(workshop: Any) -> None:  # noqa: ANN401
    markets = "training={markets: [{source: fit}, {source: bootstrap, n: 1, block: 20}]}"
    prepared = prepare_experiment(load_config(workshop.config, [markets]))
    console: Any = SimpleNamespace(print=lambda *said, **how: None)
    display: Any = SimpleNamespace(begin=lambda *a: 0, move=lambda *a: None, console=console)
    mixtures = Mixtures(prepared, display)
    training: Any = SimpleNamespace(prepared=prepared, mixtures=mixtures)
    fold = prepared.stretches[0]
    lesson = placebo_module._lesson(training, 0, fold)
    own = mixtures.of(fold).parts
    assert [part.name for part in lesson.mixture] == [part.name for part in own] != []
    for blind, part in zip(lesson.mixture, own, strict=True):
        seen = slice(part.span.first, part.span.last + 1)
        shuffled, rows = (each.history.features.rows[seen] for each in (blind, part))
        assert (blind.span, blind.n_envs) == (part.span, part.n_envs)
        assert not np.array_equal(shuffled, rows)
        np.testing.assert_array_equal(np.sort(shuffled[:, 0]), np.sort(rows[:, 0]))
        assert blind.history.tape is part.history.tape
