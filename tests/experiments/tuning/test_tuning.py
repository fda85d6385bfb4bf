"""A search is a run whose trials never look at `test`, and which goes on where it was stopped."""

import io
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.learner import Lesson
from benbot.agents.training import Listener, Progress, Trained
from benbot.envs.errors import BadConfig, RunMismatch
from benbot.experiments.cli import main
from benbot.experiments.config import load_config
from benbot.experiments.report.curves import CURVES_FILE, curves_as_parquet, curves_of
from benbot.experiments.tracking.tracker import PARENT, Run, Status, open_tracker
from benbot.experiments.training.run import resume_training
from benbot.experiments.training.training import Launch
from benbot.experiments.tuning import trials
from benbot.experiments.tuning.trials import BEST_FILE, SCORE, TRIAL_FILE, Search
from benbot.experiments.tuning.tuning import resume_tuning, start_tuning
from benbot.experiments.verdict.family import family_now

SPACE = """
tuning:
  agent.learning_rate: {low: 1e-4, high: 1e-1, log: true}
  agent.net_arch: {choices: [[8], [16, 8]]}
"""


@dataclass(frozen=True)
class Desk:
    """A folder in which a search is made."""

    folder: Path
    config: Path

    @property
    def launch(self) -> Launch:
        console = Console(file=self.said, width=100)
        return Launch(self.folder / "runs", "benbot tune mine.yaml", console)

    @property
    def said(self) -> io.StringIO:
        return SAID

    def start(self, n: int, *overrides: str, seed: int = 0) -> Run:
        """Search from the beginning and return the run."""
        config = load_config(self.config, overrides)
        start_tuning(config, Search(n, seed, "mine.yaml", overrides), self.launch)
        return self.newest()

    def newest(self) -> Run:
        tracker = open_tracker(load_config(self.config).tracking)
        (found,) = tracker._client.search_runs(
            [tracker.experiment_id],
            "tags.tuning != ''",
            order_by=["attributes.start_time DESC"],
            max_results=1,
        )
        return tracker.find_run(found.info.run_id)

    def children(self, run: Run) -> dict[str, Run]:
        tracker = open_tracker(load_config(self.config).tracking)
        found = tracker.children(run)
        assert len({each.name for each in found}) == len(found)
        return {each.name: each for each in found}

    def tried(self, run: Run) -> list[dict[str, Any]]:
        """Return what was written down of every trial, in order."""
        files = [json.loads(each.read_file(TRIAL_FILE)) for each in self.children(run).values()]
        return sorted(files, key=lambda each: each["number"])


SAID = io.StringIO()


@pytest.fixture
def desk(tmp_path: Path, workshop: Any, request: pytest.FixtureRequest) -> Desk:  # noqa: ANN401
    own = request.node.name  # a store is slow to make, an experiment is not
    text = f"extends: {workshop.config}\ntracking: {{experiment: {own}}}\n{SPACE}"
    config = tmp_path / "mine.yaml"
    config.write_text(text)
    SAID.seek(0)
    SAID.truncate()
    return Desk(tmp_path, config)


class Stopped:
    """A training that takes no time: its growth is a function of its settings and its seed."""

    def __init__(self, at: int | None = None) -> None:
        self.lessons: list[Lesson] = []
        self.worse_by = 0.0  # than the last one
        self.at = at

    def __call__(self, lesson: Lesson, checkpoint: Path, listener: Listener) -> Trained:
        self.lessons.append(lesson)
        if len(self.lessons) == self.at:
            raise KeyboardInterrupt
        rate = lesson.agent.learning_rate
        assert isinstance(rate, float)
        growth = 0.1 - rate + 0.01 * lesson.seed + 0.001 * len(lesson.agent.net_arch)
        growth -= self.worse_by * len(self.lessons)
        for i in range(4):
            figures = {SCORE: growth - 0.01 * (3 - i)}
            listener(Progress(512 * (i + 1), 2048, figures[SCORE], figures))
        return Trained(None, growth, 2048, 2048)  # type: ignore[arg-type]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stopped]:
    """Return a maker of trainings that take no time, which are used from then on."""

    def make(at: int | None = None) -> Stopped:
        stopped = Stopped(at)
        monkeypatch.setattr(trials, "train", stopped)
        return stopped

    return make


