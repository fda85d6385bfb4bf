"""The orchestrator: look, judge, ask, retire; every look is one change of the store, or none.

It looks at the close of a bar at least `every` minutes of market time after the last look, and
whenever it is known that a session has ended. At each look

1. the sessions that ended are told to the tournament, and who moved is recorded;
2. who has decayed is withdrawn;
3. a regime that nobody serves asks evolution for newcomers, and from time to time the successful
   have children; both only while there are places and evaluations left;

and everything that was decided, or refused, is an event with its reasons. What it decides depends
on nothing but the market up to that close and its own state, so a run that was ended goes on from
the last whole change as if nothing had been. A search may take minutes, so all is decided before
the change begins, and the database is locked no longer than it takes to write; the lease is renewed
on the way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from benbot.envs.arrays import BoolArray, Int8Array
from benbot.envs.market.regime import REGIMES, UNKNOWN, detect_regime
from benbot.evolution.orchestration.asking import Wish, ask, first_bar
from benbot.evolution.orchestration.budget import Budget
from benbot.evolution.orchestration.decline import declined
from benbot.evolution.orchestration.following import Follow
from benbot.evolution.orchestration.members import Member, Population
from benbot.evolution.orchestration.order import Look, Order
from benbot.evolution.orchestration.service import Service, certainty_of, services
from benbot.evolution.orchestration.standing import Standing
from benbot.evolution.orchestration.watching import Watch
from benbot.strategies.records import Change, Records
from benbot.strategies.records.moments import moment_at
from benbot.strategies.tournament.stages import Stage, Transition
from benbot.strategies.tournament.telling import tell
from benbot.strategies.tournament.tournament import Tournament

STATE = "orchestrator"  # by what name the store keeps it
RANKED = 5  # sessions of a strategy from which it may breed, for which it is ranked and not judged
GENERAL = "any"  # what a regime is called where none is asked for
DECAY, BREED, SPAWN = "decay", "breed", "spawn"
Told = tuple[str, str, dict[str, Any]]  # an event: kind, subject, reasons
Write = Callable[[Change], object]  # what a look has to write once everything is decided


class Orchestrator:
    """One population in one market; see the module."""

    def __init__(self, order: Order, follow: Follow, catalogue: Sequence[Member]) -> None:
        """`catalogue` are the strategies that there are at the beginning."""
        self.order, self.settings, market = order, order.settings, order.land.market
        self.regime: Int8Array = detect_regime(market, order.land.regime)
        self._follow, self.catalogue = follow, tuple(catalogue)
        self._at_the_beginning()

    @property
    def population(self) -> Population:
        return self.now.population

    @property
    def tournament(self) -> Tournament:
        return self.now.tournament

    def run(self, records: Records) -> Iterator[Look]:
        """Go on to the end of the span; yield what came of each look."""
        self._begin(records)
        for bar in self.order.looks(self.watch.known, self.now.bar):
            yield self._look(bar, records)
        if self.now.done < self.watch.ends.size:
            yield self._end(records)

    # What happens at a look

    def _look(self, bar: int, records: Records) -> Look:
        ended = self._ended(bar)
        regime = int(self.regime[bar])
        before, self.now.bar = int(self.regime[self.now.bar]), bar
        if not ended and regime == before:
            return Look(bar, ())
        told: list[Told] = []
        self._later: list[Write] = []
        for i in ended:
            self._session(i)
        if regime != before:
            told.append(("regime", name_of(regime), {"from": name_of(before)}))
        if ended:
            told += self._retire()
        told += self._ask(bar, regime, records)
        self._keep(bar, told, records)
        return Look(bar, tuple((kind, subject) for kind, subject, _ in told))

    def _end(self, records: Records) -> Look:
        """Tell of the last session, of several bars, which no next one will show to be over.

        Nobody trades any more, so nothing is asked and nobody is judged by it.
        """
        bar, self._later = self.order.span.last, []
        self.now.bar = bar
        for i in range(self.now.done, self.watch.ends.size):
            self._session(i)
        self._keep(bar, (), records)
        return Look(bar, ())

    def _session(self, i: int) -> None:
        """Tell the tournament of a session, and the store of everything in it."""
        stages = self.tournament.stages
        n_trades, breaches = self.watch.counts(i)
        as_modelled = np.zeros(stages.size)  # fills are simulated
        moves = self.tournament.advance(
            int(self.watch.ends[i]), self.watch.returns(i), n_trades, as_modelled, breaches
        )
        moves += self.tournament.bury(self.watch.returns(i))
        self._later.append(lambda change: self.watch.tell(i, stages, change))
        self._tell(moves)
        self.now.done = i + 1

    def _retire(self) -> list[Told]:
        """Withdraw whoever of R3 and LIVE earns less of late than before."""
        if not self.now.is_due(DECAY, self.settings.patience):
            return []
        self.now.note(DECAY)
        told: list[Told] = []
        settings, seed = self.settings.decay, self.order.seed
        for name, finding in declined(self.watch, self.tournament, self.now.done, settings, seed):
            self._tell(self.tournament.withdraw(name))
            told.append(("retire", name, {"finding": finding.sentence}))
        return told

    def _ask(self, bar: int, regime: int, records: Records) -> list[Told]:
        """Ask evolution where a regime is poorly served, and let the successful breed."""
        told: list[Told] = []
        first = first_bar(self.settings, self.order.land.regime)
        if not first <= bar < self.order.span.last:  # too early, or nobody could trade any more
            return told
        if self.now.is_due(BREED, self.settings.breed_every):
            parents = self._successful()
            if parents:
                self.now.note(BREED)
                told += self._search(BREED, Wish(self.now.asked, bar, None, parents), {}, records)
        key = name_of(regime)
        if regime != UNKNOWN and self.now.is_due(key, self.settings.patience):
            service = self.services().get(regime)
            if service is not None:
                self.now.note(key)  # whatever comes of it: who asks daily is lucky one day
            if service is not None and service.is_poor:
                wish = Wish(self.now.asked, bar, regime)
                told += self._search(SPAWN, wish, dict(service.reasons), records)
        return told

    def _search(
        self, kind: str, wish: Wish, reasons: dict[str, Any], records: Records
    ) -> list[Told]:
        """Search if there is a place and something left to spend; say what came of it."""
        subject = name_of(wish.regime) if wish.regime is not None else GENERAL
        reasons = reasons | {"parents": [each.name for each in wish.parents]}
        room, left = self._room(), self.now.budget.left(self.now.done)
        if room < 1 or left < self.settings.price:
            why = {"places": room, "evaluations": left, "price": self.settings.price}
            return [(f"{kind} refused", subject, reasons | why)]
        land = replace(self.order.land, beat=records.renew)
        answer = ask(wish, land, self.settings, self.order.seed)
        self.now.asked += 1
        self.now.budget.spend(self.now.done, answer.n_tried)
        new = answer.newcomers(self.population, min(room, self.settings.newcomers))
        self._join(new, wish.bar)
        names = [each.name for each in new]
        found = {"tried": answer.n_tried, "newcomers": names, "why": answer.why}
        return [(kind, subject, reasons | found)]

    # The population

    def _join(self, members: Sequence[Member], bar: int) -> None:
        """Let members in: register them, and follow them from here on."""
        if not members:
            return
        self.population.join(members)
        self.watch.join(members, bar)
        for member in members:
            moves = self.tournament.register(member.name, member.digest)
            self._later.append(_registration(member))
            self._tell(moves)

    def _room(self) -> int:
        """Return how many more may take part or wait."""
        return self.settings.population - int((self.tournament.stages >= Stage.WAITING).sum())

    def _successful(self) -> tuple[Member, ...]:
        """Return whoever has left R1 upwards, the one that earns most surely first."""
        high = np.flatnonzero(self.tournament.stages >= Stage.R2)
        sure = certainty_of(self.watch.recent(self.now.done, self.settings.lookback), RANKED)
        order = sorted((int(at) for at in high), key=lambda at: (-sure[at], at))
        return tuple(self.population.members[at] for at in order if sure[at] > 0.0)

    # What is known

    def services(self) -> dict[int, Service]:
        """Return how each regime is served that was there often enough of late."""
        recent = self.watch.recent(self.now.done, self.settings.lookback)
        closes = np.concatenate([[self.order.span.first], self.watch.ends])
        entered = closes[self.now.done - len(recent) : self.now.done]
        taking_part: BoolArray = self.tournament.stages >= Stage.R1
        regime = self.regime[entered].astype(np.int64)
        settings = self.settings
        return services(recent, regime, taking_part, settings.least, settings.level_each)

    def _ended(self, bar: int) -> list[int]:
        """Return the sessions that are known to be over at a bar, and were not told yet."""
        n = int(np.searchsorted(self.watch.known, bar, side="right"))
        return list(range(self.now.done, n))

    def _moment(self, bar: int) -> datetime:
        return moment_at(self.order.land.market.timestamps[bar])

    # The store

    def _keep(self, bar: int, told: Sequence[Told], records: Records) -> None:
        """Write all that came of a look, and where the run stands after it."""
        with records.change(self._moment(bar)) as change:
            for write in self._later:
                write(change)
            for kind, subject, reasons in told:
                change.event(kind, subject, reasons)
            change.state(STATE, self._plain())

    def _tell(self, moves: Sequence[Transition]) -> None:
        names = self.tournament.ladder.names
        self._later.append(lambda change: tell(moves, names, change))

    def _begin(self, records: Records) -> None:
        """Go on where the store says that somebody was, or begin."""
        self._at_the_beginning()  # whatever a run that was broken off left here
        order, kept = self.order, records.state(STATE)
        if kept is None:
            self._later = []
            self._join(self.catalogue, order.span.first)
            self._keep(order.span.first, (), records)
            return
        evaluations = order.settings.evaluations
        self.now = Standing.of_plain(kept, order.identity, order.tournament, evaluations)
        for litter in self.population.litters():
            self.watch.join(litter, litter[0].born)

    def _at_the_beginning(self) -> None:
        order = self.order
        self.watch = Watch(order.land.market.session, order.span, self._follow)
        budget = Budget(order.settings.evaluations)
        self.now = Standing(Tournament(order.tournament), budget, order.span.first)
        self._later = []

    def _plain(self) -> dict[str, Any]:
        return self.now.plain(self.order.identity)


def _registration(member: Member) -> Write:
    return lambda change: change.register(member.registered)


def name_of(regime: int) -> str:
    """Return what a regime is called."""
    return "unknown" if regime == UNKNOWN else REGIMES[regime]
