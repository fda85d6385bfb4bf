"""A walk of half hours with news, and an account that listens to them without trading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.news_settings import NewsSettings
from benbot.paper.alpaca.informed import InformedBars
from benbot.paper.live_bars import BarTimes
from benbot.paper.press.aside import AtOnce
from benbot.paper.press.book import NewsBook
from benbot.paper.press.item import Item
from benbot.paper.press.listener import Listener, Told, Window
from benbot.paper.store import open_store

SYMBOLS = ("AAA", "BBB")
N_KNOWN, N_BARS = 20, 32
BEGUN = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
BAR, TICK, GRACE = timedelta(minutes=30), timedelta(minutes=7), timedelta(seconds=10)
SETTINGS = NewsSettings(mood_half_life=0.4, intensity_half_life=0.4, usual_bars=6, novelty_bars=3)
WIRE = frozenset({"wire"})
NO_SIGNS = {ord(sign): None for sign in " .,()[]'"}


@cache
def walk() -> Market:
    """Return half hours without a break."""
    stamps = [(BEGUN + (t + 1) * BAR).replace(tzinfo=None) for t in range(N_BARS)]
    close = 50.0 + np.arange(N_BARS)[:, None] * np.ones((1, 2))
    return market_from_prices(np.array(stamps, "datetime64[us]"), SYMBOLS, {"close": close})


def close_of(t: int) -> datetime:
    return BEGUN + (t + 1) * BAR


@dataclass(frozen=True)
class Published:
    """An item, and when its source lists it."""

    item: Item
    appears: datetime


def published(
    minute: float,
    text: str,
    late: float = 0.0,
    symbols: Sequence[str] = SYMBOLS[:1],
    mood: float = 0.5,
) -> Published:
    """Return an item of a minute of the walk, which is listed so many minutes later."""
    time = BEGUN + timedelta(minutes=minute)
    identity = f"{minute}{text}{symbols}".translate(NO_SIGNS)
    item = Item(identity, time, time, tuple(symbols), text, "wire", mood)
    return Published(item, time + timedelta(minutes=late))


@dataclass
class Wire:
    """A source of what was published; `troubles` are times in which it does not answer."""

    items: list[Published]
    troubles: list[tuple[datetime, datetime]] = field(default_factory=list)
    n_asked: int = 0

    def ask(self, window: Window, token: str | None) -> Told:
        self.n_asked += 1
        if any(since <= window.until < until for since, until in self.troubles):
            return Told(trouble="status 500")
        return Told(
            tuple(one.item for one in self.items if window.since <= one.appears <= window.until)
        )


class Bars:
    """The bars of the walk, ten seconds after their close."""

    symbols = SYMBOLS

    def __init__(self, now: list[datetime]) -> None:
        self._now = now

    def n_closed(self) -> int:
        return min(N_BARS, int((self._now[0] - GRACE - BEGUN) / BAR))

    def until(self, n_bars: int) -> Market:
        return walk().until(n_bars)

    def times(self, t: int) -> BarTimes:
        return BarTimes(close_of(t) - BAR, close_of(t))

    def last_close(self) -> datetime:
        return close_of(self.n_closed() - 1)

    def opening(self, t: int) -> Any:  # noqa: ANN401
        raise NotImplementedError


def ticks() -> list[datetime]:
    """Return when somebody looks, from the end of what is known on."""
    first, last = close_of(N_KNOWN - 1) + GRACE, close_of(N_BARS - 1) + 2 * GRACE
    return [first + i * TICK for i in range(int((last - first) / TICK) + 1)] + [last]


@cache
def empty() -> bytes:
    """Return a store in which nothing is kept: to make one anew takes long."""
    with TemporaryDirectory() as name:
        path = Path(name) / "paper.db"
        open_store(f"sqlite:///{path}", "walk", lambda: BEGUN).close()
        return path.read_bytes()


def listen(folder: Path, wire: Wire, looks: Iterable[datetime] | None = None) -> list[FloatArray]:
    """Look at some times, and return the features of all bars, (T, S, 3), as of each of them."""
    now = [close_of(N_KNOWN - 1) + GRACE]
    bars, path = Bars(now), folder / "paper.db"
    if not path.exists():
        path.write_bytes(empty())
    with open_store(f"sqlite:///{path}", "walk", lambda: now[0]) as store:
        book = NewsBook(store, is_lasting=True)
        listener = Listener(wire, book, (lambda: now[0], bars.last_close), AtOnce())
        if book.heard is None:
            listener.begin(BEGUN, lambda _: None)
        informed = InformedBars(bars, book, SETTINGS, WIRE)  # type: ignore[arg-type]
        told = []
        for look in ticks() if looks is None else looks:
            now[0] = look
            listener.look()
            told.append(stacked(informed.until(informed.n_closed())))
        return told


def stacked(market: Market) -> FloatArray:
    return np.stack([market.features[name] for name in sorted(market.features)], axis=-1)


def begun_bars(moment: datetime) -> int:
    """Return how many bars of the walk had closed at a moment."""
    return int(
        np.searchsorted(walk().timestamps, np.datetime64(moment.replace(tzinfo=None)), "right")
    )
