"""A rate that changes is where the planned steps say, however often a training was interrupted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benbot.agents.bundle import policy_digest
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.schedules import ScheduleSettings, value_at
from benbot.agents.settings import AgentSettings
from benbot.agents.training import Progress, train

RATE, ENTROPY = "train/learning_rate", "train/entropy_coefficient"


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"start": 0.4, "end": 0.0}, [0.4, 0.3, 0.2, 0.1, 0.0]),
        ({"start": 0.0, "end": 1.0, "shape": "linear"}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ({"start": 1.0, "end": 0.0, "shape": "cosine"}, [1.0, 0.853553, 0.5, 0.146447, 0.0]),
        ({"start": 0.3, "shape": "constant"}, [0.3] * 5),
        ({"start": 0.3, "end": 0.3, "shape": "constant"}, [0.3] * 5),
    ],
)
def test_a_schedule_goes_from_its_start_to_its_end(
    schedule: dict[str, Any], expected: list[float]
) -> None:
    made = ScheduleSettings.model_validate(schedule)
    found = [value_at(made, quarter / 4) for quarter in range(5)]
    assert found == pytest.approx(expected, abs=1e-6)
    assert value_at(0.7, 0.5) == 0.7


@pytest.mark.parametrize(
    ("agent", "message"),
    [
        ({"entropy": {"start": 0.1}}, "shape linear needs an end other than start 0.1, was None"),
        ({"entropy": {"start": 0.1, "end": 0.1}}, r"other than start 0.1, was 0.1. Give one, or"),
        (
            {"entropy": {"start": 0.1, "end": 0.2, "shape": "constant"}},
            "constant stays at start 0.1, was given end 0.2. Remove it, or choose linear or cosine",
        ),
        ({"entropy": {"start": -0.1, "end": 0}}, "entropy.schedule.start\n.*greater than or equal"),
        ({"learning_rate": {"start": 0, "end": 0.1}}, "start above 0 and stay within 1, was 0.0"),
        ({"learning_rate": {"start": 0.1, "end": 2}}, "stay within 1, was 0.1 to 2.0"),
        ({"learning_rate": {"begin": 0.1}}, "learning_rate.schedule.begin\n"),
        ({"learning_rate": {"start": 0.1, "end": 0, "shape": "step"}}, "'linear', 'cosine' or"),
        (
            {"algorithm": "sac", "entropy": {"start": 0.1, "end": 0}},
            "entropy needs algorithm: ppo, a2c or recurrent_ppo, was start=0.1",
        ),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_refused(agent: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AgentSettings.model_validate(agent)


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


@pytest.fixture
def scheduled(lesson_of: Callable[..., Lesson]) -> Lesson:
    """A training of eight updates whose rate falls to zero and whose entropy rises from it."""
    values = lesson_of().agent.model_dump() | {
        "learning_rate": {"start": 0.008, "end": 0.0},
        "entropy": {"start": 0.0, "end": 0.8},
    }
    return lesson_of(agent=AgentSettings.model_validate(values))


def test_every_update_learns_with_the_values_of_its_first_step_and_tells_them(
    scheduled: Lesson, tmp_path: Path
) -> None:
    heard: list[Progress] = []
    train(scheduled, tmp_path / "checkpoint", heard.append)
    rates = [each.figures[RATE] for each in heard]
    assert rates == pytest.approx([0.008 - 0.001 * i for i in range(8)])
    assert [each.figures[ENTROPY] for each in heard] == pytest.approx([0.1 * i for i in range(8)])
    with torch_apart(1):
        learner = Learner(scheduled)
        for _ in range(3):
            learner.update()
        (rate,) = {group["lr"] for group in learner.model.policy.optimizer.param_groups}
    assert rate == pytest.approx(0.006)
    assert learner.model.ent_coef == pytest.approx(0.2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("algorithm", ["sac", "td3"])
def test_the_rate_of_every_optimiser_is_scheduled(
    algorithm: str, lesson_of: Callable[..., Lesson]
) -> None:
    values = {
        "algorithm": algorithm,
        "total_steps": 384,
        "n_envs": 6,
        "n_steps": 16,
        "batch_size": 8,
        "net_arch": (4,),
        "learning_rate": {"start": 0.01, "end": 0.002, "shape": "cosine"},
        "replay": {"size": 384, "warmup": 6, "gradients": 1},
    }
    with torch_apart(1):
        learner = Learner(lesson_of(agent=AgentSettings.model_validate(values)))
        rates = []
        for _ in range(3):
            learner.update()
            own = learner.algorithm.optimisers()
            rates.append({group["lr"] for each in own for group in each.param_groups})
    # A cosine over four updates; every optimiser has the one rate that there is.
    assert [rate for (rate,) in rates] == pytest.approx([0.01, 0.008828, 0.006], abs=1e-6)


class StopHere(Exception):
    """What a listener raises that cannot go on."""


def test_a_training_that_goes_on_keeps_its_place(scheduled: Lesson, tmp_path: Path) -> None:
    whole = train(scheduled, tmp_path / "whole", deaf)

    def fail(progress: Progress) -> None:
        if progress.n_steps == 96 * 5:
            raise StopHere

    with pytest.raises(StopHere):
        train(scheduled, tmp_path / "broken", fail)
    heard: list[Progress] = []
    resumed = train(scheduled, tmp_path / "broken", heard.append)
    assert heard[0].figures[RATE] == pytest.approx(0.004)
    assert policy_digest(resumed.policy) == policy_digest(whole.policy)
