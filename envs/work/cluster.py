"""Work on the machines of a Ray cluster. They need this project, in the same versions."""

import importlib
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from benbot.envs.errors import ClusterUnavailable, TradingError, WorkFailed
from benbot.envs.work.executor import Hear, Tell, Work
from benbot.envs.work.processes import Reply

PATIENCE = 5.0  # seconds for an address to answer
EAR = 0.2  # seconds between two times that what was told is fetched
AUTO = "auto"  # the cluster that was started on this machine


class Cluster:
    """A worker for each task, or for each processor if there are fewer; files do not travel.

    A worker that dies, or the machine below it, fails its task alone.
    """

    shares_files = False

    def __init__(self, address: str, n_workers: int | None = None) -> None:
        self.address, self.n_workers = address, n_workers

    def map(self, work: Work, tasks: Mapping[str, Any], hear: Hear) -> Iterator[tuple[str, Any]]:
        with connected(self.address) as ray:
            n_workers = self.n_workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            crew = _Crew(ray, work, tasks)
            try:
                while crew.fill(n_workers):
                    for name, worker, reply, content in crew.listen(hear):
                        crew.go_on(name, worker, reply, content)
                        if reply is Reply.DONE:
                            yield name, content
            finally:
                crew.stop(hear)
        if crew.failures:
            raise WorkFailed.of(crew.failures, len(tasks))


class Mailbox:
    """Where workers tell how far they have come, and hear whether to go on."""

    def __init__(self) -> None:
        self.stopped = False
        self.told: list[tuple[str, object]] = []

    def tell(self, name: str, message: object) -> bool:
        """Keep a message, and return whether whoever sent it has to stop."""
        self.told.append((name, message))
        return self.stopped

    def collect(self) -> list[tuple[str, object]]:
        """Return what was told since the last time."""
        told, self.told = self.told, []
        return told

    def stop(self) -> None:
        self.stopped = True


class Hand:
    """A process of the cluster, which does one task after the other."""

    def __init__(self, work: Work, mailbox: Any) -> None:  # noqa: ANN401
        self.work, self.mailbox = work, mailbox

    def do(self, name: str, task: object) -> tuple[Reply, Any]:
        try:
            return Reply.DONE, self.work(task, self._teller(name))
        except KeyboardInterrupt:
            return Reply.STOPPED, None
        except TradingError as error:
            return Reply.FAILED, str(error)

    def _teller(self, name: str) -> Tell:
        import ray

        def tell(message: object) -> None:
            if ray.get(self.mailbox.tell.remote(name, message)):
                raise KeyboardInterrupt

        return tell


class _Crew:
    """The workers at work, the tasks that wait for one, and those that failed."""

    def __init__(self, ray: ModuleType, work: Work, tasks: Mapping[str, Any]) -> None:
        self.ray, self.work, self.waiting = ray, work, deque(tasks.items())
        self.mailbox = ray.remote(num_cpus=0)(Mailbox).remote()
        self.hand = ray.remote(num_cpus=1)(Hand)
        self.at_work: dict[Any, tuple[str, Any]] = {}  # by what is promised: task and worker
        self.failures: dict[str, str] = {}

    def fill(self, n_workers: int) -> bool:
        """Give tasks to workers as long as there are both; return whether anybody works."""
        while self.waiting and len(self.at_work) < n_workers:
            self._give(self.hand.remote(self.work, self.mailbox))
        return bool(self.at_work)

    def listen(self, hear: Hear) -> Iterator[tuple[str, Any, Reply, Any]]:
        """Hear what was told; yield each task that has ended, its worker and how it ended."""
        promised = list(self.at_work)
        kept, _ = self.ray.wait(promised, num_returns=len(promised), timeout=EAR)
        for name, message in self.ray.get(self.mailbox.collect.remote()):
            hear(name, message)
        for promise in kept:
            yield *self.at_work.pop(promise), *self._reply(promise)

    def go_on(self, name: str, worker: Any, reply: Reply, content: Any) -> None:  # noqa: ANN401
        """Note down how a task ended, and give its worker the next one."""
        if reply is Reply.STOPPED:
            raise KeyboardInterrupt  # somebody interrupted that worker alone
        if reply is Reply.FAILED:
            self.failures[name] = content
        if self.waiting and reply is Reply.DONE:
            self._give(worker)
        else:
            self.ray.kill(worker)

    def stop(self, hear: Hear) -> None:
        """Ask those at work to stop, and wait until each has kept what it has.

        Who does not want to wait any longer interrupts once more.
        """
        self.mailbox.stop.remote()
        while self.at_work:
            for _, worker, _, _ in self.listen(hear):
                self.ray.kill(worker)
        self.ray.kill(self.mailbox)

    def _give(self, worker: Any) -> None:  # noqa: ANN401
        name, task = self.waiting.popleft()
        self.at_work[worker.do.remote(name, task)] = (name, worker)

    def _reply(self, promise: Any) -> tuple[Reply, Any]:  # noqa: ANN401
        try:
            reply: tuple[Reply, Any] = self.ray.get(promise)
        except self.ray.exceptions.RayError as error:
            return Reply.FAILED, str(error).strip().splitlines()[-1]
        return reply


@contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Return Ray, connected to a cluster; one that was connected before stays so."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ClusterUnavailable(
            f"--ray needs the address of a Ray cluster that answers, was {address!r}: {reason} "
            f"Start one with `ray start --head`"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _ray() -> ModuleType:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise ClusterUnavailable(
            "work on a cluster needs Ray, was not installed. Say pip install 'benbot[ray]', or "
            "--jobs for the processors of this machine"
        ) from error


def _check_reachable(address: str) -> None:
    """Refuse within seconds what Ray would try for a minute."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    if address == AUTO:
        return
    try:
        if not parts.hostname or not parts.port:
            raise ValueError("host and port are missing")
        socket.create_connection((parts.hostname, parts.port), PATIENCE).close()
    except (OSError, ValueError) as error:
        raise ClusterUnavailable(
            f"--ray needs the address of a Ray cluster, HOST:PORT or {AUTO}, was {address!r}: "
            f"{error}. Start one with `ray start --head`, which says its address"
        ) from error
