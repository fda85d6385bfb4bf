"""Begin a search, go on with one that was interrupted, or open the test of one that is over."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.envs.errors import RunMismatch
from benbot.evolution.agreement import hire_cluster
from benbot.evolution.workers import Workers, hire
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.evolving.bred import BRED, is_bred
from benbot.experiments.evolving.breeding import (
    POOL_FILE,
    Breeding,
    Evolving,
    Terrain,
    settings_of,
)
from benbot.experiments.evolving.opened_pools import opened_pools, record_opened, show_opened
from benbot.experiments.evolving.page import REPORT_FILE, write_search
from benbot.experiments.evolving.record import (
    Stretch,
    read_record,
    stretch_of_groups,
    write_record,
)
from benbot.experiments.interruption import resumable, resuming
from benbot.experiments.progress import Display
from benbot.experiments.resolved import config_digest, flat_config
from benbot.experiments.tracking.provenance import git_commit
from benbot.experiments.tracking.tracker import (
    Run,
    Status,
    TrackingSettings,
    find_run,
    open_tracker,
)
from benbot.experiments.training.resumable import require_files
from benbot.experiments.training.run import check_config, check_data, check_folder
from benbot.experiments.training.training import DATA, DIGEST
from benbot.experiments.verdict.opening import (
    NO,
    SEALED,
    YES,
    Opening,
    open_test,
    openings_of,
    stretch_of,
)

if TYPE_CHECKING:
    from rich.console import Console

USUAL_JOBS = 2  # threads
SEGMENT = "test"  # that is opened


@dataclass(frozen=True)
class Order:
    """How a search was asked for on the command line; `cluster` is the address of one of Ray."""

    runs: Path
    command: str
    console: "Console"
    jobs: int | None = None
    store: str | None = None
    cluster: str | None = None


def start_evolution(config: ExperimentConfig, order: Order) -> None:
    """Search from the beginning."""
    settings_of(config)
    check_folder(order.runs)
    tracker = open_tracker(config.tracking)
    with Display(order.console) as display, _hired(order) as workers:
        terrain = _prepare(config, display)
        labels = {"algo": BRED, DATA: terrain.market.digest, DIGEST: config_digest(config)}
        parent = tracker.start_run(config.name, labels | {SEALED: YES})
        breeding = Breeding(order.runs, order.command, order.console, workers)
        with _stoppable(parent, order), parent:
            Evolving(terrain, tracker, parent, breeding, display).carry_out()


def resume_evolution(run_id: str, asked: ExperimentConfig | None, order: Order) -> None:
    """Go on with a search that was interrupted, from its last whole generation.

    A configuration, if given, must be the run's own.
    """
    config = _recorded(run_id, order)
    tracker = open_tracker(config.tracking)
    parent = tracker.find_run(run_id)
    _require_search(parent)
    check_config(parent, asked or config)
    if parent.status is Status.FINISHED:
        raise RunMismatch(
            f"run {run_id} must have been stopped to go on, it has finished. Open its test, once, "
            f"with benbot open {run_id}"
        )
    parent.require_params({k: v for k, v in flat_config(config).items() if k in parent.params})
    with Display(order.console) as display, _hired(order) as workers:
        terrain = _prepare(config, display)
        check_data(parent, terrain.market)
        parent.resume()
        breeding = Breeding(order.runs, order.command, order.console, workers)
        with _stoppable(parent, order), parent:
            Evolving(terrain, tracker, parent, breeding, display).carry_out()


def open_evolution(run_id: str, order: Order) -> None:
    """Judge the pools of a search that is over on test, once; that they were is recorded."""
    config = _recorded(run_id, order)
    parent = open_tracker(config.tracking).find_run(run_id)
    if parent.status is not Status.FINISHED:
        raise RunMismatch(
            f"run {run_id} must have finished to be opened, it is {parent.status}. Go on with "
            f"benbot evolve --resume {run_id}"
        )
    with Display(order.console) as display:
        terrain = _prepare(config, display)
        check_data(parent, terrain.market)
        folders = {seed: order.runs / run_id / f"seed-{seed}" for seed in config.seeds}
        for folder in folders.values():
            read_record(folder)  # before anybody sees what could not be written down
        drawn = config.market.source == "synthetic"
        parent.set_tags(stretch_of(terrain.market, terrain.spans[SEGMENT], drawn=drawn))
        _open(parent, folders.values(), order)
        judge = terrain.judge_of(SEGMENT, display)
        for step, opened in enumerate(opened_pools(terrain, judge, order.runs / run_id)):
            show_opened(terrain, opened, order.console)
            record_opened(parent, opened, step)
            if opened.seed is not None:
                _keep_test(folders[opened.seed], stretch_of_groups(judge, opened.rows))
        parent.flush()
        path = write_search(order.runs / run_id, order.command, openings_of(parent))
        parent.log_file(REPORT_FILE, path.read_text(encoding="utf-8"))
        order.console.print(f"Report    {path}", highlight=False, soft_wrap=True)


def _open(parent: Run, folders: Iterable[Path], order: Order) -> None:
    """Record that test is asked for; who did so and was interrupted goes on with that opening."""
    told = [SEGMENT in read_record(folder).stretches for folder in folders]
    if openings_of(parent) and all(told):
        raise RunMismatch(
            f"test is opened once, that of search {parent.id} was opened before. What was seen is "
            f"in its page: benbot report {parent.id} --rebuild"
        )
    if not openings_of(parent):
        commit = git_commit(Path(__file__).parent)
        open_test(parent, Opening(order.command, commit, datetime.now(UTC)))
    parent.set_tags({SEALED: NO})


def report_search(run_id: str, runs: Path, out: Path, store: str, console: "Console") -> None:
    """Write the page of a search from its files, with what this version has to say of it."""
    openings = openings_of(find_run(store, run_id))
    path = write_search(runs / run_id, f"benbot report {run_id} --rebuild", openings)
    out.write_bytes(path.read_bytes())
    console.print(f"Report    {out}", highlight=False, soft_wrap=True)


def _keep_test(folder: Path, stretch: Stretch) -> None:
    """Write down what was seen on test, so that the page tells it from now on."""
    record = read_record(folder)
    write_record(replace(record, stretches={**record.stretches, SEGMENT: stretch}), folder)


def _hired(order: Order) -> AbstractContextManager[Workers]:
    """Return who tries candidates: threads of this machine, or hands on a cluster."""
    if order.cluster is not None:
        return hire_cluster(order.cluster, order.jobs)
    return hire(order.jobs or USUAL_JOBS)


def _require_search(parent: Run) -> None:
    if not is_bred(parent.tags):
        raise RunMismatch(
            f"only a search for strategies can go on with benbot evolve, run {parent.id} is none. "
            f"Go on with benbot train --resume {parent.id}"
        )


def is_search(folder: Path) -> bool:
    """Return whether these are the files of a search, and not of a training."""
    return any(folder.glob(f"seed-*/{POOL_FILE}"))


def _prepare(config: ExperimentConfig, display: Display) -> Terrain:
    with display.step(f"Preparing {config.name}"):
        return Terrain(config)


def _recorded(run_id: str, order: Order) -> ExperimentConfig:
    config = load_config(require_files(run_id, order.runs, "a search", is_bred))
    if order.store is None:
        return config
    tracking = TrackingSettings(**(config.tracking.model_dump() | {"uri": order.store}))
    return config.model_copy(update={"tracking": tracking})


def _stoppable(parent: Run, order: Order) -> AbstractContextManager[None]:
    again = resuming("evolve", parent.id, order.runs)
    return resumable(again, "no generation that was over is lost", order.console)
