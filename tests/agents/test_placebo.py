"""A placebo sees what the agent saw, at other times; several are told as one account."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation, evaluate
from benbot.agents.learner import Learner, Lesson, torch_apart
from benbot.agents.placebo import NAME, blinded, evaluate_placebo
from benbot.agents.policy import Allocator
from benbot.agents.pooling import pooled
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings

FIT, LATER = Span(30, 150), Span(155, 215)
SETTINGS = EnvironmentSettings(episode_bars=20)


def rows_of(history: History) -> np.ndarray:
    return history.features.rows


def test_within_fit_each_observation_is_there_as_often_as_before(history: History) -> None:
    own = slice(FIT.first, FIT.last + 1)
    before, after = rows_of(history)[own], rows_of(blinded(history, FIT, 3))[own]
    assert (before != after).any(axis=1).mean() > 0.9
    np.testing.assert_array_equal(np.unique(before, axis=0), np.unique(after, axis=0))


def test_after_fit_each_observation_is_one_of_fit_and_never_of_a_later_bar(
    history: History,
) -> None:
    known = {row.tobytes() for row in rows_of(history)[FIT.first : FIT.last + 1]}
    blind = rows_of(blinded(history, FIT, 3))
    assert all(row.tobytes() in known for row in blind[FIT.last + 1 :])
    assert not blind[: FIT.first].any()


def test_what_comes_after_a_bar_changes_nothing_that_it_sees(history: History) -> None:
    t = FIT.last + 20
    other = rows_of(history).copy()
    other[FIT.last + 1 :] = 9.0
    changed = replace(history, features=history.features._replace(rows=other))
    np.testing.assert_array_equal(
        rows_of(blinded(history, FIT, 3))[: t + 1], rows_of(blinded(changed, FIT, 3))[: t + 1]
    )


def test_what_is_traded_is_the_same_and_only_what_is_seen_differs(history: History) -> None:
    blind = blinded(history, FIT, 3)
    assert blind.tape is history.tape
    assert blind.signals is history.signals
    assert blind.rules is history.rules


def test_a_seed_is_one_shuffle(history: History) -> None:
    first, again, other = (rows_of(blinded(history, FIT, seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_a_market_says_today_says_nothing_of_tomorrow_any_more(history: History) -> None:
    """A feature that is the next return itself is followed to riches, and blinded it is worth 0."""
    generator = np.random.default_rng(0)
    rows = generator.standard_normal(rows_of(history).shape).astype(np.float32)
    told = np.roll(history.tape.sleeve_return[:, 0], -1)
    rows[:, 0] = told / told.std()
    telling = replace(history, features=history.features._replace(rows=rows))
    own = slice(FIT.first, FIT.last)
    ahead = history.tape.sleeve_return[FIT.first + 1 : FIT.last + 1, 0]
    assert np.corrcoef(rows[own, 0], ahead)[0, 1] > 0.99
    blind = [rows_of(blinded(telling, FIT, seed))[own, 0] for seed in range(40)]
    found = [np.corrcoef(seen, ahead)[0, 1] for seen in blind]
    assert abs(np.mean(found)) < 3.0 / np.sqrt(40 * ahead.size)


def test_it_learns_from_shuffled_observations_with_the_very_draws_of_the_agent(
    lesson_of: Callable[..., Lesson],
) -> None:
    """The same network and the same starts of episodes: nothing but what is seen differs."""
    lesson = lesson_of(seed=5)
    blind = replace(lesson, history=blinded(lesson.history, lesson.fit, lesson.seed))
    with torch_apart(1):
        agent, placebo = Learner(lesson), Learner(blind)
        for name, tensor in agent.allocator().tensors.items():
            np.testing.assert_array_equal(tensor, placebo.allocator().tensors[name])
        seen, other = agent.environment.reset(), placebo.environment.reset()
    starts = [
        one.environment.environment.arena.episodes["bar"].tolist() for one in (agent, placebo)
    ]
    assert starts[0] == starts[1]
    assert not np.array_equal(seen, other)


def test_the_placebos_of_all_seeds_are_one_account(history: History, policy: Allocator) -> None:
    told = evaluate_placebo({1: policy, 2: policy}, history, FIT, LATER, SETTINGS)
    parts = [evaluate(policy, blinded(history, FIT, s), LATER, SETTINGS) for s in (1, 2)]
    assert told.name == NAME
    np.testing.assert_allclose(told.equity, np.mean([one.equity for one in parts], axis=0))
    assert told.trades.size == sum(one.trades.size for one in parts)


@pytest.fixture
def halves(history: History, policy: Allocator) -> list[Evaluation]:
    """Return two accounts over the same bars."""
    return [evaluate(policy, blinded(history, FIT, s), LATER, SETTINGS) for s in (1, 2)]


def test_an_account_beside_itself_is_itself(halves: list[Evaluation]) -> None:
    one = halves[0]
    both = pooled([one, one], "both")
    for name in ("equity", "weights", "exposure", "turnover"):
        np.testing.assert_allclose(getattr(both, name), getattr(one, name), rtol=1e-12)
    assert both.trades["profit"].sum() == pytest.approx(one.trades["profit"].sum())
    assert both.fills["cost"].sum() == pytest.approx(one.fills["cost"].sum())


def test_what_all_earned_explains_the_account_that_is_told(halves: list[Evaluation]) -> None:
    both = pooled(halves, "both")
    earned = both.trades["profit"].sum() + both.open_trades["profit"].sum()
    assert both.equity[-1] - both.equity[0] == pytest.approx(earned, abs=1e-6)
    held = np.zeros(both.equity.size)
    np.add.at(held, both.holdings["bar"] - both.bars[0], np.abs(both.holdings["worth"]))
    np.testing.assert_allclose(held, both.exposure, atol=1e-9)


def test_accounts_over_other_bars_are_refused(halves: list[Evaluation]) -> None:
    short = replace(halves[0], bars=halves[0].bars + 1)
    with pytest.raises(InvalidParameter, match="need the same bars, was 2 accounts over different"):
        pooled([halves[1], short], "both")
    with pytest.raises(InvalidParameter, match="was 0 accounts"):
        pooled([], "both")
