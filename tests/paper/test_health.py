"""An account is healthy while somebody trades it, and not a moment longer."""

from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from benbot.experiments.cli import app
from benbot.paper.lease import LASTS
from benbot.paper.overview.health import why_unhealthy
from benbot.paper.store import open_store, reading
from tests.paper.conftest import Traded
from tests.paper.notify.receiver import NOW, Account

MACHINE = int(NOW.timestamp() * 1e9)  # nanoseconds


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, ""),
        (LASTS - 1.0, ""),
        (LASTS, "its lease ran out at 2026-11-27T15:01:00"),
    ],
)
def test_an_account_is_healthy_while_its_lease_runs(
    seconds: float, expected: str, folder: Path
) -> None:
    account = Account(folder).begin()
    with open_store(account.url, "main", account.time, lambda: MACHINE):
        with reading(account.url) as connection:
            why = why_unhealthy(connection, "main", NOW + timedelta(seconds=seconds))
            assert "nobody has ever" in why_unhealthy(connection, "other", NOW)
        assert expected in why
        assert bool(why) is bool(expected)
    with reading(account.url) as connection:
        assert "whoever did has ended" in why_unhealthy(connection, "main", NOW)


def test_the_exit_code_says_it(folder: Path) -> None:
    account = Account(folder).begin()
    words = ["paper", "status", "--healthy", "--account", "main", "--store", account.url]
    with account.opened():
        result = CliRunner().invoke(app, words)
        assert (result.exit_code, result.output) == (0, "healthy\n")
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert result.output.startswith("not healthy: nobody trades the account main")


def test_what_a_stranger_wrote_is_shown_as_it_is(traded: Traded, folder: Path) -> None:
    """A mark of another language in it neither colours the words nor ends the command."""
    copytree(traded.folder, folder / "copy")
    url, account = traded.stretch.url(folder / "copy"), traded.stretch.account
    with open_store(url, account, lambda: NOW) as store, store.change() as change:
        change.event("external", "[/by-hand] [red]x", symbol="AAA")
    result = CliRunner().invoke(app, ["paper", "status", "--account", account, "--store", url])
    assert result.exit_code == 0, result.exception
    assert "external [/by-hand] [red]x" in result.output
