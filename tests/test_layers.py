"""A file imports from its own floor or from below, and by one name only."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What each floor may import besides itself. Floors beside each other know nothing of each other.
BELOW = {
    "envs": (),
    "strategies": ("envs",),
    "evolution": ("envs", "strategies"),
    "agents": ("envs", "strategies"),
    "paper": ("envs", "strategies", "evolution", "agents"),
    "experiments": ("envs", "strategies", "evolution", "agents", "paper"),
}


def imports_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of everything that a file imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{name.name}") for name in node.names)


def complaint(floor: str, name: str) -> str | None:
    """Return what is wrong with an import in a file of this floor, if anything is."""
    top, _, rest = name.partition(".")
    if top == "":
        return "is relative; say where it is"
    if top in BELOW:
        return f"is installed as benbot.{top} and would be loaded twice"
    if top == "tests":
        return "is a test"
    target = rest.partition(".")[0]
    if top != "benbot" or target in (floor, *BELOW[floor]):
        return None
    return f"lies outside what {floor} may import: {', '.join((floor, *BELOW[floor]))}"


def offences(root: Path, floor: str) -> list[str]:
    """Return every forbidden import of a floor as `file:line name why`."""
    found = []
    for path in sorted((root / floor).rglob("*.py")):
        for line, name in imports_of(path.read_text(encoding="utf-8")):
            why = complaint(floor, name)
            if why:
                found.append(f"{path.relative_to(root)}:{line} {name} {why}")
    return found


@pytest.mark.parametrize("floor", BELOW)
def test_a_floor_imports_only_from_below(floor: str) -> None:
    assert offences(ROOT, floor) == []


def test_every_package_has_its_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = settings["tool"]["setuptools"]["packages"]
    floors = {package.split(".")[1] for package in packages if "." in package}
    assert floors == set(BELOW)


@pytest.mark.parametrize(
    ("floor", "line", "why"),
    [
        ("envs", "from benbot.strategies.base import Strategy", "outside what envs may import"),
        ("envs", "import benbot.experiments.cli", "outside what envs may import: envs"),
        ("strategies", "from benbot import agents", "outside what strategies may import"),
        ("agents", "from benbot.evolution.trees import Tree", "outside what agents may import"),
        ("evolution", "def f():\n    from benbot.agents.policy import Policy", "outside"),
        ("agents", "from benbot.paper.venue import Venue", "outside what agents may import"),
        ("paper", "from benbot.experiments.config import Config", "outside what paper may import"),
        ("agents", "from envs.errors import TradingError", "would be loaded twice"),
        ("agents", "from ..envs import errors", "is relative"),
        ("experiments", "from tests.conftest import shared_data", "is a test"),
    ],
)
def test_an_import_from_above_is_named(tmp_path: Path, floor: str, line: str, why: str) -> None:
    package = tmp_path / floor / "deeper"
    package.mkdir(parents=True)
    (package / "fine.py").write_text(f"import numpy\nfrom benbot.{floor}.x import y\n")
    (package / "bad.py").write_text(f'"""Bad."""\n{line}\n')
    (offence,) = offences(tmp_path, floor)
    assert offence.startswith(f"{floor}/deeper/bad.py:{1 + len(line.splitlines())} ")
    assert why in offence


def test_imports_from_below_are_nobody_s_business(tmp_path: Path) -> None:
    for floor, below in BELOW.items():
        lines = [f"from benbot.{name}.module import thing" for name in (floor, *below)]
        (tmp_path / floor).mkdir()
        (tmp_path / floor / "fine.py").write_text("\n".join(lines))
        assert offences(tmp_path, floor) == []
