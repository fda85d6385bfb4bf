"""An account in a simulated market that goes on: opened, traded by cycles, and opened again.

When the market began for the account, how fast it goes and from which seed it is drawn is kept with
the account. So whoever starts again finds the market where it has come to; bars that passed
unwatched are closed one after the other, and none of their orders is sent.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from benbot.agents.policy import Policy
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.observation import Layout
from benbot.paper.autoloop import PERIOD, AutoLoop, Clocks
from benbot.paper.catching_up import catch_up
from benbot.paper.change import Names
from benbot.paper.drawn import DrawnMarket, market_drawn
from benbot.paper.growing import Growing, Hearing
from benbot.paper.intents import key_of
from benbot.paper.isolation import Isolated
from benbot.paper.known import known_of
from benbot.paper.ladder import LiveLadder
from benbot.paper.limits import AccountLimits
from benbot.paper.live_bars import LiveBars
from benbot.paper.live_feed import LiveFeed, Looks
from benbot.paper.live_market import LiveMarket
from benbot.paper.live_venue import LiveVenue
from benbot.paper.market_clock import MarketClock
from benbot.paper.outbox import Outbox
from benbot.paper.press.book import NewsBook
from benbot.paper.press.drawn_news import DrawnNews
from benbot.paper.quote_board import QuoteBoard, QuoteLimits
from benbot.paper.replayed import AT_ONCE, MARGIN
from benbot.paper.setting import Setting, require_same
from benbot.paper.simulated import SimulatedAccount
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.store import PaperStore, open_store
from benbot.paper.trader import Trader
from benbot.paper.venue import Clock, Venue
from benbot.strategies.records.moments import microseconds
from benbot.strategies.tournament.settings import TournamentSettings

FEWEST_CYCLES = 3  # of a bar: one that opens it, one inside, one that ends it
ENDING = 1.5  # cycles before its close from which on a bar is ended
BEGUN = "begun"


@dataclass(frozen=True)
class Timing:
    """How the market's time passes, and how often it is looked at; seconds of this machine.

    bar     what a bar lasts, closed hours left out; None: market time passes as ours does
    period  from one cycle of the loop to the next
    """

    bar: float | None = None
    period: float = PERIOD

    def __post_init__(self) -> None:
        if not 0.0 < self.period < float("inf"):
            raise InvalidParameter(f"a cycle must take more than 0 seconds, was {self.period}")
        if self.bar is not None and not self.bar >= FEWEST_CYCLES * self.period:
            raise InvalidParameter(
                f"a bar must last at least {FEWEST_CYCLES} cycles of {self.period:g} seconds, was "
                f"{self.bar:g} seconds. Lengthen it, or let cycles come faster"
            )


@dataclass(frozen=True, eq=False)
class Undertaking:
    """Who trades in what, and where the account is kept.

    history   what is known of the market when the account begins; it is drawn on from there
    calendar  of its exchange; None: it goes on as its days have been
    hear      what the strategies want, of a market
    ruin      share of the capital at or below which the account is over
    identity  what must be the same when it goes on
    venue     file of the embedded broker
    news      of which the features of the history were made; None: it has none
    """

    history: Market
    calendar: str | None
    policy: Policy
    rules: DeskRules
    regime: RegimeSettings
    strategies: tuple[str, ...]
    layout: Layout
    hear: Hearing
    ruin: float
    account: str
    url: str
    venue: Path
    seed: int = 0
    timing: Timing = Timing()
    identity: Mapping[str, object] = field(default_factory=dict)
    wrapped: Callable[[Venue], Venue] = lambda venue: venue  # what stands between loop and venue
    limits: AccountLimits | None = None  # that are tighter than the rules
    tournament: TournamentSettings = field(default_factory=TournamentSettings)
    news: NewsFeed | None = None

    def ladder(self) -> LiveLadder:
        """Return the ladder of its strategies, before the first bar."""
        return LiveLadder(self.rules, self.strategies, self.tournament)


@dataclass(frozen=True, eq=False)
class Underway:
    """An undertaking that is open to be traded."""

    loop: AutoLoop
    store: PaperStore
    venue: Venue
    clock: MarketClock
    market: LiveMarket

    @property
    def bars(self) -> LiveBars:
        return self.market


@dataclass(frozen=True)
class Machine:
    """The clocks of this machine, and how one waits on it."""

    now: Clock
    elapsed: Callable[[], float]
    pause: Callable[[float], None]


@contextmanager
def underway(undertaking: Undertaking, machine: Machine) -> Iterator[Underway]:
    """Open the account, or begin it now."""
    one, timing = undertaking, undertaking.timing
    drawn = DrawnMarket(one.history, one.calendar, one.seed)
    clock = MarketClock(drawn, timing.bar, machine.now)
    market = LiveMarket(drawn, one.rules, clock)
    ladder = one.ladder()
    chronicle = _chronicle(one, market, ladder)
    if not known_of(one.url, one.account).has_begun:
        chronicle.until(one.history.n_bars - 1)  # before the store is held, whose lease runs

    def pause(seconds: float) -> None:
        machine.pause(seconds)
        clock.tick()

    one.venue.parent.mkdir(parents=True, exist_ok=True)
    with open_store(one.url, one.account, clock) as store:
        identity = _begin(one, store, clock, chronicle)
        setting = replace(_setting(one, chronicle, identity, clock()), ladder=ladder)
        capital = SimulatedAccount(capital=one.rules.capital, multiplier=MARGIN)
        with closing(LiveVenue(market, capital, one.venue)) as own:
            catch_up(clock, own, _stood(store, clock))
            venue = one.wrapped(own)
            outbox = Outbox(venue, store, setting.names, AT_ONCE, machine.pause)
            board = QuoteBoard([market], QuoteLimits(), clock)
            feed = LiveFeed(market, board, clock, _looks(timing, clock.speed))
            trader = Trader(setting, store, feed, outbox)
            loop = AutoLoop(
                venue, store, trader, outbox, Clocks(clock, machine.elapsed, pause, timing.period)
            )
            if one.news is not None:
                loop.hear = _news(one.news, store, drawn, clock)
            loop.resume()
            yield Underway(loop, store, venue, clock, market)
            trader.keep()


def _begin(
    one: Undertaking, store: PaperStore, clock: MarketClock, chronicle: Growing
) -> dict[str, object]:
    """Let the market begin, or go on since it did; return what the account is."""
    own = dict(one.identity) | {
        "market": market_drawn(one.history, one.seed),
        "pace": one.timing.bar,
    }
    kept = store.identity()
    if kept is not None:
        begun = str(json.loads(kept.identity).get(BEGUN, ""))
        own[BEGUN] = begun
        require_same(kept.identity, own, one.policy)
        clock.begin(datetime.fromisoformat(begun))
        return own
    chronicle.until(one.history.n_bars - 1)  # before it begins, or bars would pass meanwhile
    own[BEGUN] = clock.begin().isoformat()
    return own


def _stood(store: PaperStore, clock: MarketClock) -> datetime | None:
    """Return the last close at which the account decided; None: it begins."""
    standing = store.standing()
    return None if standing is None else clock.bar(standing.bar).ends


def _chronicle(one: Undertaking, market: LiveMarket, ladder: LiveLadder) -> Growing:
    sleeves = ShadowSleeves(one.rules, len(one.strategies), one.history.n_symbols)
    return Growing(market.until, one.hear, one.rules, one.regime, sleeves, ladder)


def _setting(
    one: Undertaking, chronicle: Growing, identity: dict[str, object], began: datetime
) -> Setting:
    key = key_of(one.account, datetime.fromisoformat(str(identity[BEGUN])))
    return setting_of(one, chronicle, identity, key, began)


def _news(
    feed: NewsFeed, store: PaperStore, drawn: DrawnMarket, clock: MarketClock
) -> Callable[[], None]:
    """Return what hears, once a cycle, of the news of the sessions that were drawn."""
    return DrawnNews(feed, drawn, NewsBook(store, is_lasting=False), clock).look


def setting_of(
    one: Undertaking, chronicle: Growing, identity: dict[str, object], key: str, began: datetime
) -> Setting:
    """Return the setting of an account that goes on; `key` is that of its orders."""
    return Setting(
        policy=one.policy,
        rules=one.rules,
        names=Names(one.history.symbols, one.strategies),
        layout=one.layout,
        chronicle=chronicle,
        identity=identity,
        key=key,
        began=microseconds(began),
        conditions=False,
        ruin=one.ruin * one.rules.capital,
        limits=one.limits,
        isolated=one.hear if isinstance(one.hear, Isolated) else None,
    )


def _looks(timing: Timing, speed: float) -> Looks:
    """Return when quotes are looked at: once a cycle, and a cycle and a half before a close.

    Whoever has no good quote here will not have one in this bar, so nothing is waited for.
    """
    ending = timedelta(seconds=ENDING * timing.period * speed)
    return Looks(timedelta(microseconds=1), timedelta(0), ending)
