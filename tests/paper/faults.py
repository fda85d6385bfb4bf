"""A venue that loses answers, refuses to answer, and shows things late, by a seed."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from benbot.envs.errors import OutcomeUnknown, VenueUnavailable
from benbot.paper.venue import (
    AccountFacts,
    OrderIntent,
    Venue,
    VenueClock,
    VenueFill,
    VenueOrder,
    VenuePosition,
)


class Faulty:
    """Passes on what it is asked, and often says that it does not know.

    lost      probability that the answer to an order that arrived is lost
    dropped   probability that an order does not arrive, and nobody is told
    silent    probability that a question has no answer
    """

    def __init__(
        self,
        venue: Venue,
        seed: int,
        *,
        lost: float = 0.0,
        dropped: float = 0.0,
        silent: float = 0.0,
    ) -> None:
        self._venue, self._rng = venue, np.random.default_rng(seed)
        self._lost, self._dropped, self._silent = lost, dropped, silent
        self.name = venue.name
        self.n_faults = 0

    def clock(self) -> VenueClock:
        return self._venue.clock()

    def account(self) -> AccountFacts:
        return self._venue.account()

    def positions(self) -> Sequence[VenuePosition]:
        return self._venue.positions()

    def open_orders(self) -> Sequence[VenueOrder]:
        return self._venue.open_orders()

    def order(self, client_order_id: str) -> VenueOrder | None:
        self._be_silent()
        return self._venue.order(client_order_id)

    def submit(self, intent: OrderIntent) -> VenueOrder:
        if self._happens(self._dropped):
            raise OutcomeUnknown("reset before it was read")
        order = self._venue.submit(intent)
        if self._happens(self._lost):
            raise OutcomeUnknown("the answer was lost")
        return order

    def cancel(self, client_order_id: str) -> VenueOrder | None:
        return self._venue.cancel(client_order_id)

    def fills(self, since: datetime) -> Sequence[VenueFill]:
        self._be_silent()
        return [fill for fill in self._venue.fills(since) for _ in range(2)]  # each may come again

    def close(self) -> None:
        self._venue.close()

    def _be_silent(self) -> None:
        if self._happens(self._silent):
            raise VenueUnavailable("no answer")

    def _happens(self, probability: float) -> bool:
        happens = bool(self._rng.random() < probability)
        self.n_faults += happens
        return happens


class Meddling:
    """Passes everything on, and lets somebody else act at the venue, once.

    From the `at`-th look on, until `act` says that it has acted.
    """

    def __init__(self, venue: Venue, at: int, act: Callable[[Venue], bool]) -> None:
        self._venue, self._at, self._act = venue, at, act
        self.name = venue.name
        self._n_looks, self._is_done = 0, False

    def clock(self) -> VenueClock:
        self._n_looks += 1
        if self._n_looks >= self._at and not self._is_done:
            self._is_done = self._act(self._venue)
        return self._venue.clock()

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)
