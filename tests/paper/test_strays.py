"""Orders that do not end hold nothing up for ever, are told of once, and are asked about still."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benbot.envs.errors import VenueUnavailable
from benbot.paper.strays import ASKED, FORGOTTEN, WHY
from benbot.paper.trader import Progress
from benbot.paper.venue import OrderIntent, OrderStatus, VenueFill, VenueOrder
from tests.paper.walks import N_BARS, Walk, Willing, is_exit, walking

CYCLE = timedelta(seconds=70)  # ten of them are more than the ten minutes that are waited
NIGHTLY = pytest.mark.nightly
Tells = Callable[[VenueOrder], VenueOrder | None]


def status(said: OrderStatus) -> Tells:
    """Say of an order that it stands so."""
    return lambda order: replace(order, status=said)


def raising(order: VenueOrder) -> VenueOrder:
    raise VenueUnavailable("Alpaca's answer cannot be read: qty must be a number")


@dataclass
class Stuck(Willing):
    """A venue that keeps the first order that is wanted from its exchange, and says what it likes.

    wanted   which order it is
    told     what is said of it, None: that it is not there; None here: it arrives as any other
    lists    whether its fills are listed
    """

    wanted: Callable[[str], bool] = lambda name: False
    told: Tells | None = None
    lists: bool = True
    stuck: list[OrderIntent] = field(default_factory=list)

    def submit(self, intent: OrderIntent) -> VenueOrder:
        if not self.stuck and self.wanted(intent.client_order_id):
            self.stuck.append(intent)
            if self.told is not None:
                self.sent.append(intent)
                return self._kept(OrderStatus.ACCEPTED)
        return super().submit(intent)

    def order(self, client_order_id: str) -> VenueOrder | None:
        if self.told is not None and client_order_id in self.names:
            return self.told(self._kept(OrderStatus.WORKING))
        return super().order(client_order_id)

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        self.cancelled.append(client_order_id)
        return self.order(client_order_id)

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        hidden = [] if self.lists else self.names
        return [one for one in super().fills(since) if one.client_order_id not in hidden]

    def arrive(self) -> None:
        """Let what is stuck arrive after all."""
        self.told = None
        self.venue.submit(self.stuck[0])

    @property
    def names(self) -> list[str]:
        return [one.client_order_id for one in self.stuck]

    def _kept(self, said: OrderStatus) -> VenueOrder:
        one = self.stuck[0]
        return VenueOrder(one.client_order_id, "stuck", one.symbol, one.side, one.units, said)


def entering(name: str) -> bool:
    return name.split("-")[-2] == "E"


def leaving(name: str) -> bool:
    return name.split("-")[-2] == "X"


@contextmanager
def stuck_walk(folder: Path) -> Iterator[Walk]:
    with walking(folder, venue=Stuck) as one:
        one.bars(N_BARS)
        one.venue.sent.clear()
        yield one


@pytest.fixture
def walk(folder: Path) -> Iterator[Walk]:
    with stuck_walk(folder) as one:
        yield one


def stick(walk: Walk, wanted: Callable[[str], bool], told: Tells | None, lists: bool = True) -> str:
    """Trade until an order is stuck at the venue; return its identifier."""
    venue: Stuck = walk.venue  # type: ignore[assignment]
    venue.wanted, venue.told, venue.lists = wanted, told, lists
    while not venue.stuck:
        walk.cycle()
    return venue.names[0]


def wait(walk: Walk, n_cycles: int) -> list[Progress]:
    """Let so many cycles pass within the bar."""
    progress = []
    for _ in range(n_cycles):
        walk.on.clock.move(walk.on.clock() + CYCLE)
        progress.append(walk.on.loop.cycle().progress)
    return progress


def of(walk: Walk, name: str) -> dict[str, Any]:
    return walk.table("intents").set_index("client_order_id").loc[name].to_dict()


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(status(OrderStatus.CANCELLING), id="pending_cancel"),
        pytest.param(status(OrderStatus.ACCEPTED), id="held", marks=NIGHTLY),
        pytest.param(status(OrderStatus.SUSPENDED), id="suspended", marks=NIGHTLY),
        pytest.param(status(OrderStatus.WORKING), id="pending_replace", marks=NIGHTLY),
        pytest.param(status(OrderStatus.UNKNOWN), id="a word that nobody knows", marks=NIGHTLY),
        pytest.param(lambda order: None, id="accepted and then unknown", marks=NIGHTLY),
        pytest.param(raising, id="unread", marks=NIGHTLY),
    ],
)
def test_an_entry_that_does_not_end_is_told_once_and_holds_up_no_exit(
    told: Tells, walk: Walk
) -> None:
    name = stick(walk, entering, told)
    assert wait(walk, ASKED - 1) == [Progress.WORKING] * (ASKED - 1)
    assert walk.alarms() == []
    n_sent = len(walk.venue.sent)
    assert wait(walk, 2)[-1] is Progress.WAITING
    assert walk.alarms() == ["orders"]
    reasons = walk.table("events").query("kind == 'alarm'")["reasons"].iloc[0]
    assert name in reasons
    assert f'"symbol":"{of(walk, name)["symbol"]}"' in reasons
    assert (of(walk, name)["status"], of(walk, name)["filled"]) == ("left", 0.0)
    walk.bars(2)
    later = walk.venue.sent[n_sent:]
    assert any(is_exit(one) for one in later)
    assert of(walk, name)["symbol"] not in {one.symbol for one in later if not is_exit(one)}
    assert walk.alarms()[0] == "orders"
    assert walk.alarms().count("orders") == 1


def test_an_exit_that_does_not_end_holds_up_nobody_and_is_not_sent_again(walk: Walk) -> None:
    """Or both might fill, and the account would be short."""
    name = stick(walk, leaving, status(OrderStatus.CANCELLING))
    symbol = of(walk, name)["symbol"]
    assert wait(walk, ASKED + 1)[-1] is Progress.WAITING
    assert walk.alarms() == ["orders"]
    n_sent = len(walk.venue.sent)
    walk.bars(6)
    later = walk.venue.sent[n_sent:]
    assert symbol not in {one.symbol for one in later}
    assert {one.symbol for one in later}
    intents = walk.table("intents")
    dropped = intents[intents["note"] == WHY.format(name)]
    assert set(dropped["status"]) == {"dropped"}
    assert set(dropped["reason"]) - {"NONE"}


def test_an_order_that_filled_is_booked_as_it_says_when_its_fills_are_not_listed(
    walk: Walk,
) -> None:
    name = stick(walk, entering, None, lists=False)
    n_fills = len(walk.table("fills"))
    order = walk.venue.venue.order(name)
    assert order is not None
    assert order.status is OrderStatus.FILLED
    assert wait(walk, ASKED - 1)[-1] is Progress.WORKING
    wait(walk, 2)
    kept = of(walk, name)
    assert (kept["status"], kept["filled"], kept["fill_price"]) == (
        "left",
        order.signed_filled,
        order.filled_price,
    )
    assert walk.alarms() == ["orders"]
    assert held(walk) == {one.symbol: one.units for one in walk.venue.positions()}
    assert len(walk.table("fills")[lambda rows: rows["client_order_id"] == name]) == 0 < n_fills
    walk.venue.lists = True  # type: ignore[attr-defined]
    wait(walk, 3)
    assert of(walk, name)["status"] == "done"
    assert len(walk.table("fills")[lambda rows: rows["client_order_id"] == name]) == 1
    assert walk.alarms() == ["orders"]
    assert walk.table("events")["kind"].tolist().count("settled") == 1
    assert not set(walk.table("events")["kind"]) & {"adopted", "external"}


def test_what_fills_after_an_order_was_left_is_an_alarm_and_is_believed(walk: Walk) -> None:
    name = stick(walk, entering, status(OrderStatus.WORKING))
    wait(walk, ASKED + 1)
    assert of(walk, name)["filled"] == 0.0
    symbol = str(of(walk, name)["symbol"])
    walk.venue.arrive()  # type: ignore[attr-defined]
    wait(walk, 3)
    assert (of(walk, name)["status"], of(walk, name)["filled"]) == ("done", 0.0)
    assert walk.alarms() == ["orders", f"overfill {symbol}"]
    assert symbol in walk.on.loop.trader.standing.foreign
    fills = walk.table("fills")
    assert not fills[fills["client_order_id"] == name]["is_external"].any()
    assert set(walk.table("events")["kind"]) >= {"settled", "adopted"}


@NIGHTLY
def test_an_order_that_the_venue_forgot_is_asked_about_for_as_long_again(walk: Walk) -> None:
    name = stick(walk, leaving, lambda order: None)
    wait(walk, ASKED + 1)
    assert of(walk, name)["status"] == "left"
    wait(walk, ASKED + 1)
    assert of(walk, name)["status"] == "done"
    assert FORGOTTEN in str(of(walk, name)["note"])
    symbol, n_sent = of(walk, name)["symbol"], len(walk.venue.sent)
    walk.bars(8)
    assert symbol in {one.symbol for one in walk.venue.sent[n_sent:]}  # it goes on


@NIGHTLY
def test_a_machine_that_slept_has_not_asked_often_enough(walk: Walk) -> None:
    stick(walk, entering, status(OrderStatus.CANCELLING))
    wait(walk, 2)
    walk.on.clock.move(walk.on.clock() + timedelta(hours=2))
    assert wait(walk, 1) == [Progress.WORKING]
    assert walk.alarms() == []


@NIGHTLY
def test_a_restart_forgets_no_order_that_was_left(folder: Path) -> None:
    with stuck_walk(folder) as walk:
        name = stick(walk, entering, status(OrderStatus.UNKNOWN))
        wait(walk, ASKED + 1)
        assert walk.alarms() == ["orders"]
    with walking(folder, venue=Stuck) as walk:
        assert name in walk.on.loop._outbox.strays
        asked, order = [], walk.venue.order

        def noting(one: str) -> VenueOrder | None:
            asked.append(one)
            return order(one)

        walk.venue.order = noting  # type: ignore[method-assign]
        walk.cycle()
        assert name in asked
        assert walk.alarms() == ["orders"]


def held(walk: Walk) -> dict[str, float]:
    names = walk.on.loop.trader.symbols
    return {names[row["symbol"]]: float(row["units"]) for row in walk.on.loop.trader.desk.positions}


@NIGHTLY
def test_an_order_that_ends_in_its_time_is_no_stray(walk: Walk) -> None:
    stick(walk, entering, status(OrderStatus.CANCELLING))
    wait(walk, ASKED - 2)
    walk.venue.arrive()  # type: ignore[attr-defined]
    walk.bars(3)
    assert walk.alarms() == []
    assert "left" not in set(walk.table("intents")["status"])
