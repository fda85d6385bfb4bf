"""Whoever looks at an account again reads what is new, and sees what is not there any more."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from sqlalchemy import Connection

from benbot.paper import chain
from benbot.paper.overview.memory import WHOLE, Known, Memory
from benbot.paper.overview.results import results
from benbot.paper.store import open_store, reading
from benbot.strategies.records.chain import Head
from benbot.strategies.records.moments import moment_of
from tests.paper.conftest import Traded
from tests.paper.switches import execute

THEN = 1_800_000_000_000_000


class Reader:
    """Looks at a copy of an account, and counts the events that it reads."""

    def __init__(self, url: str, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.account, self.memory, self.now = url, account, Memory(), THEN
        self.walked: list[int] = []
        walk = chain.Chain.walk

        def counted(own: chain.Chain, connection: Connection, head: Head) -> Iterator[Head]:
            self.walked.append(head.n_events)
            yield from walk(own, connection, head)

        monkeypatch.setattr(chain.Chain, "walk", counted)

    def look(self, seconds: float = 5.0) -> Known:
        self.now += int(seconds * 1e6)
        with reading(self.url) as connection:
            known = self.memory.look(connection, self.account, self.now)
            fresh = results(connection, self.account)
            again = results(connection, self.account, known.marks)
            assert self.memory.marks(connection, self.account).bars.tolist() == fresh.bars.tolist()
        for name in ("bars", "moments", "equity", "flow"):
            np.testing.assert_array_equal(getattr(again, name), getattr(fresh, name))
        return known

    def happen(self, *kinds: str) -> None:
        clock = moment_of(THEN)
        with open_store(self.url, self.account, lambda: clock) as store, store.change() as change:
            for kind in kinds:
                change.event(kind, "cash", money=5.0)


@pytest.fixture
def reader(traded: Traded, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    copytree(traded.folder, folder / "copy")
    url = traded.stretch.url(folder / "copy")
    one = Reader(url, traded.stretch.account, monkeypatch)
    one.happen("flow", "novel", "novel")
    return one


def test_what_was_verified_is_not_walked_again(reader: Reader) -> None:
    n = reader.look().chain.n_events
    reader.happen("flow", "novel")
    known = reader.look()
    assert reader.walked == [0, n]
    assert (known.chain.n_events, known.chain.broken) == (n + 2, "")
    assert known.chain.whole_at == THEN + 5_000_000  # as it was said at the first look
    assert [money for _, money in known.marks.flows] == [5.0, 5.0]


def test_all_of_it_is_walked_once_an_hour(reader: Reader) -> None:
    n = reader.look().chain.n_events
    reader.look(WHOLE / 1e6 - 1.0)
    known = reader.look(1.0)
    assert reader.walked == [0, n, 0]
    assert known.chain.whole_at == reader.now


def test_a_mark_that_is_new_is_read_and_one_that_is_another_makes_all_of_them_read(
    reader: Reader,
) -> None:
    last = reader.look().marks.last
    columns = "account, bar, moment, {} FROM {}"
    for table, rest in (
        ("equity", "equity, cash, gross, net, n_positions, breaker"),
        ("decisions", "observation, weights, growth, regime"),
    ):
        told = columns.format(rest, table).replace("bar, moment", "bar + 1, moment + 1")
        names = columns.format(rest, table).partition(" FROM")[0]
        where = f"WHERE bar = {last}"
        execute(reader.url, f"INSERT INTO {table} ({names}) SELECT {told} {where}")
    assert reader.look().marks.last == last + 1
    execute(reader.url, f"DELETE FROM equity WHERE bar = {last + 1}")  # noqa: S608
    execute(reader.url, "UPDATE equity SET equity = equity + 1.0")
    assert reader.look().marks.last == last


def test_an_event_that_was_changed_behind_what_is_new_is_found_within_the_hour(
    reader: Reader,
) -> None:
    n = reader.look().chain.n_events
    execute(reader.url, "UPDATE events SET subject = 'other' WHERE number = 1")
    assert reader.look().chain.broken == ""
    assert "event 1 was not" in reader.look(WHOLE / 1e6).chain.broken
    assert reader.look().chain.n_events == n


def test_an_event_that_was_changed_is_found_at_once_where_it_is_new(reader: Reader) -> None:
    n = reader.look().chain.n_events
    reader.happen("novel", "novel")
    execute(reader.url, f"UPDATE events SET subject = 'other' WHERE number = {n + 1}")  # noqa: S608
    for _ in range(2):
        known = reader.look()
        assert f"event {n + 1} was not" in known.chain.broken
        assert known.chain.n_events == n + 2


@pytest.mark.parametrize("n_gone", [1, 2])
def test_events_that_are_gone_are_told_until_the_reader_ends(n_gone: int, reader: Reader) -> None:
    n = reader.look().chain.n_events
    execute(reader.url, f"DELETE FROM events WHERE number > {n - n_gone}")  # noqa: S608
    for seconds in (5.0, WHOLE / 1e6):
        known = reader.look(seconds)
        assert f"the first {n} events must be those that were whole" in known.chain.broken
        assert known.chain.n_events == n - n_gone
    reader.memory = Memory()
    assert reader.look().chain.broken == ""  # whoever has not seen them does not miss them


def test_a_chain_that_was_written_anew_is_told(reader: Reader) -> None:
    n = reader.look().chain.n_events
    execute(reader.url, f"DELETE FROM events WHERE number = {n}")  # noqa: S608
    reader.happen("another", "and another")
    known = reader.look()
    assert "they are others now, or fewer" in known.chain.broken
    assert reader.walked == [0, 0]


def test_another_account_of_the_name_is_another(reader: Reader) -> None:
    reader.look()
    execute(reader.url, "UPDATE accounts SET began = began + 1", "DELETE FROM events")
    assert reader.look().chain.broken == ""
