"""The placebo of each seed: trained like it after all of them, kept and tracked like it.

Its children have the tag `seed: none`, for they are no trials: nobody would trade one. What their
accounts came to together is the baseline `placebo`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from benbot.agents.bundle import CARD, Expectations, load_bundle, policy_digest, save_bundle
from benbot.agents.learner import Lesson
from benbot.agents.placebo import NAME, blinded
from benbot.agents.policy import TrainedPolicy
from benbot.agents.training import Progress, Trained, train
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.pupil import BUNDLE, CURVE_NAMES
from benbot.experiments.training.teacher import CHECKPOINT
from benbot.experiments.verdict.family import NOBODY

if TYPE_CHECKING:
    from benbot.experiments.tracking.tracker import Run
    from benbot.experiments.training.training import Training

Placebos = Mapping[int, TrainedPolicy]
NO_PLACEBOS: Placebos = MappingProxyType({})
OF_SEED = "placebo_of"  # tag: the seed of the agent that it is the placebo of
VALID_GROWTH = "valid/log_growth"


def train_placebos(training: "Training") -> None:
    """Train the placebo of every seed and fold that has none yet, if the configuration asks."""
    config = training.prepared.config
    if NAME not in config.baselines:
        return
    for fold in training.prepared.stretches:
        for seed in config.seeds:
            _train_placebo(training, seed, fold)


def placebos_of(folder: Path, fold: Fold) -> Placebos:
    """Return the trained placebos of a run's fold by seed; none where there are none."""
    paths = folder.glob(f"{fold.prefix}{NAME}-*/{BUNDLE}")
    found = {int(path.parent.name.removeprefix(f"{NAME}-")): path for path in paths}
    return {seed: load_bundle(path).policy for seed, path in sorted(found.items())}


def _train_placebo(training: "Training", seed: int, fold: Fold) -> None:
    folder, name = training.folder / f"{fold.prefix}{NAME}-{seed}", f"{NAME} of seed {seed}"
    if (folder / BUNDLE / CARD).is_file() and training.has_finished(fold.named(name)):
        return
    with training.child(fold.named(name), NAME, NOBODY, (fold,)) as run:
        run.set_tags({OF_SEED: seed})
        lesson = _lesson(training, seed, fold)
        trained = _learn(training, run, lesson, fold, folder / CHECKPOINT)
        run.log_metrics({"chosen_at_step": trained.at_steps})
        run.log_metrics(training.seal.figures(fold, {VALID_GROWTH: trained.valid_growth}))
        run.set_tags({"policy_digest": policy_digest(trained.policy)})
        versions = dict(training.provenance.versions)
        save_bundle(folder / BUNDLE, trained.policy, _expectations(training), versions)
        run.log_artifacts(folder / BUNDLE, BUNDLE)


def _lesson(training: "Training", seed: int, fold: Fold) -> Lesson:
    """Return the lesson of the agent of that seed, of which nothing but the features differs.

    Of every market that it learns on, the features are those of other bars of the same market.
    """
    prepared = training.prepared
    parts = training.mixtures.of(fold).parts
    return Lesson(
        blinded(prepared.history, fold.spans["fit"], seed),
        fold.spans["fit"],
        fold.spans["valid"],
        prepared.config.environment,
        prepared.config.agent,
        seed,
        tuple(replace(part, history=blinded(part.history, part.span, seed)) for part in parts),
    )


def _learn(
    training: "Training", run: "Run", lesson: Lesson, fold: Fold, checkpoint: Path
) -> Trained:
    """Train, and tell of it what may be seen while `test` is sealed."""
    display, seal = training.display, training.seal
    task = display.begin(f"Training {run.name}", lesson.agent.planned_steps)

    def listen(progress: Progress) -> None:
        display.move(task, progress.n_steps, seal.note(fold, progress.best_growth))
        told = seal.figures(fold, progress.figures)
        figures = {CURVE_NAMES.get(name, name): value for name, value in told.items()}
        run.log_metrics(figures, progress.n_steps)

    return train(lesson, checkpoint, listen)


def _expectations(training: "Training") -> Expectations:
    config = training.prepared.config
    return Expectations.of(
        training.prepared.history,
        [choice.model_dump() for choice in config.strategies],
        training.provenance.config_digest,
        config.discovery.model_dump() if config.discovery else None,
        config.learning.of_bundle,
    )
