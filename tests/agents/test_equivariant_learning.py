"""The equivariant policy trains like any other, and what it learned it can do with others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.bundle import policy_digest
from benbot.agents.evaluation import evaluate
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.settings import AgentSettings, PolicySettings
from benbot.agents.shared_policy import SharedAllocator
from benbot.agents.training import Progress, train
from benbot.envs.arrays import FloatArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import RunMismatch
from benbot.envs.history import History, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.signals import Signals
from benbot.envs.vector import EnvironmentSettings

KINDS = [
    PolicySettings(network="equivariant", width=8),
    PolicySettings(network="equivariant", width=8, exchange="attention"),
    PolicySettings(network="equivariant", width=8, distribution="gaussian", exchange="none"),
]


@pytest.fixture(params=KINDS, ids=lambda each: f"{each.exchange}-{each.actions}")
def lesson(request: pytest.FixtureRequest, lesson_of: Callable[..., Lesson]) -> Lesson:
    """Return a training of four updates."""
    plain = lesson_of().agent.model_dump(exclude={"policy", "net_arch", "total_steps"})
    return lesson_of(agent=AgentSettings(policy=request.param, total_steps=384, **plain))


def deaf(progress: Progress) -> None:
    """Listen to nothing."""


def test_a_restored_learner_goes_on_as_if_nothing_had_happened(lesson: Lesson) -> None:
    with torch_apart(1):
        learner = Learner(lesson)
        for _ in range(2):
            learner.update()
        kept = learner.state()
        figures = [learner.update() for _ in range(2)]
        expected = learner.state()
        other = Learner(lesson)
        other.restore(kept)
        assert [other.update() for _ in range(2)] == figures
        assert all(np.isfinite(value) for each in figures for value in each.values())
        assert other.state().numbers == expected.numbers
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(other.state().arrays[name], array, err_msg=name)


class StopHere(Exception):
    """What a listener raises that cannot go on."""


def test_a_training_that_was_broken_off_ends_where_one_without_a_break_does(
    lesson: Lesson, tmp_path: Path
) -> None:
    def fail(progress: Progress) -> None:
        if progress.n_steps == 96 * 2:
            raise StopHere

    whole = train(lesson, tmp_path / "whole", deaf)
    with pytest.raises(StopHere):
        train(lesson, tmp_path / "broken", fail)
    resumed = train(lesson, tmp_path / "broken", deaf)
    assert policy_digest(resumed.policy) == policy_digest(whole.policy)
    assert (resumed.at_steps, resumed.valid_growth) == (whole.at_steps, whole.valid_growth)
    other = train(replace(lesson, seed=1), tmp_path / "other", deaf)
    assert policy_digest(other.policy) != policy_digest(whole.policy)


def test_the_policy_has_the_plain_mean_of_the_weights_when_asked_to(lesson: Lesson) -> None:
    agent = lesson.agent.model_copy(update={"averaging": 0.0})
    with torch_apart(1):
        learner = Learner(replace(lesson, agent=agent))
        seen = []
        for _ in range(3):
            learner.update()
            seen.append({name: each.astype(float) for name, each in learner._acting().items()})
        tensors = learner.allocator().tensors
    assert set(tensors) == set(seen[0])
    assert any((seen[0][name] != seen[2][name]).any() for name in tensors)
    for name, tensor in tensors.items():
        mean = np.mean([each[name] for each in seen], axis=0)
        np.testing.assert_allclose(tensor, mean, rtol=1e-5, atol=1e-7, err_msg=name)


def test_a_checkpoint_of_another_exchange_is_refused(
    lesson_of: Callable[..., Lesson], tmp_path: Path
) -> None:
    plain = lesson_of().agent.model_dump(exclude={"policy", "net_arch"})
    one, other = (lesson_of(agent=AgentSettings(policy=each, **plain)) for each in KINDS[:2])
    train(one, tmp_path / "checkpoint", deaf)
    with pytest.raises(RunMismatch, match="go on with the configuration it came from"):
        train(other, tmp_path / "checkpoint", deaf)


RISING, FALLING = slice(2, 4), slice(0, 2)  # symbols


@pytest.fixture(scope="module")
def market(plain_market: Callable[[FloatArray, FloatArray], Market]) -> Market:
    rng = np.random.default_rng(0)
    drift = np.array([-0.004, -0.004, 0.004, 0.004])
    close = 50.0 * np.exp(np.cumsum(drift + 0.004 * rng.standard_normal((230, 4)), axis=0))
    return plain_market(close, np.roll(close, 1, axis=0) * 1.0001)


def history_of(market: Market, regime: RegimeSettings, *longs: tuple[str, slice]) -> History:
    """Return a history of strategies that are always long in some of the symbols."""
    direction = np.zeros((230, len(longs), 4))
    for k, (_, symbols) in enumerate(longs):
        direction[:, k, symbols] = 1.0
    full, stop = np.ones(direction.shape), np.full(direction.shape, 0.05)
    names = tuple(name for name, _ in longs)
    bold = np.ones(len(longs), np.bool_)
    signals = Signals(names, (0,) * len(longs), direction, full, stop, stress=bold)
    return prepare(market, signals, DeskRules().without_breakers(), regime)


@pytest.fixture(scope="module")
def learned(
    market: Market,
    quick_regime: RegimeSettings,
    lesson_of: Callable[..., Lesson],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Lesson, SharedAllocator]:
    """A policy that was trained on a strategy that always earns and two that always lose."""
    longs = (("loser", FALLING), ("earner", RISING), ("other loser", slice(0, 1)))
    agent = AgentSettings(
        policy=PolicySettings(network="equivariant", width=16),
        total_steps=32_768,
        n_envs=32,
        n_steps=32,
        batch_size=256,
        learning_rate=3e-3,
        evaluations=8,
    )
    lesson = lesson_of(
        history=history_of(market, quick_regime, *longs),
        agent=agent,
        environment=EnvironmentSettings(episode_bars=40),
    )
    policy = train(lesson, tmp_path_factory.mktemp("learned") / "checkpoint", deaf).policy
    assert isinstance(policy, SharedAllocator)
    return lesson, policy


def mean_weights(policy: SharedAllocator, history: History, lesson: Lesson) -> FloatArray:
    moved = policy.for_layout(history.layout)
    weights: FloatArray = evaluate(moved, history, lesson.valid, lesson.environment).weights
    return weights.mean(axis=0)


def test_it_learns_to_trust_the_strategy_that_always_earns(
    learned: tuple[Lesson, SharedAllocator],
) -> None:
    lesson, policy = learned
    loser, earner, other, _ = mean_weights(policy, lesson.history, lesson)
    assert earner > 0.6
    assert max(loser, other) < 0.15


def test_it_trusts_an_earner_that_it_has_never_seen_and_no_new_loser(
    learned: tuple[Lesson, SharedAllocator], market: Market, quick_regime: RegimeSettings
) -> None:
    lesson, policy = learned
    longs = (
        ("new earner", slice(3, 4)),
        ("loser", FALLING),
        ("new loser", slice(1, 2)),
        ("earner", RISING),
        ("other loser", slice(0, 1)),
    )
    history = history_of(market, quick_regime, *longs)
    weights = mean_weights(policy, history, lesson)
    assert weights[[0, 3]].min() > 2.0 * weights[[1, 2, 4]].max()
    assert weights[[0, 3]].sum() > 0.5


def test_it_does_with_fewer_strategies_than_it_was_trained_on(
    learned: tuple[Lesson, SharedAllocator], market: Market, quick_regime: RegimeSettings
) -> None:
    lesson, policy = learned
    history = history_of(market, quick_regime, ("loser", FALLING), ("new earner", slice(2, 3)))
    loser, earner, _ = mean_weights(policy, history, lesson)
    assert earner > 0.6
    assert loser < 0.2
