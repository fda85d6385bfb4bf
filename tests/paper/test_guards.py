"""Each guard has a test that fails where it is taken out: asked of the guards by machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paper.forks import Forks
from tests.paper.guard import ROOT
from tests.paper.guards import GUARDS

FAILED = 1  # exit code of pytest: tests were run, and some failed


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    one = Forks(ROOT)
    yield one
    one.close()


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_stands_where_the_table_says(name: str) -> None:
    guard = GUARDS[name]
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    assert guard.taken_out(source) != source


@pytest.mark.nightly
@pytest.mark.parametrize("name", GUARDS)
def test_a_test_fails_where_a_guard_is_taken_out(name: str, forks: Forks, tmp_path: Path) -> None:
    words = GUARDS[name].tests.split()
    tests = [
        word if word.startswith("-") or word.isidentifier() else f"tests/paper/{word}"
        for word in words
    ]
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "tests.paper.without", "--tb=no"]
    options += ["-m", "nightly or not nightly"]
    printed = tmp_path / "printed.txt"
    assert forks.run(name, printed, *options, *tests) == FAILED, printed.read_text()[-4000:]
