"""More filled than was ordered: nothing is opened in that symbol until somebody resumes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benbot.paper.outbox import Manners, Outbox
from benbot.paper.overfills import WHY
from benbot.paper.store import set_switch
from benbot.paper.venue import VenueFill
from tests.paper.walks import N_BARS, Walk, is_exit, walking

RESUMED = {"is_halted": False, "must_stop": False}


def overfilled(walk: Walk) -> set[str]:
    return {subject.removeprefix("overfill ") for subject in walk.alarms()}


def opened_in(walk: Walk, symbols: set[str], since: int) -> set[str]:
    """Return the symbols among these in which something was entered since so many orders."""
    sent = [one for one in walk.venue.sent[since:] if not is_exit(one)]
    return {one.symbol for one in sent} & symbols


def test_where_more_was_filled_nothing_is_opened_until_a_resume(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS - 2)
        walk.venue.filled = 1.5
        walk.bars(2)
        walk.venue.filled = 1.0
        symbols = overfilled(walk)
        n_sent = len(walk.venue.sent)
        walk.bars(8)
        assert symbols
        assert opened_in(walk, symbols, n_sent) == set()
        dropped = walk.table("intents").query("note == @WHY")
        assert len(dropped) > 0
        assert set(dropped["reason"]) == {"NONE"}
        assert any(is_exit(one) for one in walk.venue.sent[n_sent:])
        n_sent, moment = len(walk.venue.sent), walk.on.clock()
    with walking(folder) as walk:  # a restart is no pardon
        walk.bars(2)
        assert opened_in(walk, symbols, 0) == set()
        set_switch(walk.url, "replay", moment, "test", **RESUMED)
        walk.bars(10)
        assert opened_in(walk, symbols, 0)


@pytest.mark.parametrize(
    "told",
    [
        lambda fill: replace(fill, client_order_id=None),
        lambda fill: fill,
    ],
    ids=["by the order of the venue alone", "by our name"],
)
def test_a_fill_that_comes_when_its_order_is_over_is_ours_and_an_alarm(
    told: Callable[[VenueFill], VenueFill], folder: Path
) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        store, since = walk.on.store, walk.on.clock().replace(year=1990)
        fill = list(walk.venue.fills(since))[-1]
        late = told(replace(fill, execution_id="late", units=1.0))
        outbox = Outbox(walk.venue, store, walk.on.loop.trader.setting.names, Manners(), print)
        assert outbox.book_all([late]) == []
        row = walk.table("fills").set_index("execution_id").loc["late"]
        assert not row["is_external"]
        assert row["client_order_id"] == fill.client_order_id
        assert walk.alarms() == [f"overfill {fill.symbol}"]
        assert outbox.overfills.why_not(fill.symbol) == WHY


def test_a_fill_of_an_order_that_nobody_here_sent_is_a_stranger_s(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        fill = list(walk.venue.fills(walk.on.clock().replace(year=1990)))[-1]
        theirs = replace(
            fill, execution_id="theirs", client_order_id=None, venue_order_id="another"
        )
        assert walk.on.loop._outbox.book_all([theirs]) == [theirs]
        assert walk.table("fills").set_index("execution_id").loc["theirs", "is_external"]
        assert walk.alarms() == []
