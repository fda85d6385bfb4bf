"""The trial ledger: only added to, bound to what was tried, whole after an interruption."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.errors import RunMismatch
from benbot.evolution.ledger import Entry, Identity, TrialLedger

OWN = Identity("m" * 16, "c" * 16, 3)
FIRST = Entry(0, 1, "d1", "b1", (), 0.05, 30, 7, {"rule": "x"})
SECOND = Entry(1, 0, "d2", "b2", ("d1", "d0"), math.nan, 0, 3, {"rule": "y"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def test_what_is_written_is_read(path: Path) -> None:
    TrialLedger(path, OWN).append([FIRST])
    TrialLedger(path, OWN).append([SECOND])
    first, second = TrialLedger(path, OWN).entries()
    assert first == FIRST
    assert math.isnan(second.ratio)
    assert replace(second, ratio=0.0) == replace(SECOND, ratio=0.0)


@pytest.mark.parametrize("other", [{"market": "other"}, {"config": "other"}, {"seed": 4}])
def test_the_ledger_of_something_else_is_refused(path: Path, other: dict[str, object]) -> None:
    TrialLedger(path, OWN).append([FIRST])
    with pytest.raises(RunMismatch, match=r"must be the ledger of market .*, was that of market"):
        TrialLedger(path, replace(OWN, **other))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "hello\n", '{"format": 1}\n', "[]\n"])
def test_what_is_no_ledger_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(RunMismatch, match="must be a trial ledger, its first line was none"):
        TrialLedger(path, OWN)


def test_of_a_genome_that_was_tried_twice_the_first_parents_are_known(path: Path) -> None:
    ledger = TrialLedger(path, OWN)
    again = replace(SECOND, digest="d1", generation=5)
    ledger.append([FIRST, replace(SECOND, ratio=0.0), again])
    assert ledger.by_digest() == {"d1": FIRST, "d2": replace(SECOND, ratio=0.0)}


def test_half_a_generation_is_cut_off(path: Path) -> None:
    ledger = TrialLedger(path, OWN)
    ledger.append([FIRST])
    whole = ledger.n_bytes
    with path.open("a") as file:
        file.write('{"generation":1,"isl')
    ledger.cut(whole)
    assert list(ledger.entries()) == [FIRST]


def test_a_ledger_that_lost_trials_is_refused(path: Path) -> None:
    ledger = TrialLedger(path, OWN)
    with pytest.raises(RunMismatch, match="must have the 900 bytes of the generations"):
        ledger.cut(900)


@pytest.mark.parametrize("line", ['{"generation":1,"isl', "[]", '{"ratio": 1}', "\x00"])
def test_a_line_that_is_no_trial_is_named(path: Path, line: str) -> None:
    ledger = TrialLedger(path, OWN)
    ledger.append([FIRST])
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunMismatch, match="must have a trial on every line, line 3 has none"):
        list(ledger.entries())
