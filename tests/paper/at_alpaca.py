"""The whole loop at the emulated Alpaca: what trades, what moves it, what agrees in the end.

The exchange has its own clock, account and market, and outlives whoever trades there; the trader
has its store. So the exchange's ledger is the judge of the store's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.paper.autoloop import AutoLoop, Clocks, Cycle
from benbot.paper.bar_replay import BarClock, BarFeed
from benbot.paper.chain import verify
from benbot.paper.change import Names
from benbot.paper.hours import Hours
from benbot.paper.intents import key_of
from benbot.paper.outbox import Manners, Outbox
from benbot.paper.reel import Foreseen, Opening
from benbot.paper.replay import Playback
from benbot.paper.replayed import Stretch
from benbot.paper.setting import Setting
from benbot.paper.store import PaperStore, open_store, reading
from benbot.paper.trader import Trader
from benbot.paper.venue import Venue
from benbot.strategies.hearing import collect
from benbot.strategies.records.moments import microseconds
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import NEW_YORK
from tests.paper.emulator.exchange import EARLY, Exchange, tell
from tests.paper.replays import Scripted
from tests.paper.scenes import KEYS

MONDAY = datetime(2026, 1, 5, 9, 30, tzinfo=NEW_YORK)
BARS_A_DAY, WARM = 13, 38  # bars; an account begins at the end of a session
HALF_HOUR, CYCLE = timedelta(minutes=30), timedelta(seconds=30)
MANNERS = Manners(looks=3, pause=0.0)
RULES = DeskRules.model_validate(
    {
        "execution": {"lot": 1.0},
        "exits": {"target": 2.0, "time_stop": 6},
        "sizing": {"smallest_order": 0.0},
        "gates": {"min_sessions": 2, "var": 1.0, "correlation": 1.0},
        "limits": {"beta": 100.0, "max_positions": 4},
        "breakers": {"drawdown": 0.5, "daily_loss": 0.5},
        "costs": {"borrow_rate": 0.0},
    }
)
REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
STRATEGIES = (
    RsiReversion(window=2),
    MovingAverageCrossover(fast=3, slow=8),
    BollingerReversion(window=8),
)


def half_hours(n_bars: int) -> list[tuple[datetime, datetime]]:
    """Return when each of so many half hours of a session begins and ends; weekends are free."""
    n_days = -(-n_bars // BARS_A_DAY)
    days = [MONDAY + timedelta(days=7 * (d // 5) + d % 5) for d in range(n_days)]
    begins = [day + i * HALF_HOUR for day in days for i in range(BARS_A_DAY)][:n_bars]
    return [(begin, begin + HALF_HOUR) for begin in begins]


def market_of(seed: int, n_bars: int, n_symbols: int = 5, *, splits: bool = False) -> Market:
    """Return a market of half hours; with splits one symbol in five has one in the fiftieth bar."""
    rng = np.random.default_rng(seed)
    times, shape = half_hours(n_bars), (n_bars, n_symbols)
    close = 60.0 * np.exp(np.cumsum(0.02 * rng.standard_normal(shape), axis=0))
    split = np.ones(shape)
    if splits:
        split[50, ::5] = 2.0
    close = close / np.cumprod(split, axis=0)
    opened = close * np.exp(rng.normal(0.0, 0.005, shape))
    facts = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.005,
        "low": np.minimum(opened, close) * 0.995,
        "close": close,
        "volume": rng.uniform(1e5, 1e6, shape),
        "split": split,
    }
    stamps = [end.astimezone(UTC).replace(tzinfo=None) for _, end in times]
    days = np.array([begin.date() for begin, _ in times], "datetime64[D]")
    return market_from_prices(
        np.array(stamps, "datetime64[us]"),
        tuple(f"S{s}" for s in range(n_symbols)),
        facts,
        session=np.unique(days, return_inverse=True)[1],
    )


@cache
def half_hour_stretch(
    n_bars: int, seed: int = 5, n_symbols: int = 5, splits: bool = False
) -> Stretch:
    """Return so many bars to trade, after enough to know them by."""
    market = market_of(seed, WARM + n_bars + 1, n_symbols, splits=splits)
    history = prepare(market, collect(STRATEGIES, market), RULES, REGIME)
    script = np.random.default_rng(seed).dirichlet(np.ones(len(STRATEGIES) + 1), n_bars + 1)
    span = Span(WARM, WARM + n_bars)
    return Stretch(history, span, Scripted(script), 0.05, account="alpaca", feed=EarlyFeed)


class EarlyFeed(BarFeed):
    """Shows the range of a bar as soon as the exchange quotes its close."""

    def ending(self, t: int) -> Opening | None:
        end = self._playback.hours.time_of(2 * t + 1)
        if self._playback.now() < end - EARLY:
            return None
        session = int(self._playback.market.session[t])
        return Opening(self._playback.bars[t].copy(), self._actions(t), session)


def ticks(hours: Hours, span: Span, n_cycles: int = 2) -> Iterator[datetime]:
    """Yield times of cycles: so many after each opening, so many before each close, and it."""
    for t in range(span.first + 1, span.last + 1):
        begin, end = hours.time_of(2 * t), hours.time_of(2 * t + 1)
        yield from (begin + i * CYCLE for i in range(n_cycles))
        yield from (end - EARLY + i * CYCLE for i in range(n_cycles))
        yield end


@dataclass(frozen=True, eq=False)
class Place:
    """Where a stretch is traded.

    venue   opens the venue, on a clock
    tell    tells the exchange what time it is, and returns the time that it is there
    ahead   by how much the clock of the machine is ahead
    """

    store: str
    venue: Callable[[BarClock], Venue]
    tell: Callable[[datetime], datetime]
    ahead: Callable[[], timedelta] = timedelta


def inside(one: Exchange, url: str) -> Place:
    """Return a place where an exchange of this process is asked without a network."""
    from benbot.paper.alpaca.venue import AlpacaVenue
    from tests.paper.emulator.inside import inside_wire

    def tell(now: datetime) -> datetime:
        one.move(now)
        return one.clock.now

    return Place(url, lambda clock: AlpacaVenue(inside_wire(one, clock)), tell)


def over_network(one: Exchange, url: str) -> Place:
    """Return a place where an exchange is asked at its port."""
    from benbot.paper.alpaca.venue import AlpacaVenue
    from benbot.paper.alpaca.wire import trading_wire

    address = one.url
    return Place(
        url,
        lambda clock: AlpacaVenue(trading_wire(KEYS, address, clock)),
        lambda now: tell(address, now),
    )


@dataclass(frozen=True, eq=False)
class Desk:
    """A loop that is open, with its clock."""

    loop: AutoLoop
    trader: Trader
    store: PaperStore
    clock: BarClock
    place: Place

    def move(self, now: datetime) -> None:
        """Let it be `now` for the exchange and for the trader."""
        self.clock.move(self.place.tell(now))


@contextmanager
def open_desk(stretch: Stretch, place: Place) -> Iterator[Desk]:
    """Open the account of a stretch, or begin it, at the time that it is at the exchange."""
    history = stretch.history
    first = Playback(history.market, history.rules, lambda: MONDAY).hours.time_of(
        2 * stretch.span.first + 1
    )
    clock = BarClock(place.tell(first))
    playback = Playback(history.market, history.rules, clock)
    venue = place.venue(clock)
    with open_store(place.store, stretch.account, clock, lambda: microseconds(clock()) * 1000) as (
        store
    ):
        setting = setting_of(stretch, history, first)
        outbox = Outbox(venue, store, setting.names, MANNERS, lambda _: None)
        trader = Trader(setting, store, stretch.feed(playback), outbox)
        clocks = Clocks(lambda: clock() + place.ahead(), lambda: 0.0, lambda _: None)
        loop = AutoLoop(venue, store, trader, outbox, clocks)
        loop.resume()
        yield Desk(loop, trader, store, clock, place)
        trader.keep()
    venue.close()


def setting_of(stretch: Stretch, history: History, began: datetime) -> Setting:
    return Setting(
        policy=stretch.policy,
        rules=history.rules,
        names=Names(history.market.symbols, history.signals.strategies),
        layout=history.layout,
        chronicle=stretch.chronicle or Foreseen(history),
        identity={},
        key=key_of(stretch.account, began),
        began=microseconds(began),
        conditions=False,
        ruin=stretch.ruin * history.rules.capital,
        limits=stretch.limits,
    )


def trade(
    stretch: Stretch,
    place: Place,
    n_cycles: int = 2,
    report: Callable[[Cycle], None] = lambda cycle: None,
) -> None:
    """Trade the stretch, or what is left of it."""
    with open_desk(stretch, place) as desk:
        hours = Playback(stretch.history.market, stretch.history.rules, desk.clock).hours
        for tick in ticks(hours, stretch.span, n_cycles):
            if tick >= desk.clock():
                desk.move(tick)
                report(desk.loop.cycle())


def assert_books_agree(tables: dict[str, pd.DataFrame], broker: Broker, url: str = "") -> None:
    """No order is lost, sent twice or booked twice, and both sides hold and own the same."""
    intents, fills = tables["intents"], tables["fills"]
    ours = fills[~fills["is_external"].astype(bool)]
    sent = [order.client_order_id for order in broker.orders if order.client_order_id[:3] == "bb-"]
    assert len(sent) == len(set(sent))
    assert set(sent) <= set(intents["client_order_id"])
    settled = intents[intents["status"] == "done"]
    assert set(settled["client_order_id"]) <= set(sent)
    theirs = {
        fill.id: (float(fill.order.sign * fill.qty), float(fill.price))
        for fill in broker.fills
        if fill.order.client_order_id[:3] == "bb-"
    }
    booked = ours.set_index("execution_id")[["units", "price"]]
    assert booked.index.is_unique
    assert dict(zip(booked.index, booked.itertuples(index=False, name=None), strict=True)) == theirs
    assert_same_holdings(tables, broker)
    if url:
        with reading(url) as connection:
            verify(connection, "alpaca")


def assert_same_holdings(tables: dict[str, pd.DataFrame], broker: Broker) -> None:
    """What is held and owned is the same in the store, at the broker and by the fills."""
    held = tables["positions"].groupby("symbol")["units"].sum().to_dict()
    theirs = {symbol: float(one.qty) for symbol, one in broker.positions.items()}
    assert held == pytest.approx(theirs)
    assert tables["equity"]["cash"].iloc[-1] == pytest.approx(float(broker.cash), abs=0.01)
    paid = sum(fill.order.sign * fill.qty * fill.price for fill in broker.fills)
    assert float(broker.cash + paid) == pytest.approx(RULES.capital, abs=1e-6)


def statuses(tables: dict[str, pd.DataFrame]) -> Counter[str]:
    """Return how many intents ended in each way."""
    return Counter(tables["intents"]["status"])
