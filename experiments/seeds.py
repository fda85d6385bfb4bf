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
from benbot.agents.training import Progress, train
from benbot.experiments.statistics import metrics
from benbot.experiments.tracking import Run

if TYPE_CHECKING:
    from benbot.experiments.training import Training

JUDGED = ("valid", "test")
# A store shows the last value of a metric, and `valid/log_growth` is that of the chosen policy.
CURVE_NAMES = {"valid/log_growth": "train/valid_log_growth"}
CHECKPOINT, BUNDLE, CURVES = "checkpoint.safetensors", "bundle", "tensorboard"


@dataclass(frozen=True, eq=False)
class SeedResult:
    """A seed's policy, and what it did on the segments it was judged on."""

    seed: int
    bundle: Path
    evaluations: dict[str, Evaluation]


def train_seed(training: "Training", seed: int) -> SeedResult:
    """Train a seed, or only judge it again if a run that is resumed had finished it."""
    folder, name = training.folder / f"seed-{seed}", f"seed {seed}"
    bundle = folder / BUNDLE
    if (bundle / CARD).is_file() and training.has_finished(name):
        policy = load_bundle(bundle).policy
        return SeedResult(seed, bundle, _judge(training, policy))
    with training.child(name, training.prepared.config.agent.algorithm, seed) as run:
        policy = _train(training, run, seed, folder)
        config = training.prepared.config
        expectations = Expectations.of(
            training.prepared.history,
            [choice.model_dump() for choice in config.strategies],
            training.provenance.config_digest,
        )
        evaluations = _judge(training, policy)
        for name, evaluation in evaluations.items():
            run.log_metrics({f"{name}/{key}": value for key, value in metrics(evaluation).items()})
        run.set_tags({"policy_digest": policy_digest(policy)})
        save_bundle(bundle, policy, expectations, dict(training.provenance.versions))
        run.log_artifacts(bundle, BUNDLE)
    return SeedResult(seed, bundle, evaluations)


def _train(training: "Training", run: Run, seed: int, folder: Path) -> TrainedPolicy:
    from torch.utils.tensorboard import SummaryWriter

    prepared, display = training.prepared, training.display
    config = prepared.config
    lesson = Lesson(
        prepared.history,
        prepared.spans["fit"],
        prepared.spans["valid"],
        config.environment,
        config.agent,
        seed,
    )
    task = display.begin(f"Training seed {seed}", config.agent.planned_steps)
    with SummaryWriter(str(folder / CURVES)) as curves:

        def listen(progress: Progress) -> None:
            note = f"best on valid {progress.best_growth:+.2%} a year"
            display.move(task, progress.n_steps, note)
            figures = {CURVE_NAMES.get(name, name): v for name, v in progress.figures.items()}
            run.log_metrics(figures, progress.n_steps)
            for name, value in figures.items():
                curves.add_scalar(name, value, progress.n_steps)

        trained = train(lesson, folder / CHECKPOINT, listen)
    run.log_metrics({"chosen_at_step": trained.at_steps})
    return trained.policy


def _judge(training: "Training", policy: TrainedPolicy) -> dict[str, Evaluation]:
    prepared = training.prepared
    history, settings = prepared.history, prepared.config.environment
    return {name: evaluate(policy, history, prepared.spans[name], settings) for name in JUDGED}
