"""What a cluster is asked to do, before a Ray that does it at once, and before a real one."""

import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benbot.envs.errors import ClusterUnavailable, WorkFailed
from benbot.envs.work.choice import executor_of
from benbot.envs.work.cluster import AUTO, Cluster
from benbot.envs.work.executor import HERE
from benbot.envs.work.processes import Processes
from tests.envs.work import labour

TASKS = {f"task {i}": i for i in range(5)}


class Died(Exception):
    """What the Ray that is none raises for a worker that is gone."""


class Actor:
    """An object somewhere else: work is done when it is waited for, anything else at once."""

    def __init__(self, kind: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.itself, self.alive = kind(*arguments), True

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        def remote(*given: Any) -> Promise:  # noqa: ANN401
            promise = Promise(getattr(self.itself, name), given)
            if name != "do":
                promise.settle()
            return promise

        return SimpleNamespace(remote=remote)


class Promise:
    """What a call has come to, or will."""

    def __init__(self, call: Callable[..., Any], given: tuple[Any, ...]) -> None:
        self.call, self.given = call, given
        self.value: Any = None

    def settle(self) -> None:
        fatal = self.given[1:] == ((2, 2),)
        self.value = Died("what went before\nthe worker died") if fatal else self.call(*self.given)


class AtOnce:
    """As much of Ray as is used, in this process."""

    exceptions = SimpleNamespace(RayError=Died)

    def __init__(self, n_cpus: int) -> None:
        self.n_cpus, self.actors = n_cpus, list[Actor]()

    def is_initialized(self) -> bool:
        return True

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": float(self.n_cpus)}

    def remote(self, num_cpus: int) -> Any:  # noqa: ANN401
        def of(kind: Callable[..., Any]) -> Any:  # noqa: ANN401
            def make(*arguments: Any) -> Actor:  # noqa: ANN401
                self.actors.append(Actor(kind, arguments))
                return self.actors[-1]

            return SimpleNamespace(remote=make)

        return of

    def wait(self, promises: list[Promise], num_returns: int, timeout: float) -> Any:  # noqa: ANN401
        promises[0].settle()
        return promises[:1], promises[1:]

    def get(self, promise: Promise) -> Any:  # noqa: ANN401
        if isinstance(promise.value, Died):
            raise promise.value
        return promise.value

    def kill(self, actor: Actor) -> None:
        actor.alive = False


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> AtOnce:
    at_once = AtOnce(n_cpus=2)
    monkeypatch.setitem(sys.modules, "ray", at_once)  # type: ignore[arg-type]
    return at_once


def done_by(cluster: Cluster, work: Any, tasks: Mapping[str, Any]) -> tuple[set[str], str]:  # noqa: ANN401
    """Return which tasks were done, and the error that came after them."""
    done = set()
    try:
        for name, _ in cluster.map(work, tasks, lambda name, message: None):
            done.add(name)
    except WorkFailed as error:
        return done, str(error)
    pytest.fail("nothing was said of what failed")


def test_every_task_is_done_once_by_as_many_workers_as_there_are_processors(ray: AtOnce) -> None:
    heard: dict[str, object] = {}
    results = dict(Cluster(AUTO).map(labour.square, TASKS, heard.__setitem__))
    assert results == {name: task * task for name, task in TASKS.items()}
    assert heard == {name: f"squaring {task}" for name, task in TASKS.items()}
    assert len(ray.actors) == 1 + 2  # the mailbox
    assert not any(actor.alive for actor in ray.actors)
    dict(Cluster(AUTO, 1).map(labour.square, TASKS, heard.__setitem__))
    assert len(ray.actors) == 3 + 2


@pytest.mark.usefixtures("ray")
def test_a_worker_that_dies_or_refuses_fails_its_task_alone() -> None:
    tasks = {name: (i, -1 if i == 2 else 9) for name, i in TASKS.items()}
    tasks["task 2"] = (2, 2)
    done, error = done_by(Cluster(AUTO), labour.die_at, tasks)
    assert done == set(TASKS) - {"task 2"}
    assert error.endswith("the others are kept. task 2: the worker died")
    done, error = done_by(Cluster(AUTO), labour.refuse, TASKS)
    assert done == set(TASKS) - {"task 1"}
    assert error.endswith("task 1: a task must not be 1")


def test_work_that_nobody_waits_for_is_stopped_and_heard_to_the_end(
    ray: AtOnce, tmp_path: Path
) -> None:
    tasks = {name: tmp_path / name for name in ("one", "two")}
    heard: list[tuple[str, object]] = []
    work = Cluster(AUTO).map(
        labour.once_or_until_stopped, tasks, lambda *message: heard.append(message)
    )
    with closing(work) as results:  # type: ignore[type-var]
        assert next(results) == ("one", None)
    assert (tmp_path / "two").read_text() == "1"
    assert heard == [("two", 1)]
    assert not any(actor.alive for actor in ray.actors)


def test_who_works_is_chosen_by_what_was_asked_for() -> None:
    assert executor_of(None, None) is executor_of(1, None) is HERE
    several, cluster = executor_of(3, None), executor_of(3, AUTO)
    assert isinstance(several, Processes)
    assert several.n_workers == 3
    assert isinstance(cluster, Cluster)
    assert (cluster.address, cluster.n_workers) == (AUTO, 3)
    assert [each.shares_files for each in (HERE, several, cluster)] == [True, True, False]


def test_without_ray_it_is_said_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterUnavailable, match=r"pip install 'benbot\[ray\]', or --jobs"):
        list(Cluster(AUTO).map(labour.square, TASKS, lambda name, message: None))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:{closed}", "Connection refused. Start one with `ray start --head`"),
        ("nowhere", r"HOST:PORT or auto, was 'nowhere': host and port are missing"),
        ("host:port", r"was 'host:port': Port could not be cast to integer"),
        ("ray://127.0.0.1:{closed}", "Connection refused"),
    ],
)
def test_an_address_that_does_not_answer_is_one_error(
    ray: AtOnce, monkeypatch: pytest.MonkeyPatch, address: str, message: str
) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = address.format(closed=taken.getsockname()[1])
        with pytest.raises(ClusterUnavailable, match=message):
            list(Cluster(where).map(labour.square, TASKS, lambda name, message: None))


@pytest.mark.nightly
def test_two_machines_do_the_same_and_survive_the_death_of_a_worker(
    machines: str, tmp_path: Path
) -> None:
    results = dict(Cluster(machines).map(labour.square, TASKS, lambda name, message: None))
    assert results == {name: task * task for name, task in TASKS.items()}
    tasks = {name: (i, 2) for name, i in TASKS.items()}
    done, error = done_by(Cluster(machines), labour.die_at, tasks)
    assert done == set(TASKS) - {"task 2"}
    assert "task 2: The actor" in error
    heard: list[tuple[str, object]] = []
    paths = {name: tmp_path / name for name in ("one", "two")}
    work = Cluster(machines).map(
        labour.once_or_until_stopped, paths, lambda *message: heard.append(message)
    )
    with closing(work) as stopping:  # type: ignore[type-var]
        assert next(stopping) == ("one", None)
    assert heard[-1] == ("two", int((tmp_path / "two").read_text()))
