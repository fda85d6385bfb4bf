"""A market at the emulated Alpaca, and an account of ours in it, driven from look to look."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from benbot.agents.policy import Policy
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import prepare
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.paper.alpaca.living import AtAlpaca, Terms, trading
from benbot.paper.autoloop import Cycle
from benbot.paper.live import Machine, Undertaking
from benbot.paper.press.aside import Asking
from benbot.paper.press.listener import Told
from benbot.strategies.base import Strategy
from benbot.strategies.hearing import collect
from benbot.strategies.rules.bollinger_reversion import BollingerReversion
from benbot.strategies.rules.ma_crossover import MovingAverageCrossover
from benbot.strategies.rules.rsi_reversion import RsiReversion
from tests.paper.emulator.broker import Broker
from tests.paper.emulator.calendar import Sessions, VirtualClock
from tests.paper.emulator.market import Exchange
from tests.paper.emulator.server import KEY, SECRET, Emulator, serving
from tests.paper.replays import Scripted

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
HOLIDAYS = (date(2025, 12, 25), date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16))
EARLY = {date(2025, 12, 24): time(13)}
FIRST_DAY = date(2025, 12, 1)
REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
STRATEGIES: tuple[Strategy, ...] = (
    RsiReversion(window=2),
    MovingAverageCrossover(fast=3, slow=8),
    BollingerReversion(window=8),
)
N_KNOWN, N_LIVE = 60, 10  # sessions
CAPITAL = 100_000
LONG = timedelta(minutes=10)  # of a bar, inside which somebody looks more than once


def sessions() -> Sessions:
    """Return when New York was open in that winter."""
    return Sessions(dict(EARLY), set(HOLIDAYS))


def closes(n_days: int, minutes: int | None = None) -> tuple[list[datetime], list[int]]:
    """Return when each bar ends, and the number of its session."""
    found: list[datetime] = []
    numbers: list[int] = []
    day, number = FIRST_DAY, 0
    while number < n_days:
        session = sessions().on(day)
        day += timedelta(days=1)
        if session is None:
            continue
        begin, end = (one.astimezone(UTC) for one in session)
        length = end - begin if minutes is None else timedelta(minutes=minutes)
        ends = [begin + (i + 1) * length for i in range((end - begin) // length)]
        found += ends
        numbers += [number] * len(ends)
        number += 1
    return found, numbers


def drawn_market(seed: int, n_days: int, minutes: int | None = None) -> Market:
    """Return a random market of the winter; prices of four decimals."""
    ends, numbers = closes(n_days, minutes)
    rng = np.random.default_rng(seed)
    shape = (len(ends), len(SYMBOLS))
    scale = 0.02 if minutes is None else 0.002
    close = 50.0 * np.exp(np.cumsum(scale * rng.standard_normal(shape), axis=0))
    opened = close * np.exp(rng.normal(0.0, scale / 4.0, shape))
    facts = {
        "open": opened,
        "high": np.maximum(opened, close) * (1.0 + scale / 4.0),
        "low": np.minimum(opened, close) * (1.0 - scale / 4.0),
        "close": close,
    }
    facts = {name: np.round(fact, 4) for name, fact in facts.items()}
    facts["volume"] = np.round(rng.uniform(1e5, 1e6, shape))
    stamps = np.array([end.replace(tzinfo=None) for end in ends], "datetime64[us]")
    return market_from_prices(stamps, SYMBOLS, facts, session=np.array(numbers))


def policy(n: int = 400) -> Policy:
    """Return a policy that chooses something else at every close."""
    return Scripted(np.random.default_rng(3).dirichlet(np.ones(4), n))


def undertaking(folder: Path, known: Market, rules: DeskRules) -> Undertaking:
    """Return an account in a folder that trades under rules of the catalogue."""
    history = prepare(known, collect(STRATEGIES, known), rules, REGIME)
    return Undertaking(
        history=known,
        calendar="XNYS",
        policy=policy(),
        rules=rules,
        regime=REGIME,
        strategies=history.signals.strategies,
        layout=history.layout,
        hear=lambda market: collect(STRATEGIES, market),
        ruin=0.2,
        account="winter",
        url=f"sqlite:///{folder / 'paper.db'}",
        venue=folder / "venue.db",
        identity={"policy": "scripted"},
    )


@dataclass
class Winter:
    """An emulated Alpaca in the winter, and our account there."""

    emulator: Emulator
    exchange: Exchange
    clock: VirtualClock
    one: Undertaking
    n_known: int
    cycles: list[Cycle] = field(default_factory=list)
    asking: Callable[[], Asking[Told]] | None = None  # how news are asked for

    @property
    def environment(self) -> dict[str, str]:
        url = self.emulator.url
        keys = {"APCA_API_KEY_ID": KEY, "APCA_API_SECRET_KEY": SECRET}
        return keys | {"ALPACA_PAPER_URL": url, "ALPACA_DATA_URL": url}

    @contextmanager
    def trading(self, deadline: float = 5.0) -> Iterator[AtAlpaca]:
        """Open the account, as often as one likes."""
        machine = Machine(self.clock, lambda: 0.0, lambda s: self.clock.advance(seconds=s))
        asking = None if self.asking is None else self.asking()
        terms = Terms(self.environment, self.n_known, deadline, asking)
        with trading(self.one, machine, terms) as on:
            yield on

    def looks(self, t: int) -> list[datetime]:
        """Return when somebody looks during bar `t`, and after it."""
        begin, end = self.exchange.begins[t], self.exchange.ends[t]
        if end - begin < LONG:
            opening = [begin + timedelta(seconds=s) for s in (12, 42)]
            return [*opening, end + timedelta(seconds=12)]
        early = [begin + timedelta(seconds=s) for s in (20, 50, 80)]
        inside = [begin + (end - begin) * i / 4 for i in range(1, 4)]
        late = [end + timedelta(seconds=s) for s in (-40, -10, 12)]
        return sorted(early + inside + late)

    def settle(self, on: AtAlpaca) -> None:
        """Cycle on until all is done that can be done."""
        for _ in range(12):
            self.clock.advance(seconds=30)
            self.cycles.append(on.loop.cycle())
            on.loop.trader.keep()

    def live(self, on: AtAlpaca, bars: range) -> None:
        """Cycle through bars."""
        for t in bars:
            for look in self.looks(t):
                if look > self.clock.now:
                    self.clock.now = look
                    self.cycles.append(on.loop.cycle())
                    on.loop.trader.keep()


@contextmanager
def winter(
    folder: Path,
    *,
    seed: int = 5,
    rules: DeskRules | None = None,
    change: Callable[[Market], Market] = lambda market: market,
    partials: float = 0.1,
) -> Iterator[Winter]:
    """Yield a winter of days, the evening before the first session that is traded."""
    market = change(drawn_market(seed, N_KNOWN + N_LIVE))
    ends = market.timestamps.astype("datetime64[us]")
    evening = ends[N_KNOWN - 1].item().replace(tzinfo=UTC) + timedelta(hours=2)
    clock = VirtualClock(evening)
    broker = Broker(clock, seed, cash=Decimal(CAPITAL), partials=partials, sessions=sessions())
    exchange = Exchange(market, broker)
    with serving(Emulator(broker, exchange)) as emulator:
        one = undertaking(folder, market.until(N_KNOWN), rules or DeskRules())
        yield Winter(emulator, exchange, clock, one, N_KNOWN)


@contextmanager
def minutes_of_winter(
    folder: Path, minutes: int, n_days: int, n_bars: int | None = None
) -> Iterator[Winter]:
    """Yield a winter of bars of so many minutes, the evening before its last session."""
    market = drawn_market(7, n_days, minutes)
    n_known = int(np.searchsorted(market.session, n_days - 1))
    market = market if n_bars is None else market.until(n_known + n_bars)
    end = market.timestamps[n_known - 1].astype("datetime64[us]").item().replace(tzinfo=UTC)
    clock = VirtualClock(end + timedelta(hours=2))
    broker = Broker(clock, 7, cash=Decimal(CAPITAL), sessions=sessions())
    exchange = Exchange(market, broker, minutes)
    with serving(Emulator(broker, exchange)) as emulator:
        one = undertaking(folder, market.until(n_known), DeskRules())
        yield Winter(emulator, exchange, clock, one, n_known)
