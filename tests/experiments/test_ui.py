"""The UI has its port or says why not, and leaves nobody behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benbot.envs.errors import TrackingUnavailable
from benbot.experiments import ui
from benbot.experiments.tracking.tracker import newest_experiment

# A server with a child of its own, as the real one has workers.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind((ui.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TrackingUnavailable, match=f"free port, was {port}: .*--port"):
            ui.check_free(port)
    ui.check_free(port)


def test_a_store_that_nobody_made_is_not_made_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "typo.db"
    with pytest.raises(TrackingUnavailable, match=r"exists, was .*typo\.db, which does not"):
        newest_experiment(f"sqlite:///{path}")
    assert not path.exists()


def test_a_server_that_fails_is_told() -> None:
    with pytest.raises(TrackingUnavailable, match="was ended with 3"):
        ui._run([sys.executable, "-c", "raise SystemExit(3)"])


def test_nobody_is_left_when_the_ui_ends() -> None:
    run = f"ui._run([sys.executable, '-c', {FAMILY!r}])"
    code = f"import sys; from benbot.experiments import ui; {run}"
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        grandchild = int(command.stdout.readline())
        command.send_signal(signal.SIGTERM)
        assert command.wait(20.0) == 0
    assert _gone(grandchild)


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True  # dead, and only its parent has not asked yet
        time.sleep(0.05)
    return False
