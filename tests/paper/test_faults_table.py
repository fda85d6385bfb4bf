"""Every test that the table of faults names is there."""

import re
from pathlib import Path

HERE = Path(__file__).parent
ROWS = 68


def test_every_test_of_the_table_of_faults_exists() -> None:
    table = (HERE / "faults.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", table))
    found: set[str] = set()
    for file in HERE.glob("test_*.py"):
        found |= set(re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    assert named - found == set()
    assert len(named) > 60


def test_rows_are_in_order_and_none_is_named_twice() -> None:
    table = (HERE / "faults.md").read_text(encoding="utf-8")
    rows = [int(row) for row in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert rows == sorted(set(rows))
    assert rows[-1] == ROWS
