"""The loop of an account on this machine, and what a person sees of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from benbot.experiments.paper.ending import asked_to_end
from benbot.experiments.paper.live import Place, real_time, undertaking_of
from benbot.experiments.paper.subject import Asked, Chosen, subject_of
from benbot.paper.autoloop import Cycle
from benbot.paper.live import Undertaking, Underway, underway
from benbot.paper.replayed import replay
from benbot.paper.trader import Progress

if TYPE_CHECKING:
    from rich.console import Console


def run_live(asked: Asked, place: Place, console: "Console") -> None:
    """Trade an account in a simulated market until somebody ends it."""
    with asked_to_end() as asked_for_end, undertaking_of(asked, place) as (who, undertaking):
        _announce(who, undertaking, place, console)
        machine = real_time(lambda seconds: (asked_for_end.wait(seconds), None)[1])
        with underway(undertaking, machine) as on, _shown(console) as show:
            if on.store.must_stop():
                console.print("Stopped   it was asked to stop; let it run: benbot paper resume")
            on.loop.run(lambda cycle: show(line_of(on, cycle)), asked_for_end.is_set)
            equity = on.venue.account().equity
        console.print(
            f"Ended     {place.account} with {equity:,.2f}; it goes on when it is started"
        )


def run_replay(asked: Asked, place: Place, console: "Console") -> None:
    """Trade a segment of the past, or what is left of it, as fast as it goes."""
    with subject_of(asked) as subject:
        stretch = replace(subject.stretch, account=place.account, store=place.store)
        console.print(f"Trading   account {stretch.account} in {place.folder}")
        replay(stretch, place.folder)


def line_of(on: Underway, cycle: Cycle) -> str:
    """Return what became of a cycle, in a line."""
    account = on.venue.account()
    status = str(cycle.statuses[-1]) if cycle.statuses else ""
    if cycle.progress is Progress.ENDED or cycle.why:
        status = f"{status} ({cycle.why})"
    return (
        f"{on.clock():%Y-%m-%d %H:%M:%S}  equity {account.equity:>14,.2f}  "
        f"cash {account.cash:>14,.2f}  positions {len(on.venue.positions()):>3}  {status}"
    )


def _announce(who: Chosen, one: Undertaking, place: Place, console: "Console") -> None:
    of_seed = f" of seed {who.seeds[0]}, one of {len(who.seeds)}" if who.seeds else ""
    pace = "in real time" if one.timing.bar is None else f"{one.timing.bar:g} seconds a bar"
    last = one.history.days[-1]
    lines = [
        ("Trading", f"account {one.account}, policy {one.policy.name}{of_seed}"),
        ("Market", f"{one.history.n_symbols} symbols after {last}, seed {one.seed}, {pace}"),
        ("Kept in", f"{place.url}, its broker in {place.venue}"),
        ("Look", f"benbot paper status --store {place.url}; also positions, trades, halt, stop"),
    ]
    for name, text in lines:
        console.print(f"{name:9} {text}", highlight=False, soft_wrap=True)


def _shown(console: "Console") -> AbstractContextManager[Callable[[str], None]]:
    """Yield who shows a line: on a terminal in the place of the one before."""
    if not console.is_terminal:
        return nullcontext(lambda line: console.print(line, highlight=False, soft_wrap=True))
    return _Live(console)


class _Live(AbstractContextManager[Callable[[str], None]]):
    """One line that changes."""

    def __init__(self, console: "Console") -> None:
        from rich.live import Live

        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Callable[[str], None]:
        self._live.start()
        return lambda line: self._live.update(line, refresh=True)

    def __exit__(self, *_: object) -> None:
        self._live.stop()
