"""`benbot paper report` and `benbot paper reconcile` from the command line."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.cli import app
from benbot.paper.presence import user
from tests.experiments.paper.test_paper_cli import TINY

N_BARS = 8


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["paper", *map(str, words)], env={"COLUMNS": "200"})


@pytest.fixture
def account(store: str, tmp_path: Path) -> tuple[Path, Path, str]:
    """A configuration that is tracked in a store of its own, and an account that traded by it."""
    config, folder = tmp_path / "config.yaml", tmp_path / "account"
    config.write_text(f"{TINY}tracking: {{uri: '{store}', experiment: tiny}}\n")
    words = ("--policy", config, "--venue", "replay", "--folder", folder, "--bars", N_BARS)
    assert run(*words).exit_code == 0
    return config, folder, f"sqlite:///{folder / 'paper.db'}"


def test_days_are_reported_tracked_and_booked(
    account: tuple[Path, Path, str], tmp_path: Path
) -> None:
    config, _, url = account
    records = f"sqlite:///{tmp_path / 'records.db'}"
    first = run("report", config, "--store", url, "--records", records)
    assert first.exit_code == 0, first.output
    assert first.stderr.startswith("Preparing ")
    assert f"reported {N_BARS} days to 2000-07-13, {N_BARS} of them new" in first.output
    assert f"tracked {N_BARS} days" in first.output
    assert "new round trips of" in first.output
    again = run("report", config, "--store", url, "--records", records)
    assert "reported" not in again.stdout
    assert "booked 0 new" in again.output
    days = [line for line in again.output.splitlines() if line.startswith("2000-07-")]
    assert len(days) == N_BARS
    one = run("report", config, "--store", url, "--day", "2000-07-12")
    told = json.loads(one.stdout)
    assert (told["day"], told["gap"]) == ("2000-07-12", 0.0)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (("--day", "1999-01-01"), UnknownName, "2000-07-04 to 2000-07-13, was '1999-01-01'"),
        (("--account", "mine"), UnknownName, "one of the store, replay, was 'mine'"),
        (("--baseline", "cash"), RunMismatch, "must go on with the policy it began with"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    words: tuple[str, ...],
    kind: type[Exception],
    message: str,
    account: tuple[Path, Path, str],
) -> None:
    config, _, url = account
    error = run("report", config, "--store", url, "--no-track", *words).exception
    assert isinstance(error, kind)
    assert message in str(error)


def test_book_and_venue_are_compared_and_reconciled(account: tuple[Path, Path, str]) -> None:
    _, folder, url = account
    words = ("reconcile", "--store", url, "--folder", folder)
    fine = run(*words)
    assert (fine.exit_code, "Nothing differs" in fine.output) == (0, True), fine.output
    with sqlite3.connect(folder / "venue.db") as connection:
        connection.execute("UPDATE account SET cash = cash + 250")
    off = run(*words)
    assert off.exit_code == 1
    assert "take +250.00 as a flow" in off.output
    mended = run(*words, "--apply")
    assert mended.exit_code == 0
    assert "Adopted: the book says what the venue says now" in mended.output
    said = " ".join(run("status", "--store", url).output.split())
    assert f"{user()} took the venue's word into the book: 1 of " in said
    assert run(*words).exit_code == 0
