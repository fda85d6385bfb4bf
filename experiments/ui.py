"""The MLflow UI, on this machine alone."""

import os
import subprocess
import sys

from benbot.experiments.tracking.store import quiet_environment
from benbot.experiments.tracking.tracker import newest_experiment
from benbot.experiments.tracking.view import runs_page


def serve(store: str, port: int) -> None:
    """Run the UI over a store until Ctrl-C; refuse a store that cannot be reached."""
    newest = newest_experiment(store)
    address = f"http://127.0.0.1:{port}"
    page = address if newest is None else runs_page(address, newest)
    sys.stdout.write(f"Runs: {page}\nCtrl-C ends the UI.\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    try:
        subprocess.run(command, env=os.environ | quiet_environment(), check=True)  # noqa: S603
    except KeyboardInterrupt:
        sys.stdout.write("\n")
