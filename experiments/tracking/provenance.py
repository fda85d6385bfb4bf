"""Where a run came from: the code, the command, the versions it ran with."""

import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

UNKNOWN = "unknown"
PACKAGES = (
    "benbot",
    "numpy",
    "pandas",
    "numba",
    "torch",
    "stable-baselines3",
    "gymnasium",
    "mlflow",
    "TA-Lib",
)


@dataclass(frozen=True)
class Provenance:
    """Enough to run it again, and to know whether it was run again.

    git_commit      forty hex digits, followed by "+" where files had changed since
    config_digest   of the resolved configuration, see `resolved.config_digest`
    run_id          of the tracked run; empty when nothing was tracked
    """

    command: str
    git_commit: str
    config_digest: str
    created: datetime
    versions: Mapping[str, str]
    run_id: str = ""


def git_commit(folder: Path) -> str:
    """Return the commit checked out in a folder, with "+" if it has changes; "unknown" without."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return UNKNOWN
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+" if changed else commit


def installed_versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the version of Python and of each package that is installed."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _git(folder: Path, *words: str) -> str:
    """Return what git answers, or nothing where there is no git, no repository, no commit."""
    program = shutil.which("git")
    if program is None or not folder.is_dir():
        return ""
    command = [program, "-C", str(folder), *words]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() if answer.returncode == 0 else ""
