"""Several markets in one batch are what each would be alone, and stand in no order of their own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.errors import InvalidParameter
from benbot.envs.history import History, Span
from benbot.envs.market.market import Market
from benbot.envs.mixture import MixedVectorEnv, Part, part_seed
from benbot.envs.signals import Signals
from benbot.envs.vector import AllocationVectorEnv, EnvironmentSettings

SETTINGS = EnvironmentSettings(episode_bars=20)


@pytest.fixture(scope="module")
def make_history(
    history_of: Callable[..., History],
    market_of: Callable[..., Market],
    signals_of: Callable[..., Signals],
) -> Callable[..., History]:
    def make(*, n_strategies: int = 4, **size: int) -> History:
        market = market_of(**size)
        return history_of(market, signals_of(market, n_strategies=n_strategies))

    return make


@pytest.fixture(scope="module")
def parts(history: History, make_history: Callable[..., History]) -> tuple[Part, ...]:
    """Three markets with other numbers of bars and symbols."""
    return (
        Part("fit", history, Span(30, 239), 3),
        Part("bootstrap 1", make_history(seed=5, n_bars=150, n_symbols=8), Span(25, 149), 1),
        Part("synthetic 1", make_history(seed=6, n_bars=200, n_symbols=3), Span(10, 190), 2),
    )


def test_every_part_is_the_batch_that_it_would_be_alone(parts: tuple[Part, ...]) -> None:
    mixed = MixedVectorEnv(parts, SETTINGS)
    observed, _ = mixed.reset(seed=7)
    alone = {}
    for part, rows in zip(mixed.parts, mixed.rows, strict=True):
        env = AllocationVectorEnv(part.history, part.span, SETTINGS, part.n_envs)
        np.testing.assert_array_equal(env.reset(seed=part_seed(part.name, 7))[0], observed[rows])
        alone[part.name] = env
    rng, n_ended = np.random.default_rng(0), 0
    for _ in range(70):
        actions = rng.random(mixed.action_space.shape or (), dtype=np.float32)
        *arrays, info = mixed.step(actions)
        for part, rows in zip(mixed.parts, mixed.rows, strict=True):
            *own, own_info = alone[part.name].step(actions[rows])
            for array, its in zip(arrays, own, strict=True):
                np.testing.assert_array_equal(array[rows], its)
            np.testing.assert_array_equal(info["equity"][rows], own_info["equity"])
            if "final_obs" in own_info:
                for one, other in zip(info["final_obs"][rows], own_info["final_obs"], strict=True):
                    np.testing.assert_array_equal(one, other)
                    n_ended += other is not None
    assert n_ended > 12


def test_the_order_of_the_markets_makes_no_difference(parts: tuple[Part, ...]) -> None:
    one, other = MixedVectorEnv(parts, SETTINGS), MixedVectorEnv(parts[::-1], SETTINGS)
    assert [part.name for part in one.parts] == ["bootstrap 1", "fit", "synthetic 1"]
    np.testing.assert_array_equal(one.reset(seed=3)[0], other.reset(seed=3)[0])
    actions = np.random.default_rng(0).random(one.action_space.shape or (), dtype=np.float32)
    for _ in range(30):
        for first, second in zip(one.step(actions)[:4], other.step(actions)[:4], strict=True):
            np.testing.assert_array_equal(first, second)


def test_a_market_more_leaves_the_starts_on_the_others_as_they_were(
    parts: tuple[Part, ...],
) -> None:
    fewer, more = MixedVectorEnv(parts[:2], SETTINGS), MixedVectorEnv(parts, SETTINGS)
    observed, _ = fewer.reset(seed=3)
    np.testing.assert_array_equal(more.reset(seed=3)[0][:4], observed)


def test_parts_begin_in_their_own_span_and_one_book_holds_all_accounts(
    parts: tuple[Part, ...],
) -> None:
    mixed = MixedVectorEnv(parts, SETTINGS)
    for seed in range(30):
        mixed.reset(seed=seed)
        for part, rows, loan in zip(mixed.parts, mixed.rows, mixed._loans, strict=True):
            first = mixed.arena.episodes["bar"][rows]
            assert (first >= part.span.first).all()
            assert (first <= part.span.last - SETTINGS.episode_bars).all()
            for own, whole in zip(loan.lent.desk.book, mixed.arena.desk.book, strict=True):
                assert np.shares_memory(own, whole)
            assert np.shares_memory(loan.lent.episodes, mixed.arena.episodes)


def test_seeds_of_neighbours_do_not_meet() -> None:
    seeds = [part_seed(f"bootstrap {i}", seed) for i in range(20) for seed in range(20)]
    assert min(np.diff(sorted(seeds))) > 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "fit"}, "needs a name of its own, was fit twice"),
        ({"n_envs": 0}, "needs at least one account, was 0 for synthetic 1"),
        ({"span": Span(30, 45)}, "an episode of 20 bars must fit into the segment"),
    ],
)
def test_markets_that_cannot_stand_together_are_refused(
    parts: tuple[Part, ...], changes: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidParameter, match=said):
        MixedVectorEnv((*parts[:2], replace(parts[2], **changes)), SETTINGS)


def test_another_layout_other_rules_and_no_market_at_all_are_refused(
    parts: tuple[Part, ...], make_history: Callable[..., History]
) -> None:
    last = parts[2]
    other = replace(last, history=make_history(n_strategies=2))
    with pytest.raises(InvalidParameter, match="needs the layout of the others, was another one"):
        MixedVectorEnv((*parts[:2], other), SETTINGS)
    richer = replace(last.history, rules=DeskRules(capital=5e5))
    with pytest.raises(InvalidParameter, match="needs the rules of the others, was another one"):
        MixedVectorEnv((*parts[:2], replace(last, history=richer)), SETTINGS)
    with pytest.raises(InvalidParameter, match="needs at least one market, was none"):
        MixedVectorEnv((), SETTINGS)
