"""The embedded broker in a simulated market that moves inside its bars.

What may fill at once fills at the price that is quoted, with spread, commission and impact, and
the room of its bar, as in the environment. What waits fills at the opening if that reaches it, or
when the path does, at its own price. Nothing depends on how often anybody looks.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from benbot.envs.desk.fills import AT_ONCE
from benbot.paper import custody
from benbot.paper.exchange import Exchange
from benbot.paper.hours import to_datetime
from benbot.paper.live_market import LiveMarket
from benbot.paper.matching import Match, reaches
from benbot.paper.price_path import Touch, first_touch, price_at
from benbot.paper.resting import Resting
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from benbot.paper.turn import Turn
from benbot.paper.venue import OrderIntent, OrderKind, OrderStatus, TimeInForce


class LiveExchange(Exchange):
    """An exchange whose prices move inside a bar."""

    def __init__(self, market: LiveMarket, partials: float, seed: int) -> None:
        super().__init__(market, partials, seed)
        self._market = market

    def accept(self, turn: Turn, intent: OrderIntent, now: datetime) -> Resting:
        """Take an order, and fill at once what may fill at the price that is quoted."""
        order = turn.take(intent, now)
        t, is_on = divmod(turn.moment, 2)
        s = self._market.columns[order.symbol]
        may_fill = is_on and intent.time_in_force is not TimeInForce.OPENING
        if may_fill and self._market.market.tradable[t, s]:
            price = price_at(self._market.path(t, s), self._market.share_of(t, now))
            if reaches(order, price):
                self._fill(turn, order, Match(price, AT_ONCE), t, now)
        order = turn.changed[intent.client_order_id]
        if intent.time_in_force is TimeInForce.IOC:
            return turn.end(order, OrderStatus.CANCELLED, now)
        return order

    def meet(self, turn: Turn, now: datetime) -> None:
        """Fill what the path of the bar that is on has met until now, and value what is held."""
        t, is_on = divmod(turn.moment, 2)
        if is_on:
            self._fill_until(turn, t, now)
            self._value(turn, t)

    def _fill_open(self, turn: Turn, t: int, now: datetime) -> None:
        self._each(turn, self._match_open, t, now)
        custody.mark(turn, self._playback, t, "open")

    def _fill_rest(self, turn: Turn, t: int, now: datetime) -> None:
        self._each(turn, self._match_slices, t, now)
        self._fill_until(turn, t, now)

    def _value(self, turn: Turn, t: int) -> None:
        """Value what is held at what is quoted now."""
        for symbol, held in turn.holdings.items():
            s = self._market.columns[symbol]
            price = self._market.price(s, turn.moment)
            if price is not None and self._market.market.tradable[t, s]:
                turn.holdings[symbol] = replace(held, last_price=price)

    def _fill_until(self, turn: Turn, t: int, now: datetime) -> None:
        """Fill the orders that the path of bar `t` has touched, in the order of time."""
        touches = [
            (touch, order)
            for order in turn.waiting()
            if (touch := self._touch(order, t, now)) is not None
        ]
        begins, ends = (
            to_datetime(each[t]) for each in (self._market.hours.starts, self._market.hours.ends)
        )
        for touch, order in sorted(touches, key=lambda each: (each[0].share, each[1].number)):
            time = begins + touch.share * (ends - begins)
            self._fill(turn, order, Match(touch.price, AT_ONCE), t, time)

    def _touch(self, order: Resting, t: int, now: datetime) -> Touch | None:
        intent, s = order.intent, self._market.columns[order.symbol]
        if intent.limit is None or order.filled_bar == t or not self._market.market.tradable[t, s]:
            return None  # its room is used up, or there is none
        towards = intent.side.sign if intent.kind is OrderKind.STOP else -intent.side.sign
        span = self._market.share_of(t, order.submitted_at), self._market.share_of(t, now)
        return first_touch(self._market.path(t, s), span, intent.limit, towards)


class LiveVenue(SimulatedVenue):
    """The embedded broker in a `LiveMarket`."""

    def __init__(
        self, market: LiveMarket, account: SimulatedAccount, path: Path | None = None
    ) -> None:
        super().__init__(market, account, path)
        self._exchange: LiveExchange = LiveExchange(market, account.partials, account.seed)

    def _catch_up(self) -> datetime:
        now = self.playback.now()
        turn = Turn(self._state)
        self._exchange.live_until(turn, self.playback.hours.n_moments(now))
        self._exchange.meet(turn, now)
        self._keep(turn)
        return now
