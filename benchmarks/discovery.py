"""Whether the search finds a rule that is there, and none where there is none.

    python -m benchmarks.discovery --seeds 10
    python -m benchmarks.discovery --forms no_edge --seeds 20
    python -m benchmarks.discovery --forms restless calm --seeds 10 --first 100

A formula is hidden in a synthetic market: what it says at a close moves the next bar of its symbol.
The search does not know it. It counts as found when a member of the pool whose deflated Sharpe
ratio on fit is 95 % or more earns, on bars that nobody has seen, at least half the Sharpe ratio of
the hidden formula itself, both traded alone at the desk's costs. In the market without an edge
nothing may be left of the pool by the same ratio.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import Span
from benbot.envs.market.market import Market, market_from_prices
from benbot.envs.market.regime import RegimeSettings
from benbot.evolution.deflation import Trials, count_trials
from benbot.evolution.fitness import Fitness
from benbot.evolution.ground import Division, Ground, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.objectives import ratios
from benbot.evolution.pool import Pool
from benbot.evolution.programs import ProgramGenome, Programs
from benbot.evolution.search import Search
from benbot.evolution.settings import EvolutionSettings, PoolSettings
from benbot.evolution.workers import hire
from benbot.strategies.programs.features import available
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.notation import from_json

N_SYMBOLS, WARMUP = 20, 320  # bars before fit, in which nobody trades
FIT, VALID, TEST, EMBARGO = 1000, 400, 600, 21  # bars
DEVIATION = 0.015  # of a bar's log return
STRENGTH = 0.2  # of the hidden signal, in deviations of a bar
ENOUGH = 0.5  # of the hidden formula's own Sharpe ratio
YEAR = np.sqrt(252.0)


@dataclass(frozen=True)
class Form:
    """A hidden rule: what it says of the past, and the same in the language of programs.

    says     signal (S,) in [-1, 1] from what happened so far
    program  JSON
    """

    says: Callable[["Past"], FloatArray]
    program: str


class Past(NamedTuple):
    """What is known at a close, each (t, S).

    returns  log returns
    volume   log of the volume over its usual level
    wicks    log of high over low, less the distance from open to close
    """

    returns: FloatArray
    volume: FloatArray
    wicks: FloatArray


def _reversal(past: Past) -> FloatArray:
    return -np.tanh(past.returns[-5:].sum(axis=0) / (DEVIATION * np.sqrt(5.0)))


def _crowded(past: Past) -> FloatArray:
    return np.where(past.volume[-1] > 0.0, -_reversal(past), _reversal(past))


def _exhausted(past: Past) -> FloatArray:
    return np.where(past.volume[-1] > 0.0, _reversal(past), 0.0)


def _leaders(past: Past) -> FloatArray:
    return _place(past.returns[-20:].sum(axis=0))


def _restless(past: Past) -> FloatArray:
    ranges = np.abs(past.returns[-5:]) + past.wicks[-5:]
    return _place(ranges.mean(axis=0) / _volatility(past))


def _calm(past: Past) -> FloatArray:
    """Return the move of 60 bars, in full for the calmest symbol and not at all for the wildest."""
    moved = past.returns[-60:].sum(axis=0) / (_volatility(past) * np.sqrt(60.0))
    return np.tanh(moved * (1.0 - _place(_volatility(past))))


def _volatility(past: Past) -> FloatArray:
    return np.sqrt((past.returns[-20:] ** 2).mean(axis=0))


def _place(values: FloatArray) -> FloatArray:
    """Return the share of the symbols below each less the share above it."""
    below = (values[:, None] > values).sum(axis=1)
    return (2.0 * below - (values.size - 1)) / (values.size - 1)


FORMS: Mapping[str, Form] = {
    "reversal": Form(_reversal, '{"version": 1, "signal": ["negate", "return_5"]}'),
    "crowded": Form(
        _crowded,
        '{"version": 1, "signal": ["if", ["above", "volume", 0], "return_5", '
        '["negate", "return_5"]]}',
    ),
    "exhausted": Form(
        _exhausted,
        '{"version": 1, "signal": ["if", ["above", "volume", 0], ["negate", "return_5"], 0]}',
    ),
    "leaders": Form(_leaders, '{"version": 1, "signal": ["place", "return_20"]}'),
    "restless": Form(_restless, '{"version": 1, "signal": ["place", ["mean", "range", 5]]}'),
    "calm": Form(
        _calm,
        '{"version": 1, "signal": ["multiply", "return_60", ["subtract", 1, "place_volatility"]]}',
    ),
}
NO_EDGE = "no_edge"
USUAL = ("reversal", "leaders", "exhausted", NO_EDGE)  # without the needle in the haystack


@dataclass(frozen=True)
class Found:
    """What came of one seed."""

    trials: Trials
    members: int
    survivors: int
    own: float  # Sharpe ratio a year of the hidden formula on test
    best: float  # the best of the survivors there
    formula: str
    seconds: float

    @property
    def is_found(self) -> bool:
        return self.survivors > 0 and self.best >= ENOUGH * self.own


def hidden_market(form: str, seed: int) -> Market:
    """Return a market in which a rule holds, or none."""
    generator = np.random.default_rng([seed, 77])
    n_bars = WARMUP + FIT + VALID + TEST + 2 * EMBARGO
    shape = (n_bars, N_SYMBOLS)
    common = 0.5 * generator.standard_normal((n_bars, 1))
    shock = DEVIATION * (common + np.sqrt(0.75) * generator.standard_normal(shape))
    volume = 0.5 * generator.standard_normal(shape)
    reach = np.exp(0.3 * DEVIATION * np.abs(generator.standard_normal((2, *shape))))
    wicks = np.log(reach).sum(axis=0)
    rule = FORMS[form].says if form in FORMS else None
    returns = shock.copy()
    for t in range(20, n_bars - 1):
        if rule is not None:
            signal = rule(Past(returns[: t + 1], volume[: t + 1], wicks[: t + 1]))
            returns[t + 1] += STRENGTH * DEVIATION * signal
    close = 50.0 * np.exp(np.cumsum(returns, axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    return market_from_prices(
        np.datetime64("2000-01-03") + np.arange(n_bars),
        tuple(f"H{s:02d}" for s in range(N_SYMBOLS)),
        {
            "open": opened,
            "high": np.maximum(opened, close) * reach[0],
            "low": np.minimum(opened, close) / reach[1],
            "close": close,
            "volume": 1e7 * np.exp(volume),
        },
    )


def settings(population: int, generations: int) -> EvolutionSettings:
    """Return the budget that is stated in the documentation."""
    return EvolutionSettings(
        genome="programs",
        population=population,
        generations=generations,
        islands=2,
        pool=PoolSettings(every=5, offers=5, limit=5),
    )


def grounds(market: Market, own: EvolutionSettings) -> tuple[Ground, Ground, Ground]:
    """Return fit, valid and test."""
    spans, first = [], WARMUP
    for n_bars in (FIT, VALID, TEST):
        spans.append(Span(first, first + n_bars - 1))
        first += n_bars + EMBARGO
    fit = Division(own.folds, own.groups)
    rules, regime = DeskRules(), RegimeSettings()
    return (
        lay_ground(market, spans[0], rules, regime, fit),
        lay_ground(market, spans[1], rules, regime),
        lay_ground(market, spans[2], rules, regime),
    )


def look_for(form: str, seed: int, own: EvolutionSettings, jobs: int) -> Found:
    """Search one market from one seed."""
    start = perf_counter()
    market = hidden_market(form, seed)
    fit, valid, test = grounds(market, own)
    species = Programs(Language(available(fit.market), depth=5, size=20))
    with TemporaryDirectory() as folder, hire(jobs) as workers:
        fitness = Fitness(species, fit)
        identity = Identity(fit.market.digest, form, seed)
        ledger = TrialLedger(Path(folder) / "ledger.jsonl", identity)
        search = Search(own, fitness, Pool(own.pool, Fitness(species, valid)), ledger, seed)
        while not search.is_over:
            search.advance(workers)
        trials = count_trials(ledger, fitness, own, workers)
        members = [member.candidate for member in search.pool.members]
        survivors = [
            each.genome for each in members if trials.deflated(each.growth) >= own.pool.confidence
        ]
        unseen = Fitness(species, test)
        earned = _earned(unseen, survivors)
        hidden = _earned(unseen, [_genome(form, species)]) if form in FORMS else [np.nan]
    best = int(np.argmax(earned)) if earned else -1
    return Found(
        trials=trials,
        members=len(members),
        survivors=len(survivors),
        own=hidden[0],
        best=earned[best] if earned else float("nan"),
        formula=survivors[best].formula if earned else "",
        seconds=perf_counter() - start,
    )


def _genome(form: str, species: Programs) -> ProgramGenome:
    return ProgramGenome(from_json(FORMS[form].program, species.language.features))


def _earned(fitness: Fitness[ProgramGenome], genomes: Sequence[ProgramGenome]) -> list[float]:
    trials = fitness.measure(genomes, lambda function, items: [function(item) for item in items])
    return [float(ratios(trial.outcome.growth[None])[0] * YEAR) for trial in trials]


def main() -> None:
    """Print a line for each seed and the count of each form."""
    parser = argparse.ArgumentParser(description="Look for hidden rules, and where there are none.")
    parser.add_argument("--forms", nargs="+", default=USUAL, choices=[*FORMS, NO_EDGE])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--population", type=int, default=200)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    own = settings(asked.population, asked.generations)
    for form in asked.forms:
        hits = 0
        for seed in range(asked.first, asked.first + asked.seeds):
            found = look_for(form, seed, own, asked.jobs)
            hits += found.survivors == 0 if form == NO_EDGE else found.is_found
            sys.stdout.write(f"{form:<9} seed {seed:>2}: {_line(found)}\n")
            sys.stdout.flush()
        what = "nothing survived" if form == NO_EDGE else "found"
        sys.stdout.write(f"{form}: {what} in {hits} of {asked.seeds} seeds\n")


def _line(found: Found) -> str:
    trials = found.trials
    return (
        f"{trials.n:,} trials ({trials.effective:,.0f} independent, luck "
        f"{trials.luck * YEAR:.2f}), pool {found.members}, survivors {found.survivors}, "
        f"on test {found.best:.2f} of {found.own:.2f}; {found.seconds:.0f} s  {found.formula}"
    )


if __name__ == "__main__":
    main()
