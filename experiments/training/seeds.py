"""All seeds of all folds: those that are not yet trained are given to whoever does the work."""

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from benbot.experiments.training.pupil import BUNDLE, JUDGED, Pupil, SeedResult
from benbot.experiments.training.teacher import CHECKPOINT, Teacher

if TYPE_CHECKING:
    from benbot.experiments.training.training import Training

__all__ = ["BUNDLE", "CHECKPOINT", "JUDGED", "SeedResult", "train_seeds"]


def train_seeds(training: "Training") -> list[SeedResult]:
    """Train every seed of every fold; return the results fold by fold, whoever was first."""
    folds, seeds = training.prepared.stretches, training.prepared.config.seeds
    all_pupils = [Pupil(training, seed, fold) for fold in folds for seed in seeds]
    results = {one.name: one.judge_again() for one in all_pupils if one.has_finished}
    pupils = {one.name: one for one in all_pupils if one.name not in results}
    executor = training.launch.executor
    units = {name: one.unit(here=executor.shares_files) for name, one in pupils.items()}
    with ExitStack() as leaving:
        for pupil in pupils.values():
            leaving.push(pupil.leave)
        work = executor.map(
            Teacher(training.prepared, training.mixtures),
            units,
            lambda name, message: pupils[name].hear(message),
        )
        with closing(work):  # type: ignore[type-var]
            for name, trained in work:
                results[name] = pupils[name].finish(trained)
    return [results[one.name] for one in all_pupils]
