"""What cannot be recorded is refused with what is needed, what it was, and what to do."""

import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import create_engine, make_url, text

from benbot.envs.errors import (
    BadConfig,
    BadRecord,
    InvalidParameter,
    RecordsDamaged,
    RecordsUnavailable,
    TradingError,
    UnknownName,
)
from benbot.strategies.records import Change, Stage, open_records, read_records
from tests.strategies.records.conftest import MakeUrl
from tests.strategies.records.made import (
    NOON,
    HandClock,
    day,
    opened,
    register_all,
    registered,
    trade,
)

SECRET = "hunter2"  # noqa: S105


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"parameters": {"n": 15}}, r'its parameters was {"n":14}, is {"n":15} now'),
        ({"digest": "d2"}, "its digest was d1, is d2 now"),
        ({"parents": ("ma",)}, "its parents was"),
    ],
)
def test_a_strategy_registered_twice_must_be_the_same(
    url: str, changed: dict[str, object], said: str
) -> None:
    with opened(url) as records:
        with records.change(NOON) as change:
            assert change.register(registered("rsi"))
            assert not change.register(registered("rsi"))
        with pytest.raises(BadRecord, match=said), records.change(NOON) as change:
            change.register(registered("rsi", **changed))
        assert len(records.events()) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"profit": np.nan}, "profit must be a finite number in every row, was .*nan.* in row 0"),
        ({"slippage": np.inf}, "slippage must be a finite number or NaN"),
        ({"side": 0}, r"side must be \+1 \(long\) or -1 \(short\)"),
        ({"stage": "R9"}, "stage must be one of R1, R2, R3, LIVE, RETIRED in every row, was 'R9'"),
        ({"source": "live"}, "source must be one of simulation, paper"),
        ({"symbol": ""}, "symbol must be a printable name that is not empty"),
        ({"regime": "*"}, "regime must be a printable name .* and not '\\*'"),
        ({"units": -1.0}, r"units must not be negative \(a short has side -1\)"),
        ({"closed": NOON - timedelta(days=2)}, "a trade must close when it opened or later"),
        ({"closed": NOON + timedelta(seconds=1)}, "by the moment at which it is recorded, 2020-06"),
        ({"closed": pd.NaT}, "closed must be a time in every row"),
        ({"colour": "red"}, "missing were none, unknown were colour"),
        ({"costs": "cheap"}, "costs must be numbers, was not"),
    ],
)
def test_a_trade_that_means_nothing_is_refused(
    ready: str, changed: dict[str, object], said: str
) -> None:
    with (
        opened(ready) as records,
        pytest.raises(BadRecord, match=said),
        records.change(NOON) as change,
    ):
        change.trades(trade(**changed))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"session": "2020-06-02"}, "a session must be over by the moment"),
        ({"session": "noon"}, "session must be a day in every row, was not"),
        ({"session": "2020-05-29T12:00"}, "session must be a day, such as 2020-01-31"),
        ({"return": -1.0}, r"return of a day must be above -1.0, was -1.0 in row 0"),
        ({"equity": 0.0}, r"equity of a day must be above 0.0"),
        ({"n_trades": 1.5}, "n_trades must be a whole number from 0"),
    ],
)
def test_a_day_that_means_nothing_is_refused(
    ready: str, changed: dict[str, object], said: str
) -> None:
    with (
        opened(ready) as records,
        pytest.raises(BadRecord, match=said),
        records.change(NOON) as change,
    ):
        change.days(day(**changed))


def test_a_day_says_the_same_each_time(ready: str) -> None:
    with opened(ready) as records:
        with records.change(NOON) as change:
            change.days(day())
        with (
            pytest.raises(BadRecord, match=r"rsi \(simulation\) on 2020-05-29 was not"),
            records.change(NOON) as change,
        ):
            change.days(day(equity=102.0))


def test_days_are_not_told_apart_by_regime(ready: str) -> None:
    with (
        read_records(ready) as records,
        pytest.raises(UnknownName, match="days are not told apart by regime"),
    ):
        records.days(regime="bull, low volatility")


def test_a_strategy_is_moved_from_where_it_stands(ready: str) -> None:
    with opened(ready) as records:
        with records.change(NOON) as change:
            change.stage("rsi", None, Stage.R1, "new")
            change.stage("rsi", Stage.R1, Stage.R2, {"sharpe": 0.1})
        with (
            pytest.raises(BadRecord, match="rsi stands at R2, was to be moved from R1"),
            records.change(NOON) as change,
        ):
            change.stage("rsi", Stage.R1, Stage.R3, "again")
        with (
            pytest.raises(UnknownName, match=r"a stage must be one of R1, .*, was 'R7'"),
            records.change(NOON) as change,
        ):
            change.stage("rsi", "R2", "R7", "up")


def test_a_state_must_be_json(ready: str) -> None:
    for document in ({"cash": float("nan")}, {"held": {1, 2}}):
        with (
            opened(ready) as records,
            pytest.raises(BadRecord, match="the state season must be plain JSON"),
            records.change(NOON) as change,
        ):
            change.state("season", document)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite://", "records must outlive the process"),
        ("sqlite:///:memory:", "records must outlive the process"),
        ("mysql://user@host/db", "begins with sqlite:/// or postgresql://, was mysql"),
        (f"rubbish {SECRET}", "records need a URL such as sqlite:///records.db"),
        (f"postgresql://a:{SECRET}@host:port/b", "was one that cannot be read"),
    ],
)
def test_a_url_of_no_store_is_refused(url: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said) as caught:
        opened(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@127.0.0.1:1/records",
        f"postgresql://user@127.0.0.1:1/records?password={SECRET}",
    ],
)
def test_a_server_that_is_not_there_is_named_without_its_password(url: str) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(
        RecordsUnavailable, match=r"the records at postgresql.*must answer"
    ) as caught:
        opened(url, patience=1.0)
    error: BaseException | None = caught.value
    assert "start the server" in str(error)
    assert SECRET not in str(error)
    assert error is not None
    assert error.__suppress_context__


