"""An account at Alpaca that goes on: opened, traded by cycles, and opened again.

    with trading(undertaking, machine, Terms(environment, n_bars)) as on:
        on.loop.run(report)

Of the undertaking's `history` only what it is a market of is used: its symbols and sectors, how
long its bars are and which facts it knows. What happens now, Alpaca says.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from benbot.envs.errors import BadConfig
from benbot.paper.address import DATA, PAPER
from benbot.paper.alpaca.assets import (
    Asset,
    borrow_rates,
    read_assets,
    require_shares,
    require_tradable,
)
from benbot.paper.alpaca.bar_file import BarFile
from benbot.paper.alpaca.bar_source import BarSource
from benbot.paper.alpaca.bars import AlpacaBars, Belief
from benbot.paper.alpaca.hearing import Ears, hearing, looks_at_news, require_same_news
from benbot.paper.alpaca.keys import keys_from
from benbot.paper.alpaca.quotes import AlpacaQuotes
from benbot.paper.alpaca.timeframe import timeframe_of
from benbot.paper.alpaca.told import Universe
from benbot.paper.alpaca.whole_units import WholeUnits
from benbot.paper.alpaca.wire import Wire, actions_wire, data_wire, news_wire, trading_wire
from benbot.paper.autoloop import AutoLoop, Clocks
from benbot.paper.growing import Growing
from benbot.paper.intents import key_of
from benbot.paper.live import ENDING, Machine, Undertaking, setting_of
from benbot.paper.live_bars import LiveBars
from benbot.paper.live_feed import LiveFeed, Looks
from benbot.paper.network import DEADLINE
from benbot.paper.outbox import Manners, Outbox
from benbot.paper.press.aside import Aside, Asking
from benbot.paper.press.listener import Told
from benbot.paper.press.scoring import scoring_of
from benbot.paper.quote_board import QuoteBoard, QuoteLimits
from benbot.paper.quote_sources import ALPACA_URL as DATA_URL
from benbot.paper.quote_sources import quote_source
from benbot.paper.quotes import QuoteSource
from benbot.paper.secrets import hide_in_logs
from benbot.paper.setting import Setting, require_same
from benbot.paper.sleeves import ShadowSleeves
from benbot.paper.store import PaperStore, open_store
from benbot.paper.trader import Trader
from benbot.paper.tradier import TOKEN
from benbot.paper.venue import TimeInForce, Venue
from benbot.paper.venues import ALPACA_URL as TRADING_URL
from benbot.strategies.records.moments import moment_of

BARS = "{account}-bars.db"  # in the folder of the undertaking's venue
FEED = "ALPACA_FEED"  # in the environment; without it, what every paper account may see
IEX, SIP = "iex", "sip"
GRACES = {IEX: timedelta(seconds=10), SIP: timedelta(minutes=16)}  # free accounts see sip late
MANNERS = Manners(TimeInForce.DAY, patience=60.0, looks=3, pause=2.0, moment=0.5)


@dataclass(frozen=True)
class Terms:
    """What an account at Alpaca is opened with.

    environment  holds keys, and addresses of this machine where the emulator is meant
    n_bars       history that is heard before the account begins
    deadline     seconds of a call
    asking       how news are asked for; None: on a thread of its own, if the policy looks at any
    """

    environment: Mapping[str, str]
    n_bars: int
    deadline: float = DEADLINE
    asking: Asking[Told] | None = None


@dataclass(frozen=True, eq=False)
class AtAlpaca:
    """An account that is open to be traded."""

    loop: AutoLoop
    store: PaperStore
    venue: Venue
    bars: LiveBars


@dataclass(frozen=True, eq=False)
class Wires:
    """The connections of an account: to trade, for bars and quotes, for splits, for news."""

    trading: Wire
    data: Wire
    actions: Wire
    news: Wire


@contextmanager
def trading(undertaking: Undertaking, machine: Machine, terms: Terms) -> Iterator[AtAlpaca]:
    """Open the account, or begin it now; what cannot be traded at Alpaca is refused before."""
    one = undertaking
    require_shares(one.history)
    require_same_news(one.history, one.news)
    with ExitStack() as stack:
        wires = _wires(machine, terms, stack)
        bars, assets = _bars(one, wires, machine, terms, stack)
        own = WholeUnits(wires.trading, [each.symbol for each in assets if each.is_fractionable])
        store = stack.enter_context(open_store(one.url, one.account, machine.now))
        standing = store.standing()
        if standing is None:
            bars.begin(terms.n_bars)
        else:
            bars.require(standing.bar)
        known, hear = _known(one, bars, store, (wires.news, machine, terms), stack)
        setting = _setting(one, store, known, bars.name)
        venue = one.wrapped(own)
        outbox = Outbox(venue, store, setting.names, MANNERS, machine.pause)
        board = QuoteBoard(_quotes(wires.data, machine, terms), QuoteLimits(), machine.now)
        ending = timedelta(seconds=ENDING * one.timing.period)
        feed = LiveFeed(known, board, machine.now, Looks(ending=ending))
        trader = Trader(setting, store, feed, outbox)
        clocks = Clocks(machine.now, machine.elapsed, machine.pause, one.timing.period)
        loop = AutoLoop(venue, store, trader, outbox, clocks)
        loop.hear = hear
        loop.resume()
        yield AtAlpaca(loop, store, venue, known)
        trader.keep()


def _wires(machine: Machine, terms: Terms, stack: ExitStack) -> Wires:
    """Make the connections, which the stack closes whatever happens after."""
    keys = keys_from(terms.environment)
    hide_in_logs((keys.key, keys.secret), logging.getLogger().handlers)
    trading_url = terms.environment.get(TRADING_URL, PAPER)
    data_url = terms.environment.get(DATA_URL, DATA)
    of_data = (data_wire, actions_wire, news_wire)
    makers = ((trading_wire, trading_url), *((wire, data_url) for wire in of_data))
    made = [
        stack.enter_context(closing(wire(keys, url, machine.now, terms.deadline)))
        for wire, url in makers
    ]
    return Wires(*made)


def _bars(
    one: Undertaking, wires: Wires, machine: Machine, terms: Terms, stack: ExitStack
) -> tuple[AlpacaBars, list[Asset]]:
    market, feed = one.history, _feed(terms)
    timeframe = timeframe_of(market)
    if feed == SIP and timeframe.minutes is not None:
        raise BadConfig(
            f"{FEED} must be {IEX} for bars within the day, was {feed}, which free accounts see "
            f"{GRACES[SIP]} late"
        )
    about: dict[str, object] = {"symbols": market.symbols, "feed": feed}
    about["timeframe"] = timeframe.name
    one.venue.parent.mkdir(parents=True, exist_ok=True)
    file = BarFile(one.venue.parent / BARS.format(account=one.account), about)
    stack.enter_context(closing(file))
    assets = file.assets()
    if not assets:
        assets = read_assets(wires.trading, market.symbols)
        require_tradable(assets)
        file.add_assets(assets)
    universe = Universe(
        market.symbols,
        market.sectors,
        timeframe,
        borrow_rates(assets),
        has_range=market.has_range,
        has_volume=bool(np.isfinite(market.volume).any()),
    )
    source = BarSource(wires.data, wires.actions, feed)
    venue_clock = WholeUnits(wires.trading, ()).clock
    belief = Belief(grace=GRACES[feed])
    return AlpacaBars(universe, source, file, (machine.now, venue_clock), belief), assets


def _known(
    one: Undertaking,
    bars: AlpacaBars,
    store: PaperStore,
    means: tuple[Wire, Machine, Terms],
    stack: ExitStack,
) -> tuple[LiveBars, Callable[[], None]]:
    """Return the bars as the policy sees them, and what listens to the news before each cycle."""
    wire, machine, terms = means
    feed = one.news if looks_at_news(one.history) else None
    if feed is None and terms.asking is None:
        return bars, lambda: None
    ears = Ears(feed, wire, terms.asking or Aside(), machine.now, machine.pause)
    return hearing(bars, store, ears, stack)


def _feed(terms: Terms) -> str:
    feed = terms.environment.get(FEED) or IEX
    if feed not in GRACES:
        raise BadConfig(f"{FEED} must be {' or '.join(GRACES)}, was {feed!r}")
    return feed


def _quotes(data: Wire, machine: Machine, terms: Terms) -> list[QuoteSource]:
    """Return where quotes come from, in order of trust: Tradier's are late, and marked so."""
    sources: list[QuoteSource] = [AlpacaQuotes(data)]
    if any(terms.environment.get(name) for name in (TOKEN, f"{TOKEN}_FILE")):
        sources.append(quote_source("tradier", None, terms.environment, machine.now))
    return sources


def _setting(one: Undertaking, store: PaperStore, bars: LiveBars, length: str) -> Setting:
    """Return the setting of the account; refuse to go on with one of another."""
    identity = dict(one.identity) | {"market": f"bars of Alpaca, {length}"}
    if one.news is not None and looks_at_news(one.history):
        identity["news"] = scoring_of(one.news)
    kept = store.identity()
    if kept is not None:
        require_same(kept.identity, identity, one.policy)
    began: datetime = store.now() if kept is None else moment_of(kept.began)
    sleeves = ShadowSleeves(one.rules, len(one.strategies), one.history.n_symbols)
    ladder = one.ladder()
    chronicle = Growing(bars.until, one.hear, one.rules, one.regime, sleeves, ladder)
    setting = setting_of(one, chronicle, identity, key_of(one.account, began), began)
    return replace(setting, ladder=ladder)
