"""A cycle leaves a heartbeat; one that cannot be kept stops nothing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benbot.envs.errors import RecordsHeld, RecordsUnavailable
from benbot.envs.history import Span
from benbot.paper.heartbeat import Heartbeat
from benbot.paper.replayed import replay
from benbot.paper.store import PaperStore, reading
from tests.paper.replays import everything, heard_stretch, kept
from tests.paper.walks import walking


def test_the_last_cycle_is_kept(folder: Path) -> None:
    stretch, _ = heard_stretch()
    first = stretch.span.first
    stretch = replace(stretch, span=Span(first, first + 3))
    replay(stretch, folder)
    with reading(stretch.url(folder)) as connection:
        (beat,) = kept(connection, "heartbeats").to_dict("records")
        decisions = kept(connection, "decisions")
    assert beat["cycle"] > 3
    assert json.loads(beat["statuses"])[-1] == "COMPLETED"
    assert (beat["progress"], beat["failures"], beat["skew"]) == ("waiting", 0, 0.0)
    assert beat["beat"] >= beat["started"]
    known = stretch.history.tape.regime[first : first + 4]
    assert list(decisions["regime"]) == list(known)


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
    with reading(stretch.url(folder / "ill")) as connection:
        assert kept(connection, "heartbeats").empty


def test_who_was_taken_over_ends_though_it_has_nothing_to_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with walking(folder) as walk:
        walk.bars(1)
        monkeypatch.setattr(PaperStore, "beat", _taken_over)
        with pytest.raises(RecordsHeld, match="taken over"):
            walk.on.loop.cycle()


def _taken_over(self: PaperStore, heartbeat: Heartbeat) -> None:
    raise RecordsHeld("was taken over")
