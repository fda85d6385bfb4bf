"""What the loop does when the venue, its account, its clock or the disk fail it."""

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Timer

import pytest

from benbot.envs.errors import OrderRefused, RecordsUnavailable, VenueUnavailable
from benbot.paper.autoloop import SKEW, Status
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.venue import OrderIntent, Refusal, VenueOrder
from benbot.strategies.records.database import PATIENCE
from tests.paper.replays import heard_stretch, venue_of
from tests.paper.walks import N_BARS, Walk, Willing, is_exit, walking


def entered(walk: Walk) -> list[str]:
    return [one.client_order_id for one in walk.venue.sent if not is_exit(one)]


def left(walk: Walk) -> list[str]:
    return [one.client_order_id for one in walk.venue.sent if is_exit(one)]


@pytest.mark.parametrize("sign", [1, pytest.param(-1, marks=pytest.mark.nightly)])
def test_while_our_clock_and_the_venue_s_are_apart_nothing_is_entered_and_exits_go_on(
    sign: int, folder: Path
) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.venue.sent.clear()
        walk.venue.ahead = lambda now: now + sign * (SKEW + timedelta(seconds=1))
        cycles = walk.bars(15)
        assert cycles[0].statuses[0] is Status.HEALTH
        assert "31 seconds apart" in cycles[0].why
        assert (entered(walk), len(left(walk)) > 0) == ([], True)
        walk.venue.ahead = lambda now: now + sign * SKEW / 2
        walk.bars(5)
        assert entered(walk)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"may_trade": False, "note": "suspended"}, "the account may not trade: suspended"),
        ({"may_open": False, "note": "closing only"}, "the account may only close: closing only"),
    ],
)
def test_an_account_that_may_not_open_enters_nothing_and_says_why(
    facts: dict[str, object], why: str, folder: Path
) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.venue.sent.clear()
        walk.venue.facts = facts
        cycles = walk.bars(15)
        assert {cycle.why for cycle in cycles if cycle.statuses[0] is Status.HEALTH} == {why}
        assert (entered(walk), len(left(walk)) > 0) == ([], True)


def test_a_refused_order_is_over_keeps_its_reason_and_is_not_sent_again(folder: Path) -> None:
    with walking(folder) as walk:
        walk.venue.refuses = lambda intent: not is_exit(intent)
        walk.bars(N_BARS)
        refused = entered(walk)
        intents = walk.table("intents")
        assert len(refused) == len(set(refused)) > 0
        assert set(intents["status"]) == {"refused"}
        assert set(intents["note"]) == {"not_held: not now"}
        walk.venue.refuses = lambda intent: False  # the next bar decides anew
        walk.bars(3)
        assert set(entered(walk)) > set(refused)
        assert "done" in set(walk.table("intents")["status"])


class Twice(Willing):
    """Has every order already when it comes, and finds it to be another."""

    def submit(self, intent: OrderIntent) -> VenueOrder:
        super().submit(intent)
        raise OrderRefused("client_order_id must be unique, of another order", Refusal.DUPLICATE)


def test_an_order_that_is_there_though_it_is_refused_is_booked(folder: Path) -> None:
    with walking(folder, venue=Twice) as walk:
        walk.bars(N_BARS)
        assert set(walk.table("intents")["status"]) == {"done"}
        assert not walk.table("fills")["is_external"].any()
        assert "adopted" not in set(walk.table("events")["kind"])


def test_what_filled_beyond_what_was_ordered_is_an_alarm_and_is_believed(folder: Path) -> None:
    with walking(folder) as walk:
        walk.venue.filled = 1.5
        walk.bars(N_BARS)
        intents, fills = walk.table("intents"), walk.table("fills")
        assert walk.alarms()
        assert all(subject.startswith("overfill S") for subject in walk.alarms())
        first = intents.iloc[0]
        assert first["filled"] == pytest.approx(1.5 * first["units"])
        assert fills["units"].iloc[0] == pytest.approx(first["filled"])


@pytest.mark.parametrize(
    "question",
    ["positions", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("clock", "fills"))],
)
def test_what_the_venue_does_not_answer_is_not_taken_for_nothing(
    question: str, folder: Path
) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        before = walk.table("positions")
        assert len(before) > 0
        walk.venue.raises[question] = VenueUnavailable("500")
        walk.tick()  # the opening
        for _ in range(3):
            cycle = walk.on.loop.cycle()
        if question == "fills":  # nobody knows what filled, so nothing after it is sent
            assert len({one.client_order_id for one in walk.venue.sent}) == len(walk.venue.sent)
        else:
            assert cycle.statuses[-1] is Status.HEALTH
            assert walk.table("positions").equals(before)
        walk.venue.raises.clear()
        walk.bars(3)
        names = heard_stretch()[0].history.market.symbols
        rows = walk.on.loop.trader.desk.positions
        held = {names[row["symbol"]]: float(row["units"]) for row in rows}
        assert held == pytest.approx({one.symbol: one.units for one in walk.venue.positions()})
        assert not set(walk.table("events")["kind"]) & {"adopted", "flow"}


