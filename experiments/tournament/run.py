"""`benbot tournament CONFIG`: a season from its beginning, or from where it was interrupted."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benbot.envs.errors import RunMismatch
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.progress import Display
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.tournament.paper_fills import paper_slippage
from benbot.experiments.tournament.season import Season, play_recorded, run_of
from benbot.experiments.tournament.view import events_table, ladder_table, moves_of, stage_metrics
from benbot.experiments.tracking.tracker import Run, Status, Tracker, open_tracker
from benbot.experiments.training.preparation import Prepared, check_segment
from benbot.experiments.training.run import check_folder, prepare_shown
from benbot.experiments.training.training import CONFIG_FILE, DATA, DIGEST
from benbot.experiments.verdict.opening import warn_of_look
from benbot.strategies.records import Records, open_records
from benbot.strategies.tournament.sleeves import SleeveSessions, sleeve_sessions

ALGORITHM = "tournament"  # what the tag `algo` of a season says
OWNER = "benbot tournament"
RECORDS_FILE, MOVES_FILE = "records.db", "moves.json"


@dataclass(frozen=True)
class Order:
    """How a season was asked for on the command line."""

    segment: str
    store: str | None
    resume: str | None
    take_over: bool
    runs: Path
    command: str
    paper: str = ""  # store with the fills of paper trading


def run_season(config: ExperimentConfig, order: Order, console: Console) -> None:
    """Play what is left of a season, print the ladder and the moves, and track it."""
    check_segment(order.segment)
    check_folder(order.runs)
    warn_of_look(order.segment, "benbot tournament", console)
    tracker = open_tracker(config.tracking)
    with Display(console) as display:
        prepared = prepare_shown(config, display)
        span = prepared.span(order.segment)
        task = display.begin("Trading every strategy alone", span.n_decisions)
        sessions = sleeve_sessions(prepared.history, span, lambda n: display.move(task, n))
        season = _season(prepared, sessions, order)
        with _recorded(season, tracker, order) as (run, records):
            season = replace(season, run_id=run.id)
            task = display.begin("Sessions", sessions.n_sessions)
            tournament = play_recorded(season, records, lambda n: display.move(task, n))
            moves = moves_of(records)
            for day, metrics in stage_metrics(season, moves):
                run.log_metrics(metrics, step=day)
            run.log_file(MOVES_FILE, json.dumps(moves.to_dict("records"), default=str, indent=1))
            tables = (ladder_table(season, tournament, console.width), events_table(moves))
    for table in tables:
        console.print(table)
    console.print(f"run {run.id}", highlight=False)


def _season(prepared: Prepared, sessions: SleeveSessions, order: Order) -> Season:
    """Return the season that is asked for; the fills of paper trading cost what they cost there."""
    if not order.paper:
        return Season(prepared, order.segment, sessions)
    names = tuple(strategy.name for strategy in prepared.strategies)
    slippage = paper_slippage(order.paper, names, prepared.market.timestamps[sessions.last_bars])
    return Season(prepared, order.segment, sessions, paper=order.paper, slippage=slippage)


@contextmanager
def _recorded(season: Season, tracker: Tracker, order: Order) -> Iterator[tuple[Run, Records]]:
    """Open the store and the run of a season, those of before where it goes on."""
    if order.resume is not None:
        with _open(
            order.store or _own_store(order.runs, order.resume, must=True), order
        ) as records:
            if run_of(records) not in ("", order.resume):
                raise RunMismatch(
                    f"the store must have the season of run {order.resume}, was that of "
                    f"{run_of(records)}. Leave out --store, or name the other run"
                )
            with _resumed(tracker, order.resume) as run:
                yield run, records
        return
    if order.store is None:
        with (
            _started(season, tracker, order) as run,
            _open(_own_store(order.runs, run.id), order) as records,
        ):
            yield run, records
        return
    with _open(order.store, order) as records:
        known = run_of(records)
        with _resumed(tracker, known) if known else _started(season, tracker, order) as run:
            yield run, records


def _started(season: Season, tracker: Tracker, order: Order) -> Run:
    config = season.prepared.config
    labels = {
        "algo": ALGORITHM,
        "segment": order.segment,
        "command": order.command,
        DATA: season.prepared.market.digest,
        DIGEST: config_digest(config),
    }
    run = tracker.start_run(config.name, labels)
    run.log_params(flat_config(config))
    run.log_file(CONFIG_FILE, resolved_yaml(config))
    return run


def _resumed(tracker: Tracker, run_id: str) -> Run:
    run = tracker.find_run(run_id)
    if run.status is not Status.FINISHED:
        run.resume()
    return run


def _own_store(runs: Path, run_id: str, *, must: bool = False) -> str:
    folder = runs / run_id
    if must and not (folder / RECORDS_FILE).is_file():
        raise RunMismatch(
            f"a season can only go on where its records are; {folder / RECORDS_FILE} is missing. "
            "Say --runs FOLDER or --store URL if they are elsewhere"
        )
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{(folder / RECORDS_FILE).resolve()}"


def _open(url: str, order: Order) -> Records:
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - one line says it
    owner = f"{OWNER} on {socket.gethostname()}"
    return open_records(url, owner=owner, clock=clock, takes_over=order.take_over)
