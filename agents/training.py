"""Train one agent: updates on `fit`, the best policy by `valid`, and nothing lost on Ctrl-C."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benbot.agents.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.policy import TrainedPolicy
from benbot.envs.work.interrupts import held_interrupts


@dataclass(frozen=True)
class Progress:
    """What a listener hears after every update; `figures` are names and numbers to record."""

    n_steps: int
    total_steps: int
    best_growth: float  # log growth a year on the valid segment
    figures: Mapping[str, float]


Listener = Callable[[Progress], None]


@dataclass(frozen=True, eq=False)
class Trained:
    """The policy that did best on the valid segment, and when that was.

    unused_steps   of the planned ones, because nothing better came for as long as `patience`
    """

    policy: TrainedPolicy
    valid_growth: float  # log growth a year
    at_steps: int
    n_steps: int
    unused_steps: int = 0


def train(lesson: Lesson, checkpoint: Path, listener: Listener) -> Trained:
    """Train until the budget is used up; go on from the checkpoint if there is one.

    The policy is tried on `valid` every now and then, first of all before it has learned anything:
    the untrained one is nearly equal weight, or follows what is forecast, so what is chosen is at
    least as good as that there. A training that went on from a checkpoint ends exactly where one
    without a break does. With `patience` it ends after so many evaluations in a row without a
    better one. Who listens may stop it with `KeyboardInterrupt`.
    """
    settings = lesson.agent
    with torch_apart(settings.torch_threads), held_interrupts() as interrupted:
        course = _Course(lesson, checkpoint)
        while not course.is_over:
            figures = course.advance()
            progress = Progress(
                course.learner.n_steps, settings.planned_steps, course.best_growth, figures
            )
            try:
                listener(progress)
                if interrupted():
                    raise KeyboardInterrupt
            except KeyboardInterrupt:
                course.save()
                raise
        n_steps = course.learner.n_steps
        return Trained(
            course.best,
            course.best_growth,
            course.best_steps,
            n_steps,
            settings.planned_steps - n_steps,
        )


class _Course:
    """A learner with the best policy it has come by so far."""

    def __init__(self, lesson: Lesson, checkpoint: Path) -> None:
        self.lesson, self.checkpoint = lesson, checkpoint
        self.learner = Learner(lesson)
        self.every = max(1, lesson.agent.n_updates // lesson.agent.evaluations)
        if checkpoint.is_file():
            kept = load_checkpoint(checkpoint)
            self.learner.restore(kept.state)
            self.best, self.best_growth, self.best_steps = (
                kept.best,
                kept.best_growth,
                kept.best_steps,
            )
        else:
            self.best = self.learner.allocator()
            self.best_growth, self.best_steps = self._growth(self.best), 0

    @property
    def is_over(self) -> bool:
        """Whether all updates are made, or no better policy came for as long as `patience`.

        It follows from what a checkpoint holds, so that a training does not go on by being resumed.
        """
        agent, done = self.lesson.agent, self.learner.n_updates
        if agent.patience is None or done >= agent.n_updates:
            return done >= agent.n_updates
        best = self.best_steps // agent.steps_per_update
        return done // self.every - best // self.every >= agent.patience

    def advance(self) -> dict[str, float]:
        """Update once; where an evaluation is due, try the policy on `valid` and save."""
        figures = self.learner.update()
        done = self.learner.n_updates
        if done % self.every and done != self.lesson.agent.n_updates:
            return figures
        policy = self.learner.allocator()
        growth = self._growth(policy)
        if growth > self.best_growth:
            self.best, self.best_growth, self.best_steps = policy, growth, self.learner.n_steps
        self.save()
        return figures | {"valid/log_growth": growth}

    def save(self) -> None:
        best = (self.best, self.best_growth, self.best_steps)
        if self.learner.n_updates:
            save_checkpoint(self.checkpoint, Checkpoint(self.learner.state(), *best))

    def _growth(self, policy: TrainedPolicy) -> float:
        lesson = self.lesson
        return evaluate(policy, lesson.history, lesson.valid, lesson.environment).annual_growth
