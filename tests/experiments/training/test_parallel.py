"""Whoever trains, where and how often interrupted: the policies are the same, bit for bit."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.training import train
from benbot.envs.errors import RunMismatch, WorkFailed
from benbot.envs.work.executor import Executor, Hear, Serial, Work
from benbot.experiments.config import load_config
from benbot.experiments.progress import Display
from benbot.experiments.tracking.tracker import Status
from benbot.experiments.training import teacher as teacher_module
from benbot.experiments.training.markets import Mixtures
from benbot.experiments.training.preparation import prepare_experiment
from benbot.experiments.training.run import resume_training, start_training
from benbot.experiments.training.teacher import CHECKPOINT, Teacher, Unit
from benbot.experiments.training.training import Launch

pytestmark = pytest.mark.usefixtures("quick_audit")

TAGS = ("policy_digest", "account_digest/valid")


class Away(Serial):
    """As a machine that does not see our files."""

    shares_files = False


class Perishable(Serial):
    """Does the first task, and dies in the second."""

    def map(self, work: Work, tasks: Mapping[str, Any], hear: Hear) -> Iterator[tuple[str, Any]]:
        yield from super().map(work, dict(list(tasks.items())[:1]), hear)
        name = list(tasks)[1]
        list(zip(super().map(work, {name: tasks[name]}, hear), (), strict=False))
        raise WorkFailed.of({name: "its process 7 was ended by SIGKILL"}, len(tasks))


def launch(workshop: Any, executor: Executor) -> Launch:  # noqa: ANN401
    console = Console(file=io.StringIO(), width=100)
    return Launch(workshop.runs, "benbot train tiny.yaml", console, sealed=True, executor=executor)


def newest(workshop: Any, before: set[Path]) -> str:  # noqa: ANN401
    (folder,) = set(workshop.runs.glob("*")) - before
    return folder.name


def runs_of(workshop: Any) -> set[Path]:  # noqa: ANN401
    return set(workshop.runs.glob("*"))


def judged(workshop: Any, run_id: str) -> dict[str, Any]:  # noqa: ANN401
    """Return what every seed was judged by, and the digests of what it is and did."""
    return {
        name: (
            {k: v for k, v in child.metrics.items() if k.startswith(("valid/", "train/"))},
            {tag: child.tags[tag] for tag in TAGS},
        )
        for name, child in workshop.children(run_id).items()
        if name.startswith("seed")
    }


@pytest.fixture(scope="module")
def interrupted(workshop: Any) -> tuple[str, str, dict[str, Status]]:  # noqa: ANN401
    """Interrupt a command with two processes, and them, as a terminal does."""
    before = runs_of(workshop)
    command = [sys.executable, "-c", "from benbot.experiments.cli import main; main()"]
    command += ["train", "tiny.yaml", "--sealed", "--jobs", "2"]
    process = subprocess.Popen(  # noqa: S603
        command,
        cwd=workshop.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=os.environ | {"COLUMNS": "100"},
    )
    deadline = time.monotonic() + 300.0
    while process.poll() is None and time.monotonic() < deadline:
        fresh = runs_of(workshop) - before
        if [path for folder in fresh for path in folder.glob(f"seed-*/{CHECKPOINT}")]:
            os.killpg(process.pid, signal.SIGINT)
            break
        time.sleep(0.01)
    said, _ = process.communicate(timeout=300.0)
    run_id = newest(workshop, before)
    children = workshop.children(run_id)
    return run_id, said, {name: child.status for name, child in children.items()}


@pytest.mark.nightly
def test_ctrl_c_stops_all_processes_without_a_word_of_theirs(
    interrupted: tuple[str, str, dict[str, Status]],
) -> None:
    run_id, said, statuses = interrupted
    assert f"benbot train --resume {run_id}\n" in said
    assert "Traceback" not in said
    assert statuses
    assert set(statuses.values()) <= {Status.KILLED, Status.FINISHED}


def test_processes_that_were_interrupted_end_where_one_process_does(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    interrupted: tuple[str, str, dict[str, Status]],
) -> None:
    run_id, _, _ = interrupted
    resume_training(run_id, None, None, launch(workshop, Serial()))
    assert judged(workshop, run_id) == judged(workshop, trained.id)
    for seed in (0, 1):
        one, other = (
            workshop.runs / each / f"seed-{seed}" / "bundle" / "policy.safetensors"
            for each in (run_id, trained.id)
        )
        assert one.read_bytes() == other.read_bytes()


def test_checkpoints_come_home_from_where_our_files_are_not(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(lesson: Any, path: Path, listener: Any) -> Any:  # noqa: ANN401
        assert workshop.runs not in path.parents

        def listen(progress: Any) -> None:  # noqa: ANN401
            listener(progress)
            if progress.n_steps >= 768:
                raise KeyboardInterrupt

        return train(lesson, path, listen)

    before = runs_of(workshop)
    with monkeypatch.context() as patch:
        patch.setattr(teacher_module, "train", stopped)
        with pytest.raises(SystemExit):
            start_training(load_config(workshop.config), launch(workshop, Away()))
    run_id = newest(workshop, before)
    assert (workshop.runs / run_id / "seed-0" / CHECKPOINT).is_file()
    seen: list[int] = []

    def watched(lesson: Any, path: Path, listener: Any) -> Any:  # noqa: ANN401
        def listen(progress: Any) -> None:  # noqa: ANN401
            seen.append(progress.n_steps)
            listener(progress)

        return train(lesson, path, listen)

    with monkeypatch.context() as patch:
        patch.setattr(teacher_module, "train", watched)
        resume_training(run_id, None, None, launch(workshop, Away()))
    assert seen[0] == 1024  # not from the beginning
    assert judged(workshop, run_id) == judged(workshop, trained.id)


def test_who_dies_is_named_what_others_did_is_kept_and_the_run_goes_on(
    workshop: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
) -> None:
    before = runs_of(workshop)
    with pytest.raises(WorkFailed) as caught:
        start_training(load_config(workshop.config), launch(workshop, Perishable()))
    run_id = newest(workshop, before)
    assert str(caught.value).startswith(
        "1 of 2 units of work failed, the others are kept. seed 1: its process 7 was ended by "
        "SIGKILL. Nothing that was finished is lost. "
        f"Go on with benbot train --resume {run_id} --runs "
    )
    children = workshop.children(run_id)
    assert children["seed 0"].status is Status.FINISHED
    assert workshop.tracker.find_run(run_id).status is Status.FAILED
    resume_training(run_id, None, None, launch(workshop, Serial()))
    assert judged(workshop, run_id) == judged(workshop, trained.id)


def test_whoever_sees_another_history_or_has_other_versions_is_refused(
    workshop: Any,  # noqa: ANN401
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared = prepare_experiment(load_config(workshop.config))
    other = prepare_experiment(load_config(workshop.config, ["market.seed=4"]))

    def sent() -> Teacher:
        made = Teacher(prepared, Mixtures(prepared, Display(Console(quiet=True))))
        arrived = Teacher.__new__(Teacher)
        arrived.__dict__ |= made.__getstate__()
        return arrived

    unit = Unit(0, 0, workshop.folder / CHECKPOINT)
    assert sent().prepared.history.digest == prepared.history.digest
    with monkeypatch.context() as patch:
        patch.setattr(teacher_module, "prepare_experiment", lambda config: other)
        with pytest.raises(RunMismatch, match=f"the history .* digest {prepared.history.digest}"):
            sent()(unit, lambda message: None)
    arrived = sent()
    monkeypatch.setattr(teacher_module, "installed_versions", lambda: {"torch": "1.0"})
    with pytest.raises(RunMismatch, match=r"torch was 1\.0, \S+ where it began"):
        arrived(unit, lambda message: None)
