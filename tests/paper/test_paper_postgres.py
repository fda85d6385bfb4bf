"""An account on PostgreSQL is the one on SQLite, whatever becomes of its connections."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text

from benbot.envs.errors import RecordsHeld
from benbot.paper import store as paper_store
from benbot.paper.chain import verify
from benbot.paper.enduring import enduring
from benbot.paper.replayed import Stretch, replay
from benbot.paper.store import open_store, reading, set_switch
from tests.paper.replays import everything, random_stretch, venue_of
from tests.paper.test_kills import short_stretch
from tests.paper.test_paper_store import NOW


@pytest.fixture(scope="module")
def server(server: str) -> URL:
    return make_url(server).set(drivername="postgresql+psycopg")


def administer(url: URL, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def served(stretch: Stretch, database: str) -> Stretch:
    """Return a stretch whose account a server keeps."""
    return replace(stretch, store=database)


def assert_same_account(stretch: Stretch, folder: Path, database: str) -> None:
    """What PostgreSQL keeps is what SQLite keeps of the same stretch, and so is the venue."""
    replay(stretch, folder / "quiet")
    here = everything(stretch, folder / "quiet")
    there = everything(served(stretch, database), folder)
    for name, table in here.items():
        assert_frame_equal(there[name], table, obj=name)
    assert venue_of(folder) == venue_of(folder / "quiet")
    with reading(database) as connection:
        assert verify(connection, stretch.account) == len(here["events"])


@pytest.mark.nightly
def test_an_account_on_postgresql_is_the_one_on_sqlite(database: str, folder: Path) -> None:
    stretch = short_stretch()
    replay(served(stretch, database), folder)
    assert_same_account(stretch, folder, database)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 7])
def test_sixty_bars_of_any_world_are(seed: int, database: str, folder: Path) -> None:
    stretch = random_stretch(seed)
    replay(served(stretch, database), folder)
    assert_same_account(stretch, folder, database)


class Cutting:
    """Makes engines whose server ends the connection at one of the next statements or commits."""

    def __init__(self, server: URL, seed: int, most: int) -> None:
        self._server, self._rng = server, np.random.default_rng(seed)
        self._make = paper_store.open_writer
        self.cuts: list[str] = []
        self._most = most

    def __call__(self, url: URL, patience: float) -> Engine:
        engine = self._make(url, patience)
        kind = ("statement", "before commit", "after commit")[len(self.cuts) % 3]
        soonest, latest = (8, 60) if kind == "statement" else (1, 9)
        counted = {"left": int(self._rng.integers(soonest, latest))}

        def is_time() -> bool:
            counted["left"] -= 1
            if counted["left"] == 0 and len(self.cuts) < self._most:
                counted["left"] = latest  # a switch that cannot be read ends nothing
                return True
            return False

        @event.listens_for(engine, "before_cursor_execute")
        def _statement(connection: Connection, _: object, text: str, *__: Any) -> None:  # noqa: ANN401
            if kind == "statement" and is_time():
                asks = "asking whether to halt" if "FROM switches" in text else kind
                self.cut(connection.connection.dbapi_connection, asks)

        commit = engine.dialect.do_commit

        def do_commit(dbapi: Any) -> None:  # noqa: ANN401
            is_now = kind != "statement" and is_time()
            if is_now and kind == "before commit":
                self.cut(dbapi, kind)
            commit(dbapi)
            if is_now and kind == "after commit":
                self.cut(dbapi, kind)
                dbapi.execute("SELECT 1")  # as if the answer to the commit were lost

        engine.dialect.do_commit = do_commit  # type: ignore[method-assign]
        return engine

    def cut(self, dbapi: Any, kind: str) -> None:  # noqa: ANN401
        """Let the server end a connection, as when it is restarted or the network is gone."""
        self.cuts.append(kind)
        pid = getattr(dbapi, "driver_connection", dbapi).info.backend_pid
        administer(self._server, f"SELECT pg_terminate_backend({pid})")


def replay_with_cuts(
    stretch: Stretch, folder: Path, cutting: Cutting, patch: pytest.MonkeyPatch
) -> list[float]:
    """Replay while connections are cut; return how long was waited after each."""
    waited: list[float] = []
    patch.setattr(paper_store, "open_writer", cutting)
    enduring(lambda: replay(stretch, folder), lambda: 0.0, waited.append)
    patch.undo()
    return waited


def test_a_connection_that_is_cut_in_a_transaction_loses_and_doubles_nothing(
    database: str,
    server: URL,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cutting = Cutting(server, seed=3, most=6)
    waited = replay_with_cuts(served(short_stretch(), database), folder, cutting, monkeypatch)
    kinds = ("statement", "before commit", "after commit")
    assert set(kinds) <= set(cutting.cuts)
    told = ("heartbeat", "what was switched")  # what is told ends nothing where it cannot be
    missed = sum(any(one in message for one in told) for message in caplog.messages)
    missed += sum(one not in kinds for one in cutting.cuts)  # nor a switch that cannot be read
    assert (
        6 - missed <= len(waited) <= 6
    )  # what follows on the same connection may end it all the same
    assert missed < 3
    assert waited == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0][: len(waited)]
    assert_same_account(short_stretch(), folder, database)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(30))
def test_hundreds_of_cuts_lose_and_double_nothing(
    seed: int, database: str, server: URL, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cutting = Cutting(server, seed=10 + seed, most=12)
    replay_with_cuts(served(short_stretch(), database), folder, cutting, monkeypatch)
    assert len(cutting.cuts) > 2
    assert_same_account(short_stretch(), folder, database)


def test_a_lease_on_a_server_is_one_process_at_a_time_and_its_own_again(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_store(database, "main", lambda: NOW)
    with monkeypatch.context() as patch:
        patch.setattr(paper_store.os, "getpid", lambda: 1)
        with pytest.raises(RecordsHeld, match="its lease runs until"):
            open_store(database, "main", lambda: NOW)
    with open_store(database, "main", lambda: NOW) as again:  # the same process, that lost it
        with pytest.raises(RecordsHeld, match="another process took over"), first.change():
            pass
        set_switch(database, "main", NOW, "test", is_halted=True)
        assert again.is_halted()


def test_a_switch_on_a_server_that_is_gone_is_on(
    database: str, server: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(database, "main", lambda: NOW) as store:
        assert not store.is_halted()
        gone = create_engine(server.set(query={"host": "/nowhere"}))
        with monkeypatch.context() as patch:
            patch.setattr(store, "_writing", gone)
            assert store.is_halted()
