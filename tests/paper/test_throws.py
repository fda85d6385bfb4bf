"""Who threw a switch is told in the chain once, whoever is killed, and never holds up a halt."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from benbot.envs.errors import RecordsHeld
from benbot.paper.migrations.versions.p0006_throws import down_revision
from benbot.paper.presence import note_switches
from benbot.paper.store import open_store, set_switch
from benbot.strategies.records.database import address_of
from tests.paper.kills import finished, killed, trail_of
from tests.paper.notify.receiver import NOW, Account
from tests.paper.switches import execute, switched, told

N_KILLS = 4


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder).begin()


@pytest.fixture
def served(database: str) -> str:
    """The address of an account that a server keeps."""
    with open_store(database, "main", lambda: NOW) as store, store.change() as change:
        change.begin("{}", 0, 1000.0, np.zeros((1, 1)), 1)
    return database


def halt(url: str) -> None:
    set_switch(url, "main", NOW, "a drill", "ada@desk", is_halted=True)


def resume(url: str) -> None:
    set_switch(url, "main", NOW, "", "bob@desk", is_halted=False, must_stop=False)


def note(url: str) -> None:
    """Be the next who holds the lease, for a moment."""
    with open_store(url, "main", lambda: NOW) as store:
        note_switches(store)


@pytest.mark.parametrize("strange", ["half a \udcff", "none \0"])
def test_a_halt_is_thrown_whatever_is_said_of_it(strange: str, account: Account) -> None:
    set_switch(account.url, "main", NOW, strange, strange, is_halted=True)
    with account.opened() as store:
        assert store.is_halted()
        said = f"{strange[:-1]}?"
        words = f"the kill switch is ON, no order is sent (by {said}: {said}, at 2026-11-27 15:00"
        assert note_switches(store) == [f"{words} UTC)"]


def test_the_loop_tells_who_threw_it_and_when(account: Account) -> None:
    with account.opened() as store:
        assert note_switches(store) == []
        halt(account.url)
        account.time.pass_(30.0)
        assert note_switches(store) == [
            "the kill switch is ON, no order is sent (by ada@desk: a drill, at 2026-11-27 15:00 "
            "UTC)"
        ]
        assert note_switches(store) == []
    ((kind, reasons),) = told(account.url)
    assert kind == "halted"
    assert json.loads(reasons) == {
        "by": "ada@desk",
        "reason": "a drill",
        "thrown": "2026-11-27T15:00:00+00:00",
    }


def test_whoever_starts_next_tells_what_was_thrown_while_nobody_traded(account: Account) -> None:
    halt(account.url)
    resume(account.url)
    set_switch(account.url, "main", NOW, "", "ada@desk", must_stop=True)
    assert told(account.url) == []
    note(account.url)
    note(account.url)
    assert [kind for kind, _ in told(account.url)] == ["halted", "resumed", "stopping"]


def test_each_account_has_its_own(account: Account) -> None:
    set_switch(account.url, "other", NOW, "", "ada@desk", is_halted=True)
    note(account.url)
    assert told(account.url) == []


def test_whoever_was_taken_over_tells_nothing(account: Account) -> None:
    halt(account.url)
    with account.opened() as store:
        execute(account.url, "UPDATE leases SET token = token + 1")
        assert note_switches(store) == []
        with pytest.raises(RecordsHeld), store.change() as change:
            change.throws()
    assert told(account.url) == []
    note(account.url)
    assert [kind for kind, _ in told(account.url)] == ["halted"]


def test_a_halt_needs_no_throw_and_is_told_of_an_unknown_hand(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    with account.opened() as store:
        execute(account.url, "ALTER TABLE throws RENAME TO away")
        halt(account.url)
        assert store.is_halted()
        assert "who threw a switch of main is not kept" in caplog.text
        assert note_switches(store) == []  # nor does anything depend on telling
        execute(account.url, "ALTER TABLE away RENAME TO throws")
        assert note_switches(store) != []
        assert note_switches(store) == []
    ((kind, reasons),) = told(account.url)
    assert (kind, json.loads(reasons)["by"]) == ("halted", "an unknown hand")


def test_switches_of_before_throws_were_kept_are_told_as_they_stand(account: Account) -> None:
    set_switch(account.url, "main", NOW, "by hand", is_halted=True, must_stop=True)
    execute(
        account.url,
        "DROP TABLE throws",
        f"UPDATE paper_version SET version_num = '{down_revision}'",  # noqa: S608
    )
    note(account.url)
    note(account.url)
    assert [kind for kind, _ in told(account.url)] == ["halted", "stopping"]


# Kills.


def thrown_and_killed(url: str, at: int) -> bool:
    """Kill whoever halts at a line of the way; the switch and its throw are both there or not."""
    execute(url, "DELETE FROM throws", "DELETE FROM switches")
    was_killed = killed(lambda: halt(url), at)
    state, n_throws = switched(url)
    assert (state, n_throws) in [([], 0), ([(True, False)], 1)]
    return was_killed


def told_in_spite_of_kills(url: str, lines: list[int]) -> None:
    """Kill whoever tells again and again; in the end all is told once, in order."""
    before = [kind for kind, _ in told(url)]
    halt(url)
    resume(url)
    for at in lines:
        killed(lambda: note(url), at)
        execute(url, "UPDATE leases SET expires = 0")  # a server has no lock that a kill lets go
        told(url)
    finished(lambda: note(url))
    assert [kind for kind, _ in told(url)] == [*before, "halted", "resumed"]


def n_lines_of_telling(url: str) -> int:
    halt(url)
    n = len(trail_of(lambda: note(url)))
    execute(url, "DELETE FROM events", "DELETE FROM throws", "DELETE FROM switches")
    return n


def test_a_kill_between_loses_and_doubles_nothing(account: Account) -> None:
    lines = np.random.default_rng(5).integers(1, n_lines_of_telling(account.url), N_KILLS)
    told_in_spite_of_kills(account.url, lines.tolist())


@pytest.mark.nightly
def test_a_kill_at_any_line_of_a_halt_or_of_telling_loses_and_doubles_nothing(
    folder: Path,
) -> None:
    first = Account(folder).begin()
    n = n_lines_of_telling(first.url)
    for at in range(1, n, 5):
        told_in_spite_of_kills(first.url, [at])
    at = 1
    while thrown_and_killed(first.url, at):
        at += 1
    assert at > 20


@pytest.mark.nightly
def test_a_kill_on_a_server_loses_and_doubles_nothing(served: str) -> None:
    n = n_lines_of_telling(served)
    for at in range(1, n, 3):
        told_in_spite_of_kills(served, [at])
    for at in range(1, 60):
        thrown_and_killed(served, at)


@pytest.mark.nightly
def test_a_halt_on_a_server_does_not_wait_for_the_table_of_throws(served: str) -> None:
    engine = create_engine(address_of(served))
    with open_store(served, "main", lambda: NOW) as store:
        with engine.begin() as other:
            other.execute(text("LOCK TABLE throws IN ACCESS EXCLUSIVE MODE"))
            began = time.monotonic()
            halt(served)
            assert time.monotonic() - began < 2.0
            assert store.is_halted()
        assert [one.split(" (")[0] for one in note_switches(store)] == [
            "the kill switch is ON, no order is sent"
        ]
    engine.dispose()
