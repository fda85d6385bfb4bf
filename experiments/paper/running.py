"""The loop of an account on this machine, and what a person sees of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from benbot.envs.errors import RecordsUnavailable, VenueUnavailable
from benbot.experiments.paper.cli import DEFAULT_STORE
from benbot.experiments.paper.ending import Ending, asked_to_end
from benbot.experiments.paper.following import OpenAccount, Reporter
from benbot.experiments.paper.introducing import introduced, newcomer_of
from benbot.experiments.paper.live import Place, real_time, undertaking_of
from benbot.experiments.paper.missed import Missed
from benbot.experiments.paper.subject import Asked, Chosen, subject_of
from benbot.experiments.progress import Display
from benbot.paper.attendance import Attendant, attended
from benbot.paper.autoloop import Cycle
from benbot.paper.enduring import enduring
from benbot.paper.known import known_of
from benbot.paper.live import Machine, Undertaking, Underway, underway
from benbot.paper.notify.notifier import Told
from benbot.paper.overview.stages import in_words
from benbot.paper.rehearsal import is_rehearsed, rehearse
from benbot.paper.replayed import replay
from benbot.strategies.records.database import address_of, shown

if TYPE_CHECKING:
    from rich.console import Console

SLOW = 60.0  # seconds of a bar from which on a session is reported when it closes


Opened = TypeVar("Opened", bound=OpenAccount)


@dataclass(frozen=True, eq=False)
class Post:
    """An account that is traded on this machine, and whoever looks on."""

    asked: Asked
    place: Place
    who: Chosen
    one: Undertaking
    ending: Ending
    console: "Console"
    venue: str = "simulated"

    @property
    def machine(self) -> Machine:
        """The clocks of this machine; whoever waits wakes when somebody ends the loop."""
        return real_time(lambda seconds: (self.ending.wait(seconds), None)[1])


@contextmanager
def posted(asked: Asked, place: Place, console: "Console") -> Iterator[Post]:
    """Prepare an account to be traded until somebody ends it, and compile what trades it."""
    display = Display(console)
    with asked_to_end() as ending, ExitStack() as stack:
        compiling = "" if is_rehearsed() else "; the first time it compiles, some minutes"
        with display.step(f"Preparing {asked.source}: market, signals, sleeves{compiling}"):
            who, one = stack.enter_context(undertaking_of(asked, place))
        with display.step(f"Rehearsing a bar with nobody's account{compiling}"):
            rehearse(who.prepared.history)
        yield Post(asked, place, who, one, ending, console)


def is_stopped(place: Place, console: "Console") -> bool:
    """Return, and say, whether the account was asked to stop and not let run since."""
    is_so = known_of(place.url, place.account).must_stop
    if is_so:
        _say(console, f"Stopped   {_why_stopped(place)}")
    return is_so


def run_live(asked: Asked, place: Place, console: "Console") -> None:
    """Trade an account in a simulated market until somebody ends it."""
    if is_stopped(place, console):
        return
    with posted(asked, place, console) as post:
        market = _market_of(post.one)
        keep_trading(post, market, lambda: underway(post.one, post.machine), line_of)


def keep_trading(
    post: Post,
    market: str,
    opened: Callable[[], AbstractContextManager[Opened]],
    line: Callable[[Opened, Cycle], str],
) -> None:
    """Cycle until somebody ends it, and again after the store was lost; tell and report of it."""
    reporter, first = Reporter(post.asked, post.who.prepared, post.one), Event()
    newcomer = newcomer_of(post.asked, post.who, post.venue)
    place, console, machine = post.place, post.console, post.machine
    is_slow = place.timing.bar is None or place.timing.bar >= SLOW

    def trade() -> None:
        _say(console, "Opening the account …")
        with (
            opened() as on,
            _attended(post, on) as attendant,
            introduced(on, newcomer, lambda: post.ending.how) as switched,
        ):
            if not first.is_set():  # nothing of it was refused
                announce(post, market)
                _say_bound(console, on)
                first.set()
            _say_switched(console, switched)
            missed = Missed(on.loop.trader.standing)
            with _shown(console) as show:

                def after(cycle: Cycle) -> None:
                    show(line(on, cycle))
                    _say_switched(console, cycle.switched)
                    attendant.after_cycle(cycle)
                    for text in missed.look(on.loop.trader.standing):
                        _say(console, text)
                    for text in reporter.look(on, machine.now()) if is_slow else ():
                        _say(console, f"Report    {text}")

                on.loop.run(after, post.ending.is_set)
            equity = _worth(on)
            must_stop = on.store.must_stop()
        how = _why_stopped(place) if must_stop else "it goes on when it is started"
        _say(console, f"Ended     {place.account} with {equity:,.2f}; {how}")

    def lost(error: RecordsUnavailable, seconds: float) -> None:
        _say(console, f"Lost      {error}\n          Again in {seconds:g} seconds")

    enduring(trade, machine.elapsed, machine.pause, lost, post.ending.is_set)


def run_replay(asked: Asked, place: Place, console: "Console") -> None:
    """Trade a segment of the past, or what is left of it, as fast as it goes."""
    if is_stopped(place, console):
        return
    with subject_of(asked) as subject:
        stretch = replace(subject.stretch, account=place.account, store=place.store)
        console.print(f"Trading   account {stretch.account} in {place.folder}")
        newcomer = newcomer_of(asked, subject.who, "replay")
        beside = partial(introduced, newcomer=newcomer, why=lambda: "all of it is traded")
        replay(stretch, place.folder, beside=beside)
    is_stopped(place, console)  # meanwhile, by somebody else


def line_of(on: Underway, cycle: Cycle) -> str:
    """Return what became of a cycle, in a line."""
    account = on.venue.account()
    return line(on.clock(), (account.equity, account.cash), len(on.venue.positions()), cycle)


def line(now: datetime, money: tuple[float, float], n_positions: int, cycle: Cycle) -> str:
    """Return a time, equity and cash, the number of positions, and how a cycle ended."""
    status = str(cycle.statuses[-1]) if cycle.statuses else ""
    return (
        f"{now:%Y-%m-%d %H:%M:%S}  equity {money[0]:>14,.2f}  cash {money[1]:>14,.2f}  "
        f"positions {n_positions:>3}  {status}{f' ({cycle.why})' if cycle.why else ''}"
    )


def announce(post: Post, market: str) -> None:
    """Say who is traded, in which market, where it is kept and how it can be looked at."""
    who, place = post.who, post.place
    of_seed = f" of seed {who.seeds[0]}, one of {len(who.seeds)}" if who.seeds else ""
    lines = [
        ("Trading", f"account {post.one.account}, policy {post.one.policy.name}{of_seed}"),
        ("Market", market),
        ("Kept in", f"{shown(address_of(place.url))}, its broker and its log in {place.folder}"),
        ("Look", f"benbot paper dashboard{_store(place)}; also status, positions, trades"),
        ("End", f"Ctrl-C; no orders any more: benbot paper halt{_where(place)}"),
    ]
    for name, text in lines:
        _say(post.console, f"{name:9} {text}")


def _say_bound(console: "Console", on: OpenAccount) -> None:
    """Say on which stages the strategies stand, where LIVE alone has the account's money."""
    trader = on.loop.trader
    ladder = trader.setting.ladder
    if ladder is not None and ladder.binds:
        stages = ladder.at(trader.standing.bar).stages
        _say(console, f"Stages    {in_words(stages, is_bound=True)}")


