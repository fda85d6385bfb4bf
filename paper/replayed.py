"""A stretch of a history through the paper loop, as fast as it goes, kept like any account.

Whoever is interrupted goes on: the venue and the account are files, and the clock follows from
where the account stands and what the venue has lived through, whichever is later.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from benbot.agents.policy import Policy
from benbot.envs.history import History, Span
from benbot.paper.autoloop import AutoLoop, Clocks, Cycle
from benbot.paper.bar_replay import BarClock, BarFeed, BarVenue, ticks, time_of_standing
from benbot.paper.catching_up import catch_up
from benbot.paper.change import Names
from benbot.paper.feed import Feed
from benbot.paper.intents import key_of
from benbot.paper.isolation import Isolated
from benbot.paper.ladder import Ladder
from benbot.paper.limits import AccountLimits
from benbot.paper.outbox import Manners, Outbox
from benbot.paper.reel import Foreseen
from benbot.paper.replay import Playback
from benbot.paper.setting import Chronicle, Setting, require_same, require_tradable
from benbot.paper.simulated import SimulatedAccount
from benbot.paper.standing import Standing
from benbot.paper.store import PaperStore, open_store
from benbot.paper.trader import Progress, Trader
from benbot.paper.venue import TimeInForce, Venue
from benbot.strategies.records.database import PRIVATE_FOLDER
from benbot.strategies.records.moments import EPOCH, microseconds

AT_ONCE = Manners(TimeInForce.IOC, looks=1)  # the venue is in this process and shows all it has
MARGIN = 4.0  # times its equity that the account may hold: its own rules are stricter
VENUE, STORE = "venue.db", "paper.db"


@dataclass(frozen=True, eq=False)
class Stretch:
    """What is replayed.

    policy     who decides
    span       the first decision is made at the close of `first`; `last` is the last bar traded in
    ruin       share of the capital at or below which the account is over
    identity   what must be the same when it goes on
    """

    history: History
    span: Span
    policy: Policy
    ruin: float
    account: str = "replay"
    identity: Mapping[str, object] = field(default_factory=dict)
    chronicle: Chronicle | None = None  # if not what was prepared, shown row by row
    wrapped: Callable[[Venue], Venue] = lambda venue: venue  # what stands between loop and venue
    feed: Callable[[Playback], Feed] = BarFeed
    conditions: bool = True  # see `Setting`
    limits: AccountLimits | None = None
    isolated: Isolated | None = None  # the strategies that the chronicle hears, see `Setting`
    store: str | None = None  # if not a file in the folder
    ladder: Ladder | None = None  # on which the strategies stand

    def url(self, folder: Path) -> str:
        """Return where the account is kept."""
        return self.store or f"sqlite:///{folder / STORE}"


@dataclass(frozen=True, eq=False)
class Opened:
    """A stretch that is open to be traded."""

    loop: AutoLoop
    store: PaperStore
    clock: BarClock
    playback: Playback


@contextmanager
def opened(
    stretch: Stretch, folder: Path, elapsed: Callable[[], float] = lambda: 0.0
) -> Iterator[Opened]:
    """Open the account of a stretch, or begin it; `elapsed` says what work takes, seconds."""
    history = stretch.history
    require_tradable(history.rules, history.signals)
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    playback, clock = _playback(stretch)
    account = SimulatedAccount(capital=history.rules.capital, multiplier=MARGIN)
    with (
        closing(BarVenue(playback, account, folder / VENUE)) as venue,
        open_store(stretch.url(folder), stretch.account, clock) as store,
    ):
        begun, standing = store.identity(), store.standing()
        if begun is not None:
            require_same(begun.identity, dict(stretch.identity), stretch.policy)
        catch_up(clock, venue, _stood(standing, playback))
        met, setting = stretch.wrapped(venue), _setting(stretch, playback)
        outbox = Outbox(met, store, setting.names, AT_ONCE, _wait)
        trader = Trader(setting, store, stretch.feed(playback), outbox)
        loop = AutoLoop(met, store, trader, outbox, Clocks(clock, elapsed, _wait))
        loop.resume()
        yield Opened(loop, store, clock, playback)
        trader.keep()


def replay(
    stretch: Stretch,
    folder: Path,
    report: Callable[[Cycle], None] = lambda cycle: None,
    beside: Callable[[Opened], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Trade the stretch, or what is left of it; all of it is in the folder afterwards.

    An account that was asked to stop trades nothing.
    """
    with opened(stretch, folder) as on, beside(on):
        for tick in () if on.store.must_stop() else ticks(on.playback.hours, stretch.span):
            if tick < on.clock():
                continue
            on.clock.move(tick)
            cycle = on.loop.cycle()
            report(cycle)
            if cycle.progress is Progress.ENDED or on.store.must_stop():
                break


def _stood(standing: Standing | None, playback: Playback) -> datetime | None:
    """Return from when on an account goes on; None: it begins."""
    if standing is None:
        return None
    return time_of_standing(playback.hours, standing, has_range=playback.market.has_range)


def _setting(stretch: Stretch, playback: Playback) -> Setting:
    history = stretch.history
    began = playback.hours.time_of(2 * stretch.span.first + 1)
    return Setting(
        policy=stretch.policy,
        rules=history.rules,
        names=Names(history.market.symbols, history.signals.strategies),
        layout=history.layout,
        chronicle=stretch.chronicle or Foreseen(history),
        identity=dict(stretch.identity),
        key=key_of(stretch.account, began),
        began=microseconds(began),
        conditions=stretch.conditions,
        ruin=stretch.ruin * history.rules.capital,
        limits=stretch.limits,
        isolated=stretch.isolated,
        ladder=stretch.ladder,
    )


def _playback(stretch: Stretch) -> tuple[Playback, BarClock]:
    market, rules = stretch.history.market, stretch.history.rules
    clock = BarClock(EPOCH)
    playback = Playback(market, rules, clock)
    clock.move(playback.hours.time_of(2 * stretch.span.first + 1))
    return playback, clock


def _wait(seconds: float) -> None:
    """Wait for nothing: no time passes in this market while something is done."""
