"""One seed of a training: train, keep the bundle, run it over the segments, write it down."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.bundle import (
    CARD,
    Expectations,
    load_bundle,
    policy_digest,
    save_bundle,
)
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.learner import Lesson
from benbot.agents.policy import TrainedPolicy
from benbot.agents.training import Progress, Trained, train
from benbot.experiments.folds import Fold
from benbot.experiments.statistics import metrics
from benbot.experiments.tracking import Run

if TYPE_CHECKING:
    from benbot.experiments.training import Training

JUDGED = ("valid", "test")
# A store shows the last value of a metric, and `valid/log_growth` is that of the chosen policy.
CURVE_NAMES = {"valid/log_growth": "train/valid_log_growth"}
STOPPED = "stopped_early"  # tag of a seed that was out of patience
CHECKPOINT, BUNDLE, CURVES = "checkpoint.safetensors", "bundle", "tensorboard"


@dataclass(frozen=True, eq=False)
class SeedResult:
    """A seed's policy of a fold, and what it did on the segments it was judged on."""

    seed: int
    fold: Fold
    bundle: Path
    evaluations: dict[str, Evaluation]


def train_seed(training: "Training", seed: int, fold: Fold) -> SeedResult:
    """Train a seed, or only judge it again if a run that is resumed had finished it."""
    folder, name = training.folder / f"{fold.prefix}seed-{seed}", fold.named(f"seed {seed}")
    bundle = folder / BUNDLE
    if (bundle / CARD).is_file() and training.has_finished(name):
        policy = load_bundle(bundle).policy
        result = SeedResult(seed, fold, bundle, _judge(training, policy, fold))
        _complete(training, name, result)
        return result
    algorithm = training.prepared.config.agent.algorithm
    with training.child(name, algorithm, seed, (fold,)) as run:
        policy = _train(training, run, seed, fold)
        config = training.prepared.config
        expectations = Expectations.of(
            training.prepared.history,
            [choice.model_dump() for choice in config.strategies],
            training.provenance.config_digest,
            config.discovery.model_dump() if config.discovery else None,
        )
        evaluations = _judge(training, policy, fold)
        _log(run, evaluations)
        run.set_tags({"policy_digest": policy_digest(policy)})
        save_bundle(bundle, policy, expectations, dict(training.provenance.versions))
        run.log_artifacts(bundle, BUNDLE)
    return SeedResult(seed, fold, bundle, evaluations)


def _train(training: "Training", run: Run, seed: int, fold: Fold) -> TrainedPolicy:
    from torch.utils.tensorboard import SummaryWriter

    prepared, display = training.prepared, training.display
    config = prepared.config
    folder = training.folder / f"{fold.prefix}seed-{seed}"
    mixture = training.mixtures.of(fold)
    for each in (run, training.parent):
        mixture.log(each, fold)
    lesson = Lesson(
        prepared.history,
        fold.spans["fit"],
        fold.spans["valid"],
        config.environment,
        config.agent,
        seed,
        mixture.parts,
    )
    task = display.begin(f"Training {fold.named(f'seed {seed}')}", config.agent.planned_steps)
    with SummaryWriter(str(folder / CURVES)) as curves:

        def listen(progress: Progress) -> None:
            note = training.seal.note(fold, progress.best_growth)
            display.move(task, progress.n_steps, note)
            told = training.seal.figures(fold, progress.figures)
            figures = {CURVE_NAMES.get(name, name): value for name, value in told.items()}
            run.log_metrics(figures, progress.n_steps)
            for name, value in figures.items():
                curves.add_scalar(name, value, progress.n_steps)

        trained = train(lesson, folder / CHECKPOINT, listen)
    run.log_metrics({"chosen_at_step": trained.at_steps})
    if trained.unused_steps:
        _say_stopped(training, run, trained)
    return trained.policy


def _say_stopped(training: "Training", run: Run, trained: Trained) -> None:
    """Write down that a seed was out of patience, when, and what it left unused."""
    run.log_metrics(
        {"stopped_at_step": trained.n_steps, "unused_steps": trained.unused_steps},
        trained.n_steps,
    )
    run.set_tags({STOPPED: f"at step {trained.n_steps}"})
    training.display.console.print(
        f"  {run.name}: stopped at step {trained.n_steps:,}, nothing better on valid since "
        f"{trained.at_steps:,}; {trained.unused_steps:,} steps are left",
        highlight=False,
        soft_wrap=True,
    )


def _judge(training: "Training", policy: TrainedPolicy, fold: Fold) -> dict[str, Evaluation]:
    prepared = training.prepared
    history, settings = prepared.history, prepared.config.environment
    if "test" in training.judged:
        training.open_test()
    seen = training.seal.seen(fold, training.judged)
    return {name: evaluate(policy, history, fold.spans[name], settings) for name in seen}


def _complete(training: "Training", name: str, result: SeedResult) -> None:
    """Write down what a child lacks that had finished while `test` was sealed."""
    known = training.children[name].metrics
    missing = {
        segment: evaluation
        for segment, evaluation in result.evaluations.items()
        if not any(key.startswith(f"{segment}/") for key in known)
    }
    if missing:
        algorithm = training.prepared.config.agent.algorithm
        with training.child(name, algorithm, result.seed, (result.fold,)) as run:
            _log(run, missing)


def _log(run: Run, evaluations: dict[str, Evaluation]) -> None:
    for segment, evaluation in evaluations.items():
        values = metrics(evaluation)
        run.log_metrics({f"{segment}/{name}": value for name, value in values.items()})
