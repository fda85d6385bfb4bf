"""The chain of events shows what was done to it, and the ladder where everybody stands."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from benbot.envs.errors import RecordsDamaged
from benbot.strategies.records import Stage, read_records
from benbot.strategies.records.store import Records
from tests.strategies.records.made import NOON, opened, register_all, registered


def write_story(records: Records) -> None:
    with records.change(NOON) as change:
        register_all(change)
        change.stage("rsi", None, Stage.R1, "new")
    with records.change(NOON) as change:
        change.stage("rsi", Stage.R1, Stage.R2, {"sharpe": 0.2, "trades": 40})
        change.event("breaker", "desk", ["drawdown of 5 %", "halted for 5 days"])


def test_events_tell_the_story_in_order(url: str) -> None:
    with opened(url) as records:
        write_story(records)
        assert list(records.events()["kind"]) == [*["registered"] * 3, "stage", "stage", "breaker"]
        (last,) = records.events("breaker").to_dict("records")
        moves = records.events("stage", "rsi")
        assert records.events(after=4, limit=1)["id"].tolist() == [5]
        assert len(records.events(since=NOON)) == 6
        assert len(records.events(until=NOON)) == 0
        assert records.verify().n_events == 6
    assert last["moment"] == NOON
    assert last["reasons"] == ["drawdown of 5 %", "halted for 5 days"]
    assert moves["reasons"].iloc[1] == {
        "from": "R1",
        "to": "R2",
        "reasons": {"sharpe": 0.2, "trades": 40},
    }


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        ("UPDATE events SET reasons = '[]' WHERE id = 5", "event 5 was not: its content"),
        ("UPDATE events SET moment = moment + 1 WHERE id = 2", "event 2 was not: its content"),
        ("DELETE FROM events WHERE id = 3", "event 3 was not: the next one has number 4"),
        ("DELETE FROM events WHERE id = 6", "event 6 was not: 6 were noted, 5 are there"),
        ("UPDATE events SET hash = previous WHERE id = 4", "event 4 was not: its content"),
        ("UPDATE events SET previous = hash WHERE id = 4", "event 4 was not: it does not follow"),
        ("UPDATE changes SET head = 'x' WHERE id = 1", "event 4 was not: it is not the one that"),
    ],
)
def test_tampering_is_seen(file: Path, tampering: str, said: str) -> None:
    url = f"sqlite:///{file}"
    with opened(url) as records:
        write_story(records)
    engine = create_engine(url)
    with engine.begin() as connection:
        for verb in ("update", "delete"):
            connection.execute(text(f"DROP TRIGGER events_no_{verb}"))
        connection.execute(text(tampering))
    engine.dispose()
    with read_records(url) as records, pytest.raises(RecordsDamaged, match=said):
        records.verify()


@pytest.mark.parametrize("statement", ["UPDATE events SET kind = 'x'", "DELETE FROM events"])
def test_the_database_itself_refuses_to_change_an_event(url: str, statement: str) -> None:
    with opened(url) as records:
        write_story(records)
        with (
            pytest.raises(DBAPIError, match="events are only added to"),
            records._writing.begin() as connection,
        ):
            connection.execute(text(statement))


def test_the_ladder_is_read_from_the_top(url: str) -> None:
    with opened(url) as records:
        assert len(records.ladder()) == 0
        with records.change(NOON) as change:
            for name, stage in (("a", "RETIRED"), ("b", "R1"), ("c", "LIVE"), ("d", "R3")):
                change.register(registered(name, parents=("x", "y")))
                change.stage(name, None, stage, "for the test")
            change.register(registered("e"))
        ladder = records.ladder()
    assert list(ladder["strategy"]) == ["c", "d", "b", "a", "e"]
    assert list(ladder["stage"].iloc[:4]) == ["LIVE", "R3", "R1", "RETIRED"]
    assert ladder["stage"].isna().tolist() == [False] * 4 + [True]
    assert ladder["since"].isna().tolist() == [False] * 4 + [True]
    assert ladder["since"].iloc[0] == NOON
    assert ladder["parameters"].iloc[0] == {"n": 14}
    assert ladder["parents"].iloc[0] == ["x", "y"]
    assert ladder["registered"].iloc[4] == NOON
