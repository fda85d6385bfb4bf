"""The simulated exchange: bars open and close, and orders fill in them.

What happens depends on the market, the orders and a seed, not on how often anybody looks: an
exchange lives through every opening and close between two calls, in order.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import numpy as np

from benbot.envs.desk.sizing import whole_lots
from benbot.paper import custody
from benbot.paper.matching import (
    Match,
    match_close,
    match_market,
    match_open,
    match_range,
    units_and_cost,
)
from benbot.paper.replay import Playback
from benbot.paper.resting import NO_BAR, Resting
from benbot.paper.turn import Done, Turn
from benbot.paper.venue import OrderIntent, OrderKind, OrderStatus, TimeInForce

MAY_NOT_WAIT = (TimeInForce.IOC, TimeInForce.OPENING)  # what is left of them is cancelled
SMALLEST_PART = 0.1  # of what is left of an order, when a bar fills only a part of it


class Exchange:
    """Whoever matches orders with a market that is played."""

    def __init__(self, playback: Playback, partials: float, seed: int) -> None:
        """`partials` is the probability that a bar fills less of an order than it has room for."""
        self._playback, self._partials, self._seed = playback, partials, seed

    def live_until(self, turn: Turn, n_moments: int) -> None:
        """Live through the openings and closes up to this one."""
        hours = self._playback.hours
        while turn.moment < n_moments:
            t, is_close = divmod(turn.moment, 2)
            live = self._close if is_close else self._open
            live(turn, t, hours.time_of(turn.moment))
            turn.moment += 1

    def accept(self, turn: Turn, intent: OrderIntent, now: datetime) -> Resting:
        """Take an order, and fill at once what the bar that is on shows a price for."""
        order = turn.take(intent, now)
        t, is_on = divmod(turn.moment, 2)
        may_fill = is_on and self._playback.market.has_range
        if may_fill and intent.time_in_force is not TimeInForce.OPENING:
            self._match_open(turn, order, t, now)
        order = turn.changed[intent.client_order_id]
        if intent.time_in_force is TimeInForce.IOC and order.sliced_bar == NO_BAR:
            return turn.end(order, OrderStatus.CANCELLED, now)
        return order

    def _open(self, turn: Turn, t: int, now: datetime) -> None:
        custody.settle_actions(turn, self._playback, t, now)
        self._fill_open(turn, t, now)

    def _fill_open(self, turn: Turn, t: int, now: datetime) -> None:
        if self._playback.market.has_range:
            self._each(turn, self._match_open, t, now)
            custody.mark(turn, self._playback, t, "open")

    def _fill_rest(self, turn: Turn, t: int, now: datetime) -> None:
        if self._playback.market.has_range:
            for step in (self._match_slices, self._match_stops, self._match_rest):
                self._each(turn, step, t, now)
        else:
            self._each(turn, self._match_open, t, now)

    def _close(self, turn: Turn, t: int, now: datetime) -> None:
        self._fill_rest(turn, t, now)
        custody.mark(turn, self._playback, t, "close")
        custody.settle_delisted(turn, self._playback, t, now)
        custody.pay_to_borrow(turn, self._playback, t)
        if self._playback.hours.is_last[t]:
            self._each(turn, self._end_day, t, now)

    def _each(
        self,
        turn: Turn,
        step: Callable[[Turn, Resting, int, datetime], None],
        t: int,
        now: datetime,
    ) -> None:
        for order in turn.waiting():
            step(turn, order, t, now)

    def _match_open(self, turn: Turn, order: Resting, t: int, now: datetime) -> None:
        """Fill what fills at a bar's opening price (in a market of closes: at its close)."""
        playback, s = self._playback, self._playback.columns[order.symbol]
        is_opening = order.intent.time_in_force is TimeInForce.OPENING
        if is_opening and not playback.hours.is_first[t]:
            return
        match = None
        if playback.market.tradable[t, s]:
            match = match_open(order, playback.bars[t, s], playback.adv(t, s), playback.rules)
        if match is None:
            if is_opening:
                turn.end(order, OrderStatus.EXPIRED, now)
        elif match.is_sliced and playback.market.has_range:
            turn.keep(replace(order, sliced_bar=t))
        else:
            self._fill(turn, order, match, t, now)

    def _match_slices(self, turn: Turn, order: Resting, t: int, now: datetime) -> None:
        playback, s = self._playback, self._playback.columns[order.symbol]
        if order.sliced_bar == t:
            adv = playback.adv(t, s)
            match = match_market(order, playback.bars[t, s], adv, playback.rules)
            self._fill(turn, order, match, t, now)

    def _match_stops(self, turn: Turn, order: Resting, t: int, now: datetime) -> None:
        if order.intent.kind is OrderKind.STOP:
            self._match_rest(turn, order, t, now)

    def _match_rest(self, turn: Turn, order: Resting, t: int, now: datetime) -> None:
        """Fill what the range of a bar reached, or its close where the order came too late."""
        s = self._playback.columns[order.symbol]
        if order.filled_bar == t or not self._playback.market.tradable[t, s]:
            return  # its room is used up, or there is none
        bar, waited = self._playback.bars[t, s], order.moment <= 2 * t
        match = match_range(order, bar) if waited else match_close(order, bar)
        if match is not None:
            self._fill(turn, order, match, t, now)

    def _fill(self, turn: Turn, order: Resting, match: Match, t: int, now: datetime) -> None:
        """Fill what a bar has room for, and cancel what is left where it may not wait."""
        bar = self._playback.bars[t, self._playback.columns[order.symbol]]
        wanted = order.intent.side.sign * self._part(order, t)
        units, cost = units_and_cost(wanted, match, bar, self._playback.rules)
        if units > 0.0:
            order = turn.book(order, Done(units, match.price, cost, t), now)
        if order.intent.time_in_force in MAY_NOT_WAIT:
            turn.end(order, OrderStatus.CANCELLED, now)

    def _part(self, order: Resting, t: int) -> float:
        """Return what is left of an order, or, now and then, only a part of it."""
        if not self._partials > 0.0:
            return order.left
        rng = np.random.default_rng([self._seed, order.number, t])
        if not rng.random() < self._partials:
            return order.left
        part = order.left * rng.uniform(SMALLEST_PART, 1.0)
        return float(whole_lots(part, self._playback.rules))

    def _end_day(self, turn: Turn, order: Resting, t: int, now: datetime) -> None:
        if order.intent.time_in_force is TimeInForce.DAY:
            turn.end(order, OrderStatus.EXPIRED, now)