def test_a_search_trains_every_seed_of_every_trial_and_writes_down_the_best(desk: Desk) -> None:
    run = desk.start(2, "agent.evaluations=2")
    children = desk.children(run)
    assert run.status is Status.FINISHED
    assert set(children) == {"trial 0", "trial 1"}
    for child in children.values():
        assert child.status is Status.FINISHED
        assert child.tags[PARENT] == run.id
        assert child.tags["seed"] == "0,1"
        assert not [name for name in child.metrics if name.startswith("test/")]
        assert {"train/valid_log_growth/seed_0", "train/valid_log_growth/seed_1"} <= set(
            child.metrics
        )
    growth = [each["growth"] for each in desk.tried(run)]
    assert growth == [children[f"trial {i}"].metrics[SCORE] for i in range(2)]
    assert run.metrics[SCORE] == max(growth)
    best = load_config(desk.folder / "runs" / run.id / BEST_FILE)
    params = children[f"trial {growth.index(max(growth))}"].params
    assert str(best.agent.learning_rate) == params["agent.learning_rate"]
    assert best.agent.evaluations == 2
    assert "judged_on" not in run.tags
    pasted = desk.said.getvalue().partition("Train     ")[2].splitlines()[0]
    assert pasted.startswith("benbot train mine.yaml agent.evaluations=2 agent.learning_rate=0.0")


def test_the_growth_of_a_trial_is_the_mean_of_its_seeds_and_test_is_not_even_there(
    desk: Desk, quick: Callable[..., Stopped]
) -> None:
    stopped = quick()
    run = desk.start(2)
    for i, each in enumerate(desk.tried(run)):
        rate = stopped.lessons[2 * i].agent.learning_rate
        layers = len(stopped.lessons[2 * i].agent.net_arch)
        assert each["growth"] == pytest.approx(0.1 - rate + 0.005 + 0.001 * layers)
    assert [lesson.seed for lesson in stopped.lessons] == [0, 1] * 2
    assert len({lesson.valid for lesson in stopped.lessons}) == 1
    own = stopped.lessons[0].history.market.days[stopped.lessons[0].valid.last]
    assert str(own) <= "2004-06-30"


def test_folds_are_tuned_on_the_first_alone_whose_valid_comes_before_every_test(
    desk: Desk, quick: Callable[..., Stopped]
) -> None:
    stopped = quick()
    folds = "folds={n: 3, fit_bars: 400, valid_bars: 100, test_bars: 150}"
    desk.start(1, "segments=null", folds)
    lesson = stopped.lessons[0]
    last_bars = lesson.history.market.n_bars - 1
    assert lesson.valid.last < last_bars - 3 * 150 + 1


