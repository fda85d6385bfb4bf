"""A change is written whole or not at all, and by one process at a time."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from benbot.envs.errors import BadRecord, RecordsHeld, RecordsUnavailable, UnknownName
from benbot.strategies.records import Change, Stage, read_records
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


def write_everything_and_stop(change: Change) -> None:
    change.stage("rsi", None, Stage.R1, "new")
    change.trades(trade())
    change.days(day())
    change.event("note", "rsi", {"why": "none"})
    change.state("season", {"bar": 1})
    raise KeyboardInterrupt


def test_a_change_is_all_there_or_not_at_all(url: str) -> None:
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
        with pytest.raises(KeyboardInterrupt), records.change(NOON) as change:
            write_everything_and_stop(change)
        assert len(records.trades()) == 0
        assert len(records.summary()) == 0
        assert len(records.events()) == 3
        assert records.state("season") is None
        assert set(records.ladder()["stage"].isna()) == {True}
        assert records.verify().n_events == 3


def test_what_was_written_is_there_when_it_is_opened_again(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
        change.trades(trade())
        change.state("season", {"bar": 1, "cash": 0.1, "held": ["AAA"], "stop": None})
    with read_records(url) as records:
        (row,) = records.trades().to_dict("records")
        expected = trade().to_dict("records")[0]
        assert {name: row[name] for name in expected} == expected
        assert records.state("season") == {"bar": 1, "cash": 0.1, "held": ["AAA"], "stop": None}
        assert list(records.ladder()["strategy"]) == ["gap", "ma", "rsi"]


def test_a_trade_counts_once_however_often_it_comes(url: str) -> None:
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            assert change.trades(trade()) == 1
            assert change.trades(trade()) == 0
        with records.change(NOON) as change:
            assert change.trades(trade(weight=0.3)) == 0
            assert change.trades(trade(symbol="BBB", key="mine")) == 1
            assert change.trades(trade().to_records(index=False)) == 0
        assert list(records.summary()["trades"]) == [2]
        with (
            pytest.raises(BadRecord, match=r"was not: profit 10.0 is 11.0 now"),
            records.change(NOON) as change,
        ):
            change.trades(trade(profit=11.0))


def test_a_moment_before_the_last_is_refused(url: str) -> None:
    with opened(url) as records:
        with records.change(NOON):
            pass
        with records.change(NOON):
            pass
        with (
            pytest.raises(BadRecord, match="must not be before that of the last, 2020-06-01T12:00"),
            records.change(NOON - timedelta(microseconds=1)),
        ):
            pass
    with (
        opened(url) as records,
        pytest.raises(BadRecord, match="A clock was set back"),
        records.change(NOON - timedelta(days=1)),
    ):
        pass


def test_a_moment_without_a_zone_is_refused(url: str) -> None:
    with (
        opened(url) as records,
        pytest.raises(BadRecord, match="a moment must name its time zone"),
        records.change(NOON.replace(tzinfo=None)),
    ):
        pass


def test_a_session_in_which_nobody_takes_part_is_nothing(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
        assert change.days(day().iloc[:0]) == 0
        assert change.trades(trade().iloc[:0]) == 0


def test_the_second_owner_is_refused_until_the_lease_runs_out(url: str) -> None:
    clock = HandClock()
    first = opened(url, "first", clock=clock, lasts=60.0)
    with pytest.raises(RecordsHeld, match=r"'first' does: its lease runs until 2020-06-01T12:01"):
        opened(url, "second", clock=clock)
    clock.advance(50)
    with first.change(NOON) as change:
        change.register(registered("rsi"))
    clock.advance(50)
    with pytest.raises(RecordsHeld, match="one process at a time may write"):
        opened(url, "second", clock=clock)
    clock.advance(10)
    second = opened(url, "second", clock=clock)
    with (
        pytest.raises(RecordsHeld, match="'first' was until 'second' took it over at 2020-06-01"),
        first.change(NOON) as change,
    ):
        change.register(registered("ma"))
    with second.change(NOON) as change:
        change.register(registered("gap"))
    first.close()  # gives nothing back that is not its own
    with pytest.raises(RecordsHeld, match="'second' does"):
        opened(url, "third", clock=clock)
    second.close()
    with opened(url, "third", clock=clock) as third:
        assert list(third.ladder()["strategy"]) == ["gap", "rsi"]


def test_the_same_name_is_no_pass(url: str) -> None:
    with opened(url, "season"), pytest.raises(RecordsHeld, match="'season' does"):
        opened(url, "season")


def test_a_lease_that_ran_out_and_that_nobody_took_goes_on(url: str) -> None:
    clock = HandClock()
    with opened(url, clock=clock, lasts=60.0) as records:
        clock.advance(3600)
        records.renew()
        with pytest.raises(RecordsHeld):
            opened(url, "second", clock=clock)


def test_a_change_that_took_longer_than_a_lease_is_not_the_end_of_it(url: str) -> None:
    clock = HandClock()
    with opened(url, "first", clock=clock, lasts=60.0) as first:
        with first.change(NOON) as change:
            register_all(change)
            clock.advance(600)
        with pytest.raises(RecordsHeld, match="runs until 2020-06-01T12:11:00"):
            opened(url, "second", clock=clock)
        with first.change(NOON) as change:
            change.event("note", "market", {})


def test_a_clock_that_was_set_back_does_not_shorten_the_lease(url: str) -> None:
    clock = HandClock()
    with opened(url, "first", clock=clock, lasts=60.0) as records:
        clock.advance(-3000)
        records.renew()
        clock.advance(3050)
        with pytest.raises(RecordsHeld, match="until 2020-06-01T12:01:00"):
            opened(url, "second", clock=clock)


def test_a_lease_can_be_taken_over(url: str) -> None:
    with (
        opened(url, "first") as first,
        opened(url, "second", takes_over=True),
        pytest.raises(RecordsHeld, match="Nothing was written"),
        first.change(NOON),
    ):
        pass


def test_reading_needs_no_lease_and_writes_nothing(url: str) -> None:
    with opened(url) as records, read_records(url) as reader:
        with records.change(NOON) as change:
            register_all(change)
            assert len(reader.ladder()) == 0
        assert len(reader.ladder()) == 3
        assert not hasattr(reader, "change")
        with pytest.raises(RecordsUnavailable), reader._asking() as connection:
            connection.execute(text("DELETE FROM trades"))


def test_a_strategy_must_be_registered_before_anything_is_recorded(url: str) -> None:
    with opened(url) as records:
        for write in (
            lambda change: change.trades(trade()),
            lambda change: change.days(day()),
            lambda change: change.stage("rsi", None, Stage.R1, "new"),
        ):
            with (
                pytest.raises(UnknownName, match=r"must be registered before anything .* rsi"),
                records.change(NOON) as change,
            ):
                write(change)


def test_trades_come_in_pages(url: str) -> None:
    with opened(url) as records:
        with records.change(NOON) as change:
            register_all(change)
            for hour in range(1, 6):
                change.trades(trade(closed=NOON - timedelta(hours=hour)))
            change.trades(trade(strategy="ma"))
        first = records.trades(limit=2, strategy="rsi")
        second = records.trades(limit=9, strategy="rsi", after=int(first["id"].iloc[-1]))
        assert list(first["id"]) == [1, 2]
        assert list(second["id"]) == [3, 4, 5]
        late = records.trades(since=NOON - timedelta(hours=2), until=NOON - timedelta(hours=1))
        assert list(late["id"]) == [2]


def test_an_sqlite_store_is_private_and_outlives_a_loss_of_power(file: Path) -> None:
    file.touch(mode=0o644)
    with opened(f"sqlite:///{file}") as records, records.change(NOON) as change:
        register_all(change)
        for path in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        settings = {
            name: change._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert [path.name for path in file.parent.iterdir()] == ["records.db"]


def test_what_postgresql_reads_is_one_moment(new_database: MakeUrl) -> None:
    with opened(new_database()) as records, records._asking() as connection:
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "on"
        assert connection.execute(text("SHOW transaction_isolation")).scalar() == "repeatable read"


def test_tables_without_rows_record_nothing(url: str) -> None:
    with opened(url) as records, records.change(NOON) as change:
        register_all(change)
        assert change.days(day().iloc[:0]) == 0
        assert change.trades(trade().iloc[:0]) == 0
