"""What it would save to keep sub-trees between generations: `python -m benchmarks.subtrees`.

A sub-tree that was computed for an earlier generation, and is still kept, would not be computed
again. Counted are the distinct sub-trees of each generation, and how many of them were there
before: in any generation, or among the last that so much memory holds, 4 bytes for every symbol and
bar. What that could save at the most is their share of the time in which programs are evaluated;
what is kept must be read from memory all the same, and costs as much as a feature.
"""

import argparse
import sys
from collections import OrderedDict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import Span
from benbot.envs.market.regime import RegimeSettings
from benbot.evolution.fitness import CHUNK, Fitness
from benbot.evolution.ground import Division, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.pool import Pool
from benbot.evolution.programs import Programs
from benbot.evolution.search import Search
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import alone
from benbot.strategies.programs.features import Features, available
from benbot.strategies.programs.machine import evaluate
from benbot.strategies.programs.primitives import BY_CODE
from benbot.strategies.programs.program import Program
from benchmarks.breeding import market_of, say

MEMORY = (64, 256, 1024)  # megabytes
MEGABYTE = 2**20

Key = tuple[Any, ...]


def keys_of(program: Program) -> set[Key]:
    """Return the sub-trees of a program that have to be computed; arguments that may are sorted."""
    keys: list[Key] = [()] * len(program)
    for place in range(len(program) - 1, -1, -1):
        code, arguments = program.codes[place], [keys[i] for i in program.arguments(place)]
        if code in BY_CODE and BY_CODE[code].commutative:
            arguments[:2] = sorted(arguments[:2], key=repr)
        keys[place] = (code, program.numbers[place], *arguments)
    return {key for key in keys if key[0] in BY_CODE}


class Shelf:
    """The sub-trees that were used last, as many as there is room for."""

    def __init__(self, room: int) -> None:
        self.room, self.kept = room, OrderedDict[Key, None]()

    def hits(self, keys: set[Key]) -> int:
        """Return how many are there, and put all of them in front."""
        found = sum(key in self.kept for key in keys)
        for key in sorted(keys, key=repr):
            self.kept[key] = None
            self.kept.move_to_end(key)
        while len(self.kept) > self.room:
            self.kept.popitem(last=False)
        return found


def main() -> None:
    """Print the hits of each generation, and what part of the time they could save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.subtrees", description=__doc__)
    parser.add_argument("--config", default="", help="a configuration, for its market")
    parser.add_argument("--population", type=int, default=300)
    parser.add_argument("--generations", type=int, default=8)
    count(parser.parse_args())


def count(asked: argparse.Namespace) -> None:
    """Run a search and count."""
    market = market_of(asked.config)
    own = EvolutionSettings(
        genome="programs", population=asked.population, generations=asked.generations, islands=3
    )
    span = Span(0, market.n_bars - 1)
    division = Division(own.folds, own.groups)
    ground = lay_ground(market, span, DeskRules(), RegimeSettings(), division)
    species = Programs(own.programs.language(available(market)))
    fitness = Fitness(species, ground)
    each = 4 * market.n_symbols * market.n_bars
    shelves = {size: Shelf(size * MEGABYTE // each) for size in MEMORY}
    seen: set[Key] = set()
    with TemporaryDirectory() as folder:
        ledger = TrialLedger(Path(folder) / "ledger.jsonl", Identity(market.digest, "bench", 0))
        search = Search(own, fitness, Pool(own.pool, fitness), ledger, 0)
        for number in range(asked.generations):
            start = perf_counter()
            search.advance(alone)
            whole = perf_counter() - start
            entries = [entry for entry in ledger.entries() if entry.generation == number]
            programs = [species.read(entry.genome).program for entry in entries]
            keys = set().union(*map(keys_of, programs))
            kept = ", ".join(
                f"{shelf.hits(keys) / len(keys):.0%} within {size} MB"
                for size, shelf in shelves.items()
            )
            share = time_of_evaluation(programs, Features.of(market, species.language.features))
            known = len(keys & seen) / len(keys)
            say(
                f"generation {number + 1}: {len(keys):,} sub-trees, {known:.0%} known, {kept}; "
                f"evaluation {share / whole:.0%} of {whole:.1f} s"
            )
            seen |= keys
    sys.stdout.flush()


def time_of_evaluation(programs: list[Program], features: Features) -> float:
    """Return the seconds that the machine needs for programs, in chunks as in a search."""
    start = perf_counter()
    for first in range(0, len(programs), CHUNK):
        evaluate(programs[first : first + CHUNK], features)
    return perf_counter() - start


if __name__ == "__main__":
    main()
