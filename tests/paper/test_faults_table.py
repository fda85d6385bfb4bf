"""Every test that the table of faults names is there."""

import re
from pathlib import Path

from tests.paper.guards import GUARDS

HERE = Path(__file__).parent
EXPERIMENTS = HERE.parent / "experiments" / "paper"
ROWS = 68
IMPOSSIBLE = "cannot happen: "


def test_every_test_of_the_table_of_faults_exists() -> None:
    table = (HERE / "faults.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", table))
    found: set[str] = set()
    folders = (HERE, HERE / "notify", EXPERIMENTS)
    for file in [file for folder in folders for file in folder.glob("test_*.py")]:
        found |= set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert named - found == set()
    assert len(named) > 60


def test_every_row_has_a_test_or_a_reason_why_it_needs_none() -> None:
    table = (HERE / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert [int(row) for row, _ in rows] == list(range(1, ROWS + 1))
    for row, tests in rows:
        assert tests.startswith(("`test_", IMPOSSIBLE)), row


def test_every_guard_is_of_a_row() -> None:
    rows = {int(re.sub(r"[a-z]", "", name)) for name in GUARDS}
    table = (HERE / "faults.md").read_text(encoding="utf-8")
    impossible = re.findall(rf"^\| (\d+) \| .+ \| {IMPOSSIBLE}.+ \|$", table, re.MULTILINE)
    assert rows == set(range(1, ROWS + 1)) - set(map(int, impossible))
