"""A small market walked through cycle by cycle, at a venue that does what a test says."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from benbot.envs.errors import OrderRefused
from benbot.paper.autoloop import Cycle
from benbot.paper.bar_replay import ticks
from benbot.paper.replayed import Opened, Stretch, opened
from benbot.paper.venue import (
    AccountFacts,
    OrderIntent,
    OrderKind,
    Refusal,
    Side,
    Venue,
    VenueClock,
    VenueFill,
    VenueOrder,
)
from tests.paper.replays import everything, heard_stretch

N_BARS = 8  # after which something is held
Choose = Callable[[OrderIntent], bool]


def is_exit(intent: OrderIntent) -> bool:
    """Return whether an order leaves a position, as its identifier says."""
    return intent.client_order_id.split("-")[-2] == "X"


@dataclass
class Willing:
    """A venue that passes everything on, unless it is told otherwise.

    refuses   which orders are refused
    raises    what questions and orders raise, by name
    facts     of the account, said instead
    sent      all that was submitted, refused or not
    """

    venue: Venue
    refuses: Choose = lambda intent: False
    raises: dict[str, Exception] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    ahead: Callable[[datetime], datetime] = lambda now: now
    filled: float = 1.0  # times what really filled
    sent: list[OrderIntent] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def clock(self) -> VenueClock:
        self._may_raise("clock")
        clock = self.venue.clock()
        return replace(clock, now=self.ahead(clock.now))

    def account(self) -> AccountFacts:
        self._may_raise("account")
        return replace(self.venue.account(), **self.facts)

    def submit(self, intent: OrderIntent) -> VenueOrder:
        self._may_raise("submit")
        self.sent.append(intent)
        if self.refuses(intent):
            raise OrderRefused("not now", Refusal.NOT_HELD)
        return self._told(self.venue.submit(intent))

    def order(self, client_order_id: str) -> VenueOrder | None:
        self._may_raise("order")
        found = self.venue.order(client_order_id)
        return None if found is None else self._told(found)

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        self.cancelled.append(client_order_id)
        return self.venue.cancel(client_order_id)

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        self._may_raise("fills")
        fills = self.venue.fills(since)
        return [replace(fill, units=fill.units * self.filled) for fill in fills]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        self._may_raise(name)
        return getattr(self.venue, name)

    def _told(self, order: VenueOrder) -> VenueOrder:
        return replace(order, filled_units=order.filled_units * self.filled)

    def _may_raise(self, name: str) -> None:
        if name in self.raises:
            raise self.raises[name]


class Watch:
    """Seconds that only a test lets pass."""

    def __init__(self) -> None:
        self.seconds, self.step = 0.0, 0.0

    def __call__(self) -> float:
        self.seconds += self.step
        return self.seconds


class Walk:
    """A stretch that is walked through, tick by tick: three of them are a bar."""

    def __init__(self, stretch: Stretch, folder: Path, on: Opened, venue: Willing) -> None:
        self.on, self.venue = on, venue
        self.url = stretch.url(folder)
        self._stretch, self._folder = stretch, folder
        self._ticks = ticks(on.playback.hours, stretch.span)
        self._now = on.clock()

    def tick(self) -> None:
        """Let time pass to the next moment at which something can be done."""
        now = next(tick for tick in self._ticks if tick >= self._now)
        self.on.clock.move(now)

    def cycle(self) -> Cycle:
        self.tick()
        return self.on.loop.cycle()

    def bars(self, n_bars: int) -> list[Cycle]:
        cycles = [self.cycle() for _ in range(3 * n_bars)]
        self.on.loop.trader.keep()
        return cycles

    def table(self, name: str) -> pd.DataFrame:
        self.on.loop.trader.keep()
        return everything(self._stretch, self._folder)[name]

    def alarms(self) -> list[str]:
        """Return the subjects of all alarms."""
        events = self.table("events")
        return list(events[events["kind"] == "alarm"]["subject"])


@contextmanager
def walking(
    folder: Path,
    stretch: Stretch | None = None,
    watch: Watch | None = None,
    venue: Callable[[Venue], Willing] = Willing,
) -> Iterator[Walk]:
    """Open a stretch, the small market of the catalogue unless another is named."""
    stretch = stretch or heard_stretch()[0]
    met: list[Willing] = []

    def wrapped(own: Venue) -> Venue:
        met.append(venue(own))
        return met[-1]  # type: ignore[return-value]

    stretch = replace(stretch, wrapped=wrapped)
    with opened(stretch, folder, watch or (lambda: 0.0)) as on:
        yield Walk(stretch, folder, on, met[-1])


def resting(symbol: str, units: float = 1.0) -> OrderIntent:
    """Return an order of a stranger that rests far from the market."""
    return OrderIntent("by-hand", symbol, Side.SELL, units, OrderKind.LIMIT, 1e5)
