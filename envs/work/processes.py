"""Work in several processes of this machine, each of which is given one task after the other."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from benbot.envs.errors import InvalidParameter, TradingError, WorkFailed
from benbot.envs.work.executor import Hear, Work
from benbot.envs.work.interrupts import held_interrupts

# A fork would copy the threads of numerical libraries in the middle of what they do.
SPAWN = get_context("spawn")
PATIENCE = 5.0  # seconds until a process that has nothing to do is ended
EAR = 0.2  # seconds between two times that Ctrl-C is thought of, while nobody says anything
STOP = None  # instead of a task, or during one


class Reply(Enum):
    """What a process says; the content that follows is in parentheses."""

    TOLD = auto()  # (message) it is at work
    DONE = auto()  # (result)
    FAILED = auto()  # (why) the task was refused
    STOPPED = auto()  # () because it was asked to


class Processes:
    """A number of processes that live until the last task is done.

    A process that dies fails its task alone; another one takes its place.
    """

    shares_files = True

    def __init__(self, n_workers: int) -> None:
        if n_workers < 1:
            raise InvalidParameter(f"work needs at least one process, was {n_workers}")
        self.n_workers = n_workers

    def map(self, work: Work, tasks: Mapping[str, Any], hear: Hear) -> Iterator[tuple[str, Any]]:
        with held_interrupts() as interrupted:
            yield from self._results(_Crew(work, tasks), hear, interrupted)

    def _results(
        self, crew: "_Crew", hear: Hear, interrupted: Callable[[], bool]
    ) -> Iterator[tuple[str, Any]]:
        n_tasks = len(crew.waiting)
        try:
            while crew.fill(self.n_workers):
                if interrupted():
                    raise KeyboardInterrupt
                for worker, reply, content in _replies(crew.workers):
                    name = worker.name
                    if reply is Reply.TOLD:
                        hear(name, content)
                        continue
                    crew.go_on(worker, reply, content)
                    if reply is Reply.DONE:
                        yield name, content
        finally:
            _stop(crew.workers, hear)
        if interrupted():  # after the last result
            raise KeyboardInterrupt
        if crew.failures:
            raise WorkFailed.of(crew.failures, n_tasks)


class _Crew:
    """The processes at work, the tasks that wait for one, and those that failed."""

    def __init__(self, work: Work, tasks: Mapping[str, Any]) -> None:
        self.work, self.waiting = work, deque(tasks.items())
        self.workers: list[_Worker] = []
        self.failures: dict[str, str] = {}

    def fill(self, n_workers: int) -> bool:
        """Start processes as long as there is something to do; return whether anybody works."""
        while self.waiting and len(self.workers) < n_workers:
            worker = _Worker(self.work)
            self.workers.append(worker)
            worker.give(*self.waiting.popleft())
        return bool(self.workers)

    def go_on(self, worker: "_Worker", reply: Reply, content: Any) -> None:  # noqa: ANN401
        """Note down how a task ended, and give its process the next one."""
        if reply is Reply.STOPPED:
            raise KeyboardInterrupt  # somebody interrupted that process alone
        if reply is Reply.FAILED:
            self.failures[worker.name] = content
        if self.waiting and worker.alive:
            worker.give(*self.waiting.popleft())
        else:
            self.workers.remove(worker)
            worker.dismiss()


class _Worker:
    """A process, and the task that it has."""

    def __init__(self, work: Work) -> None:
        self.name = ""
        self.connection, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=_serve, args=(theirs, work), daemon=True)
        with _deaf():
            self.process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return not self.connection.closed

    def give(self, name: str, task: object) -> None:
        self.name = name
        self._send((task,))

    def stop(self) -> None:
        self._send(STOP)

    def receive(self) -> tuple[Reply, Any]:
        """Return what the process says; that it died is a failure."""
        try:
            reply: tuple[Reply, Any] = self.connection.recv()
        except (EOFError, OSError):
            self.process.join(PATIENCE)
            self.connection.close()
            return Reply.FAILED, f"its process {self.process.pid} {self._end()}"
        return reply

    def dismiss(self) -> None:
        """End the process, which has nothing to do any more."""
        if self.alive:
            self.stop()
            self.process.join(PATIENCE)
        self.kill()

    def kill(self) -> None:
        if self.process.is_alive():
            self.process.kill()
        self.process.join(PATIENCE)
        self.connection.close()

    def _send(self, what: object) -> None:
        try:
            self.connection.send(what)
        except OSError:  # it has died, which is noticed when it is listened to
            return

    def _end(self) -> str:
        code = self.process.exitcode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}; what it said stands above"


def _replies(crew: Sequence[_Worker]) -> Iterator[tuple[_Worker, Reply, Any]]:
    """Yield what those say that have something to say, waiting a moment for the first."""
    by_connection = {worker.connection: worker for worker in crew}
    for connection in wait(list(by_connection), EAR):
        worker = by_connection[connection]  # type: ignore[index]
        yield worker, *worker.receive()


def _stop(crew: list[_Worker], hear: Hear) -> None:
    """Ask those at work to stop, and wait until each has kept what it has.

    Who does not want to wait any longer interrupts once more.
    """
    at_work = list(crew)
    for worker in at_work:
        worker.stop()
    try:
        while at_work:
            for worker, reply, content in _replies(at_work):
                if reply is Reply.TOLD:
                    hear(worker.name, content)
                else:
                    at_work.remove(worker)
    finally:
        for worker in crew:
            worker.kill()


@contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that is started here begin without an ear for Ctrl-C, which we hear for it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, work: Work) -> None:
    """Do one task after the other until there is none, or nobody who wants it done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def tell(message: object) -> None:
        try:
            connection.send((Reply.TOLD, message))
        except OSError:  # nobody listens any more
            raise KeyboardInterrupt from None
        if connection.poll():
            raise KeyboardInterrupt

    try:
        while (given := connection.recv()) is not STOP:
            connection.send(_answer(work, given[0], tell))
    except (EOFError, OSError):  # whoever wanted it is gone
        return


def _answer(work: Work, task: object, tell: Any) -> tuple[Reply, Any]:  # noqa: ANN401
    try:
        return Reply.DONE, work(task, tell)
    except KeyboardInterrupt:
        return Reply.STOPPED, None
    except TradingError as error:
        return Reply.FAILED, str(error)
