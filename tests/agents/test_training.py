"""A training can be repeated, interrupted and resumed to the last bit, and it learns."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.bundle import policy_digest
from benbot.agents.checkpoint import load_checkpoint
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.settings import AgentSettings
from benbot.agents.training import Progress, Trained, train
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.envs.work.interrupts import held_interrupts

N_UPDATES, EVERY = 8, 2  # of the quick lesson


class StopHere(Exception):
    """What a listener raises that cannot go on."""


@dataclass(frozen=True, eq=False)
class Whole:
    """A training without a break."""

    trained: Trained
    heard: list[Progress]
    checkpoint: Path


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


@pytest.fixture(scope="module")
def whole(lesson_of: Callable[..., Lesson], tmp_path_factory: pytest.TempPathFactory) -> Whole:
    heard: list[Progress] = []
    checkpoint = tmp_path_factory.mktemp("whole") / "checkpoint.safetensors"
    return Whole(train(lesson_of(), checkpoint, heard.append), heard, checkpoint)


def equity_of(lesson: Lesson, trained: Trained) -> FloatArray:
    return evaluate(trained.policy, lesson.history, Span(30, 220), lesson.environment).equity


def assert_same_training(one: Path, other: Path) -> None:
    """Compare all that two checkpoints hold, bit for bit."""
    first, second = load_checkpoint(one), load_checkpoint(other)
    assert first.state.numbers == second.state.numbers
    assert first.state.arrays.keys() == second.state.arrays.keys()
    for name, array in first.state.arrays.items():
        np.testing.assert_array_equal(array, second.state.arrays[name], err_msg=name)
    assert policy_digest(first.best) == policy_digest(second.best)
    assert (first.best_growth, first.best_steps) == (second.best_growth, second.best_steps)


def test_a_listener_hears_of_every_update(whole: Whole) -> None:
    assert [each.n_steps for each in whole.heard] == [96 * n for n in range(1, N_UPDATES + 1)]
    assert {each.total_steps for each in whole.heard} == {768}
    for n, each in enumerate(whole.heard, start=1):
        assert ("valid/log_growth" in each.figures) == (n % EVERY == 0)
        assert {"train/loss", "train/n_updates"} <= each.figures.keys()
        assert all(np.isfinite(value) for value in each.figures.values())
    assert "fit/episode_reward" in whole.heard[-1].figures


def test_the_same_seed_trains_the_same_policy_and_another_another(
    whole: Whole, lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    again = train(lesson_of(), tmp_path / "again", deaf)
    other = train(lesson_of(seed=1), tmp_path / "other", deaf)
    assert policy_digest(again.policy) == policy_digest(whole.trained.policy)
    assert policy_digest(other.policy) != policy_digest(whole.trained.policy)
    assert_same_training(whole.checkpoint, tmp_path / "again")
    lesson = lesson_of()
    np.testing.assert_array_equal(equity_of(lesson, again), equity_of(lesson, whole.trained))
    assert (equity_of(lesson, other) != equity_of(lesson, whole.trained)).any()


def test_the_policy_that_did_best_on_valid_is_chosen(
    whole: Whole, lesson_of: Callable[..., Lesson]
) -> None:
    lesson = lesson_of()
    with torch_apart(1):
        untrained = Learner(lesson).allocator()
    tried = {
        0: evaluate(untrained, lesson.history, lesson.valid, lesson.environment).annual_growth
    } | {
        each.n_steps: each.figures["valid/log_growth"]
        for each in whole.heard
        if "valid/log_growth" in each.figures
    }
    chosen = whole.trained
    assert len(tried) == 1 + N_UPDATES // EVERY
    assert chosen.valid_growth == max(tried.values())
    assert chosen.at_steps == max(tried, key=lambda steps: tried[steps])
    again = evaluate(chosen.policy, lesson.history, lesson.valid, lesson.environment)
    assert again.annual_growth == chosen.valid_growth
    assert chosen.n_steps == 768


@pytest.mark.parametrize("at", [1, 3, 4, 7])
def test_ctrl_c_and_resume_end_exactly_where_no_break_does(
    whole: Whole, lesson_of: Callable[..., Lesson], tmp_path: Path, at: int
) -> None:
    heard: list[Progress] = []
    checkpoint = tmp_path / "checkpoint"

    def interrupt(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) == at:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(lesson_of(), checkpoint, interrupt)
    assert len(heard) == at
    assert load_checkpoint(checkpoint).state.numbers["n_updates"] == at
    resumed = train(lesson_of(), checkpoint, heard.append)
    assert heard == whole.heard
    assert policy_digest(resumed.policy) == policy_digest(whole.trained.policy)
    assert resumed.at_steps == whole.trained.at_steps
    assert_same_training(checkpoint, whole.checkpoint)


def test_a_listener_that_fails_costs_no_more_than_what_came_after_the_last_trial(
    whole: Whole, lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint"

    def fail(progress: Progress) -> None:
        if progress.n_steps == 96 * 5:
            raise StopHere

    with pytest.raises(StopHere):
        train(lesson_of(), checkpoint, fail)
    assert load_checkpoint(checkpoint).state.numbers["n_updates"] == 4
    heard: list[Progress] = []
    train(lesson_of(), checkpoint, heard.append)
    assert heard == whole.heard[4:]
    assert_same_training(checkpoint, whole.checkpoint)


def test_a_training_that_is_over_is_not_begun_again(
    whole: Whole, lesson_of: Callable[..., Lesson]
) -> None:
    heard: list[Progress] = []
    before = whole.checkpoint.read_bytes()
    again = train(lesson_of(), whole.checkpoint, heard.append)
    assert not heard
    assert policy_digest(again.policy) == policy_digest(whole.trained.policy)
    assert whole.checkpoint.read_bytes() == before


def test_the_first_ctrl_c_waits_and_the_second_does_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    reached: list[str] = []

    def press_twice() -> None:
        with held_interrupts() as interrupted:
            assert not interrupted()
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("after the first")
            assert interrupted()
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("after the second")

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert reached == ["after the first"]
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_held_back_outside_the_main_thread() -> None:
    told: list[bool] = []

    def hold() -> None:
        with held_interrupts() as interrupted:
            told.append(interrupted())

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert told == [False]


def test_a_checkpoint_of_another_network_is_refused(
    whole: Whole, lesson_of: Callable[..., Lesson]
) -> None:
    agent = lesson_of().agent.model_copy(update={"net_arch": (8, 8)})
    with pytest.raises(RunMismatch, match="go on with the configuration it came from"):
        train(lesson_of(agent=agent), whole.checkpoint, deaf)


def test_ppo_learns_to_trust_the_strategy_that_always_earns(
    clear_cut: History, lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    agent = AgentSettings(
        total_steps=32_768,
        n_envs=32,
        n_steps=32,
        batch_size=256,
        learning_rate=3e-3,
        net_arch=(16,),
        evaluations=8,
    )
    environment = EnvironmentSettings(episode_bars=40)
    lesson = lesson_of(history=clear_cut, agent=agent, environment=environment)
    with torch_apart(1):
        untrained = Learner(lesson).allocator()
    trained = train(lesson, tmp_path / "checkpoint", deaf)

    before, after = (
        evaluate(policy, clear_cut, lesson.valid, environment)
        for policy in (untrained, trained.policy)
    )
    loser, earner, _ = after.weights.mean(axis=0)
    assert before.weights.mean(axis=0)[1] < 0.45
    assert earner > 0.8
    assert loser < 0.1
    assert trained.at_steps > 0
    assert after.annual_growth > before.annual_growth + 0.1
