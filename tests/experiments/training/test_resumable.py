"""Who names a run that is not there is told where it was looked for, and which ones could go on."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from benbot.envs.errors import RunMismatch
from benbot.experiments.config import load_config
from benbot.experiments.evolving.bred import BRED, is_bred
from benbot.experiments.evolving.run import Order, resume_evolution
from benbot.experiments.resolved import resolved_yaml
from benbot.experiments.tracking.tracker import Run, Status, open_tracker
from benbot.experiments.training.resumable import is_trained, require_files
from benbot.experiments.training.run import resume_training
from benbot.experiments.training.training import Launch
from benbot.experiments.tuning.trials import TUNED

LABELS = {"search": {"algo": BRED}, "training": {"algo": "ppo"}, "tuning": {TUNED: "3"}}


class Shed:
    """A folder with runs that were stopped, or not, and the store that knows them."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.runs = folder / "runs"
        self.config = load_config("evolve_quickstart", [f"tracking.uri={uri}"])
        self.tracker = open_tracker(self.config.tracking)
        self.age = 0

    def add(self, kind: str, status: Status) -> Run:
        """Add a run that is newer than the ones before."""
        run = self.tracker.start_run(kind, LABELS[kind])
        run.finish(status)
        folder = self.runs / run.id
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text(resolved_yaml(self.config))
        self.age += 1
        os.utime(folder, (self.age, self.age))
        return run


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"


@pytest.fixture
def shed(tmp_path: Path, store: str) -> Shed:
    return Shed(tmp_path, store)


def test_the_newest_that_were_stopped_are_named_those_of_the_kind_alone(shed: Shed) -> None:
    stopped = [shed.add("search", Status.KILLED) for _ in range(6)]
    shed.add("training", Status.FAILED)
    shed.add("tuning", Status.KILLED)
    shed.add("search", Status.FINISHED)
    with pytest.raises(RunMismatch) as refused:
        require_files("nobody", shed.runs, "a search", is_bred)
    said = str(refused.value)
    assert f"{shed.runs / 'nobody' / 'config.yaml'} is missing. Say --runs FOLDER" in said
    newest = ", ".join(f"{run.id} (search, killed)" for run in stopped[:0:-1])
    assert said.endswith(f"The newest below {shed.runs} that can: {newest}")


def test_where_nothing_can_go_on_it_is_said(shed: Shed) -> None:
    with pytest.raises(RunMismatch, match=f"There is no folder {shed.runs}"):
        require_files("nobody", shed.runs, "a run", is_trained)
    shed.add("search", Status.KILLED)
    with pytest.raises(RunMismatch, match=f"None below {shed.runs} can"):
        require_files("nobody", shed.runs, "a run", is_trained)


def test_a_folder_that_no_store_knows_is_passed_over(shed: Shed) -> None:
    run = shed.add("training", Status.FAILED)
    for name, text in (("broken", "name: ["), ("unknown", resolved_yaml(shed.config))):
        (shed.runs / name).mkdir()
        (shed.runs / name / "config.yaml").write_text(text)
    with pytest.raises(RunMismatch, match=rf"that can: {run.id} \(training, failed\)$"):
        require_files("", shed.runs, "a run", is_trained)


def test_both_commands_say_so(shed: Shed) -> None:
    console = Console(file=io.StringIO())
    search, training = shed.add("search", Status.KILLED), shed.add("training", Status.FAILED)
    with pytest.raises(RunMismatch, match=rf"that can: {search.id} \(search, killed\)$"):
        resume_evolution("nobody", None, Order(shed.runs, "benbot", console))
    with pytest.raises(RunMismatch, match=rf"that can: {training.id} \(training, failed\)$"):
        resume_training("nobody", None, None, Launch(shed.runs, "benbot", console))


def test_a_search_does_not_go_on_as_a_training(shed: Shed) -> None:
    run, console = shed.add("search", Status.KILLED), Console(file=io.StringIO())
    with pytest.raises(
        RunMismatch, match=f"trains nobody. Go on with benbot evolve --resume {run.id}"
    ):
        resume_training(run.id, None, None, Launch(shed.runs, "benbot", console))
