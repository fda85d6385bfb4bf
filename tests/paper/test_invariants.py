"""Random days at every venue, with failures, restarts and parts: in the end all books agree.

One order for each intent, and no other; positions and cash are the sum of the fills; each fill is
told once; what is over stays as it is.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from benbot.envs.errors import OrderRefused, OutcomeUnknown, VenueUnavailable
from benbot.paper.venue import OrderIntent, OrderKind, Side, TimeInForce, VenueOrder
from tests.paper.emulator.faults import Fault
from tests.paper.scenes import (
    BARS_A_DAY,
    CAPITAL,
    COSTLY,
    FREE,
    PATHS,
    Emulated,
    Played,
    Scene,
    emulated,
    known,
)

FAULTS = ("drop_before", "accept_then_drop", "accept_then_504", "truncate", "status")
N_STEPS = 40


class Trader:
    """Whoever keeps to the contract: where nobody knows, it asks before it sends the same again."""

    def __init__(self, scene: Scene, seed: int, share: float = 0.4) -> None:
        """`share` is that of the steps in which something fails."""
        self.share = share
        self.scene, self.random = scene, random.Random(seed)  # noqa: S311
        self.began = scene.venue.clock().now
        self.intents: dict[str, OrderIntent] = {}
        self.refused: set[str] = set()
        self.over: dict[str, VenueOrder] = {}

    def live(self) -> None:
        for i in range(N_STEPS):
            self.may_fail()
            kind = self.random.random()
            if kind < 0.55:
                self.send(self.intent(i))
            elif kind < 0.7 and self.intents:
                self.cancel(self.random.choice(sorted(self.intents)))
            elif kind < 0.9:
                self.scene.step()
            else:
                self.scene.restart()
            self.look()

    def may_fail(self) -> None:
        if isinstance(self.scene, Emulated):
            faults = self.scene.emulator.faults
            faults.clear()
            if self.share and self.random.random() < self.share:
                faults.append(Fault(self.random.choice(FAULTS), nth=self.random.randint(1, 3)))

    def intent(self, i: int) -> OrderIntent:
        rng, symbol = self.random, self.random.choice(sorted(PATHS))
        kind = rng.choice(list(OrderKind))
        price = round(self.scene.price(symbol) * rng.uniform(0.97, 1.03), 2)
        return OrderIntent(
            f"random-{i}",
            symbol,
            rng.choice(list(Side)),
            float(rng.randint(1, 50)),
            kind,
            None if kind is OrderKind.MARKET else price,
            rng.choice((TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC)),
        )

    def send(self, intent: OrderIntent) -> None:
        self.intents[intent.client_order_id] = intent
        for _ in range(20):
            try:
                self.scene.venue.submit(intent)
            except OrderRefused:
                self.refused.add(intent.client_order_id)
            except OutcomeUnknown:
                if not self.is_there(intent.client_order_id):
                    continue
            return
        raise AssertionError("never sent")

    def is_there(self, identifier: str) -> bool:
        for _ in range(20):
            try:
                return self.scene.venue.order(identifier) is not None
            except VenueUnavailable:
                continue
        raise AssertionError("never answered")

    def cancel(self, identifier: str) -> None:
        try:
            self.scene.venue.cancel(identifier)
        except (OutcomeUnknown, VenueUnavailable):
            return

    def look(self) -> None:
        """Note what is over: it must never change again."""
        for identifier in self.intents:
            try:
                order = self.scene.venue.order(identifier)
            except VenueUnavailable:
                continue
            if order is not None and order.status.is_terminal:
                assert self.over.setdefault(identifier, order) == order

    def check(self) -> int:
        """Compare all books, and return how many fills there were."""
        if isinstance(self.scene, Emulated):
            self.scene.emulator.faults.clear()
        venue = self.scene.venue
        fills = venue.fills(self.began)
        assert len({fill.execution_id for fill in fills}) == len(fills)
        units: Counter[str] = Counter()
        for fill in fills:
            units[fill.symbol] += fill.signed_units
        held = {one.symbol: one.units for one in venue.positions()}
        assert held == {symbol: n for symbol, n in units.items() if n}
        paid = sum(fill.signed_units * fill.price + fill.cost for fill in fills)
        fees = 0.5 if isinstance(self.scene, Played) else 1e-6  # for borrowing, which is no fill
        assert venue.account().cash == pytest.approx(CAPITAL - paid, abs=fees)
        by_order: Counter[str] = Counter()
        for fill in fills:
            by_order[fill.venue_order_id] += fill.units
        for identifier in self.intents.keys() - self.refused:
            order = known(self.scene, identifier)
            assert order.filled_units == by_order.pop(order.venue_order_id, 0.0)
        assert not by_order
        assert {one.client_order_id for one in venue.open_orders()} <= self.intents.keys()
        return len(fills)


def random_day_at_alpaca(seed: int) -> int:
    with emulated(partials=0.3, seed=seed) as scene:
        trader = Trader(scene, seed)
        trader.live()
        n_fills = trader.check()
        orders = Counter(order.client_order_id for order in scene.emulator.broker.orders)
        assert set(orders.values()) <= {1}
        assert set(orders) == trader.intents.keys() - trader.refused
        return n_fills


def random_day_in_a_simulation(seed: int, path: Path | None) -> int:
    scene = Played(path, BARS_A_DAY, COSTLY)
    trader = Trader(scene, seed)
    trader.live()
    n_fills = trader.check()
    scene.venue.close()
    return n_fills


def test_random_days_at_alpaca_end_with_books_that_agree() -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    assert sum(random_day_at_alpaca(seed) for seed in range(2)) > 10


def test_random_days_in_a_simulation_end_with_books_that_agree(tmp_path: Path) -> None:
    n_fills = random_day_in_a_simulation(0, tmp_path / "account.db")
    assert n_fills + sum(random_day_in_a_simulation(seed, None) for seed in range(1, 12)) > 100


def filled(trader: Trader) -> list[tuple[str, float, float]]:
    """Return order, signed units and price of all fills; parts of an order as one."""
    trader.live()
    trader.check()
    orders = (trader.scene.venue.order(identifier) for identifier in trader.intents)
    return [
        (one.client_order_id, one.signed_filled, one.filled_price or 0.0)
        for one in orders
        if one is not None and one.filled_units
    ]


def test_the_embedded_broker_and_alpaca_fill_the_same_orders_alike() -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    n_filled = 0
    for seed in range(20, 22):
        here = filled(Trader(Played(None, BARS_A_DAY, FREE), seed))
        with emulated() as scene:
            assert filled(Trader(scene, seed, share=0.0)) == here
        n_filled += len(here)
    assert n_filled > 20


@pytest.mark.nightly
def test_hundreds_of_random_days_end_with_books_that_agree(tmp_path: Path) -> None:
    pytest.importorskip("alpaca", reason="needs alpaca-py")
    for seed in range(100, 250):
        random_day_at_alpaca(seed)
        random_day_in_a_simulation(seed, tmp_path / f"{seed}.db" if seed % 5 == 0 else None)
