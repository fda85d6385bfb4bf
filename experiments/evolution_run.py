"""Begin a search, go on with one that was interrupted, or open the test of one that is over."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.envs.desk.compiled import is_compiled
from benbot.envs.errors import RunMismatch
from benbot.evolution.workers import hire
from benbot.experiments.config import ExperimentConfig, config_digest, flat_config, load_config
from benbot.experiments.evolving import (
    ALGORITHM,
    POOL_FILE,
    Breeding,
    Evolving,
    Terrain,
    settings_of,
)
from benbot.experiments.opened_pools import opened_pools, record_opened, show_opened
from benbot.experiments.opening import NO, SEALED, YES, Opening, open_test, stretch_of
from benbot.experiments.progress import Display
from benbot.experiments.provenance import git_commit
from benbot.experiments.run import check_config, check_data, check_folder
from benbot.experiments.tracking import Run, Status, TrackingSettings, open_tracker
from benbot.experiments.training import CONFIG_FILE, DATA, DIGEST, RUNS

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Order:
    """How a search was asked for on the command line."""

    runs: Path
    command: str
    console: "Console"
    jobs: int = 1
    store: str | None = None


def start_evolution(config: ExperimentConfig, order: Order) -> None:
    """Search from the beginning."""
    settings_of(config)
    check_folder(order.runs)
    tracker = open_tracker(config.tracking)
    with Display(order.console) as display, hire(order.jobs) as workers:
        terrain = _prepare(config, display)
        labels = {"algo": ALGORITHM, DATA: terrain.market.digest, DIGEST: config_digest(config)}
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
    with Display(order.console) as display, hire(order.jobs) as workers:
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
        commit = git_commit(Path(__file__).parent)
        drawn = config.market.source == "synthetic"
        parent.set_tags(stretch_of(terrain.market, terrain.spans["test"], drawn=drawn))
        open_test(parent, Opening(order.command, commit, datetime.now(UTC)))
        parent.set_tags({SEALED: NO})
        for step, opened in enumerate(opened_pools(terrain, order.runs / run_id)):
            show_opened(terrain, opened, order.console)
            record_opened(parent, opened, step)
        parent.flush()


def _require_search(parent: Run) -> None:
    if parent.tags.get("algo") != ALGORITHM:
        raise RunMismatch(
            f"only a search for strategies can go on with benbot evolve, run {parent.id} is none. "
            f"Go on with benbot train --resume {parent.id}"
        )


def is_search(folder: Path) -> bool:
    """Return whether these are the files of a search, and not of a training."""
    return any(folder.glob(f"seed-*/{POOL_FILE}"))


def _prepare(config: ExperimentConfig, display: Display) -> Terrain:
    compiling = "" if is_compiled() else "; the first time it compiles, some minutes"
    with display.step(f"Preparing {config.name}{compiling}"):
        return Terrain(config)


def _recorded(run_id: str, order: Order) -> ExperimentConfig:
    own = order.runs / run_id / CONFIG_FILE
    if not own.is_file():
        raise RunMismatch(
            f"a search can only go on where its files are; {own} is missing. Say --runs FOLDER if "
            f"they are elsewhere"
        )
    config = load_config(own)
    if order.store is None:
        return config
    tracking = TrackingSettings(**(config.tracking.model_dump() | {"uri": order.store}))
    return config.model_copy(update={"tracking": tracking})


@contextmanager
def _stoppable(parent: Run, order: Order) -> Iterator[None]:
    elsewhere = "" if order.runs == RUNS else f" --runs {shlex.quote(str(order.runs))}"
    try:
        yield
    except KeyboardInterrupt:
        order.console.print(
            f"\nStopped; no generation that was over is lost. Go on with\n"
            f"  benbot evolve --resume {parent.id}{elsewhere}",
            highlight=False,
            soft_wrap=True,
        )
        raise SystemExit(130) from None
