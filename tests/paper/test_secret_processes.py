"""Whole processes with secrets in their environment, and all that they leave is searched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments.conftest import TINY
from tests.paper.test_secrets import CANARIES, Outputs

PATIENCE = 280.0  # seconds
PLANTED = {
    "APCA_API_KEY_ID": CANARIES["key"],
    "APCA_API_SECRET_KEY": CANARIES["secret"],
    "BENBOT_WEBHOOK_URL": f"http://127.0.0.1:1/{CANARIES['webhook']}",
    "BENBOT_TELEGRAM_TOKEN": f"1:{CANARIES['telegram']}",
    "BENBOT_TELEGRAM_CHAT": "1",
    "BENBOT_TELEGRAM_URL": "http://127.0.0.1:1",
    "PGPASSWORD": CANARIES["database"],
    "MLFLOW_TRACKING_PASSWORD": CANARIES["tracking"],
}
COMMANDS = (
    ("train", "tiny.yaml"),
    ("train", "tiny.yaml", "agent.nonsense=1"),
    ("paper", "--policy", "tiny.yaml", "--venue", "replay", "--bars", "4", "--folder", "account"),
    ("paper", "status", "--account", "replay", "--store", "sqlite:///account/paper.db"),
    ("paper", "status", "--store", f"postgresql://me:{CANARIES['database']}@127.0.0.1:1/db"),
    ("paper", "notify-test"),
    ("report", "nowhere"),
)


@pytest.mark.nightly
def test_no_process_leaves_a_secret_anywhere(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY.replace("seeds: [0, 1]", "seeds: [0]"))
    outputs, codes = Outputs(), []
    for number, words in enumerate(COMMANDS):
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", "from benbot.experiments.cli import main; main()", *words],
            cwd=tmp_path,
            env={**os.environ, **PLANTED},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        codes.append(done.returncode)
        outputs.add(f"stdout of {number}", done.stdout)
        outputs.add(f"stderr of {number}", done.stderr)
    outputs.add_folder(tmp_path)
    assert outputs.leaks() == []
    assert codes == [0, 2, 0, 0, 2, 1, 2], outputs.texts
    assert {"mlflow.db", "account/paper.db", "account/venue.db"} <= outputs.texts.keys()
    assert any(name.startswith("mlartifacts/") for name in outputs.texts)
