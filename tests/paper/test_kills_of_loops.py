"""A loop that is killed again and again: its chain has every start, and every switch once."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame

from benbot.paper.chain import verify
from benbot.paper.presence import SILENT, Newcomer, present
from benbot.paper.replayed import Opened, Stretch, replay
from benbot.paper.store import reading, set_switch
from tests.paper.kills import drawn, finished, killed, trail_of
from tests.paper.notify.receiver import NOW
from tests.paper.replays import everything
from tests.paper.test_kills import short_stretch

WHO = Newcomer("models:/allocator/3", "models:/allocator/3", "abc", "replay", "1.0")
N_NIGHTLY = 20
OF_LOOPS, OF_SWITCHES = ("started", "ended"), ("halted", "resumed")


@pytest.fixture(scope="module")
def stretch() -> Stretch:
    return short_stretch()


def introduced(on: Opened) -> AbstractContextManager[object]:
    return present(on.store, WHO, lambda: on.loop.trader.standing, lambda: "all is traded")


def trade(stretch: Stretch, folder: Path) -> None:
    replay(stretch, folder, beside=introduced)


def of_the_account(tables: dict[str, DataFrame]) -> list[tuple[object, ...]]:
    """Return the events that are neither of a loop nor of a switch."""
    events = tables["events"]
    events = events[~events["kind"].isin(OF_LOOPS + OF_SWITCHES)]
    return list(events[["moment", "kind", "subject", "reasons"]].itertuples(index=False))


def kill_and_compare(stretch: Stretch, folder: Path, rng: np.random.Generator, n: int) -> None:
    """Kill a loop n times, switch while it is dead, and look at what its chain tells."""
    quiet = folder / "quiet"
    trail = trail_of(lambda: trade(stretch, quiet))
    url, n_killed = stretch.url(folder), 0
    for _ in range(n):
        n_killed += killed(lambda: trade(stretch, folder), drawn(trail, rng))
        if (folder / "paper.db").is_file():
            set_switch(url, "replay", NOW, "", "ada@desk", is_halted=True)
            set_switch(url, "replay", NOW, "", "ada@desk", is_halted=False)
    finished(lambda: trade(stretch, folder))
    assert n_killed > 0  # whoever goes on may end before the line at which it is to be killed
    assert_told(stretch, folder, everything(stretch, quiet))


def assert_told(stretch: Stretch, folder: Path, quiet: dict[str, DataFrame]) -> None:
    tables = everything(stretch, folder)
    events, throws = tables["events"], tables["throws"]
    with reading(stretch.url(folder)) as connection:
        assert verify(connection, stretch.account) == len(events)
    told = events[events["kind"].isin(OF_SWITCHES)]
    assert list(told["kind"]) == ["halted", "resumed"] * (len(throws) // 2)
    assert sorted(throws["event"]) == sorted(told["number"])
    loops = events[events["kind"].isin(OF_LOOPS)]
    before = ""
    for one in loops.itertuples():
        if one.kind == "started":
            said = json.loads(str(one.reasons))["before"]
            assert (said == SILENT) == (before == "started")
        before = str(one.kind)
    assert before == "ended"
    assert of_the_account(tables) == of_the_account(quiet)
    for name in ("fills", "equity", "decisions", "trades"):
        assert tables[name].equals(quiet[name]), name


@pytest.mark.nightly
def test_a_loop_that_is_killed_at_any_line_tells_all_of_it_once(
    stretch: Stretch, folder: Path
) -> None:
    for i in range(N_NIGHTLY):
        rng = np.random.default_rng([12, i])
        kill_and_compare(stretch, folder / str(i), rng, 1 + i % 3)
