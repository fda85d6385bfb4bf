"""A cycle leaves a heartbeat; one that cannot be kept stops nothing."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from benbot.envs.errors import RecordsUnavailable
from benbot.envs.history import Span
from benbot.paper.heartbeat import Heartbeat
from benbot.paper.replayed import replay
from benbot.paper.store import PaperStore, reading
from benbot.paper.tables import METADATA
from tests.paper.replays import everything, heard_stretch


def rows_in(url: str, table: str) -> list[dict[str, Any]]:
    """Return the rows of a table as they are kept."""
    with reading(url) as connection:
        return [dict(row) for row in connection.execute(select(METADATA.tables[table])).mappings()]


def test_the_last_cycle_is_kept(folder: Path) -> None:
    stretch, _ = heard_stretch()
    first = stretch.span.first
    stretch = replace(stretch, span=Span(first, first + 3))
    replay(stretch, folder)
    (beat,) = rows_in(stretch.url(folder), "heartbeats")
    assert beat["cycle"] > 3
    assert json.loads(beat["statuses"])[-1] == "COMPLETED"
    assert (beat["progress"], beat["failures"], beat["skew"]) == ("waiting", 0, 0.0)
    assert beat["beat"] >= beat["started"]
    decisions = rows_in(stretch.url(folder), "decisions")
    known = stretch.history.tape.regime[first : first + 4]
    assert [row["regime"] for row in decisions] == list(known)


def test_a_heartbeat_that_is_not_kept_stops_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretch, _ = heard_stretch()
    first = stretch.span.first
    stretch = replace(stretch, span=Span(first, first + 8))
    replay(stretch, folder / "well")

    def beat(self: PaperStore, heartbeat: Heartbeat) -> None:
        raise RecordsUnavailable("the disk is full")

    monkeypatch.setattr(PaperStore, "beat", beat)
    replay(stretch, folder / "ill")
    well, ill = (everything(stretch, folder / name) for name in ("well", "ill"))
    for name, table in well.items():
        assert table.equals(ill[name]), name
    assert not rows_in(stretch.url(folder / "ill"), "heartbeats")
