"""A training that finds nothing better on `valid` for long ends, and stays ended."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from benbot.agents import training
from benbot.agents.learner import Lesson
from benbot.agents.settings import AgentSettings
from benbot.agents.training import Progress, Trained, train

EVERY = 2 * 96  # steps between two evaluations of the quick lesson, of which there are four


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


@pytest.fixture
def impatient(
    lesson_of: Callable[..., Lesson], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Trained]:
    """Return a training whose evaluations, the first before any update, are those given."""

    def run(
        patience: int | None, growth: Sequence[float], listener: Callable[[Progress], None] = deaf
    ) -> Trained:
        told = iter(growth)
        monkeypatch.setattr(training._Course, "_growth", lambda course, policy: next(told))
        agent = lesson_of().agent.model_copy(update={"patience": patience})
        return train(lesson_of(agent=agent), tmp_path / "checkpoint", listener)

    return run


def test_it_ends_after_so_many_evaluations_without_a_better_one(
    impatient: Callable[..., Trained],
) -> None:
    trained = impatient(2, [0.1, 0.2, 0.2, 0.15])
    assert (trained.at_steps, trained.valid_growth) == (EVERY, 0.2)
    assert (trained.n_steps, trained.unused_steps) == (3 * EVERY, EVERY)


def test_the_untrained_policy_may_stay_the_best(impatient: Callable[..., Trained]) -> None:
    trained = impatient(1, [0.1, 0.0])
    assert (trained.at_steps, trained.n_steps, trained.unused_steps) == (0, EVERY, 3 * EVERY)


def test_a_better_one_makes_it_wait_anew(impatient: Callable[..., Trained]) -> None:
    trained = impatient(2, [0.1, 0.0, 0.2, 0.1, 0.1])
    assert (trained.at_steps, trained.n_steps, trained.unused_steps) == (2 * EVERY, 4 * EVERY, 0)


def test_without_patience_all_steps_are_taken(impatient: Callable[..., Trained]) -> None:
    trained = impatient(None, [0.1, 0.0, 0.0, 0.0, 0.0])
    assert (trained.at_steps, trained.n_steps, trained.unused_steps) == (0, 4 * EVERY, 0)


class StopHere(Exception):
    """What a listener raises that cannot go on."""


def test_it_waits_no_longer_because_it_was_interrupted(impatient: Callable[..., Trained]) -> None:
    def fail(progress: Progress) -> None:
        if progress.n_steps == 2 * EVERY:
            raise StopHere

    with pytest.raises(StopHere):
        impatient(2, [0.1, 0.2, 0.15], fail)
    resumed = impatient(2, [0.15])
    assert (resumed.at_steps, resumed.n_steps) == (EVERY, 3 * EVERY)
    heard: list[Progress] = []
    again = impatient(2, [], heard.append)
    assert not heard
    assert (again.at_steps, again.n_steps, again.unused_steps) == (EVERY, 3 * EVERY, EVERY)


def test_no_patience_at_all_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"patience\n.*greater than or equal to 1"):
        AgentSettings(patience=0)
