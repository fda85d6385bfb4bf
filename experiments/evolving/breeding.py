"""What `benbot evolve` does: a search for every seed, and the pool's result outside fit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.sources import load_market
from benbot.evolution.deflation import count_trials
from benbot.evolution.fitness import Fitness
from benbot.evolution.genomes import Species
from benbot.evolution.ground import Division, Ground, lay_ground
from benbot.evolution.ledger import Identity, TrialLedger
from benbot.evolution.pool import Pool
from benbot.evolution.search import Generation, Search
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.species import species_of
from benbot.evolution.state import restore, save
from benbot.evolution.workers import Workers
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.evolving.bred import BRED
from benbot.experiments.evolving.note import search_metrics, search_note
from benbot.experiments.evolving.page import REPORT_FILE, write_search
from benbot.experiments.evolving.pictures import record_pictures
from benbot.experiments.evolving.record import read_record, record_of, write_record
from benbot.experiments.evolving.result import SeedPool, pool_file, record_search, with_pool
from benbot.experiments.evolving.table import judged_table, members_table, show_result
from benbot.experiments.progress import Display, while_compiling
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.tracking.provenance import git_commit
from benbot.experiments.tracking.tracker import COMMIT, NOTE, SOURCE, Run, Status, Tracker
from benbot.experiments.training.preparation import place_segments
from benbot.experiments.training.training import CONFIG_FILE, DATA, DIGEST
from benbot.experiments.verdict.out_of_sample import Judge

if TYPE_CHECKING:
    from rich.console import Console

LEDGER_FILE, STATE_FILE, POOL_FILE = "ledger.jsonl", "state.json", "pool.json"
EVOLVED_FILE = "evolved.yaml"  # the same configuration with the pool among its strategies


@dataclass(frozen=True)
class Breeding:
    """How a search was asked for."""

    runs: Path
    command: str
    console: "Console"
    workers: Workers


class Terrain:
    """A configuration with its market, and the grounds of its segments."""

    def __init__(self, config: ExperimentConfig) -> None:
        self.config = config
        self.settings = settings_of(config)
        self.market: Market = load_market(config.market)
        self.spans: Mapping[str, Span] = spans_of(self.market, config)

    @cached_property
    def fit(self) -> Ground:
        return self._ground("fit", Division(self.settings.folds, self.settings.groups))

    @cached_property
    def valid(self) -> Ground:
        return self._ground("valid", Division())

    @cached_property
    def species(self) -> Species[Any]:
        rules = [choice.name for choice in self.config.strategies]
        return species_of(self.settings, self.fit.market, rules)

    def judge_of(self, segment: str, display: Display) -> Judge:
        """Return who judges pools on a segment, and show that it takes its time."""
        compiling = while_compiling("some minutes")
        with display.step(f"Laying the ground: market, costs, gates{compiling}"):
            return Judge(self.config, self.market, self.spans[segment])

    def _ground(self, segment: str, division: Division) -> Ground:
        config = self.config
        return lay_ground(self.market, self.spans[segment], config.desk, config.regime, division)


def settings_of(config: ExperimentConfig) -> EvolutionSettings:
    """Return the section `evolution`; without one, or with a scanner in its way, it is refused."""
    if config.discovery is not None:
        raise BadConfig(
            f"a search tries each candidate alone, on all symbols; {config.name} has the section "
            "discovery, which would hide some from it. Say discovery: null"
        )
    if config.learning.changes:
        raise BadConfig(
            f"a search tries candidates that have earned nothing yet; {config.name} draws lessons "
            "from what was earned, which it would not. Say learning: {} for it"
        )
    if config.evolution is None:
        raise BadConfig(
            f"a search needs the section evolution, {config.name} has none. Add `evolution: {{}}` "
            "or take evolve_quickstart"
        )
    return config.evolution


def spans_of(market: Market, config: ExperimentConfig) -> Mapping[str, Span]:
    """Return where the segments lie; folds are refused, because a search has one valid."""
    if config.segments is None:
        raise BadConfig(
            f"a search needs segments, {config.name} has folds. Say folds: null and give fit, "
            "valid and test"
        )
    return place_segments(market, config.segments)


class Evolving:
    """A parent run with a child for every seed."""

    def __init__(
        self,
        terrain: Terrain,
        tracker: Tracker,
        parent: Run,
        breeding: Breeding,
        display: Display,
    ) -> None:
        self.terrain, self.tracker, self.parent = terrain, tracker, parent
        self.breeding, self.display = breeding, display
        self.folder = breeding.runs / parent.id
        self.folder.mkdir(parents=True, exist_ok=True)

    def carry_out(self) -> None:
        """Search from every seed that is not done, and judge the pools on valid."""
        config = self.terrain.config
        self._introduce(self.parent)
        text = resolved_yaml(config)
        (self.folder / CONFIG_FILE).write_text(text, encoding="utf-8")
        self.parent.log_file(CONFIG_FILE, text)
        judge = self.terrain.judge_of("valid", self.display)
        for seed in config.seeds:
            self._search(seed, judge)
        self._say_where()

    def _say_where(self) -> None:
        """Write the page and the note of the run, and say where everything is."""
        folders = {seed: self.folder / f"seed-{seed}" for seed in self.terrain.config.seeds}
        records = [read_record(folder) for folder in folders.values()]
        path = write_search(self.folder, self.breeding.command, openings=0)
        self.parent.log_file(REPORT_FILE, path.read_text(encoding="utf-8"))
        self.parent.log_metrics(search_metrics(records))
        self.parent.set_tags({NOTE: search_note(records)})
        pools = [folder / EVOLVED_FILE for folder in folders.values()]
        self.breeding.console.print(
            f"Report    {path}\n"
            f"Pool      {pools[0]}, a configuration for benbot sleeves, signals and train\n"
            f"Run       {self.parent.id}\n"
            f"Opening   benbot open {self.parent.id} judges the pool on test, once",
            highlight=False,
            soft_wrap=True,
        )

    def labels(self, seed: int | str) -> dict[str, object]:
        """Return what every run says of itself."""
        return {
            "algo": BRED,
            "seed": seed,
            "genome": self.terrain.settings.genome,
            DATA: self.terrain.market.digest,
            DIGEST: config_digest(self.terrain.config),
        }

    @cached_property
    def _children(self) -> dict[str, Run]:
        return {run.name: run for run in self.tracker.children(self.parent)}

    def _introduce(self, run: Run) -> None:
        commit = git_commit(Path(__file__).parent)
        run.set_tags({SOURCE: self.breeding.command, COMMIT: commit})
        known = run.params
        params = flat_config(self.terrain.config)
        run.log_params({key: value for key, value in params.items() if key not in known})
        for name in ("fit", "valid"):
            span = self.terrain.spans[name]
            run.log_dataset(self.terrain.market.between(span.first, span.last + 1), name)

    def _search(self, seed: int, judge: Judge) -> None:
        name = f"seed {seed}"
        run = self._children.get(name)
        if run is not None and run.status is Status.FINISHED:
            self.breeding.console.print(f"{name} is done already")
            return
        if run is None:
            run = self.tracker.start_run(name, self.labels(seed), parent=self.parent)
        else:
            run.resume()
        with run:
            self._introduce(run)
            folder = self.folder / f"seed-{seed}"
            folder.mkdir(exist_ok=True)
            search = self._begin(seed, folder)
            self._breed(search, run, folder / STATE_FILE)
            self._conclude(search, run, folder, judge)

    def _begin(self, seed: int, folder: Path) -> Search[Any]:
        """Return a new search, or the one that was interrupted."""
        terrain, settings = self.terrain, self.terrain.settings
        fitness = Fitness(terrain.species, terrain.fit)
        pool = Pool(settings.pool, Fitness(terrain.species, terrain.valid))
        identity = Identity(terrain.market.digest, config_digest(terrain.config), seed)
        state = folder / STATE_FILE
        if not state.is_file():  # not even one generation was over
            (folder / LEDGER_FILE).unlink(missing_ok=True)
        ledger = TrialLedger(folder / LEDGER_FILE, identity)
        search = Search(settings, fitness, pool, ledger, seed)
        if state.is_file():
            restore(search, state, self.breeding.workers)
        return search

    def _breed(self, search: Search[Any], run: Run, state: Path) -> None:
        task = self.display.begin("Breeding", self.terrain.settings.generations)
        self.display.move(task, search.number)
        while not search.is_over:
            start, before = perf_counter(), search.n_tried
            generation = search.advance(self.breeding.workers)
            rate = (search.n_tried - before) / (perf_counter() - start)
            save(search, state)
            run.log_metrics(generation.metrics() | {"evolution/rate": rate}, step=generation.number)
            self.display.move(task, generation.number)
            self.breeding.console.print(line_of(generation, rate), highlight=False, soft_wrap=True)

    def _conclude(self, search: Search[Any], run: Run, folder: Path, judge: Judge) -> None:
        settings, workers = self.terrain.settings, self.breeding.workers
        with self.display.step("Counting trials, and judging the pool on valid"):
            trials = count_trials(search.ledger, search.fitness, settings, workers)
            together = trials.over(len(self.terrain.config.seeds))
            result = SeedPool(search, together, settings.pool.confidence)
            sizes = [each.genome.size for each in result.winners]
            judged = judge.judge(self.terrain.species, result.strategies, sizes)
        text = json.dumps(pool_file(result), indent=2, ensure_ascii=False)
        (folder / POOL_FILE).write_text(text, encoding="utf-8")
        (folder / EVOLVED_FILE).write_text(
            resolved_yaml(with_pool(self.terrain.config, result)), encoding="utf-8"
        )
        record = record_of(result, judge, judged)
        write_record(record, folder)
        record_search(run, result, judged)
        record_pictures(run, record)
        run.log_file(POOL_FILE, text)
        run.log_artifacts(folder, "search")
        tables = [members_table(result), judged_table(judged, judge.caption)]
        show_result(self.breeding.console, result, tables)


def line_of(generation: Generation, rate: float) -> str:
    """Return what is said of a generation."""
    return (
        f"generation {generation.number:>3}: Sharpe best {generation.best:+.2f}, median "
        f"{generation.median:+.2f}; size {generation.size:.1f}; new behaviour "
        f"{generation.fresh:.0%}; {rate:,.0f} a second; pool {generation.pool} "
        f"({generation.pool_ratio:+.2f} on valid)"
    )
