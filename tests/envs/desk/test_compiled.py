"""Compiled kernels are kept between runs, and never after an edit of anything they call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benbot.envs.covariance import compiled as covariance
from benbot.envs.desk import compiled as house
from benbot.envs.desk.compiled import KERNEL_FOLDERS, cache_folder, fingerprint, is_compiled
from benbot.envs.desk.sizing import multiple
from benbot.strategies.programs import compiled as programs

CALLEE = """
from house.desk.compiled import compiled

@compiled
def rate(n):
    return {rate} * n
"""
CALLER = """
from house.desk.callee import rate
from house.desk.compiled import compiled

@compiled
def answer(n):
    return rate(n) + 10
"""
ASK = """
from house.desk.compiled import is_compiled
before = is_compiled()
from house.desk.caller import answer
value = answer(1)
print(value, before, is_compiled(), sum(answer.stats.cache_hits.values()))
"""


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """A package with the desk's own decorator, a function, and another file that calls it."""
    folder = tmp_path / "house" / "desk"
    folder.mkdir(parents=True)
    for package in (folder, folder.parent):
        (package / "__init__.py").touch()
    shutil.copy(str(house.__file__), folder / "compiled.py")
    (folder / "callee.py").write_text(CALLEE.format(rate=10))
    (folder / "caller.py").write_text(CALLER)
    return folder


def ask(kernels: Path) -> list[str]:
    """Return answer, was compiled, is compiled, hits of the cache, as a fresh process says them."""
    root = kernels.parents[1]
    known = os.environ | {"BENBOT_CACHE": str(root / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603  # our own interpreter and our own words
        [sys.executable, "-c", ASK], cwd=root, env=known, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_an_edited_callee_is_compiled_anew_and_an_untouched_one_is_not(kernels: Path) -> None:
    assert ask(kernels) == ["20", "False", "True", "0"]
    assert ask(kernels) == ["20", "True", "True", "1"]
    (kernels / "callee.py").write_text(CALLEE.format(rate=1000))
    assert ask(kernels) == ["1010", "False", "True", "0"]


def test_the_fingerprint_changes_with_any_source_file(kernels: Path) -> None:
    folders = (kernels, kernels.parent)
    seen = {fingerprint(folders)}
    (kernels / "callee.py").write_text(CALLEE.format(rate=11))
    seen.add(fingerprint(folders))
    (kernels / "callee.py").rename(kernels / "called.py")
    seen.add(fingerprint(folders))
    (kernels.parent / "stepping.py").write_text("RATE = 1\n")
    seen.add(fingerprint(folders))
    assert len(seen) == 4


def test_the_fingerprint_ignores_what_is_no_source(kernels: Path) -> None:
    before = fingerprint((kernels,))
    (kernels / "notes.txt").write_text("nothing")
    (kernels / "deeper").mkdir()
    assert fingerprint((kernels,)) == before == fingerprint((kernels,))


def test_the_folders_of_the_kernel_hold_every_file_that_is_compiled() -> None:
    root = KERNEL_FOLDERS[1].parent
    floors = ("envs", "strategies", "evolution", "agents", "experiments")
    sources = [path for floor in floors for path in (root / floor).rglob("*.py")]
    compiled = [path for path in sources if "import compiled" in path.read_text()]
    assert len(compiled) > 8
    folders = {path.parent for path in compiled}
    assert folders <= {*KERNEL_FOLDERS, *covariance.KERNEL_FOLDERS, *programs.KERNEL_FOLDERS}
    caches = {each.CACHE_FOLDER for each in (house, covariance, programs)}
    assert len(caches) == 3  # an edit in one leaves the others compiled


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENBOT_CACHE", "/somewhere")
    assert cache_folder() == Path("/somewhere/kernels") / fingerprint()
    monkeypatch.delenv("BENBOT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert cache_folder() == Path("/elsewhere/benbot/kernels") / fingerprint()


def test_a_kernel_that_has_run_is_compiled() -> None:
    from benbot.envs.desk.rules import DeskRules

    assert multiple(0.5, 4, DeskRules().record()[0]) == 2.0
    assert is_compiled()
