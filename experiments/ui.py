"""The MLflow UI, on this machine alone."""

import os
import signal
import socket
import subprocess
import sys

from benbot.envs.errors import TrackingUnavailable
from benbot.experiments.tracking.store import quiet_environment
from benbot.experiments.tracking.tracker import newest_experiment
from benbot.experiments.tracking.view import runs_page

HOST = "127.0.0.1"
PATIENCE = 10.0  # seconds that the UI has to end by itself


def serve(store: str, port: int) -> None:
    """Run the UI over a store until Ctrl-C; refuse a store or a port that cannot be had."""
    newest = newest_experiment(store)
    check_free(port)
    address = f"http://{HOST}:{port}"
    page = address if newest is None else runs_page(address, newest)
    sys.stdout.write(f"Runs: {page}\nCtrl-C ends the UI.\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    _run(command)


def check_free(port: int) -> None:
    """Refuse a port on which somebody listens already."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise TrackingUnavailable(
                f"the UI needs a free port, was {port}: {error.strerror}. End what listens there, "
                f"or choose another: benbot ui --port {port + 1 if port < 65535 else 5000}"
            ) from error


def _run(command: list[str]) -> None:
    """Run a server in a group of processes of its own, of which none is left when it ends."""
    server = subprocess.Popen(  # noqa: S603
        command, env=os.environ | quiet_environment(), start_new_session=True
    )
    # A SIGTERM ends this command as Ctrl-C does, and so the server with it.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = server.wait()
    except KeyboardInterrupt:
        code = 0
        sys.stdout.write("\n")
    finally:
        _end(server)
        signal.signal(signal.SIGTERM, before)
    if code:
        raise TrackingUnavailable(
            f"the MLflow UI must run until Ctrl-C, was ended with {code}; what it said is above"
        )


def _end(server: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
        except ProcessLookupError:
            return
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
