"""Each guard has a test that fails where it is taken out: asked of the guards by machine."""

import os
import subprocess
import sys

import pytest

from tests.paper.guard import ROOT
from tests.paper.guards import GUARDS

FAILED = 1  # exit code of pytest: tests were run, and some failed


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_stands_where_the_table_says(name: str) -> None:
    guard = GUARDS[name]
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.taken_out(source) != source


@pytest.mark.nightly
@pytest.mark.parametrize("name", GUARDS)
def test_a_test_fails_where_a_guard_is_taken_out(name: str) -> None:
    words = GUARDS[name].tests.split()
    tests = [
        word if word.startswith("-") or word.isidentifier() else f"tests/paper/{word}"
        for word in words
    ]
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "tests.paper.without", "--tb=no"]
    options += ["-m", "nightly or not nightly"]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=ROOT,
        env=os.environ | {"BENBOT_WITHOUT": name},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == FAILED, done.stdout[-2000:] + done.stderr[-2000:]
