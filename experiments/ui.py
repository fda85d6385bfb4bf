"""The MLflow UI, on this machine alone."""

import os
import subprocess
import sys

from benbot.experiments.tracking import TrackingSettings, open_tracker
from benbot.experiments.tracking_view import runs_page


def serve(store: str, port: int) -> None:
    """Run the UI over a store until Ctrl-C; refuse a store that cannot be reached."""
    tracker = open_tracker(TrackingSettings(uri=store))
    address = f"http://127.0.0.1:{port}"
    sys.stdout.write(f"Runs: {runs_page(address, tracker.experiment_id)}\nCtrl-C ends the UI.\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", store]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    try:
        subprocess.run(command, env=quiet, check=True)  # noqa: S603
    except KeyboardInterrupt:
        sys.stdout.write("\n")
