"""The emulator in a market that is played: quotes and splits follow the time that it is told.

It goes on while whoever trades with it is killed, and what it wrote down is the judge.
"""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import numpy as np

from benbot.envs.market.market import Market
from benbot.paper.hours import Hours, hours_of
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import VirtualClock
from tests.paper.emulator.server import Emulator, serving

TIME = "/emulator/time"  # where it is told what time it is
EARLY = timedelta(minutes=5)  # before a bar ends, its close is quoted


class Exchange(Emulator):
    """The emulator, whose clock only goes forward.

    Of a bar its open is quoted until shortly before it ends, and from then on its close. What is in
    `stopped` does not trade, whatever the market says.
    """

    def __init__(self, market: Market, capital: float, partials: float, seed: int) -> None:
        self._market, self.hours = market, hours_of(market)
        self.stopped: set[str] = set()
        self.clock = VirtualClock(self.hours.time_of(0))
        money = Decimal(int(capital))
        super().__init__(
            Broker(self.clock, seed, cash=money, multiplier=Decimal(4), partials=partials)
        )
        self._n_moments = 0

    def move(self, now: datetime) -> None:
        """Let it be `now`, unless it is later already."""
        with self._lock:
            self._move(now)

    def _move(self, now: datetime) -> None:
        self.clock.now = max(self.clock.now, now)
        n_moments = n_shown(self.hours, self.clock.now)
        for moment in range(self._n_moments, n_moments):
            self._live(*divmod(moment, 2))
        self._n_moments = n_moments
        self.halt()

    def halt(self) -> None:
        """Let nobody trade what does not trade now."""
        t = max(self._n_moments - 1, 0) // 2
        off = np.flatnonzero(~self._market.tradable[t])
        self.broker.halted = self.stopped | {self._market.symbols[s] for s in off}

    def _live(self, t: int, is_close: int) -> None:
        """Let bar `t` open, or show how it ends."""
        market, broker = self._market, self.broker
        prices = (market.close if is_close else market.open)[t]
        for s, symbol in enumerate(market.symbols):
            ratio = int(market.split[t, s])
            if not is_close and ratio != 1 and symbol in broker.quotes:
                broker.split(symbol, ratio)
            if market.tradable[t, s]:
                broker.quote(symbol, float(prices[s]), float(prices[s]))

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, object]:
        if urlsplit(url).path != TIME:
            return super().answer(method, url, body)
        self.move(datetime.fromisoformat(json.loads(body)))
        return 200, self.clock.now.astimezone(UTC).isoformat()


def n_shown(hours: Hours, now: datetime) -> int:
    """Return how many openings and ends of bars are shown by then."""
    opened = hours.n_moments(now)
    t = opened // 2
    is_ending = opened % 2 and now >= hours.time_of(2 * t + 1) - EARLY
    return opened + int(is_ending)


def tell(url: str, now: datetime) -> datetime:
    """Tell an exchange at an address what time it is; return the time that it is there."""
    body = json.dumps(now.isoformat()).encode()
    request = urllib.request.Request(f"{url}{TIME}", body, method="POST")  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return datetime.fromisoformat(json.loads(answer.read()))


@contextmanager
def exchange(
    market: Market, capital: float, partials: float = 0.0, seed: int = 0
) -> Iterator[Exchange]:
    """Let an exchange listen on a free port of this machine."""
    with serving(Exchange(market, capital, partials, seed)) as one:
        assert isinstance(one, Exchange)
        yield one
