"""Whoever keeps the book of an account while nobody trades it, to take in what the venue says."""

import json
from collections.abc import Callable
from dataclasses import replace

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch
from benbot.paper.change import Change, Names
from benbot.paper.desk import PaperDesk
from benbot.paper.outbox import Manners, Outbox
from benbot.paper.reconciliation import Reconciliation
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import PaperStore
from benbot.paper.venue import Venue
from benbot.strategies.catalogue import StrategyChoice, build

SETTLED = (Phase.DECIDED, Phase.INSIDE, Phase.CLOSED)


class Sitter:
    """Keeps a book that nobody trades; neither a market nor a policy is needed for that."""

    def __init__(self, standing: Standing, identity: str) -> None:
        """Bring the book back as it stands; refuse it in the middle of a stage."""
        if standing.phase not in SETTLED:
            raise RunMismatch(
                f"a difference is adopted between two stages, the account was {standing.phase}. "
                "Start the loop, which brings the stage to its end and adopts by itself"
            )
        known = json.loads(identity)
        choices = [StrategyChoice.model_validate(one) for one in known["strategies"]]
        self.names = Names(tuple(known["symbols"]), tuple(build(one).name for one in choices))
        self.standing = standing
        rules = DeskRules.model_validate(known["rules"])
        self.desk = PaperDesk(rules, len(self.names.strategies), len(self.names.symbols))
        self.desk.restore(standing.book)

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.names.symbols

    def stand_with(self, change: Change, foreign: dict[str, float]) -> None:
        """Keep the book as it is now, and what the desk does not own, within a change."""
        self.standing = replace(self.standing, book=self.desk.image(), foreign=foreign)
        change.stand(self.standing)
        change.positions(self.desk.positions, foreign, self.names)


def adopt(venue: Venue, store: PaperStore, pause: Callable[[float], None]) -> None:
    """Take into the book of an account what its venue says; `store` is open under its lease."""
    begun, standing = store.identity(), store.standing()
    if begun is None or standing is None:
        raise RunMismatch("an account must have begun to be reconciled, had not. Trade a bar first")
    sitter = Sitter(standing, begun.identity)
    outbox = Outbox(venue, store, sitter.names, Manners(), pause)
    Reconciliation(venue, store, outbox, sitter).adopt_now()
