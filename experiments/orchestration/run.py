"""`benbot orchestrate CONFIG`: a population over a stretch of history, begun or gone on with."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.desk.compiled import is_compiled
from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.market.sources import load_market
from benbot.evolution.orchestration.asking import Land, first_bar
from benbot.evolution.orchestration.members import Member, Origin
from benbot.evolution.orchestration.orchestrator import STATE, Orchestrator
from benbot.evolution.orchestration.order import Look, Order
from benbot.evolution.orchestration.settings import OrchestratorSettings
from benbot.evolution.workers import hire
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.orchestration.accounts import accounts_of
from benbot.experiments.orchestration.chronicle import Chronicle, read_chronicle
from benbot.experiments.orchestration.following import Follower
from benbot.experiments.orchestration.page import Story, render_story
from benbot.experiments.orchestration.view import accounts_table, population_table
from benbot.experiments.progress import Display
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.tracking.provenance import git_commit
from benbot.experiments.tracking.tracker import Run, Status, Tracker, open_tracker
from benbot.experiments.training.preparation import place_segments
from benbot.experiments.training.run import check_folder
from benbot.experiments.training.training import CONFIG_FILE, DATA, DIGEST
from benbot.experiments.verdict.opening import Opening, open_test, stretch_of
from benbot.strategies.records import Records, open_records
from benbot.strategies.records.moments import moment_at
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

if TYPE_CHECKING:
    from rich.console import Console

ALGORITHM = "orchestrator"  # what the tag `algo` of a run says
OWNER = "benbot orchestrate"
RUNS = "orchestrated runs"  # by what name a store keeps the ids of those who wrote it
RECORDS_FILE, PAGE_FILE, EVENTS_FILE = "records.db", "orchestration.html", "events.json"


@dataclass(frozen=True)
class Asked:
    """How a run was asked for on the command line; dates are the first and the last day."""

    runs: Path
    command: str
    console: "Console"
    first: date | None = None
    last: date | None = None
    store: str | None = None
    resume: str | None = None
    take_over: bool = False
    test: bool = False  # whether it may look at test
    jobs: int = 1


def orchestrate(config: ExperimentConfig, asked: Asked) -> None:
    """Let a population live over the stretch, or go on; write the page and say where it is."""
    check_folder(asked.runs)
    tracker = open_tracker(config.tracking)
    console = asked.console
    with Display(console) as display, hire(asked.jobs) as workers:
        compiling = "" if is_compiled() else "; the first time it compiles, some minutes"
        with display.step(f"Loading the market of {config.name}{compiling}"):
            market = load_market(config.market)
        span = span_of(market, config, asked)
        looked_at = _part_of_test(market, config, span, asked)
        run, folder = _run_of(tracker, config, market, asked)
        if looked_at is not None:
            _open_test(run, stretch_of(market, looked_at, drawn=_is_drawn(config)), asked)
        land = Land(market, config.desk, config.regime, workers, folder)
        orchestrator = orchestrator_of(config, land, span)
        with run, _opened(folder, asked) as records:
            runs = noted(records, market, span.first, run.id)
            chronicle = _live(orchestrator, records, run, display)
            accounts = accounts_of(config, orchestrator, chronicle)
            page = folder / PAGE_FILE
            story = Story(config.name, orchestrator, chronicle, accounts)
            page.write_text(render_story(story), encoding="utf-8")
            _record(run, folder, chronicle, ledgers_of(asked.runs, runs))
    console.print(accounts_table(accounts))
    console.print(population_table(orchestrator, chronicle))
    console.print(f"Run       {run.id}\nPage      {page}", highlight=False, soft_wrap=True)


def orchestrator_of(config: ExperimentConfig, land: Land, span: Span) -> Orchestrator:
    """Return the orchestrator of a configuration, with its strategies as the catalogue."""
    settings = config.orchestrator or OrchestratorSettings()
    order = Order(
        settings=settings,
        tournament=config.tournament or TournamentSettings(),
        land=land,
        span=span,
        seed=config.seeds[0],
        identity={
            "config": config_digest(config),
            "seed": str(config.seeds[0]),
            "data": land.market.digest,
            "span": f"{span.first} to {span.last}",
        },
    )
    catalogue = [Member(choice, Origin.CATALOGUE, span.first) for choice in config.strategies]
    follower = Follower(land.market, config.desk, config.regime, span.last)
    return Orchestrator(order, follower, catalogue)


def span_of(market: Market, config: ExperimentConfig, asked: Asked) -> Span:
    """Return the bars of the stretch, from one day to another.

    Where none is named it is from the first at which newcomers could be bred to the last before
    test.
    """
    settings = config.orchestrator or OrchestratorSettings()
    first = min(first_bar(settings, config.regime), market.n_bars - 1)
    last = test_begins(market, config) - 1
    if asked.first is not None:
        first = int(np.searchsorted(market.days, np.datetime64(asked.first)))
    if asked.last is not None:
        last = int(np.searchsorted(market.days, np.datetime64(asked.last), side="right")) - 1
    if not 0 <= first < last < market.n_bars:
        raise BadConfig(
            f"a run needs two bars or more of the market, which has {market.days[0]} to "
            f"{market.days[-1]}; was {asked.first or 'the first day with bars enough to breed'} to "
            f"{asked.last or 'the last before test'}. Choose other --from and --to"
        )
    return Span(first, last)


def test_begins(market: Market, config: ExperimentConfig) -> int:
    """Return the first bar of test; that behind the last where nothing is held out."""
    if config.segments is None:
        return market.n_bars
    return place_segments(market, config.segments)["test"].first


def _part_of_test(
    market: Market, config: ExperimentConfig, span: Span, asked: Asked
) -> Span | None:
    """Return the bars of test that are looked at, None if none are; refuse them unasked."""
    first = test_begins(market, config)
    if span.last < first:
        return None
    if not asked.test:
        raise BadConfig(
            f"a run must end before test, which begins on {market.days[first]}, was to end on "
            f"{market.days[span.last]}. Choose an earlier --to, or say --test, which is recorded "
            "and counted"
        )
    return Span(max(span.first, first), span.last)


def _open_test(run: Run, stretch: dict[str, str], asked: Asked) -> None:
    """Record with a run that it looks at test, before it does; each time counts."""
    run.set_tags(stretch)
    opening = Opening(asked.command, git_commit(Path(__file__).parent), datetime.now(UTC))
    count = open_test(run, opening, again=True)
    asked.console.print(f"Opened    test, time {count} of this run", highlight=False)


def _is_drawn(config: ExperimentConfig) -> bool:
    return config.market.source == "synthetic"


def _live(orchestrator: Orchestrator, records: Records, run: Run, display: Display) -> Chronicle:
    """Let the population live to the end of the stretch, and return what the store tells of it."""
    span = orchestrator.order.span
    task = display.begin("Bars", span.n_decisions)
    for look in orchestrator.run(records):
        display.move(task, look.bar - span.first, note_of(orchestrator, look.bar))
        _tell(orchestrator, look, display)
    known = np.minimum(orchestrator.watch.known, span.last)
    chronicle = read_chronicle(records, orchestrator.order.land.market.timestamps[known])
    for stage in (Stage.RETIRED, Stage.R1, Stage.R2, Stage.R3, Stage.LIVE):
        for i in np.flatnonzero(np.append(True, np.diff(chronicle.count(stage)) != 0)):
            run.log_metrics(
                {f"orchestrator/{stage.name}": float(chronicle.count(stage)[i])}, step=int(i)
            )
    return chronicle


def note_of(orchestrator: Orchestrator, bar: int) -> str:
    """Return the day of a bar and how many stand where, in a few letters."""
    stages, day = orchestrator.tournament.stages, orchestrator.order.land.market.days[bar]
    counts = " ".join(f"{s.name} {int((stages == s).sum())}" for s in Stage if s >= Stage.R1)
    return f"{day}  {counts}"


def _tell(orchestrator: Orchestrator, look: Look, display: Display) -> None:
    """Say what was decided; a change of the regime is not worth a line."""
    day = orchestrator.order.land.market.days[look.bar]
    for kind, subject in look.decided:
        if kind != "regime":
            display.console.print(f"{day}  {kind}: {subject}", highlight=False)


def _run_of(
    tracker: Tracker, config: ExperimentConfig, market: Market, asked: Asked
) -> tuple[Run, Path]:
    """Return the run, new or that which goes on, and its folder."""
    if asked.resume is not None:
        folder = asked.runs / asked.resume
        if asked.store is None and not (folder / RECORDS_FILE).is_file():
            raise BadConfig(
                f"a run can only go on where its records are; {folder / RECORDS_FILE} is missing. "
                "Say --runs FOLDER or --store URL if they are elsewhere"
            )
        run = tracker.find_run(asked.resume)
        if run.status is not Status.FINISHED:
            run.resume()
        folder.mkdir(parents=True, exist_ok=True)
        return run, folder
    labels = {"algo": ALGORITHM, "command": asked.command, DATA: market.digest}
    run = tracker.start_run(config.name, labels | {DIGEST: config_digest(config)})
    run.log_params(flat_config(config))
    run.log_file(CONFIG_FILE, resolved_yaml(config))
    folder = asked.runs / run.id
    folder.mkdir(parents=True, exist_ok=True)
    return run, folder


@contextmanager
def _opened(folder: Path, asked: Asked) -> Iterator[Records]:
    """Open the store; what was done is in it whatever ends the run, and how to go on is said."""
    url = asked.store or f"sqlite:///{(folder / RECORDS_FILE).resolve()}"
    owner = f"{OWNER} on {socket.gethostname()}"
    try:
        with open_records(
            url, owner=owner, clock=lambda: datetime.now(UTC), takes_over=asked.take_over
        ) as records:
            yield records
    except KeyboardInterrupt:
        asked.console.print(
            f"\nStopped; every session that was over is kept. Go on with\n"
            f"  {asked.command} --resume {folder.name}",
            highlight=False,
            soft_wrap=True,
        )
        raise


def noted(records: Records, market: Market, first: int, run_id: str) -> list[str]:
    """Return the runs that this store has had, this one now the last; `first` is the first bar."""
    kept: list[str] = records.state(RUNS) or []
    if run_id in kept:
        return kept
    stands = records.state(STATE)
    moment = moment_at(market.timestamps[first if stands is None else stands["bar"]])
    with records.change(moment) as change:
        change.state(RUNS, [*kept, run_id])
    return [*kept, run_id]


def ledgers_of(folder: Path, runs: Sequence[str]) -> list[Path]:
    """Return the ledgers of all searches of some runs, by name; of a number the last one counts."""
    found = {path.name: path for one in runs for path in (folder / one).glob("search-*.jsonl")}
    return [found[name] for name in sorted(found)]


def _record(run: Run, folder: Path, chronicle: Chronicle, ledgers: Sequence[Path]) -> None:
    """Keep the page, the events and the ledgers of all searches with the run."""
    events = chronicle.events.to_dict("records")
    text = json.dumps(events, default=str, indent=1, ensure_ascii=False)
    (folder / EVENTS_FILE).write_text(text, encoding="utf-8")
    for path in (folder / PAGE_FILE, folder / EVENTS_FILE, *ledgers):
        run.log_file(path.name, path.read_text(encoding="utf-8"))
