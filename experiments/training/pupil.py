"""One seed of a fold while it is trained and written down, whoever trains it."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from benbot.agents.advised import advised
from benbot.agents.bundle import CARD, Expectations, load_bundle, policy_digest, save_bundle
from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.policy import TrainedPolicy
from benbot.agents.training import Progress, Trained
from benbot.experiments.report.curves import equity_digest
from benbot.experiments.tracking.tracker import Run
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.teacher import CHECKPOINT, Begun, Kept, Unit
from benbot.experiments.verdict.statistics import metrics

if TYPE_CHECKING:
    from benbot.experiments.training.training import Training

JUDGED = ("valid", "test")
# A store shows the last value of a metric, and `valid/log_growth` is that of the chosen policy.
CURVE_NAMES = {"valid/log_growth": "train/valid_log_growth"}
BUNDLE, CURVES = "bundle", "tensorboard"
STOPPED = "stopped_early"  # tag of a seed that was out of patience
ACCOUNT = "account_digest"  # tag, with a segment: of the equity of the chosen policy


@dataclass(frozen=True, eq=False)
class SeedResult:
    """A seed's policy of a fold, and what it did on the segments it was judged on."""

    seed: int
    fold: Fold
    bundle: Path
    evaluations: dict[str, Evaluation]


class Pupil:
    """A child of a training from its first sign to its bundle; nobody else writes its records."""

    def __init__(self, training: "Training", seed: int, fold: Fold) -> None:
        self.training, self.seed, self.fold = training, seed, fold
        self.name = fold.named(f"seed {seed}")
        self.folder = training.folder / f"{fold.prefix}seed-{seed}"
        self._open = ExitStack()

    @property
    def bundle(self) -> Path:
        return self.folder / BUNDLE

    @property
    def has_finished(self) -> bool:
        """Whether it was trained and judged before the run went on."""
        return (self.bundle / CARD).is_file() and self.training.has_finished(self.name)

    def unit(self, *, here: bool) -> Unit:
        """Return what is to be trained, here or where the files of the run are not."""
        path = self.folder / CHECKPOINT
        if here:
            return Unit(self.seed, self.fold.number, path)
        kept = path.read_bytes() if path.is_file() else None
        return Unit(self.seed, self.fold.number, None, kept)

    def hear(self, message: object) -> None:
        """Write down what the one who trains it tells."""
        match message:
            case Begun():
                self._begin()
            case Progress():
                self._progress(message)
            case Kept():
                self.folder.mkdir(parents=True, exist_ok=True)
                fresh = self.folder / f"{CHECKPOINT}.new"
                fresh.write_bytes(message.content)
                fresh.replace(self.folder / CHECKPOINT)

    def finish(self, trained: Trained) -> SeedResult:
        """Judge the policy that was chosen, keep its bundle, and close the records."""
        training, policy = self.training, trained.policy
        self._run.log_metrics({"chosen_at_step": trained.at_steps})
        if trained.unused_steps:
            self._say_stopped(trained)
        evaluations = self._judge(policy)
        self._log(self._run, evaluations)
        self._run.set_tags({"policy_digest": policy_digest(policy)})
        save_bundle(self.bundle, policy, self._expectations(), dict(training.provenance.versions))
        self._run.log_artifacts(self.bundle, BUNDLE)
        self._open.close()
        return SeedResult(self.seed, self.fold, self.bundle, evaluations)

    def judge_again(self) -> SeedResult:
        """Judge what had finished, and write down what was missing while `test` was sealed."""
        evaluations = self._judge(load_bundle(self.bundle).policy)
        known = self.training.children[self.name].metrics
        missing = {
            segment: evaluation
            for segment, evaluation in evaluations.items()
            if not any(key.startswith(f"{segment}/") for key in known)
        }
        if missing:
            with self._child() as run:
                self._log(run, missing)
        return SeedResult(self.seed, self.fold, self.bundle, evaluations)

    def leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close what is still open, as the training ends."""
        self._open.__exit__(kind, error, traceback)

    def _begin(self) -> None:
        from torch.utils.tensorboard import SummaryWriter

        training = self.training
        planned = training.prepared.config.agent.planned_steps
        self._run = self._open.enter_context(self._child())
        mixture = training.mixtures.of(self.fold)
        for each in (self._run, training.parent):
            mixture.log(each, self.fold)
        self._task = training.display.begin(f"Training {self.name}", planned)
        self._curves = self._open.enter_context(SummaryWriter(str(self.folder / CURVES)))

    def _progress(self, progress: Progress) -> None:
        seal = self.training.seal
        note = seal.note(self.fold, progress.best_growth)
        self.training.display.move(self._task, progress.n_steps, note)
        told = seal.figures(self.fold, progress.figures)
        figures = {CURVE_NAMES.get(name, name): value for name, value in told.items()}
        self._run.log_metrics(figures, progress.n_steps)
        for name, value in figures.items():
            self._curves.add_scalar(name, value, progress.n_steps)

    def _judge(self, policy: TrainedPolicy) -> dict[str, Evaluation]:
        training = self.training
        history, settings = training.prepared.history, training.prepared.config.environment
        if "test" in training.judged:
            training.open_test()
        seen = training.seal.seen(self.fold, training.judged)
        learning, spans = training.prepared.config.learning, self.fold.spans
        return {
            name: evaluate(advised(policy, learning), history, spans[name], settings)
            for name in seen
        }

    def _say_stopped(self, trained: Trained) -> None:
        """Write down that the seed was out of patience, when, and what it left unused."""
        left = {"stopped_at_step": trained.n_steps, "unused_steps": trained.unused_steps}
        self._run.log_metrics(left, trained.n_steps)
        self._run.set_tags({STOPPED: f"at step {trained.n_steps}"})
        self.training.display.console.print(
            f"  {self.name}: stopped at step {trained.n_steps:,}, nothing better on valid since "
            f"{trained.at_steps:,}; {trained.unused_steps:,} steps are left",
            highlight=False,
            soft_wrap=True,
        )

    def _child(self) -> AbstractContextManager[Run]:
        algorithm = self.training.prepared.config.agent.algorithm
        return self.training.child(self.name, algorithm, self.seed, (self.fold,))

    def _expectations(self) -> Expectations:
        prepared = self.training.prepared
        config = prepared.config
        return Expectations.of(
            prepared.history,
            [choice.model_dump() for choice in config.strategies],
            self.training.provenance.config_digest,
            config.discovery.model_dump() if config.discovery else None,
            config.learning.of_bundle,
        )

    def _log(self, run: Run, evaluations: dict[str, Evaluation]) -> None:
        for segment, evaluation in evaluations.items():
            values = metrics(evaluation)
            run.log_metrics({f"{segment}/{name}": value for name, value in values.items()})
            run.set_tags({f"{ACCOUNT}/{segment}": equity_digest(evaluation.equity)})
