"""Whoever does the work, the results are the same; who dies or is stopped loses nothing."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from benbot.envs.errors import InvalidParameter, WorkFailed
from benbot.envs.work.executor import Executor, Serial, Work
from benbot.envs.work.processes import Processes
from tests.envs.work import labour

ROOT = Path(__file__).parents[3]
TASKS = {f"task {i}": i for i in range(6)}


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let other processes import what they are to do."""
    monkeypatch.syspath_prepend(ROOT)


def ignore(name: str, message: object) -> None:
    """Listen to nothing."""


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_every_task_is_done_once_and_what_it_tells_is_heard_before_its_result(
    executor: Executor,
) -> None:
    heard: dict[str, object] = {}
    results = {}
    for name, result in executor.map(labour.square, TASKS, heard.__setitem__):
        assert heard[name] == f"squaring {TASKS[name]}"
        results[name] = result
    assert results == {name: task * task for name, task in TASKS.items()}


def test_no_more_processes_are_used_than_were_asked_for() -> None:
    found = [pid for _, pid in Processes(2).map(labour.process_id, TASKS, ignore)]
    assert len(found) == 6
    assert len(set(found)) <= 2
    assert list(Processes(2).map(labour.process_id, {}, ignore)) == []
    with pytest.raises(InvalidParameter, match="at least one process, was 0"):
        Processes(0)


def done_by(executor: Executor, work: Work, tasks: Mapping[str, Any]) -> tuple[set[str], str]:
    """Return which tasks were done, and the error that came after them."""
    done = set()
    try:
        for name, _ in executor.map(work, tasks, ignore):
            done.add(name)
    except WorkFailed as error:
        return done, str(error)
    pytest.fail("nothing was said of what failed")


def test_a_process_that_dies_is_named_and_what_others_did_is_kept() -> None:
    done, error = done_by(Processes(2), labour.die_at, {name: (i, 2) for name, i in TASKS.items()})
    assert done == set(TASKS) - {"task 2"}
    assert re.fullmatch(
        r"1 of 6 units of work failed, the others are kept. task 2: its process \d+ was ended by "
        r"SIGKILL",
        error,
    )


def test_a_task_that_is_refused_or_stumbles_fails_alone(capfd: pytest.CaptureFixture[str]) -> None:
    done, error = done_by(Processes(2), labour.refuse, TASKS)
    assert done == set(TASKS) - {"task 1"}
    assert error.endswith("task 1: a task must not be 1")
    done, error = done_by(Processes(1), labour.stumble, TASKS)
    assert done == set(TASKS) - {"task 0"}
    assert "ended with code 1; what it said stands above" in error
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_serially_the_first_failure_is_raised_as_it_is() -> None:
    with pytest.raises(InvalidParameter, match="a task must not be 1"):
        list(Serial().map(labour.refuse, TASKS, ignore))


@pytest.mark.parametrize("how", ["interrupt", "close"])
def test_work_that_is_stopped_keeps_what_it_has(tmp_path: Path, how: str) -> None:
    tasks = {name: tmp_path / name for name in ("one", "two", "three")}
    heard: dict[str, list[int]] = {}
    interrupted: list[str] = []

    def hear(name: str, message: object) -> None:
        heard.setdefault(name, []).append(cast(int, message))
        if how == "interrupt" and len(heard) == 2 and not interrupted:
            interrupted.append(name)  # a second time would not wait
            raise KeyboardInterrupt

    work = labour.until_stopped if how == "interrupt" else labour.once_or_until_stopped
    with (
        pytest.raises(KeyboardInterrupt) if how == "interrupt" else nullcontext(),
        closing(Processes(2).map(work, tasks, hear)) as results,  # type: ignore[type-var]
    ):
        assert next(results) == ("one", None)
    kept = {name: int(path.read_text()) for name, path in tasks.items() if path.is_file()}
    assert set(kept) == ({"one", "two"} if how == "interrupt" else {"two", "three"})
    assert {name: heard[name][-1] for name in kept} == kept  # the last words were heard


def test_who_is_started_outlives_neither_the_work_nor_whoever_wanted_it(tmp_path: Path) -> None:
    """The one who waits is ended by force; those at work notice, keep what they have and go."""
    code = (
        "from pathlib import Path\n"
        "from tests.envs.work import labour\n"
        "from benbot.envs.work.processes import Processes\n"
        "def hear(name, message):\n"
        "    print(name, flush=True)\n"
        "if __name__ == '__main__':\n"
        f"    tasks = {{n: Path({str(tmp_path)!r}) / n for n in ('one', 'two')}}\n"
        "    list(Processes(2).map(labour.until_stopped, tasks, hear))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603
        assert process.stdout is not None
        seen = set()
        while len(seen) < 2:
            seen.add(process.stdout.readline().strip())
        process.kill()
    deadline = time.monotonic() + 10.0
    while not all((tmp_path / name).is_file() for name in ("one", "two")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
