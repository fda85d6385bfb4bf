"""Whether the book says what the venue says, and what is done where it does not.

Positions and cash are compared while no order is under way and after splits and dividends have been
booked, so that only what others did can differ. A difference counts once it was seen twice, because
venues show a fill in one place sooner than in another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from benbot.paper.adoption import close_units, flow, is_same_money, is_same_units
from benbot.paper.change import Change
from benbot.paper.desk import PaperDesk
from benbot.paper.outbox import Outbox
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import PaperStore
from benbot.paper.venue import Venue, VenueOrder

LOOK_BACK = timedelta(days=7)  # in which strangers' fills are looked for
NEEDED = 2  # looks at the same difference before it is believed


@dataclass(frozen=True)
class Difference:
    """What differs: units by symbol and money, as the venue has them."""

    units: Mapping[str, float] = field(default_factory=dict)
    cash: float | None = None

    def __bool__(self) -> bool:
        return bool(self.units) or self.cash is not None


class Keeper(Protocol):
    """Whoever keeps the book of an account: the trader, or whoever sits in for one."""

    @property
    def desk(self) -> PaperDesk:
        """The desk with the book."""

    @property
    def standing(self) -> Standing:
        """Where the account stands."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols of the account by number."""

    def stand_with(self, change: Change, foreign: dict[str, float]) -> None:
        """Keep the book as it is now, and what the desk does not own."""


class Reconciliation:
    """Whoever compares the book with the venue, and adopts what the venue says."""

    def __init__(self, venue: Venue, store: PaperStore, outbox: Outbox, trader: Keeper) -> None:
        self._venue, self._store, self._outbox, self._trader = venue, store, outbox, trader
        self._before = Difference()
        self._times = 0
        self._known: set[str] = set()

    def look(self) -> None:
        """Compare, and adopt what was seen to differ often enough."""
        self._note_strangers(self._venue.open_orders())
        if self._trader.standing.phase is not Phase.INSIDE:
            self._before, self._times = Difference(), 0
            return
        difference = self._difference()
        self._times = self._times + 1 if difference == self._before else 1
        self._before = difference
        if difference and self._times >= NEEDED:
            self._adopt(difference)
            self._before, self._times = Difference(), 0

    def adopt_now(self) -> None:
        """Adopt at once what differs; for a person who has looked, while nobody trades."""
        self._note_strangers(self._venue.open_orders())
        self._prices()
        difference = self._difference()
        if difference:
            self._adopt(difference)

    def _difference(self) -> Difference:
        held = {one.symbol: one.units for one in self._venue.positions()}
        believed = self._believed()
        units = {
            symbol: held.get(symbol, 0.0)
            for symbol in sorted(held.keys() | believed.keys())
            if not is_same_units(held.get(symbol, 0.0), believed.get(symbol, 0.0))
        }
        cash = self._venue.account().cash
        own = float(self._trader.desk.account["cash"])
        return Difference(units, None if is_same_money(cash, own) else cash)

    def _believed(self) -> dict[str, float]:
        """Return the units by symbol of the desk and of strangers together."""
        names = self._trader.symbols
        believed = dict(self._trader.standing.foreign)
        for row in self._trader.desk.positions:
            symbol = names[row["symbol"]]
            believed[symbol] = believed.get(symbol, 0.0) + float(row["units"])
        return believed

    def _adopt(self, difference: Difference) -> None:
        trader = self._trader
        foreign = dict(trader.standing.foreign)
        prices, cash = self._prices(), self._venue.account().cash  # all questions come first
        for symbol, units in difference.units.items():
            left = units - self._settle(symbol, units, prices)
            foreign = {name: one for name, one in foreign.items() if name != symbol}
            if not is_same_units(left, 0.0):
                foreign[symbol] = left
        money = cash - float(trader.desk.account["cash"])
        if not is_same_money(money, 0.0):
            flow(trader.desk.account, money)
        with self._store.change() as change:
            for symbol, units in difference.units.items():
                change.event("adopted", symbol, units=units, foreign=foreign.get(symbol, 0.0))
            if not is_same_money(money, 0.0):
                change.event("flow", "cash", money=money)
            trader.stand_with(change, foreign)

    def _settle(self, symbol: str, units: float, prices: Mapping[str, float]) -> float:
        """Make the desk hold no more than the venue of a symbol; return what it holds then."""
        desk, names = self._trader.desk, self._trader.symbols
        for i, row in enumerate(desk.positions):
            if names[row["symbol"]] != symbol:
                continue
            held = float(row["units"])
            kept = _toward_zero(units, held)  # of the same side, and no more
            if kept != held:
                price = prices.get(symbol, float(row["last_price"]))
                close_units(desk.book, i, held - kept, price)
            return kept
        return 0.0

    def _prices(self) -> dict[str, float]:
        """Return the last price of each symbol that a stranger traded."""
        since = self._store.now() - LOOK_BACK
        strangers = self._outbox.book_all(list(self._venue.fills(since)))
        return {fill.symbol: fill.price for fill in strangers}

    def _note_strangers(self, orders: Sequence[VenueOrder]) -> None:
        new = [order for order in orders if order.venue_order_id not in self._known]
        self._known = {order.venue_order_id for order in orders}  # what is over does not come back
        strangers = [order for order in new if not self._store.is_ours(order.client_order_id)]
        if not strangers:
            return
        with self._store.change() as change:
            for order in strangers:
                change.order(order, is_external=True)
                change.event("external", order.client_order_id, symbol=order.symbol)


def _toward_zero(units: float, held: float) -> float:
    """Return what lies nearer to zero, to the last digit; zero where they are of two sides."""
    return 0.0 if units * held <= 0.0 else min(units, held, key=abs)
