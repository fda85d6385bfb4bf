"""A market in motion: what happened, or was drawn, played at any speed to whoever watches.

Nothing of a bar is shown before it is over but its opening price: what is quoted during a bar is
that, and after it its close. So whoever trades on quotes knows no more than a trader did.

time     of the market unless said otherwise; the clock's is that of whoever watches
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.taping import bars_of, daily_money, traded_money, year_share
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.paper.boundary import time_of
from benbot.paper.hours import Hours, hours_of
from benbot.paper.quotes import Quote
from benbot.paper.venue import Clock, VenueClock

FASTEST = 1e7  # a year in three seconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes in a market: from `first` on, `speed` times as fast as from `begun` on."""

    first: datetime  # in the market
    begun: datetime  # on the clock
    speed: float = 1.0

    def __post_init__(self) -> None:
        for name in ("first", "begun"):
            object.__setattr__(self, name, time_of(getattr(self, name), name))
        if not 0.0 < self.speed <= FASTEST:
            raise InvalidParameter(
                f"speed must be above 0 and at most {FASTEST:g}, was {self.speed}"
            )

    def market_time(self, now: datetime) -> datetime:
        """Return the market's time at a time of the clock."""
        return self.first + timedelta(seconds=(now - self.begun).total_seconds() * self.speed)


class Playback:
    """A market, the clock that moves it, and what trading in it costs.

    Without a pace, the clock shows the market's own time. It shows quotes (`QuoteSource`), too.
    """

    name = "replay"

    def __init__(
        self, market: Market, rules: DeskRules, clock: Clock, pace: Pace | None = None
    ) -> None:
        self.rules = rules.record()[0]
        self._costs = rules.costs
        self.columns = {symbol: s for s, symbol in enumerate(market.symbols)}
        self._clock, self._pace = clock, pace
        self.identity = f"market {market.digest}"
        self.show(market, hours_of(market))

    def show(self, market: Market, hours: Hours) -> None:
        """Play this market from now on."""
        self.market, self.hours = market, hours
        self.bars = bars_of(market, self._costs)
        self._adv = daily_money(market, traded_money(market))
        self._year_share = year_share(market)

    def now(self) -> datetime:
        """Return the market's time."""
        now = time_of(self._clock(), "the clock's time")
        return now if self._pace is None else self._pace.market_time(now)

    def time_of(self, moment: int) -> datetime:
        """Return when a moment is, see `paper.hours`."""
        return self.hours.time_of(moment)

    def clock(self) -> VenueClock:
        """Return the market's time and session; after its last bar it never opens again."""
        now, hours = self.now(), self.hours
        return VenueClock(now, hours.is_open(now), hours.next_open(now), hours.next_close(now))

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Return the present quotes; during a session they are of now, after it of its close."""
        now = self.now()
        n_moments = self.hours.n_moments(now)
        shown = (self._quote(symbol, n_moments, now) for symbol in dict.fromkeys(symbols))
        return {quote.symbol: quote for quote in shown if quote is not None}

    def shown_bar(self, s: int, n_moments: int) -> int | None:
        """Return the last bar of which something of a symbol was shown after so many moments."""
        last = n_moments // 2 - 1 if not self.market.has_range else (n_moments - 1) // 2
        traded = np.flatnonzero(self.market.tradable[: max(last, -1) + 1, s])
        return int(traded[-1]) if traded.size else None

    def price(self, s: int, n_moments: int) -> float | None:
        """Return the price of a symbol after so many moments: of an opening, or of a close."""
        t = self.shown_bar(s, n_moments)
        if t is None:
            return None
        bar = self.bars[t, s]
        return float(bar["close"] if n_moments >= 2 * t + 2 else bar["open"])

    def adv(self, t: int, s: int) -> float:
        """Return the value traded a day that was known before bar `t`; inf where it was not."""
        return float(self._adv[t - 1, s]) if t else float("inf")

    def borrow_fee(self, t: int, s: int) -> float:
        """Return what a short position pays for bar `t`, fraction of its worth."""
        rate = float(self.bars[t, s]["borrow_rate"])
        if not rate < float("inf"):
            rate = float(
                self.rules["gates_borrow_rate"]
            )  # it was held before nobody could borrow it
        return rate * float(self._year_share[t])

    def actions(self, t: int) -> list[tuple[int, float, float]]:
        """Return symbol, split and dividend of what happened before the opening of bar `t`."""
        split, dividend = self.market.split[t], self.market.dividend[t]
        changed = np.flatnonzero((split != 1.0) | (dividend != 0.0))
        return [(int(s), float(split[s]), float(dividend[s])) for s in changed]

    def _quote(self, symbol: str, n_moments: int, now: datetime) -> Quote | None:
        s = self.columns.get(symbol)
        t = None if s is None else self.shown_bar(s, n_moments)
        if s is None or t is None:
            return None
        price = self.price(s, n_moments)
        half = price * float(self.bars[t, s]["half_spread"]) if price is not None else 0.0
        if price is None or not half < price:
            return None
        is_on = n_moments == 2 * t + 1 and bool(self.bars[t, s]["room"] > 0.0)  # bar t is not over
        time = now if is_on else self.hours.time_of(min(2 * t + 1, n_moments - 1))
        return Quote(symbol, price - half, price + half, time, self.name)
