"""What the service and the container promise: their own user, one folder to write, no secrets."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
SECRET = re.compile(r"(KEY|KEY_ID|SECRET|TOKEN|PASSWORD|WEBHOOK_URL)\s*[= ]")
FOLDERS = ("agents", "benbot", "envs", "evolution", "experiments", "paper", "strategies")


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    """The settings of the service, each with all its values."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (PACKAGING / "benbot-paper.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


@pytest.fixture(scope="module")
def dockerfile() -> list[list[str]]:
    """The instructions of the container, as words."""
    text = (PACKAGING / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [[line.split()[0], line.split(maxsplit=1)[1]] for line in lines]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("User", "benbot"),
        ("Restart", "always"),
        ("RestartPreventExitStatus", "0"),
        ("KillSignal", "SIGTERM"),
        ("TimeoutStopSec", "15"),
        ("EnvironmentFile", "/etc/benbot/paper.env"),
        ("WorkingDirectory", "/var/lib/benbot"),
        ("ReadWritePaths", "/var/lib/benbot"),
        ("StateDirectoryMode", "0700"),
        ("UMask", "0077"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("LimitCORE", "0"),
    ],
)
def test_the_service_promises(name: str, value: str, unit: dict[str, list[str]]) -> None:
    assert unit[name] == [value]


def test_the_service_gives_up_after_some_starts(unit: dict[str, list[str]]) -> None:
    starts, seconds = int(unit["StartLimitBurst"][0]), int(unit["StartLimitIntervalSec"][0])
    assert 1 < starts * int(unit["RestartSec"][0]) < seconds


def test_what_the_service_writes_is_in_its_folder(unit: dict[str, list[str]]) -> None:
    places = [value.partition("=")[2] for value in unit["Environment"] if "/" in value]
    assert all(place.startswith(unit["ReadWritePaths"][0]) for place in places)
    assert any(value.startswith("BENBOT_CACHE=") for value in unit["Environment"])


@pytest.mark.parametrize("name", ["benbot-paper.service", "paper.env.example", "Dockerfile"])
def test_no_secret_is_named_but_by_its_file(name: str) -> None:
    lines = (PACKAGING / name).read_text().splitlines()
    assert [line for line in lines if SECRET.search(line) and "_FILE" not in line] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = (PACKAGING / "benbot-paper.service").read_text()
    copy = tmp_path / "benbot-paper.service"
    copy.write_text(text.replace("/opt/benbot/bin/benbot", "/bin/true"))
    verified = subprocess.run(  # noqa: S603
        ["systemd-analyze", "verify", str(copy)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


def test_the_container_runs_as_its_own_user_on_one_volume(dockerfile: list[list[str]]) -> None:
    last = dockerfile[[word for word, _ in dockerfile].index("FROM", 1) :]
    said = dict(last)
    assert said["USER"] == "10001:10001"
    assert said["VOLUME"] == said["WORKDIR"] == "/data"
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert '["benbot", "paper", "status", "--healthy"]' in said["HEALTHCHECK"]
    after = [word for word, _ in last].index("USER")
    assert "RUN" not in [word for word, _ in last[after:]]
    writable = dict(pair.split("=", 1) for pair in shlex.split(said["ENV"]))
    assert writable["BENBOT_CACHE"].startswith("/data/")


def test_the_container_is_of_a_slim_python_and_of_the_versions_that_were_tested(
    dockerfile: list[list[str]],
) -> None:
    bases = [text for word, text in dockerfile if word == "FROM"]
    assert [base.split()[0] for base in bases] == ["python:3.11-slim-bookworm"] * 2
    (install,) = [text for word, text in dockerfile if "pip install" in text]
    assert "--constraint constraints.txt" in install
    assert "--mount=type=secret,id=pip" in install


def test_the_container_takes_no_arguments_that_its_layers_would_keep(
    dockerfile: list[list[str]],
) -> None:
    assert {"ARG", "ADD"} & {word for word, _ in dockerfile} == set()


def test_only_what_is_installed_is_sent_to_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    named = {rule[1:] for rule in rules if rule.startswith("!")}
    assert named == {*FOLDERS, "constraints.txt", "LICENSE", "pyproject.toml", "README.md"}
    left_out = [rule.removeprefix("**/") for rule in rules if rule.startswith("**/")]
    for name in (
        ".env",
        "my.env",
        "paper.db",
        "paper.db-wal",
        "main.log.1",
        "told.main.slack.json",
    ):
        assert any(fnmatch(name, pattern) for pattern in left_out), name


def test_the_settings_that_are_shown_are_ones_that_there_are() -> None:
    names = set(
        re.findall(r"\b(?:BENBOT|APCA)_[A-Z_]+", (PACKAGING / "paper.env.example").read_text())
    )
    sources = "".join(path.read_text() for path in (ROOT / "paper").rglob("*.py"))
    unknown = {name for name in names if name.removesuffix("_FILE") not in sources}
    assert unknown == {"BENBOT_POLICY"}, "that one is the unit's own"
