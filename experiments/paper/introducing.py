"""Whoever trades an account is introduced in its chain of events, and says there how it ended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from benbot.experiments.paper.subject import Asked, Chosen
from benbot.experiments.tracking.provenance import UNKNOWN, installed_versions
from benbot.paper.autoloop import AutoLoop
from benbot.paper.presence import Newcomer, present
from benbot.paper.store import PaperStore
from benbot.paper.trader import Progress

PACKAGE = "benbot"
RUINED = "the account is ruined"


class Opened(Protocol):
    """An account that is open to be traded."""

    @property
    def loop(self) -> AutoLoop:
        """Its loop."""

    @property
    def store(self) -> PaperStore:
        """Where it is kept."""


def newcomer_of(asked: Asked, who: Chosen, venue: str) -> Newcomer:
    """Return who is about to trade, as the chain names them."""
    software = installed_versions((PACKAGE,)).get(PACKAGE, UNKNOWN)
    return Newcomer(asked.source, who.version, who.digest, venue, software)


def introduced(
    on: Opened, newcomer: Newcomer, why: Callable[[], str]
) -> AbstractContextManager[list[str]]:
    """Say that a loop begins, and how it ended: `why`, if it was neither ruined nor stopped."""

    def how() -> str:
        return RUINED if on.loop.progress is Progress.ENDED else why()

    return present(on.store, newcomer, lambda: on.loop.trader.standing, how)
