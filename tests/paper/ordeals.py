"""What else may be under way when a process is killed: an ordeal is done again until it is done.

Each is written as whoever starts again would do it, from its beginning: what was done stays done.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from benbot.agents.roster import MAKERS
from benbot.envs.history import Span
from benbot.experiments.paper.daily_log import Followed, after_session
from benbot.paper.bar_replay import BarFeed, ticks
from benbot.paper.limits import AccountLimits
from benbot.paper.replayed import Opened, Stretch, opened, replay
from benbot.paper.store import reading, set_switch
from benbot.paper.throws import switch_row
from benbot.strategies.records.moments import microseconds
from tests.paper.at_alpaca import half_hour_stretch
from tests.paper.replays import (
    SETTINGS,
    Scripted,
    everything,
    heard_stretch,
    random_stretch,
    venue_of,
)
from tests.paper.test_kills import short_stretch
from tests.paper.test_rewound import paying_stretch

N_BARS = 4
ONE, OTHER = "one", "other"  # accounts in one database
HALTED_EVERY, HALTED_FOR = 5, 2  # ticks; a bar has three of them
SPLIT_AT = 50  # bar of the half hours in which one symbol in five splits
NOW = datetime(2026, 1, 5, tzinfo=UTC)
NARROW, WIDE = 3, 40  # symbols
TIGHTER = AccountLimits(closed=("S0",), max_positions=2)

Left = dict[str, pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Ordeal:
    """Something in which a process is killed.

    work    does it in a folder, or what is left of it
    left    returns all that is left in a folder
    parts   of the paths of files in whose lines the kills fall; none: in all
    """

    work: Callable[[Path], None]
    left: Callable[[Path], Left]
    parts: tuple[str, ...] = ()


def of_stretch(stretch: Stretch, work: Callable[[Path], None] | None = None) -> Ordeal:
    """Return a stretch to trade, or to trade in a way of its own."""

    def left(folder: Path) -> Left:
        return everything(stretch, folder) | _at_the_venue(folder)

    return Ordeal(work or (lambda folder: replay(stretch, folder)), left)


def of_world(seed: int) -> Ordeal:
    """Return a few bars of a random world: of 2 to 71 symbols, with splits, dividends and halts."""
    whole = random_stretch(seed)
    first = whole.span.first + (whole.span.last - whole.span.first - N_BARS) // 2
    return of_stretch(_part(whole, first, N_BARS))


def of_universe(n_symbols: int) -> Ordeal:
    """Return half hours of so many symbols, in whose third bar some split."""
    stretch = half_hour_stretch(SPLIT_AT + 2 - 38, 3, n_symbols, splits=True)
    return of_stretch(replace(_part(stretch, SPLIT_AT - 3, N_BARS), feed=BarFeed))


def of_policy(name: str) -> Ordeal:
    """Return an account whose policy remembers what it has seen, or drawn."""
    stretch = heard_stretch()[0]
    span = Span(stretch.span.last - 2 * N_BARS, stretch.span.last)
    policy = MAKERS[name](stretch.history, span, span)
    return of_stretch(replace(stretch, span=span, policy=policy))


def of_limits() -> Ordeal:
    """Return an account that is given tighter limits midway."""
    stretch = _part(short_stretch(), short_stretch().span.first, 6)
    until = replace(stretch, span=Span(stretch.span.first, stretch.span.first + 3))

    def work(folder: Path) -> None:
        replay(until, folder)
        replay(replace(stretch, limits=TIGHTER), folder)

    return of_stretch(stretch, work)


def of_halts() -> Ordeal:
    """Return an account that is halted and let go on, again and again."""
    stretch = short_stretch()

    def work(folder: Path) -> None:
        with opened(stretch, folder) as on:
            for i, tick in enumerate(ticks(on.playback.hours, stretch.span)):
                if tick >= on.clock():
                    is_halted = i % HALTED_EVERY >= HALTED_EVERY - HALTED_FOR
                    url, account = stretch.url(folder), stretch.account
                    if not _was_thrown(url, account, tick):  # before somebody was killed
                        set_switch(url, account, tick, "an ordeal", is_halted=is_halted)
                    _tick(on, tick)

    traded = of_stretch(stretch, work)

    def left(folder: Path) -> Left:
        """Leave out when the chain was told of a throw: after the next whole cycle, or a start."""
        found, said = traded.left(folder), ["kind", "subject", "reasons"]
        events = found["events"][said].sort_values(said, ignore_index=True)
        throws = found["throws"].assign(event=found["throws"]["event"].notna())
        return found | {"events": events, "throws": throws}

    return replace(traded, left=left)


def _was_thrown(url: str, account: str, tick: datetime) -> bool:
    with reading(url) as connection:
        row = switch_row(connection, account)
    return row is not None and row.moment >= microseconds(tick)


def of_two_accounts() -> Ordeal:
    """Return two accounts in one database that are traded in turn."""
    stretch = _part(short_stretch(), short_stretch().span.first, N_BARS)
    script = stretch.policy.script  # type: ignore[attr-defined]

    def at(folder: Path, name: str) -> Stretch:
        policy = Scripted(script if name == ONE else script[:, ::-1])
        url = f"sqlite:///{folder / 'both.db'}"
        return replace(stretch, account=name, policy=policy, store=url)

    def work(folder: Path) -> None:
        one, other = at(folder, ONE), at(folder, OTHER)
        with opened(one, folder / ONE) as mine, opened(other, folder / OTHER) as theirs:
            for tick in ticks(mine.playback.hours, stretch.span):
                for on in (mine, theirs):
                    if tick >= on.clock():
                        _tick(on, tick)

    def left(folder: Path) -> Left:
        venues = {
            f"{account} {name}": table
            for account in (ONE, OTHER)
            for name, table in _at_the_venue(folder / account).items()
        }
        return everything(at(folder, ONE), folder) | venues

    return Ordeal(work, left)


def of_reports() -> Ordeal:
    """Return an account whose days are reported as soon as they are over."""
    stretch = _part(short_stretch(), short_stretch().span.first, N_BARS)

    def work(folder: Path) -> None:
        who = (stretch.url(folder), stretch.account, stretch.history, stretch.policy)
        followed = Followed(*who, SETTINGS)
        replay(stretch, folder, lambda _: after_session(followed, NOW) and None)
        after_session(followed, NOW)

    return replace(of_stretch(stretch, work), parts=("daily.py", "report.py", "reports.py"))


ORDEALS: dict[str, Callable[[], Ordeal]] = {
    "a policy that draws": lambda: of_policy("random"),
    "a policy that learns": lambda: of_policy("linear_contextual"),
    "limits given midway": of_limits,
    "halts": of_halts,
    "two accounts": of_two_accounts,
    "reports": of_reports,
    "what a bar pays": lambda: of_stretch(paying_stretch()),
    "three symbols": lambda: of_universe(NARROW),
    "forty symbols": lambda: of_universe(WIDE),
}


def _tick(on: Opened, tick: datetime) -> None:
    on.clock.move(tick)
    on.loop.cycle()


def _part(whole: Stretch, first: int, n_bars: int) -> Stretch:
    """Return some bars of a stretch, with what its policy chooses in them."""
    script = np.roll(whole.policy.script, whole.span.first - first, axis=0)  # type: ignore[attr-defined]
    return replace(whole, span=Span(first, first + n_bars), policy=Scripted(script))


def _at_the_venue(folder: Path) -> Left:
    return {f"venue's {name}": pd.DataFrame(rows) for name, rows in venue_of(folder).items()}