def _market_of(one: Undertaking) -> str:
    pace = "in real time" if one.timing.bar is None else f"{one.timing.bar:g} seconds a bar"
    return f"{one.history.n_symbols} symbols after {one.history.days[-1]}, seed {one.seed}, {pace}"


def _store(place: Place) -> str:
    """Return the option that a command needs to find the account, if it needs one."""
    return "" if place.url == DEFAULT_STORE else f" --store {shown(address_of(place.url))}"


def _where(place: Place) -> str:
    """Return the options that a command needs to mean this account and no other."""
    is_alone = known_of(place.url, place.account).is_alone
    return f"{_store(place)}{'' if is_alone else f' --account {place.account}'}"


def _why_stopped(place: Place) -> str:
    return f"it was asked to stop; let it run: benbot paper resume{_where(place)}, and start it"


def _worth(on: OpenAccount) -> float:
    """Return what an account is worth now; at the last close where its venue does not answer."""
    try:
        return on.venue.account().equity
    except VenueUnavailable:
        return float(on.loop.trader.desk.account["equity"])


def _attended(post: Post, on: OpenAccount) -> AbstractContextManager[Attendant]:
    told = Told(post.place.url, post.place.account, post.place.folder, on.store.now)
    if isinstance(on, Underway):  # its market is drawn, and has a time of its own
        told = replace(told, machine=post.machine.now, speed=on.clock.speed)

    def alarm(subject: str, why: str) -> None:
        with on.store.change() as change:
            change.alarm(subject, why=why)

    return attended(told, os.environ, post.machine.elapsed, alarm)


def _say(console: "Console", text: str) -> None:
    """Print a text as it is: what a venue says may look like markup."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _say_switched(console: "Console", switched: Sequence[str]) -> None:
    for text in switched:
        _say(console, f"Switched  {text}")


def _shown(console: "Console") -> AbstractContextManager[Callable[[str], None]]:
    """Yield who shows a line: on a terminal in the place of the one before."""
    if not console.is_terminal:
        return nullcontext(lambda line: _say(console, line))
    return _Live(console)


class _Live(AbstractContextManager[Callable[[str], None]]):
    """One line that changes."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Callable[[str], None]:
        from rich.text import Text

        self._live.start()
        return lambda line: self._live.update(Text(line), refresh=True)

    def __exit__(self, *_: object) -> None:
        self._live.stop()
