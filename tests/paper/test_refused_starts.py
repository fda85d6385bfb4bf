"""A start that is refused leaves nothing open: neither the venue's files nor the store's."""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig, RecordsUnavailable, RunMismatch, VenueUnavailable
from benbot.envs.history import Span
from benbot.paper.alpaca.wire import GuardedSession
from benbot.paper.replayed import STORE, VENUE, Stretch, replay
from benbot.paper.venue import Venue
from tests.paper.conftest import ALPACA
from tests.paper.markets_at_alpaca import winter
from tests.paper.replays import heard_stretch

OPEN = Path("/proc/self/fd")

pytestmark = pytest.mark.skipif(not OPEN.is_dir(), reason="needs /proc, to list open files")


def open_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder that this process has open."""
    found = set()
    for handle in OPEN.iterdir():
        try:
            target = handle.readlink()
        except FileNotFoundError:  # that of the listing itself
            continue
        if target.is_relative_to(folder):
            found.add(target.name)
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Let nobody close what was only forgotten."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def short() -> Stretch:
    stretch = heard_stretch()[0]
    return replace(stretch, span=Span(stretch.span.first, stretch.span.first + 1))


def test_a_store_that_refuses_leaves_no_file_of_a_replay_open(folder: Path) -> None:
    replay(short(), folder)
    with sqlite3.connect(folder / STORE) as connection:
        connection.execute("UPDATE paper_version SET version_num = 'p9999'")
    connection.close()
    with uncollected():
        with pytest.raises(RecordsUnavailable, match="which this program does not know"):
            replay(short(), folder)
        assert open_in(folder) == set()


def test_an_account_of_another_policy_leaves_none_open(folder: Path) -> None:
    replay(short(), folder)
    with uncollected():
        with pytest.raises(RunMismatch):
            replay(replace(short(), identity={"policy": "another"}), folder)
        assert open_in(folder) == set()


def test_a_venue_that_does_not_answer_leaves_none_open(folder: Path) -> None:
    def down(venue: Venue) -> Venue:
        raise VenueUnavailable("down")

    with uncollected():
        with pytest.raises(VenueUnavailable):
            replay(replace(short(), wrapped=down), folder)
        assert {STORE, VENUE} <= {each.name for each in folder.iterdir()}
        assert open_in(folder) == set()


def test_assets_that_cannot_be_read_leave_neither_files_nor_connections(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("alpaca", reason=ALPACA)
    closed: list[GuardedSession] = []
    close = GuardedSession.close

    def note(self: GuardedSession) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(GuardedSession, "close", note)
    with winter(folder) as scene, uncollected():
        scene.exchange.assets["CCC"] = {"tradable": False}
        with pytest.raises(BadConfig, match="must be tradable"), scene.trading():
            pass
        assert open_in(folder) == set()
        assert len(closed) == 4  # to trade, for bars and quotes, for splits, for news
