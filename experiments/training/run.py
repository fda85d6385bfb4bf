"""Begin a training, or go on with one that was interrupted, and end it cleanly on Ctrl-C."""

import os
from pathlib import Path

from benbot.envs.errors import BadConfig, RunMismatch
from benbot.envs.market.market import Market
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.evolving.bred import is_bred
from benbot.experiments.interruption import resumable, resuming
from benbot.experiments.progress import Display, while_compiling
from benbot.experiments.resolved import config_digest, flat_config
from benbot.experiments.tracking.tracker import (
    Run,
    Status,
    TrackingSettings,
    open_tracker,
)
from benbot.experiments.training.preparation import (
    Prepared,
    prepare_experiment,
    require_unseen_test,
)
from benbot.experiments.training.resumable import is_trained, require_files
from benbot.experiments.training.training import DATA, DIGEST, Launch, Training
from benbot.experiments.tuning.trials import BEST_FILE, TUNED
from benbot.experiments.verdict.opening import NO, SEALED, YES, is_sealed, openings_of


def start_training(config: ExperimentConfig, launch: Launch) -> None:
    """Train a configuration from the beginning."""
    check_folder(launch.runs)
    tracker = open_tracker(config.tracking)
    with Display(launch.console) as display:
        prepared = prepare_shown(config, display)
        require_unseen_test(prepared)
        labels = {
            "algo": config.agent.algorithm,
            DATA: prepared.market.digest,
            DIGEST: config_digest(config),
        }
        parent = tracker.start_run(config.name, labels | {SEALED: YES if launch.sealed else NO})
        _carry_out(Training(prepared, tracker, parent, launch, display))


def resume_training(
    run_id: str, config: ExperimentConfig | None, store: str | None, launch: Launch
) -> None:
    """Go on with a run that was interrupted; a configuration, if given, must be the run's own.

    Without a store it is looked for where it was recorded.
    """
    recorded = load_config(require_files(run_id, launch.runs, "a run", is_trained))
    tracking = recorded.tracking.model_dump()
    tracker = open_tracker(TrackingSettings(**(tracking | ({"uri": store} if store else {}))))
    parent = tracker.find_run(run_id)
    asked = recorded if config is None else config
    if is_bred(parent.tags):
        raise RunMismatch(
            f"run {run_id} is a search for strategies, which trains nobody. Go on with benbot "
            f"evolve --resume {run_id}, or open its test with benbot open {run_id}"
        )
    if TUNED in parent.tags:
        raise RunMismatch(
            f"run {run_id} is a search, whose trials cannot be trained on or opened. Go on with "
            f"benbot tune --resume {run_id}, or train what was best with benbot train "
            f"{launch.runs / run_id / BEST_FILE}"
        )
    parent.require_params(flat_config(asked.model_copy(update={"tracking": recorded.tracking})))
    check_config(parent, asked)
    _check_status(parent, launch)
    with Display(launch.console) as display:
        prepared = prepare_shown(recorded, display)
        check_data(parent, prepared.market)
        training = Training(prepared, tracker, parent, launch, display)
        if launch.opening:
            training.open_test(first=True)
        if openings_of(parent):
            parent.set_tags({SEALED: NO})
        parent.resume()
        _carry_out(training)


def _check_status(parent: Run, launch: Launch) -> None:
    """Refuse to go on with what has finished, and to open what is not both finished and sealed."""
    finished, opened = parent.status is Status.FINISHED, openings_of(parent) > 0
    if launch.sealed and not is_sealed(parent):
        raise RunMismatch(
            f"a run is sealed from its beginning, run {parent.id} is not. Go on without --sealed, "
            f"or start a new run"
        )
    if opened and is_sealed(parent) and not launch.opening:
        return  # whoever opened it was interrupted at that very moment
    if launch.opening and finished and opened and not is_sealed(parent):
        raise RunMismatch(
            f"test is opened once, that of run {parent.id} was opened before. Ask once more with "
            f"benbot evaluate {parent.id} --again, which is recorded and counted"
        )
    if launch.opening and (opened or not (finished and is_sealed(parent))):
        how = "is not finished" if not finished else "is not sealed, its test was opened before"
        raise RunMismatch(
            f"run {parent.id} must be finished and sealed to be opened, it {how}. Go on with "
            f"benbot train --resume {parent.id}, or ask once more with benbot evaluate "
            f"{parent.id} --again"
        )
    if finished and not launch.opening:
        what = f"benbot {'open' if is_sealed(parent) else 'report'} {parent.id}"
        raise RunMismatch(
            f"run {parent.id} must have been stopped to go on, it has finished. Look at it with "
            f"{what}"
        )


def check_folder(runs: Path) -> None:
    """Make the folder of runs; refuse one that cannot be made or written."""
    try:
        runs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadConfig(f"--runs needs a folder that can be made, was {runs}: {error}") from error
    if not os.access(runs, os.W_OK):
        raise BadConfig(f"--runs needs a folder that can be written, was {runs}")


def check_config(parent: Run, config: ExperimentConfig) -> None:
    """Compare whole configurations: a store keeps no more of a parameter than its beginning."""
    then, now = parent.tags.get(DIGEST), config_digest(config)
    if then != now:
        raise RunMismatch(
            f"run {parent.id} can only go on with the configuration it began with, digest {then}, "
            f"was {now}. Undo the change or start a new run"
        )


def check_data(parent: Run, market: Market) -> None:
    """Refuse to go on with a run on other data than it began with."""
    then, now = parent.tags.get(DATA), market.digest
    if then != now:
        raise RunMismatch(
            f"run {parent.id} can only go on with the data it began with, digest {then}, was "
            f"{now}. Bring the data back or start a new run"
        )


def prepare_shown(config: ExperimentConfig, display: Display) -> Prepared:
    """Prepare a configuration and show that it takes its time."""
    compiling = while_compiling("about a minute")
    with display.step(f"Preparing {config.name}: market, signals, sleeves{compiling}"):
        return prepare_experiment(config)


def _carry_out(training: Training) -> None:
    launch = training.launch
    again = resuming("train", training.parent.id, launch.runs)
    with resumable(again, "nothing that was finished is lost", launch.console), training.parent:
        training.carry_out()