def test_a_trial_learns_on_the_markets_of_the_training_with_all_of_its_accounts(
    desk: Desk, quick: Callable[..., Stopped]
) -> None:
    stopped = quick()
    markets = "training={markets: [{source: fit}, {source: bootstrap, n: 1, block: 20}]}"
    desk.start(4, markets, "seeds=[0]", "tuning={agent.n_envs: {choices: [8, 16]}}")
    had = [
        (lesson.agent.n_envs, [(part.name, part.n_envs) for part in lesson.mixture])
        for lesson in stopped.lessons
    ]
    assert {n for n, _ in had} == {8, 16}
    assert all(parts == [("fit", n // 2), ("bootstrap 1", n // 2)] for n, parts in had)


def test_an_interrupted_search_goes_on_where_it_was_stopped(
    desk: Desk, quick: Callable[..., Stopped]
) -> None:
    quick()
    whole = desk.start(4)
    quick(at=6)  # in the second seed of the third trial
    with pytest.raises(SystemExit):
        desk.start(4)
    broken = desk.newest()
    assert broken.status is Status.KILLED
    assert f"benbot tune --resume {broken.id} --runs" in desk.said.getvalue()
    assert desk.children(broken)["trial 2"].status is Status.KILLED
    quick()
    resume_tuning(broken.id, None, desk.launch)
    assert broken.status is Status.FINISHED
    assert desk.tried(broken) == desk.tried(whole)
    text = [(desk.folder / "runs" / each.id / BEST_FILE).read_text() for each in (whole, broken)]
    assert text[0].partition("\n")[2] == text[1].partition("\n")[2]


def test_a_finished_search_may_have_more_trials_and_needs_to_be_asked(
    desk: Desk, quick: Callable[..., Stopped]
) -> None:
    quick()
    run = desk.start(1)
    with pytest.raises(RunMismatch, match=r"trials left to go on, was 1 of 1 done\. Say --trials"):
        resume_tuning(run.id, None, desk.launch)
    resume_tuning(run.id, 3, desk.launch)
    quick()
    assert desk.tried(run) == desk.tried(desk.start(3))


def test_the_seed_decides_what_is_tried(desk: Desk, quick: Callable[..., Stopped]) -> None:
    quick()
    one, same, other = (desk.tried(desk.start(1, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_trial_that_is_worse_than_the_middle_is_given_up_in_its_first_seed(
    desk: Desk, quick: Callable[..., Stopped], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benbot.experiments.tuning.study.UNJUDGED", 1)
    stopped = quick()
    stopped.worse_by = 1.0
    run = desk.start(2, "agent.evaluations=4")
    assert [each["end"] for each in desk.tried(run)] == ["COMPLETE", "PRUNED"]
    assert [lesson.seed for lesson in stopped.lessons] == [0, 1, 0]
    pruned = desk.children(run)["trial 1"]
    assert pruned.tags["seed"] == "0"
    assert "given up" in desk.said.getvalue()


def test_every_agent_of_a_search_counts_as_a_trial_of_the_verdict(
    desk: Desk,
    quick: Callable[..., Stopped],
    walk: Callable[..., Any],
) -> None:
    quick()
    desk.start(2)
    tracker = open_tracker(load_config(desk.config).tracking)
    parent = tracker.start_run("judged")
    with tracker.start_run("seed 0", {"seed": 0}, parent=parent) as child:
        child.log_metrics({"test/sharpe_ratio": 1.0})
    curves = curves_of({0: walk(0, 60)}, [walk(9, 60, name="cash")])
    parent.log_file(CURVES_FILE, curves_as_parquet(curves))
    assert family_now(tracker.uri, parent, curves).n_trials == 2 * 2 + 1


def test_what_is_possible_alone_and_not_together_trains_nobody_and_stops_nothing(
    desk: Desk, quick: Callable[..., Stopped], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick()

    def refuse(config: object, overrides: Sequence[str]) -> None:
        raise BadConfig("n_envs x n_steps, 256, must be a multiple of batch_size, was 512")

    monkeypatch.setattr(trials, "with_overrides", refuse)
    with pytest.raises(BadConfig, match="needs a trial that comes to its end"):
        desk.start(2)
    run = desk.newest()
    assert run.status is Status.FAILED
    for child in desk.children(run).values():
        assert child.tags["seed"] == "none"
    assert "impossible" in desk.said.getvalue()
    assert "must be a multiple of batch_size, was 512" in desk.said.getvalue()


def test_a_search_is_no_training_and_a_training_no_search(
    desk: Desk,
    quick: Callable[..., Stopped],
    trained: Any,  # noqa: ANN401
    workshop: Any,  # noqa: ANN401
) -> None:
    quick()
    run = desk.start(1)
    with pytest.raises(RunMismatch, match=f"is a search, .* benbot tune --resume {run.id}, or"):
        resume_training(run.id, None, None, desk.launch)
    launch = Launch(workshop.runs, "benbot tune", Console(file=io.StringIO()))
    with pytest.raises(RunMismatch, match=r"was a training\. Go on with benbot train --res"):
        resume_tuning(trained.id, None, launch)
    with pytest.raises(RunMismatch, match=r"nowhere/config\.yaml is missing"):
        resume_tuning("nowhere", None, desk.launch)


def test_without_the_library_nothing_is_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benbot.experiments.tuning.study.find_spec", lambda name: None)
    with pytest.raises(BadConfig, match=r"pip install 'benbot\[tune\]'"):
        desk.start(2)
    assert not (desk.folder / "runs").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["tune"], "name a config that has a section tuning, or a run with --resume"),
        (["tune", "--resume", "abc", "--seed", "1"], "has its own config and seed; name none"),
        (["tune", "quickstart", "--resume", "abc"], "has its own config and seed; name none"),
        (["tune", "quickstart"], "benbot tune needs a section tuning in the configuration, was no"),
    ],
)
def test_a_search_is_asked_for_in_one_way(
    words: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["benbot", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
