"""A small market that goes on, an account in it, and a machine whose time is that of a test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from benbot.paper.autoloop import Cycle
from benbot.paper.live import Machine, Timing, Undertaking, Underway, underway
from benbot.paper.replayed import VENUE, Stretch
from benbot.strategies.hearing import collect
from tests.paper.replays import SETTINGS, everything, heard_stretch

BEGUN = datetime(2026, 3, 2, 12, tzinfo=UTC)
BAR, PERIOD = 20.0, 5.0  # seconds of the machine


class Hands:
    """The clocks of a machine that are moved by waiting."""

    def __init__(self, now: datetime = BEGUN) -> None:
        self.now = now

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @property
    def machine(self) -> Machine:
        return Machine(lambda: self.now, lambda: (self.now - BEGUN).total_seconds(), self.pause)


def account_in(folder: Path, seed: int = 3, bar: float | None = BAR) -> Undertaking:
    """Return an undertaking of three rules in six symbols of a market of days."""
    stretch, strategies = heard_stretch()
    history = stretch.history
    return Undertaking(
        history=history.market,
        calendar=None,
        policy=stretch.policy,
        rules=history.rules,
        regime=history.regime,
        strategies=history.signals.strategies,
        layout=history.layout,
        hear=lambda market: collect(strategies, market),
        ruin=SETTINGS.ruin,
        account="simulated",
        url=f"sqlite:///{folder / 'paper.db'}",
        venue=folder / VENUE,
        seed=seed,
        timing=Timing(bar, PERIOD),
        identity={"policy": "scripted"},
    )


@contextmanager
def opened_live(one: Undertaking, hands: Hands) -> Iterator[Underway]:
    with underway(one, hands.machine) as on:
        yield on


def run_cycles(
    one: Undertaking, hands: Hands, n: int, report: Callable[[Underway, Cycle], None] | None = None
) -> None:
    """Open the account, let `n` cycles pass, and close it as a loop does that is asked to end."""
    seen: list[Cycle] = []
    with opened_live(one, hands) as on:

        def note(cycle: Cycle) -> None:
            seen.append(cycle)
            if report is not None:
                report(on, cycle)

        on.loop.run(note, lambda: len(seen) >= n)


def tables_of(one: Undertaking, folder: Path) -> dict[str, pd.DataFrame]:
    """Return all tables of the account."""
    stretch: Stretch = replace(heard_stretch()[0], store=one.url)
    return everything(stretch, folder)
