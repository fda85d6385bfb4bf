"""Asking evolution for newcomers: a small search on the bars before a close, and whom it found."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import BadProgram, DiedOut, InvalidParameter
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.evolution.candidate import Candidate
from benbot.evolution.fitness import Fitness
from benbot.evolution.genomes import Species
from benbot.evolution.ground import Division, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.orchestration.members import Member, Origin
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.evolution.parameters import Rules
from benbot.evolution.pool import Pool
from benbot.evolution.search import Search
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.species import species_of
from benbot.evolution.workers import Workers

SHORT = 8  # digits of a digest that make a name


@dataclass(frozen=True)
class Land:
    """Where newcomers are bred: a market under the rules of a desk, and who does the work.

    `beat` is called after each generation, for whoever has to say that the search still lives.
    """

    market: Market
    rules: DeskRules
    regime: RegimeSettings
    workers: Workers
    folder: Path
    beat: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    number   of the search, first is 0: its seed and its ledger go by it
    bar      at whose close it is asked; no later one is looked at
    regime   that newcomers have to earn in; None: any
    parents  whose children are wanted; without any, programs are bred from chance
    """

    number: int
    bar: int
    regime: int | None = None
    parents: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Answer:
    """Who was found, the best first, and what it cost; `why` says why there is nobody."""

    members: tuple[Member, ...]
    n_tried: int
    why: str = ""

    def newcomers(self, known: Iterable[Member], most: int) -> list[Member]:
        """Return who is none of `known` by name or digest, the best first, `most` at the most."""
        new: list[Member] = []
        taken = list(known)
        for member in self.members:
            alike = any(member.name == each.name or member.digest == each.digest for each in taken)
            if not alike and len(new) < most:
                new.append(member)
                taken.append(member)
        return new


def first_bar(settings: OrchestratorSettings, regime: RegimeSettings) -> int:
    """Return the first bar at whose close there is enough to breed on."""
    return settings.fit + settings.embargo + settings.valid + regime.warmup


def ask(wish: Wish, land: Land, settings: OrchestratorSettings, seed: int) -> Answer:
    """Search, and return whom the pool admitted, of those who earned in the regime."""
    known = land.market.until(wish.bar + 1)
    species, founders = family_of(wish.parents, settings.search, known)
    search = _search(wish, land, settings, (species, founders, seed))
    try:
        while not search.is_over:
            search.advance(land.workers)
            land.beat()
    except DiedOut as error:
        return Answer((), search.n_tried, str(error))
    wanted = [each for each in _best(search) if earns_in(each, wish.regime)]
    origin = Origin.BRED if wish.parents else Origin.DISCOVERED
    members = tuple(_member(each, species, origin, wish.bar) for each in wanted)
    why = "" if members else f"nobody of {search.n_tried} was admitted to the pool"
    return Answer(members, search.n_tried, why)


def family_of(
    parents: Sequence[Member], settings: EvolutionSettings, market: Market
) -> tuple[Species[Any], list[Any]]:
    """Return the species of the first parent, and the genomes of all parents that are of it.

    A program that looks at what the language does not have has no children.
    """
    if not parents or parents[0].is_program:
        programs = settings.model_copy(update={"genome": "programs"})
        species = species_of(programs, market, ())
        return species, _programs(species, [each for each in parents if each.is_program])
    alike = [each for each in parents if not each.is_program]
    rules = Rules(tuple(dict.fromkeys(each.choice.name for each in alike)))
    return rules, [
        rules.read({"rule": each.choice.name, **each.choice.parameters}) for each in alike
    ]


def _programs(species: Species[Any], parents: Sequence[Member]) -> list[Any]:
    genomes = []
    for parent in parents:
        try:
            genomes.append(species.read(json.loads(str(parent.choice.parameters["program"]))))
        except (BadProgram, InvalidParameter):
            continue
    return genomes


def earns_in(candidate: Candidate[Any], regime: int | None) -> bool:
    """Say whether the round trips that were decided in a regime earned together, on fit."""
    if regime is None:
        return True
    return bool(candidate.trial.outcome.cases[:, :, regime].sum() > 0.0)


def _search(
    wish: Wish,
    land: Land,
    settings: OrchestratorSettings,
    bred: tuple[Species[Any], Iterable[Any], int],
) -> Search[Any]:
    species, founders, seed = bred
    own = settings.search
    valid = Span(wish.bar - settings.valid, wish.bar)
    last = valid.first - settings.embargo
    fit = Span(last - settings.fit, last)
    place = (land.market, land.rules, land.regime)
    on_fit = lay_ground(place[0], fit, *place[1:], Division(own.folds, own.groups))
    on_valid = lay_ground(place[0], valid, *place[1:])
    pool = Pool(own.pool, Fitness(species, on_valid))
    path = land.folder / f"search-{wish.number}.jsonl"
    path.unlink(missing_ok=True)  # of a search that was not over when somebody ended it
    stream = int(np.random.SeedSequence([seed, wish.number]).generate_state(1)[0])
    identity = Identity(on_valid.market.digest, f"search {wish.number}", stream)
    ledger = TrialLedger(path, identity)
    return Search(own, Fitness(species, on_fit), pool, ledger, stream, tuple(founders))


def _best(search: Search[Any]) -> list[Candidate[Any]]:
    """Return the members of the pool, whom they admitted first first."""
    return [member.candidate for member in search.pool.members]


def _member(candidate: Candidate[Any], species: Species[Any], origin: Origin, bar: int) -> Member:
    label = f"{origin}_{candidate.digest[:SHORT]}"
    choice = species.choice(candidate.genome, label)
    return Member(choice, origin, bar, candidate.digest, candidate.parents)
