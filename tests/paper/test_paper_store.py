"""One process trades an account, and what cannot be read sends nothing."""

import os
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import inspect, text

from benbot.envs.desk.tape import ACTION, BAR
from benbot.envs.errors import (
    InvalidParameter,
    RecordsDamaged,
    RecordsHeld,
    RecordsUnavailable,
    RunMismatch,
)
from benbot.paper.chain import verify
from benbot.paper.images import image_of, restore
from benbot.paper.reel import Opening
from benbot.paper.standing import facts_of, opening_from
from benbot.paper.store import PaperStore, open_store, reading, set_switch
from benbot.paper.tables import METADATA

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def opened(folder: Path, account: str = "main") -> PaperStore:
    return open_store(url(folder), account, lambda: NOW)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'paper.db'}"


def test_a_second_process_is_refused_until_the_first_is_gone(folder: Path) -> None:
    first = opened(folder)
    with pytest.raises(RecordsHeld, match="one process at a time may trade the account main"):
        opened(folder)
    opened(folder, "other").close()
    first.close()
    opened(folder).close()


def test_nobody_takes_the_log_from_who_writes_it_though_it_opened_the_store_twice(
    folder: Path,
) -> None:
    """Another process that ends as the last one would: it sees the locks of this one."""
    reads = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
    reads += "c.execute('SELECT * FROM switches').fetchall(); c.close()"
    log = folder / "paper.db-wal"
    with opened(folder) as store:
        set_switch(url(folder), "main", NOW, "test", is_halted=True)
        before = log.stat().st_ino
        subprocess.run([sys.executable, "-c", reads, folder / "paper.db"], check=True)  # noqa: S603
        assert log.stat().st_ino == before
        with store.change() as change:
            change.begin("{}", 0, 1000.0, np.zeros((1, 1)), 1)
    with opened(folder) as store:
        assert store.identity() is not None


def test_whoever_was_taken_over_writes_nothing_more(folder: Path) -> None:
    with opened(folder) as store:
        with sqlite3.connect(folder / "paper.db") as connection:
            connection.execute("UPDATE leases SET token = token + 1")
        with (
            pytest.raises(RecordsHeld, match="another process took over"),
            store.change() as change,
        ):
            change.event("late", "main")
        with reading(url(folder)) as connection:
            assert verify(connection, "main") == 0


def test_a_switch_is_seen_at_once_and_an_unreadable_one_halts(folder: Path) -> None:
    with opened(folder) as store:
        assert not store.is_halted()
        set_switch(url(folder), "main", NOW, "test", is_halted=True)
        assert store.is_halted()
        assert not store.must_stop()
        set_switch(url(folder), "main", NOW, "test", is_halted=False, must_stop=True)
        assert not store.is_halted()
        assert store.must_stop()
        with sqlite3.connect(folder / "paper.db") as connection:
            connection.execute("DROP TABLE switches")
        assert store.is_halted()


def test_the_file_is_for_its_owner_alone_and_outlives_a_loss_of_power(folder: Path) -> None:
    with opened(folder) as store:
        assert os.stat(folder / "paper.db").st_mode & 0o777 == 0o600  # noqa: PTH116
        with store._writing.connect() as connection:
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_an_event_that_was_changed_breaks_the_chain(folder: Path) -> None:
    with opened(folder) as store:
        with store.change() as change:
            change.begin("{}", 0, 1.0, np.zeros((1, 1)), 0)
            for i in range(3):
                change.event("kind", f"subject {i}", number=i)
        with reading(url(folder)) as connection:
            assert verify(connection, "main") == 3
        with sqlite3.connect(folder / "paper.db") as connection:
            connection.execute("UPDATE events SET reasons = '{}' WHERE number = 2")
        with (
            reading(url(folder)) as connection,
            pytest.raises(RecordsDamaged, match="event 2 was not"),
        ):
            verify(connection, "main")


def test_a_store_to_read_must_be_there_and_be_one(folder: Path) -> None:
    with pytest.raises(RecordsUnavailable, match="there is no file"), reading(url(folder)):
        pass
    with sqlite3.connect(folder / "paper.db") as connection:
        connection.execute("CREATE TABLE others (id INTEGER)")
    with pytest.raises(RecordsUnavailable, match="a database of its own"):
        opened(folder)


def test_an_account_has_a_plain_name(folder: Path) -> None:
    with pytest.raises(InvalidParameter, match="1 to 12 letters and digits"):
        opened(folder, "../main")


def test_a_state_of_other_arrays_is_refused() -> None:
    image = image_of([np.zeros(3), np.zeros(2, np.int32)])
    with pytest.raises(RunMismatch, match="other strategies, limits or by another version"):
        restore(image, [np.zeros(4), np.zeros(2, np.int32)])
    with pytest.raises(RunMismatch, match="bytes instead of"):
        restore(image[:-1], [np.zeros(3), np.zeros(2, np.int32)])


def test_a_stage_that_older_code_began_is_read_and_no_price_of_it_is_doubtful() -> None:
    opening = Opening(np.zeros(3, BAR), np.zeros(3, ACTION), 7, (1,))
    opening.bars["open"] = 2.5
    older = image_of([opening.bars, opening.actions, np.array([7])])
    read = opening_from(older, 3)
    assert (read.session, read.doubtful) == (7, ())
    np.testing.assert_array_equal(read.bars, opening.bars)
    assert opening_from(facts_of(opening), 3).doubtful == (1,)
    with pytest.raises(RunMismatch, match="go on there until no order is under way"):
        opening_from(older, 4)


def test_migrations_make_the_tables_that_the_code_speaks_of(folder: Path) -> None:
    with opened(folder) as store, store._writing.connect() as connection:
        found = inspect(connection)
        for name, table in METADATA.tables.items():
            made = {column["name"]: column["nullable"] for column in found.get_columns(name)}
            assert made == {column.name: column.nullable for column in table.columns}
