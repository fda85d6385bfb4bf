"""A store whose writers are killed at any moment ends as one whose writer lived."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.strategies.records.conftest import MakeUrl

ROOT = Path(__file__).parents[3]
N_TRADES = 240  # of thirty changes


def crash(new_store: MakeUrl, seed: int, kills: int) -> dict[str, object]:
    """Return what `crashes` says of so many kills."""
    arguments = (new_store(), new_store(), str(seed), str(kills))
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "tests.strategies.records.crashes", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, object] = json.loads(done.stdout)
    assert answer["failed"] == [], done.stderr[-3000:]
    return answer


def test_killed_writers_leave_what_one_writes_that_lives(new_store: MakeUrl) -> None:
    answer = crash(new_store, seed=1, kills=8)
    assert answer["differ"] == []
    assert answer["trades"] == N_TRADES
    assert int(str(answer["killed"])) > 4


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(10, 20))
def test_two_hundred_killed_writers(new_store: MakeUrl, seed: int) -> None:
    answer = crash(new_store, seed=seed, kills=20)
    assert answer["differ"] == []
    assert answer["trades"] == N_TRADES