@pytest.mark.nightly
def test_while_the_market_is_closed_cycles_change_nothing(folder: Path) -> None:
    """A night, a weekend or a holiday is a stretch of time in which no bar opens."""
    with walking(folder) as walk:
        walk.bars(N_BARS)
        n_sent, before = len(walk.venue.sent), walk.table("standings")["book"].iloc[0]
        for _ in range(20):
            cycle = walk.on.loop.cycle()
            assert cycle.statuses[-1] is Status.COMPLETED
        assert len(walk.venue.sent) == n_sent
        assert walk.table("standings")["book"].iloc[0] == before


def test_what_cannot_be_kept_is_not_sent(folder: Path) -> None:
    """The disk is full: the database may not grow by a page."""
    with walking(folder) as walk:
        walk.bars(N_BARS)
        n_sent, n_pages = len(walk.venue.sent), 1_000_000
        _allow(walk, 1)
        with pytest.raises(RecordsUnavailable, match="is full"):
            walk.bars(9)
        _allow(walk, n_pages)
        kept = set(walk.table("intents")["client_order_id"])
        assert {one.client_order_id for one in walk.venue.sent} <= kept
        walk.bars(3)
        assert len(walk.venue.sent) > n_sent


def _allow(walk: Walk, n_pages: int) -> None:
    """Let the database have so many pages, or as many as it has."""
    with walk.on.store._writing.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {n_pages}")


def test_a_database_that_is_locked_for_a_while_is_waited_for(folder: Path) -> None:
    assert PATIENCE > 1.0
    with walking(folder) as walk:
        walk.bars(N_BARS)
        other = sqlite3.connect(folder / "paper.db", isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        timer = Timer(0.2, other.execute, ("ROLLBACK",))
        timer.start()
        walk.bars(2)
        timer.join()
        other.close()
    assert venue_of(folder)["fills"]


def test_a_bar_that_is_over_sends_nothing_any_more(folder: Path) -> None:
    """A venue that was away is back after the bar that was decided for."""
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.venue.raises["submit"] = VenueUnavailable("down")
        while not any(one.status is IntentStatus.SENT for one in _under_way(walk)):
            walk.cycle()
        meant = next(one for one in _under_way(walk) if one.status is IntentStatus.SENT)
        for _ in range(4):
            walk.tick()  # its close has passed
        walk.venue.raises.clear()
        walk.on.loop.cycle()
        intents = walk.table("intents").set_index("client_order_id")
        assert intents.loc[meant.client_order_id, "note"] == "its bar is over"
        assert meant.client_order_id not in {one.client_order_id for one in walk.venue.sent}


def _under_way(walk: Walk) -> list[Intent]:
    standing = walk.on.loop.trader.standing
    return walk.on.store.intents(standing.bar + 1, standing.stage)


def test_what_is_decided_for_a_bar_that_is_over_is_not_sent(folder: Path) -> None:
    """A session that ended early, or a cycle that came too late."""
    with walking(folder) as walk:
        walk.bars(N_BARS)
        n_sent = len(walk.venue.sent)
        for _ in range(7):
            walk.tick()  # nobody looked for two bars
        walk.on.loop.cycle()
        intents = walk.table("intents")
        past = intents[intents["note"] == "its bar is over"]
        assert len(past) > 0
        assert set(past["status"]) == {"dropped"}
        sent = {one.client_order_id for one in walk.venue.sent[n_sent:]}
        assert not sent & set(past["client_order_id"])


def test_a_feed_that_freezes_trips_the_breaker_of_the_desk(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        walk.venue.sent.clear()
        walk.on.loop.trader._feed.stale = len  # type: ignore[method-assign]
        cycles = walk.bars(12)
        breakers = {cycle.why for cycle in cycles if Status.CIRCUIT_BREAKER in cycle.statuses}
        assert "STALE_DATA" in breakers
        assert entered(walk) == []
        assert left(walk)


def test_an_order_that_may_have_arrived_is_asked_for_before_it_is_sent(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        intent = _first_intent(walk)
        n_sent = len(walk.venue.sent)
        found = walk.on.loop._outbox.pursue(intent, is_new=False)
        assert (found.status.value, len(walk.venue.sent)) == ("done", n_sent)


def test_one_look_does_not_say_that_an_order_is_not_there(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        intent, outbox = _first_intent(walk), walk.on.loop._outbox
        outbox._manners = replace(outbox._manners, looks=3)
        n_sent, late = len(walk.venue.sent), iter([None, None])
        order = walk.venue.order
        walk.venue.order = lambda name: next(late, order(name))  # type: ignore[method-assign]
        found = outbox.pursue(intent, is_new=False)
        assert (found.status.value, len(walk.venue.sent)) == ("done", n_sent)


def test_an_identifier_of_another_order_ends_the_intent_and_books_nothing(folder: Path) -> None:
    with walking(folder) as walk:
        walk.bars(N_BARS)
        intent = replace(_first_intent(walk), ticker="another", filled=0.0)
        n_fills = len(walk.table("fills"))
        end = walk.on.loop._outbox.pursue(intent, is_new=False)
        assert end.status is IntentStatus.REFUSED
        assert "is that of an order in S" in end.note
        assert (end.filled, len(walk.table("fills"))) == (0.0, n_fills)


def _first_intent(walk: Walk) -> Intent:
    row = walk.table("intents").iloc[0]
    intent = walk.on.store.intents(int(row["bar"]), int(row["stage"]))[0]
    return replace(intent, status=IntentStatus.SENT)
