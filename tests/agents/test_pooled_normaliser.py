"""Every strategy is scaled by the same numbers, whatever their number and order."""

import json

import numpy as np
import pytest

from benbot.agents.normaliser import ObservationNormaliser
from benbot.agents.pooled_normaliser import PooledNormaliser
from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Layout

LAYOUT = Layout(("a", "b", "c"), ("f", "g"), ("x",))


def rows(n: int, seed: int = 0) -> Float32Array:
    rng = np.random.default_rng(seed)
    return rng.normal(1.0, 2.0, (n, LAYOUT.size)).astype(np.float32)


def test_a_feature_has_the_moments_of_all_strategies_together() -> None:
    normaliser = PooledNormaliser.for_layout(LAYOUT)
    batches = [rows(40, seed) for seed in range(3)]
    for batch in batches:
        normaliser.learn(batch)
    together = np.concatenate(batches)
    f, g, x = together[:, [0, 2, 4]], together[:, [1, 3, 5]], together[:, 6]
    np.testing.assert_allclose(normaliser.strategies.mean, [f.mean(), g.mean()], rtol=1e-5)
    np.testing.assert_allclose(normaliser.strategies.variance, [f.var(), g.var()], rtol=1e-5)
    np.testing.assert_allclose(normaliser.context.mean, [x.mean()], rtol=1e-5)
    scaled = normaliser.scaled(together)
    expected = np.clip((f - f.mean()) / f.std(), -5.0, 5.0)
    np.testing.assert_allclose(scaled[:, [0, 2, 4]], expected, atol=1e-5)


def test_a_feature_that_passes_as_it_is_told_is_neither_shifted_nor_scaled() -> None:
    normaliser = PooledNormaliser.for_layout(LAYOUT, as_told=("g",))
    for seed in range(3):
        normaliser.learn(rows(40, seed))
    batch = rows(5, seed=3)
    read = PooledNormaliser.from_numbers(json.loads(json.dumps(normaliser.to_numbers())))
    for each in (normaliser, normaliser.frozen(), normaliser.for_strategies(3), read):
        scaled = each.scaled(batch)
        np.testing.assert_allclose(scaled[:, [1, 3, 5]], np.clip(batch[:, [1, 3, 5]], -5.0, 5.0))
        assert np.abs(scaled[:, [0, 2, 4]] - batch[:, [0, 2, 4]]).min() > 0.0
    read.learning = True
    for each in (normaliser, read):
        each.learn(rows(40, seed=4))
    np.testing.assert_array_equal(normaliser.scaled(batch), read.scaled(batch))


def test_permuted_strategies_are_scaled_to_permuted_ones() -> None:
    normaliser = PooledNormaliser.for_layout(LAYOUT)
    normaliser.learn(rows(40))
    order = [4, 5, 0, 1, 2, 3, 6]
    batch = rows(5, seed=1)
    np.testing.assert_array_equal(
        normaliser.scaled(batch[:, order]), normaliser.scaled(batch)[:, order]
    )


def test_one_strategy_is_normalised_as_entries_are() -> None:
    layout = Layout(("a",), ("f", "g"), ("x",))
    pooled, plain = PooledNormaliser.for_layout(layout), ObservationNormaliser.of(layout.size)
    batch = rows(30)[:, : layout.size]
    for each in (pooled, plain):
        each.learn(batch)
    np.testing.assert_array_equal(pooled.scaled(batch), plain.scaled(batch))


def test_a_frozen_one_is_a_copy_that_learns_no_more() -> None:
    normaliser = PooledNormaliser.for_layout(LAYOUT)
    normaliser.learn(rows(40))
    frozen, batch = normaliser.frozen(), rows(5, seed=1)
    before = frozen.scaled(batch)
    frozen.learn(rows(40, seed=2))
    normaliser.learn(rows(40, seed=2))
    np.testing.assert_array_equal(frozen.scaled(batch), before)
    assert (normaliser.scaled(batch) != before).any()


def test_numbers_that_were_written_down_make_the_same_one() -> None:
    normaliser = PooledNormaliser.for_layout(LAYOUT)
    normaliser.learn(rows(40))
    numbers = json.loads(json.dumps(normaliser.to_numbers()))
    again = PooledNormaliser.from_numbers(numbers, learning=True)
    for each in (normaliser, again):
        each.learn(rows(40, seed=2))
    np.testing.assert_array_equal(again.scaled(rows(5)), normaliser.scaled(rows(5)))
    assert again.to_numbers() == normaliser.to_numbers()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_strategies": "many"}, r"needs strategies, a context and their number, was ValueError"),
        ({"context": {"mean": [0.0]}}, "stored moments need a mean, a variance and a count"),
    ],
)
def test_numbers_of_something_else_are_refused(change: dict[str, object], message: str) -> None:
    numbers = PooledNormaliser.for_layout(LAYOUT).to_numbers()
    with pytest.raises(RunMismatch, match=message):
        PooledNormaliser.from_numbers(numbers | change)
