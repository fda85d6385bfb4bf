"""A policy in a simulated market that goes on after the `valid` segment of its configuration."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benbot.envs.market.datasets import DatasetSource
from benbot.envs.market.files import FilesSource
from benbot.envs.market.sources import MarketSource, load_feed
from benbot.experiments.paper.subject import Asked, Chosen, chosen
from benbot.experiments.training.preparation import hear
from benbot.paper.isolation import Isolated
from benbot.paper.live import Machine, Timing, Undertaking
from benbot.paper.setting import require_tradable

EXCHANGE = "XNYS"  # of the embedded data


@dataclass(frozen=True)
class Place:
    """Where an account is kept, and how its market goes.

    folder   of the embedded broker's file
    store    address of the database; None: a file in the folder
    seed     from which the market is drawn
    """

    account: str
    folder: Path
    store: str | None
    seed: int
    timing: Timing

    @property
    def url(self) -> str:
        return self.store or f"sqlite:///{self.folder / 'paper.db'}"

    @property
    def venue(self) -> Path:
        return self.folder / f"{self.account}-venue.db"


@contextmanager
def undertaking_of(asked: Asked, place: Place) -> Iterator[tuple[Chosen, Undertaking]]:
    """Prepare what is asked for, and refuse what could not trade as it was judged."""
    with chosen(asked) as who:
        prepared = who.prepared
        config, history = prepared.config, prepared.history
        require_tradable(history.rules, history.signals)
        yield (
            who,
            Undertaking(
                history=prepared.market.until(prepared.spans["valid"].last + 1),
                calendar=calendar_of(config.market),
                policy=who.policy,
                rules=history.rules,
                regime=history.regime,
                strategies=history.signals.strategies,
                layout=history.layout,
                hear=Isolated(
                    prepared.strategies,
                    together=lambda strategies, market: hear(config, strategies, market),
                ),
                ruin=config.environment.ruin,
                account=place.account,
                url=place.url,
                venue=place.venue,
                seed=place.seed,
                timing=place.timing,
                identity=who.identity,
                limits=asked.limits,
                tournament=who.tournament,
                news=load_feed(config.market, prepared.market),
            ),
        )


def calendar_of(source: MarketSource) -> str | None:
    """Return the calendar by which a market goes on, None where it is of no exchange."""
    match source:
        case FilesSource():
            return source.calendar
        case DatasetSource():
            return EXCHANGE
        case _:
            return None


def real_time(pause: Callable[[float], None]) -> Machine:
    """Return the clocks of this machine."""
    return Machine(lambda: datetime.now(UTC), time.monotonic, pause)
