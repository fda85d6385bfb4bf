"""What a generation of programs costs: `python -m benchmarks.breeding`.

88 symbols × 1,258 bars, synthetic unless BENBOT_DATA is the folder of the file of `us_stocks_daily`
or `--config` names another market; every candidate trades alone on the desk, with all gates and
costs. DEAP's own work is all that selection does.

    BENBOT_DATA=FOLDER .venv/bin/python -m benchmarks.breeding
"""

import argparse
import os
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.sources import load_market
from benbot.envs.market.synthetic import generate
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.evolution.fitness import Fitness
from benbot.evolution.ground import Division, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.pool import Pool
from benbot.evolution.programs import Programs
from benbot.evolution.search import Search
from benbot.evolution.selection import lexicase, rank, tournament
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import hire
from benbot.experiments.config import load_config
from benbot.strategies.programs.features import available

N_BARS, N_SYMBOLS = 1258, 88
REAL = "us_stocks_daily"
GIGABYTE = 1e6  # of what the system counts in kilobytes


def main() -> None:
    """Print the cost of a few generations, and of selection alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.breeding", description=__doc__)
    parser.add_argument("--config", default="", help="a configuration, for its market")
    parser.add_argument("--population", type=int, default=1000)
    parser.add_argument("--generations", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    time_selection(asked.population)
    time_generations(asked)


def time_selection(population: int) -> None:
    """Time what NSGA-II and ε-lexicase do in a generation, in seconds of the processor."""
    generator = np.random.default_rng(0)
    objectives = generator.normal(size=(2 * population, 4)).round(2)
    cases = generator.normal(size=(population, 80))
    start = process_time()
    ranking = rank(objectives)
    tournament(ranking, 2 * population, generator)
    sorted_in = process_time() - start
    start = process_time()
    lexicase(cases, 2 * population, generator)
    say(f"NSGA-II of {2 * population:,} by 4 objectives: {sorted_in:.3f} s")
    say(f"ε-lexicase, {2 * population:,} parents of {population:,} by 80 cases: ", end="")
    say(f"{process_time() - start:.3f} s")


def time_generations(asked: argparse.Namespace) -> None:
    """Time whole generations."""
    market = market_of(asked.config)
    own = EvolutionSettings(
        genome="programs", population=asked.population, generations=asked.generations, islands=4
    )
    ground = lay_ground(
        market,
        Span(0, market.n_bars - 1),
        DeskRules(),
        RegimeSettings(),
        Division(own.folds, own.groups),
    )
    species = Programs(own.programs.language(available(market)))
    fitness = Fitness(species, ground)
    with TemporaryDirectory() as folder, hire(asked.jobs) as workers:
        ledger = TrialLedger(Path(folder) / "ledger.jsonl", Identity(market.digest, "bench", 0))
        fitness.measure([species.draw(np.random.default_rng(1))], workers)  # compiles
        search = Search(own, fitness, Pool(own.pool, fitness), ledger, 0)
        for _ in range(asked.generations):
            start, work = perf_counter(), process_time()
            search.advance(workers)
            say(
                f"generation {search.number} of {asked.population:,} on {market.n_symbols} symbols "
                f"× {market.n_bars:,} bars, {asked.jobs} jobs: {perf_counter() - start:.1f} s, "
                f"{process_time() - work:.1f} s of processors"
            )
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIGABYTE
    say(f"memory {used:.2f} GB at most")


def market_of(config: str) -> Market:
    """Return the last bars of a configuration's market, of the real stocks, or a synthetic one."""
    folder = os.environ.get("BENBOT_DATA")
    if not config and not folder:
        say("synthetic prices; BENBOT_DATA names no folder with real ones")
        return generate(SyntheticSource(seed=1, n_bars=N_BARS, n_symbols=N_SYMBOLS)).market
    path = Path(folder or "") / load_config(REAL).market.path.name
    real = (REAL, [f"market.path={path}", "market.min_bars=0"])
    name, overrides = (config, []) if config else real
    market = load_market(load_config(name, overrides).market)
    say(f"prices of {name}")
    return market.between(max(market.n_bars - N_BARS, 0), market.n_bars)


def say(text: str, end: str = "\n") -> None:
    """Print at once."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
