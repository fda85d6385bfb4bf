"""A process that lets tests run in forks of it, each without a guard.

To import the libraries and to load the kernels takes longer than most tests, so it is done once.
Each line that it reads names a guard, a file for what is printed, and what pytest is told; it
answers with the exit code.
"""

import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory

OURS = ("benbot.", "tests.", "benchmarks.")
KEPT = "benbot.envs"  # the kernels and what they are made of: no guard stands there
PATIENCE, MOMENT = 900.0, 0.02  # seconds
WITHOUT = "BENBOT_WITHOUT"


class Forks:
    """The process as those see it who want tests to be run."""

    def __init__(self, root: Path) -> None:
        self._process = Popen(  # noqa: S603
            [sys.executable, "-m", __name__], cwd=root, stdin=PIPE, stdout=PIPE, text=True
        )

    def run(self, guard: str, printed: Path, *arguments: str) -> int:
        """Return the exit code of pytest without a guard, negative where it was killed."""
        asked, said = self._process.stdin, self._process.stdout
        assert asked is not None
        assert said is not None
        asked.write(json.dumps([guard, str(printed), *arguments]) + "\n")
        asked.flush()
        return int(said.readline())

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


def serve() -> None:
    """Answer until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w")
    warm()
    for line in sys.stdin:
        guard, printed, *arguments = json.loads(line)
        print(code_of(guard, Path(printed), arguments), file=answers, flush=True)


def warm() -> None:
    """Import what most tests need, load the kernels, and forget all that may have a guard."""
    import hypothesis.stateful  # noqa: F401
    import pandas.testing  # noqa: F401
    import pytest  # noqa: F401

    from benbot.paper.replayed import replay
    from tests.paper.test_kills import short_stretch

    with TemporaryDirectory() as folder:
        replay(short_stretch(), Path(folder))
    for name in list(sys.modules):
        if f"{name}.".startswith(OURS) and name != "benbot" and not name.startswith(KEPT):
            del sys.modules[name]
    gc.collect()


def code_of(guard: str, printed: Path, arguments: list[str]) -> int:
    """Run tests in a fork, and return its exit code, negative where it was killed."""
    child = os.fork()
    if child == 0:
        _run(guard, printed, arguments)
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(MOMENT)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(guard: str, printed: Path, arguments: list[str]) -> None:
    """Run tests and end this process."""
    code = 70
    try:
        handle = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(handle, stream)
        os.environ[WITHOUT] = guard
        import pytest

        code = int(pytest.main(arguments))
    finally:
        sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
