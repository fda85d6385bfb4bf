"""A stop is watched by the loop, and an exit that does not come off becomes an emergency."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from benbot.envs.desk.reasons import Exit
from benbot.envs.errors import VenueUnavailable
from benbot.paper.desk import Answer
from benbot.paper.intents import Intent, IntentStatus
from benbot.paper.urgency import NEEDED
from benbot.paper.venue import OrderIntent, OrderKind, OrderStatus, TimeInForce, VenueOrder
from tests.paper.test_inside import holding
from tests.paper.walks import Walk, is_exit, resting, walking


def not_at_the_market(intent: OrderIntent) -> bool:
    return is_exit(intent) and intent.kind is not OrderKind.MARKET


def test_a_stop_that_was_missed_is_taken_in_the_next_bar_at_what_there_is() -> None:
    """The stop is 87.5. The venue does not fill it in bar 2; bar 3 opens below it, at 85."""
    desk, trial = holding()
    trial.shape(2, low=80.0)
    units = float(desk.positions["units"][0])
    missed = Answer(0, Exit.STOP, -units, 0.0, 87.5, 0.0)
    assert desk.trade_inside(2, (missed,), is_last=True).is_over
    assert desk.positions["units"].tolist() == [units]
    trial.shape(3, open=85.0, high=86.0, low=84.0, close=85.0)
    order = desk.trade_inside(3, (), is_last=False).next
    assert order is not None
    assert (order["reason"], order["price"], order["units"]) == (Exit.STOP, 85.0, -units)


def urgent(walk: Walk) -> list[OrderIntent]:
    emergencies = walk.table("intents")
    emergencies = emergencies[emergencies["note"].str.startswith("emergency")]
    names = set(emergencies["client_order_id"])
    return [one for one in walk.venue.sent if one.client_order_id in names]


def test_an_exit_that_fails_three_times_leaves_at_the_market_and_tells(folder: Path) -> None:
    with walking(folder) as walk:
        walk.venue.refuses = not_at_the_market  # a venue that takes no stops
        walk.bars(28)
        emergencies = urgent(walk)
        assert emergencies
        assert {one.kind for one in emergencies} == {OrderKind.MARKET}
        intents = walk.table("intents").set_index("client_order_id")
        for one in emergencies:
            assert intents.loc[one.client_order_id, "status"] == "done"
            before = intents[(intents["symbol"] == one.symbol) & (intents["reason"] != "NONE")]
            at = list(before.index).index(one.client_order_id)
            assert list(before["status"].iloc[at - NEEDED : at]) == ["refused"] * NEEDED
        assert set(walk.alarms()) == {f"exit {one.symbol}" for one in emergencies}


@pytest.mark.nightly
def test_a_restart_forgets_no_exit_that_failed(folder: Path) -> None:
    with walking(folder / "whole") as walk:
        walk.venue.refuses = not_at_the_market
        walk.bars(28)
        whole = [one.client_order_id for one in urgent(walk)]
    again: list[str] = []
    for n_bars in (14, 7, 7):
        with walking(folder / "parts") as walk:
            walk.venue.refuses = not_at_the_market
            walk.bars(n_bars)
            again += [one.client_order_id for one in urgent(walk)]
    assert again == whole != []


def test_an_emergency_clears_what_rests_in_its_symbol_and_nothing_else(folder: Path) -> None:
    with walking(folder) as walk:
        orders = [resting("S0"), replace(resting("S1"), client_order_id="other")]
        own = walk.on.loop._outbox
        emergency = replace(
            _any_exit(walk), ticker="S0", note="emergency: test", client_order_id="x"
        )
        walk.venue.venue = _Resting(walk.venue.venue, orders)  # type: ignore[assignment]
        own._clear(emergency)
        assert walk.venue.cancelled == ["by-hand"]


@pytest.mark.nightly
def test_an_emergency_that_cannot_be_cleared_for_is_left_for_later(folder: Path) -> None:
    with walking(folder) as walk:
        emergency = replace(_any_exit(walk), note="emergency: test", status=IntentStatus.SENT)
        n_sent = len(walk.venue.sent)
        walk.venue.raises["open_orders"] = VenueUnavailable("500")
        left = walk.on.loop._outbox.pursue(emergency, is_new=True)
        assert (left.status, len(walk.venue.sent)) == (IntentStatus.SENT, n_sent)


@pytest.mark.parametrize(("minutes", "is_left"), [(5, False), (11, True)])
def test_an_emergency_in_a_halted_symbol_gives_the_others_their_turn(
    minutes: int, is_left: bool, folder: Path
) -> None:
    """Orders leave one after the other, so one that waits all day keeps every other stop."""
    with walking(folder) as walk:
        emergency = replace(_any_exit(walk), note="emergency: test", status=IntentStatus.WORKING)
        planned = walk.on.store.now() - timedelta(minutes=minutes)
        emergency = replace(emergency, planned=planned)
        walk.venue.venue = _Halted(walk.venue.venue, emergency)  # type: ignore[assignment]
        after = walk.on.loop._outbox.pursue(emergency, is_new=False)
        assert after.status.is_settled is is_left
        assert walk.venue.cancelled == [emergency.client_order_id] * is_left


class _Halted:
    """Has an order that does not fill until it is cancelled."""

    def __init__(self, venue: object, intent: Intent) -> None:
        self._venue, self._status = venue, OrderStatus.WORKING
        self._intent = intent.order(TimeInForce.DAY)

    def order(self, client_order_id: str) -> VenueOrder:
        one = self._intent
        return VenueOrder(client_order_id, "v1", one.symbol, one.side, one.units, self._status)

    def cancel(self, client_order_id: str) -> VenueOrder:
        self._status = OrderStatus.CANCELLED
        return self.order(client_order_id)

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


class _Resting:
    def __init__(self, venue: object, orders: list[OrderIntent]) -> None:
        self._venue, self._orders = venue, orders

    def open_orders(self) -> list[object]:
        return self._orders  # type: ignore[return-value]

    def cancel(self, client_order_id: str) -> None:
        assert client_order_id == "by-hand"

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


def _any_exit(walk: Walk) -> Intent:
    while not any(is_exit(one) for one in walk.venue.sent):
        walk.cycle()
    row = walk.table("intents").query("reason != 'NONE'").iloc[0]
    stage = walk.on.store.intents(int(row["bar"]), int(row["stage"]))
    return next(one for one in stage if not one.is_entry)