def test_an_owner_and_a_lease_must_mean_something(file: Path) -> None:
    for owner, lasts in (("", 60.0), ("me", 0.0), ("me", float("nan"))):
        with pytest.raises(InvalidParameter, match="records need the name of an owner"):
            open_records(f"sqlite:///{file}", owner=owner, clock=HandClock(), lasts=lasts)
    assert not file.exists()


def test_a_file_that_is_no_database_is_refused_and_left_alone(file: Path) -> None:
    content = "these are notes, and long enough to be no database" * 20
    file.write_text(content)
    with pytest.raises(RecordsDamaged, match="file is not a database"):
        opened(f"sqlite:///{file}")
    assert file.read_text() == content


def test_a_database_of_something_else_is_refused(url: str) -> None:
    name = "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
    engine = create_engine(make_url(url).set(drivername=name))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE experiments (id INTEGER)"))
    engine.dispose()
    with pytest.raises(RecordsUnavailable, match=r"a database of their own, .*: experiments"):
        opened(url)


def test_a_broken_file_is_refused(file: Path) -> None:
    with opened(f"sqlite:///{file}") as records, records.change(NOON) as change:
        register_all(change)
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 9] = bytes(range(256)) * 96
    file.write_bytes(content)
    with pytest.raises(RecordsDamaged, match=r"records must be intact|malformed"):
        opened(f"sqlite:///{file}")


def test_rows_that_refer_to_nothing_are_refused(file: Path) -> None:
    with opened(f"sqlite:///{file}") as records, records.change(NOON) as change:
        register_all(change)
        change.trades(trade())
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM strategies")
        database.commit()
    with pytest.raises(RecordsDamaged, match="rows that refer to rows which are gone"):
        opened(f"sqlite:///{file}")


def test_a_store_to_read_must_exist(file: Path) -> None:
    with pytest.raises(RecordsUnavailable, match=r"there is no file"):
        read_records(f"sqlite:///{file}")
    file.touch()
    with pytest.raises(RecordsUnavailable, match=r"must be of version r0002, .* was of none"):
        read_records(f"sqlite:///{file}")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RecordsUnavailable, match="records need a file that can be written"):
        opened(f"sqlite:///{tmp_path}/file/records.db")


def test_a_full_disk_undoes_the_change(file: Path) -> None:
    with opened(f"sqlite:///{file}") as records:
        with records.change(NOON) as change:
            register_all(change)
        with records._writing.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with (
            pytest.raises(RecordsUnavailable, match=r"disk is full. Likely fix: make room"),
            records.change(NOON) as change,
        ):
            change.state("large", "x" * 200_000)
        assert records.state("large") is None
        with records.change(NOON) as change:
            change.event("note", "disk", "was full")


def test_a_locked_database_is_waited_for_and_then_refused(file: Path) -> None:
    with opened(f"sqlite:///{file}", patience=0.3) as records:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            start = time.perf_counter()
            with (
                pytest.raises(RecordsUnavailable, match=r"database is locked. Likely fix: another"),
                records.change(NOON),
            ):
                pass
            assert 0.25 < time.perf_counter() - start < 5.0
            other.execute("COMMIT")
        with records.change(NOON) as change:
            register_all(change)


def test_a_lock_that_is_given_back_in_time_does_no_harm(file: Path) -> None:
    with opened(f"sqlite:///{file}", patience=10.0) as records:
        other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
        timer.start()
        with records.change(NOON) as change:
            register_all(change)
        timer.join()
        other.close()


def test_a_session_of_postgresql_that_is_cut_off_loses_its_change_only(
    new_database: MakeUrl,
) -> None:
    url = new_database()
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
        with pytest.raises(RecordsUnavailable), records.change(NOON) as change:
            _lose_the_connection(change, url)
        with records.change(NOON) as change:
            assert change.trades(trade()) == 1
        assert len(records.trades()) == 1


def test_a_change_that_waits_too_long_for_postgresql_is_refused(new_database: MakeUrl) -> None:
    url = new_database()
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with opened(url, patience=1.0) as records:
        with engine.begin() as connection:
            connection.execute(text("SELECT * FROM lease FOR UPDATE"))
            with pytest.raises(RecordsUnavailable, match="lock timeout"), records.change(NOON):
                pass
        engine.dispose()
        records.renew()


def test_every_refusal_is_one_of_ours() -> None:
    for error in (BadRecord, RecordsUnavailable, RecordsDamaged):
        assert issubclass(error, TradingError)


@pytest.fixture
def ready(file: Path) -> str:
    """The URL of a store in which strategies are registered."""
    url = f"sqlite:///{file}"
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
    return url


def _lose_the_connection(change: Change, url: str) -> None:
    """End every session of the server between two writes of a change."""
    change.trades(trade())
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
    change.trades(trade(symbol="BBB"))
