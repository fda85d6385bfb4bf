"""One story of prices, told to each venue: what adapters must do is asked of all in the same words.

FLAT costs 50 always, UP 100, 101, 102 and so on, DOWN 100, 99.5, 99 and so on, one price a step.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import SecretStr

from benbot.envs.desk.rules import Costs, DeskRules
from benbot.envs.market.market import Market, market_from_prices
from benbot.paper.alpaca.keys import AlpacaKeys
from benbot.paper.replay import Playback
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from benbot.paper.venue import OrderIntent, OrderKind, Side, TimeInForce, Venue, VenueOrder
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import NEW_YORK, VirtualClock
from tests.paper.emulator.server import KEY, SECRET, Emulator, serving

PATHS: dict[str, Callable[[int], float]] = {
    "FLAT": lambda _: 50.0,
    "UP": lambda k: 100.0 + k,
    "DOWN": lambda k: 100.0 - 0.5 * k,
}
CAPITAL = 100_000.0
MONDAY = datetime(2026, 1, 5, 9, 30, tzinfo=NEW_YORK)
BARS_A_DAY, N_DAYS = 13, 6
HALF_HOUR = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
FREE = DeskRules(costs=Costs(half_spread=0.0, commission_rate=0.0, impact=0.0))
COSTLY = DeskRules(costs=Costs(half_spread=0.001, commission_per_order=1.0))
KEYS = AlpacaKeys(SecretStr(KEY), SecretStr(SECRET))


class Scene(Protocol):
    """A venue, and the world in which it trades."""

    venue: Venue

    def step(self, n: int = 1) -> None:
        """Let the next price come, n times."""

    def close_market(self) -> None:
        """Let the session end."""

    def open_market(self) -> None:
        """Let the next session begin."""

    def price(self, symbol: str) -> float:
        """Return the price that is shown."""

    def restart(self) -> None:
        """Forget everything, and open the account again."""


def step_times(bars_a_day: int) -> list[tuple[datetime, datetime]]:
    """Return when each bar begins and ends."""
    length = HALF_HOUR * (BARS_A_DAY // bars_a_day)
    days = [
        MONDAY + timedelta(days=7 * (d // 5) + d % 5)
        for d in range(N_DAYS if bars_a_day > 1 else 60)
    ]
    return [(day + i * length, day + (i + 1) * length) for day in days for i in range(bars_a_day)]


def market_of(times: list[tuple[datetime, datetime]]) -> Market:
    """Return the story as a market whose bars do not move."""
    close = np.array([[path(k) for path in PATHS.values()] for k in range(len(times))])
    stamps = np.array(
        [end.astimezone(UTC).replace(tzinfo=None) for _, end in times], "datetime64[us]"
    )
    days = [begin.date() for begin, _ in times]
    session = np.unique(np.array(days, "datetime64[D]"), return_inverse=True)[1]
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    return market_from_prices(stamps, tuple(PATHS), prices, session=session)


class Played:
    """A market that is played, and the embedded broker in it."""

    def __init__(self, path: Path | None, bars_a_day: int, rules: DeskRules) -> None:
        self._times = step_times(bars_a_day)
        self._path, self._rules, self._k = path, rules, 0
        self._market = market_of(self._times)
        self.now = self._times[0][0] + MINUTE
        self.venue: Venue = self._opened()

    def _opened(self) -> Venue:
        playback = Playback(self._market, self._rules, lambda: self.now)
        return SimulatedVenue(playback, SimulatedAccount(capital=CAPITAL), self._path)

    def step(self, n: int = 1) -> None:
        self._k += n
        self.now = self._times[self._k][0] + MINUTE

    def close_market(self) -> None:
        while self._times[self._k + 1][0] == self._times[self._k][1]:
            self._k += 1
        self.now = self._times[self._k][1] + MINUTE

    def open_market(self) -> None:
        self.step()

    def price(self, symbol: str) -> float:
        return PATHS[symbol](self._k)

    def restart(self) -> None:
        if self._path is not None:
            self.venue.close()
            self.venue = self._opened()


class Emulated:
    """Alpaca's client on the emulator."""

    def __init__(self, emulator: Emulator, clock: VirtualClock) -> None:
        self._times, self._k = step_times(BARS_A_DAY), 0
        self.emulator, self.clock = emulator, clock
        self._quote()
        self.venue: Venue = self._opened()

    def _opened(self) -> Venue:
        from benbot.paper.alpaca.venue import AlpacaVenue
        from benbot.paper.alpaca.wire import trading_wire

        return AlpacaVenue(trading_wire(KEYS, self.emulator.url, self.clock))

    def _quote(self) -> None:
        for symbol in PATHS:
            self.emulator.broker.quote(symbol, self.price(symbol), self.price(symbol))

    def step(self, n: int = 1) -> None:
        for _ in range(n):
            self._k += 1
            self.clock.now = self._times[self._k][0] + MINUTE
            self._quote()
            self.emulator.broker.look()

    def close_market(self) -> None:
        while self._times[self._k + 1][0] == self._times[self._k][1]:
            self.step()
        self.clock.now = self._times[self._k][1] + MINUTE

    def open_market(self) -> None:
        self.step()

    def price(self, symbol: str) -> float:
        return PATHS[symbol](self._k)

    def restart(self) -> None:
        self.venue.close()
        self.venue = self._opened()


@contextmanager
def emulated(partials: float = 0.0, seed: int = 0) -> Iterator[Emulated]:
    """Yield a scene at the emulator."""
    clock = VirtualClock(MONDAY + MINUTE)
    broker = Broker(clock, seed, cash=Decimal(int(CAPITAL)), partials=partials)
    with serving(Emulator(broker)) as emulator:
        scene = Emulated(emulator, clock)
        yield scene
        scene.venue.close()


def buy(
    identifier: str, symbol: str = "FLAT", units: float = 10.0, **fields: object
) -> OrderIntent:
    """Return an intent to buy: a market order for the day unless said otherwise."""
    return OrderIntent(identifier, symbol, Side.BUY, units, **fields)  # type: ignore[arg-type]


def sell(
    identifier: str, symbol: str = "FLAT", units: float = 10.0, **fields: object
) -> OrderIntent:
    """Return an intent to sell, likewise."""
    return OrderIntent(identifier, symbol, Side.SELL, units, **fields)  # type: ignore[arg-type]


def limit(price: float, time_in_force: TimeInForce = TimeInForce.DAY) -> dict[str, object]:
    """Return what makes an order one with a limit."""
    return {"kind": OrderKind.LIMIT, "limit": price, "time_in_force": time_in_force}


def stop(price: float, time_in_force: TimeInForce = TimeInForce.GTC) -> dict[str, object]:
    """Return what makes an order a stop."""
    return {"kind": OrderKind.STOP, "limit": price, "time_in_force": time_in_force}


def known(scene: Scene, identifier: str) -> VenueOrder:
    """Return an order that must be there."""
    found = scene.venue.order(identifier)
    assert found is not None
    return found


def done(scene: Scene, intent: OrderIntent) -> VenueOrder:
    """Send an order, and return it after the venue had its time."""
    scene.venue.submit(intent)
    return known(scene, intent.client_order_id)
