"""A run can say from which code it came, also where there is none to be found."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from benbot.experiments.tracking.provenance import git_commit, installed_versions


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    program = shutil.which("git")
    if program is None:
        pytest.skip("git is not installed")
    (tmp_path / "rule.py").write_text("fast = 5\n")
    who = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Begin"]):
        subprocess.run([program, "-C", str(tmp_path), *words], check=True)  # noqa: S603
    return tmp_path


def test_a_clean_checkout_is_its_commit(repository: Path) -> None:
    commit = git_commit(repository)
    assert len(commit) == 40
    assert int(commit, 16)


def test_an_edited_file_shows_in_the_commit(repository: Path) -> None:
    clean = git_commit(repository)
    (repository / "rule.py").write_text("fast = 6\n")
    assert git_commit(repository) == f"{clean}+"


def test_no_repository_and_no_folder_are_unknown(tmp_path: Path) -> None:
    assert git_commit(tmp_path) == "unknown"
    assert git_commit(tmp_path / "missing") == "unknown"


def test_versions_leave_out_what_is_not_installed() -> None:
    versions = installed_versions(["numpy", "no-such-distribution-of-anybody"])
    assert list(versions) == ["python", "numpy"]
    assert versions["python"] == platform.python_version()
