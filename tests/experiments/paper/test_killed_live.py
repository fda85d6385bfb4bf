"""`benbot paper` as a process of its own, with a policy that is advised, and killed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benbot.envs.errors import RecordsUnavailable, UnknownName
from benbot.experiments.paper.daily_log import read_rows
from tests.experiments.paper.test_paper_cli import TINY
from tests.experiments.paper.test_paper_live import LEARNED, run_with

RUN = "from benbot.experiments.cli import main; main()"
PATIENCE, MORE = 120.0, 4  # seconds; bars that a process lives for


def n_decided(store: str) -> int:
    try:
        return len(read_rows(store, "simulated").decisions)
    except (RecordsUnavailable, UnknownName):  # it has not begun
        return 0


def killed_after(n: int, folder: Path, account: Path) -> None:
    """Trade in a market that goes on until `n` decisions are kept, and kill whoever does."""
    command = [sys.executable, "-c", RUN, "paper", "--policy", str(folder), "--every", "0.3"]
    command += ["--bar-seconds", "0.9", "--folder", str(account)]
    deadline = time.monotonic() + PATIENCE
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        while process.poll() is None and time.monotonic() < deadline:
            if n_decided(f"sqlite:///{account / 'paper.db'}") >= n:
                break
            time.sleep(0.1)
        assert process.poll() is None, process.communicate()[0]
        process.kill()


@pytest.mark.nightly
def test_an_advised_policy_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    folder, account = run_with(tmp_path, TINY + LEARNED, 1), tmp_path / "account"
    store = f"sqlite:///{account / 'paper.db'}"
    for _ in range(3):
        n = n_decided(store)
        killed_after(n + MORE, folder, account)
        assert n_decided(store) >= n + MORE
    rows = read_rows(store, "simulated")
    bars = [row["bar"] for row in rows.decisions]
    assert bars == list(range(bars[0], bars[0] + len(bars)))
    assert {row["kind"] for row in rows.events} == {"began"}  # and nothing that was no weight
    assert json.loads(rows.account["identity"])["learning"]["correlation"]
