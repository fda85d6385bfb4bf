"""Begin a search for settings, or go on with one that was interrupted, and end it on Ctrl-C."""

from benbot.envs.errors import BadConfig, RunMismatch
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.interruption import resumable, resuming
from benbot.experiments.progress import Display
from benbot.experiments.tracking.tracker import Run, Tracker, open_tracker
from benbot.experiments.training.resumable import require_files
from benbot.experiments.training.run import check_data, check_folder, prepare_shown
from benbot.experiments.training.training import DATA, Launch, Training
from benbot.experiments.tuning.search_space import Space, as_override, check_keys
from benbot.experiments.tuning.study import Study, Tried, require_optuna, tried_from_json
from benbot.experiments.tuning.trials import (
    END,
    TRIAL_FILE,
    TUNED,
    TUNING_SEED,
    Search,
    Trials,
    with_overrides,
)


def start_tuning(config: ExperimentConfig, search: Search, launch: Launch) -> None:
    """Search from the beginning."""
    study = _study(config, search.seed)
    check_folder(launch.runs)
    tracker = open_tracker(config.tracking)
    with Display(launch.console) as display:
        prepared = prepare_shown(config, display)
        labels = {
            "algo": config.agent.algorithm,
            DATA: prepared.market.digest,
            TUNED: search.trials,
            TUNING_SEED: search.seed,
        }
        parent = tracker.start_run(config.name, labels)
        _carry_out(Training(prepared, tracker, parent, launch, display), study, search)


def resume_tuning(run_id: str, trials: int | None, launch: Launch) -> None:
    """Go on with a search that was interrupted, or that is to have more trials than it had."""
    own = require_files(run_id, launch.runs, "a search", lambda tags: TUNED in tags)
    require_optuna()
    config = load_config(own)
    tracker = open_tracker(config.tracking)
    parent = tracker.find_run(run_id)
    search = _search_of(parent, trials, str(own))
    study = _study(config, search.seed)
    for tried in _kept(tracker, parent):
        study.add(tried)
    if len(study.tried) >= search.trials:
        raise RunMismatch(
            f"run {run_id} must have trials left to go on, was {len(study.tried)} of "
            f"{search.trials} done. Say --trials with a higher number"
        )
    with Display(launch.console) as display:
        prepared = prepare_shown(config, display)
        check_data(parent, prepared.market)
        parent.resume()
        parent.set_tags({TUNED: search.trials})
        _carry_out(Training(prepared, tracker, parent, launch, display), study, search)


def check_space(config: ExperimentConfig) -> Space:
    """Return what is searched; refuse it unless every end and choice is possible by itself."""
    if config.tuning is None:
        raise BadConfig(
            "benbot tune needs a section tuning in the configuration, was none. Add one, such as "
            "tuning: {agent.learning_rate: {low: 1e-4, high: 1e-2, log: true}}"
        )
    check_keys(config.tuning)
    for key, dimension in config.tuning.items():
        for value in dimension.ends:
            try:
                with_overrides(config, [as_override(key, value)])
            except BadConfig as error:
                raise BadConfig(f"tuning, {as_override(key, value)}: {error}") from error
    return config.tuning


def _study(config: ExperimentConfig, seed: int) -> Study:
    require_optuna()
    return Study(check_space(config), seed, config.agent.evaluations)


def _search_of(parent: Run, trials: int | None, source: str) -> Search:
    tags = parent.tags
    if TUNED not in tags:
        raise RunMismatch(
            f"run {parent.id} must be a search to go on as one, was a training. Go on with "
            f"benbot train --resume {parent.id}"
        )
    return Search(trials or int(tags[TUNED]), int(tags[TUNING_SEED]), source)


def _kept(tracker: Tracker, parent: Run) -> list[Tried]:
    """Return the trials that came to an end, in order; one that was interrupted is made again."""
    ended = [run for run in tracker.children(parent) if END in run.tags]
    tried = [tried_from_json(run.read_file(TRIAL_FILE)) for run in ended]
    return sorted(tried, key=lambda each: each.number)


def _carry_out(training: Training, study: Study, search: Search) -> None:
    launch = training.launch
    again = resuming("tune", training.parent.id, launch.runs)
    with resumable(again, "the trials that were over are not lost", launch.console):
        with training.parent:
            Trials(training, study, search).carry_out()
        launch.console.print(f"Run       {training.parent.id}", highlight=False)
