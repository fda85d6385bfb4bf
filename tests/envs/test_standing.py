"""Stages of strategies are shown to the policy, and only the allowed are given the money."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.standing import Standings, with_standings
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings
from tests.envs.conftest import SPAN

SETTINGS = EnvironmentSettings(episode_bars=60)


def standings_of(history: History, seed: int = 0) -> Standings:
    rng = np.random.default_rng(seed)
    stage = rng.integers(-1, 5, (history.n_bars, history.signals.n_strategies))
    return Standings(stage.astype(np.int8), stage == 4)


def walked(history: History, n_steps: int = 50, span: Span = SPAN) -> list[tuple[np.ndarray, ...]]:
    """Return observation, reward and weights of every step under random actions."""
    env = AllocationVectorEnv(history, span, SETTINGS, 2)
    observation, _ = env.reset(seed=3)
    rng, told = np.random.default_rng(5), [(observation, np.zeros(2), np.zeros((2, 1)))]
    for _ in range(n_steps):
        action = rng.random(env.action_space.shape, dtype=np.float32)
        observation, reward, *_ = env.step(action)
        told.append((observation, reward, env.arena.desk.book.sleeves["weight"].copy()))
    return told


def test_with_everybody_allowed_nothing_changes_but_the_stage_that_is_shown(
    history: History,
) -> None:
    shape = (history.n_bars, history.signals.n_strategies)
    bound = with_standings(history, Standings(np.full(shape, 4), np.ones(shape, np.bool_)))
    old, new = history.layout, bound.layout
    assert new.strategy_features == (*old.strategy_features, "stage")
    for before, after in zip(walked(history), walked(bound), strict=True):
        for name in old.strategy_features:
            same = (old.by_strategy(before[0], name), new.by_strategy(after[0], name))
            np.testing.assert_array_equal(*same)
        for name in old.context_features:
            np.testing.assert_array_equal(old.context(before[0], name), new.context(after[0], name))
        np.testing.assert_array_equal(before[1], after[1])
        assert (new.by_strategy(after[0], "stage") == 1.0).all()


def test_whoever_is_not_allowed_has_no_weight_and_its_share_is_cash(history: History) -> None:
    standings = standings_of(history)
    bound = with_standings(history, standings)
    env = AllocationVectorEnv(bound, SPAN, SETTINGS, 3)
    env.reset(seed=0)
    accounts, sleeves = env.arena.desk.book.accounts, env.arena.desk.book.sleeves
    for t in range(40):
        decided = env.arena.episodes["bar"].copy()
        action = np.full(env.action_space.shape, np.nan if t % 3 == 2 else 1.0, np.float32)
        observation, *_ = env.step(action)
        allowed = standings.allowed[decided]
        assert (sleeves["weight"][~allowed] == 0.0).all()
        if t % 3 != 2:
            np.testing.assert_allclose(sleeves["weight"][allowed], 0.2, rtol=1e-6)
        total = sleeves["weight"].sum(axis=1) + accounts["cash_weight"]
        np.testing.assert_allclose(total, 1.0, rtol=1e-6)
        stage = standings.stage[env.arena.episodes["bar"]] / 4.0
        np.testing.assert_allclose(env.layout.by_strategy(observation, "stage"), stage)


def test_later_standings_change_nothing_before(history: History) -> None:
    standings, cut = standings_of(history), 120
    stage, allowed = standings.stage.copy(), standings.allowed.copy()
    stage[cut:], allowed[cut:] = -stage[cut:], ~allowed[cut:]
    span = Span(60, cut + 60)
    settings = SETTINGS.model_copy(update={"episode_bars": span.n_decisions})
    seen = []
    for each in (standings, Standings(stage, allowed)):
        env = AllocationVectorEnv(with_standings(history, each), span, settings, 1)
        rows = [env.reset(seed=0)[0]]
        for _ in range(cut - span.first):
            rows.append(env.step(np.ones(env.action_space.shape, np.float32))[0])
        seen.append(np.concatenate(rows))
    np.testing.assert_array_equal(seen[0][:-1], seen[1][:-1])
    assert (seen[0][-1] != seen[1][-1]).any()  # the close of bar `cut` itself


def test_standings_that_do_not_fit_or_come_twice_are_refused(history: History) -> None:
    standings = standings_of(history)
    short = Standings(standings.stage[1:], standings.allowed[1:])
    with pytest.raises(InvalidParameter, match="stage must have a value for every bar and"):
        with_standings(history, short)
    with pytest.raises(InvalidParameter, match="must have no standings yet, was one that has"):
        with_standings(with_standings(history, standings), standings)
    assert with_standings(history, standings).digest != history.digest
