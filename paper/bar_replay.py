"""A market replayed bar by bar, for whoever acts at the opening of a bar and at its end.

At the opening orders fill at the open. At the last instant of a bar all of its range is known, and
what a stop or a limit would have met in it fills at its own price: as in training the bad order of
prices is assumed (docs/desk.md, 11). In a market of closes orders fill at that instant, too.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from benbot.envs.desk.tape import ACTION
from benbot.envs.history import Span
from benbot.paper.exchange import Exchange
from benbot.paper.hours import Hours
from benbot.paper.matching import match_open, match_within
from benbot.paper.reel import Opening, opening_of
from benbot.paper.replay import Playback
from benbot.paper.resting import Resting
from benbot.paper.simulated import SimulatedAccount, SimulatedVenue
from benbot.paper.standing import Phase, Standing
from benbot.paper.turn import Turn
from benbot.paper.venue import OrderIntent, OrderStatus, TimeInForce

INSTANT = timedelta(microseconds=1)
BEFORE_CLOSE = (Phase.INSIDE, Phase.CLOSING)  # what is done at the last instant of a bar


class BarClock:
    """A clock that moves when it is told to, and never back."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def move(self, now: datetime) -> None:
        """Move on to a time."""
        self._now = max(self._now, now)


class BarExchange(Exchange):
    """An exchange that fills, at the last instant of a bar, what its range would have met."""

    def accept(self, turn: Turn, intent: OrderIntent, now: datetime) -> Resting:
        t, is_on = divmod(turn.moment, 2)
        if not (is_on and is_last_instant(self._playback.hours, t, now)):
            return super().accept(turn, intent, now)
        order = turn.take(intent, now)
        playback, s = self._playback, self._playback.columns[order.symbol]
        bar = playback.bars[t, s]
        match = None
        if playback.market.tradable[t, s]:
            is_market = intent.limit is None
            match = (
                match_open(order, bar, playback.adv(t, s), playback.rules)
                if is_market
                else match_within(order, bar)
            )
        if match is not None:
            self._fill(turn, order, match, t, now)
        order = turn.changed[intent.client_order_id]
        if intent.time_in_force is TimeInForce.IOC:
            return turn.end(order, OrderStatus.CANCELLED, now)
        return order


class BarVenue(SimulatedVenue):
    """The embedded broker in a market that is replayed bar by bar."""

    name = "replay"

    def __init__(
        self, playback: Playback, account: SimulatedAccount, path: Path | None = None
    ) -> None:
        super().__init__(playback, account, path)
        self._exchange = BarExchange(playback, account.partials, account.seed)


class BarFeed:
    """The bars of a playback as they become known (`paper.feed.Feed`)."""

    def __init__(self, playback: Playback) -> None:
        self._playback = playback

    def last_closed(self) -> int:
        return self._n_moments() // 2 - 1

    def opening(self, t: int) -> Opening | None:
        if t >= self._playback.market.n_bars or not self._has_opened(t):
            return None
        bars, market = self._playback.bars[t], self._playback.market
        return opening_of(bars["open"], bars["room"], self._actions(t), int(market.session[t]))

    def seen(self, t: int) -> Opening | None:
        return None

    def ending(self, t: int) -> Opening | None:
        if not is_last_instant(self._playback.hours, t, self._playback.now()):
            return None
        session = int(self._playback.market.session[t])
        return Opening(self._playback.bars[t].copy(), self._actions(t), session)

    def closed_at(self, t: int) -> int | None:
        if self._n_moments() < 2 * t + 2:
            return None
        return int(self._playback.hours.ends[t].astype("datetime64[us]").astype(np.int64))

    def is_past(self, t: int) -> bool:
        return self._n_moments() >= 2 * t + 2

    def stale(self, symbols: Sequence[int]) -> int:
        return 0  # a bar is as fresh as can be

    def _has_opened(self, t: int) -> bool:
        if self._playback.market.has_range:
            return self._n_moments() >= 2 * t + 1
        return is_last_instant(self._playback.hours, t, self._playback.now())

    def _n_moments(self) -> int:
        return self._playback.hours.n_moments(self._playback.now())

    def _actions(self, t: int) -> np.ndarray:
        actions = np.zeros(self._playback.market.n_symbols, ACTION)
        actions["split"] = self._playback.market.split[t]
        actions["dividend"] = self._playback.market.dividend[t]
        return actions


def is_last_instant(hours: Hours, t: int, now: datetime) -> bool:
    """Return whether bar `t` is at its last instant, or over."""
    return now >= hours.time_of(2 * t + 1) - INSTANT


def ticks(hours: Hours, span: Span) -> Iterator[datetime]:
    """Yield the times at which something is to be done in bars `first` + 1 to `last`."""
    for t in range(span.first + 1, span.last + 1):
        yield hours.time_of(2 * t)
        yield hours.time_of(2 * t + 1) - INSTANT
        yield hours.time_of(2 * t + 1)


def time_of_standing(hours: Hours, standing: Standing, *, has_range: bool) -> datetime:
    """Return from when on an account that stands there goes on."""
    bar, phase = standing.bar, standing.phase
    if phase is Phase.DECIDED:
        return hours.time_of(2 * bar + 1)
    if phase is Phase.CLOSED:
        return hours.time_of(2 * bar + 3)
    if phase in BEFORE_CLOSE or not has_range:
        return hours.time_of(2 * bar + 3) - INSTANT
    return hours.time_of(2 * bar + 2)
