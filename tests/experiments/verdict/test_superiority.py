"""One that is better is found among many, and noise is not."""

from collections.abc import Callable

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.resampling import resample
from benbot.experiments.verdict.superiority import (
    confidence_set,
    stepwise_p_values,
    superior_ability,
    superior_candidates,
)


def test_one_that_is_better_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(4)
    benchmark = 0.01 * rng.normal(size=1_000)
    equal = benchmark[:, None] + 0.005 * rng.normal(size=(1_000, 5))
    better = equal.copy()
    better[:, 3] += 0.001
    how = {"block": 10, "seed": 7, "repetitions": 500}
    assert superior_ability(benchmark, equal, **how).consistent > 0.1
    assert superior_ability(benchmark, better, **how).consistent < 0.01
    assert superior_candidates(benchmark, better, **how) == [3]
    assert confidence_set(better, **how) == [3]


def returns(n_candidates: int = 4) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    return rng.normal(0.0, 0.01, 400), rng.normal(0.0, 0.01, (400, n_candidates))


@pytest.mark.parametrize("test", [superior_ability, superior_candidates])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_returns_that_are_no_numbers_are_refused(test: Callable[..., object], bad: float) -> None:
    benchmark, candidates = returns()
    candidates[3, 2] = bad
    with pytest.raises(InvalidParameter, match=r"finite returns.*two or more bars, was 1 .* not"):
        test(benchmark, candidates, block=5, seed=1)
    with pytest.raises(InvalidParameter, match=r"finite returns.*two or more bars, was 1 .* not"):
        test(candidates[:, 2], candidates[:, :2], block=5, seed=1)


@pytest.mark.parametrize("test", [superior_ability, superior_candidates])
def test_a_single_bar_is_refused(test: Callable[..., object]) -> None:
    benchmark, candidates = returns()
    with pytest.raises(InvalidParameter, match="two or more bars, was 1 bars"):
        test(benchmark[:1], candidates[:1], block=1, seed=1)


def test_a_confidence_set_of_bad_returns_is_refused() -> None:
    _, candidates = returns()
    with pytest.raises(InvalidParameter, match="two or more bars, was 1 bars"):
        confidence_set(candidates[:1], block=1, seed=1)
    candidates[3, 2] = np.nan
    with pytest.raises(InvalidParameter, match="was 1 that are not"):
        confidence_set(candidates, block=5, seed=1)
    with pytest.raises(InvalidParameter, match="one candidate or more, was 0"):
        confidence_set(candidates[:, :0], block=5, seed=1)


def test_who_is_the_benchmark_is_not_better_than_it() -> None:
    benchmark, candidates = returns()
    how = {"block": 5, "seed": 1, "repetitions": 200}
    itself = np.stack([benchmark, benchmark], axis=1)
    assert superior_ability(benchmark, itself, **how) == (1.0, 1.0, 1.0)
    assert superior_candidates(benchmark, itself, **how) == []
    always = benchmark[:, None] + 0.001  # ahead by the same in every bar: no error, no test
    assert superior_ability(benchmark, always, **how) == (1.0, 1.0, 1.0)
    beside = np.column_stack([benchmark, candidates])
    assert superior_ability(benchmark, beside, **how) == superior_ability(
        benchmark, candidates, **how
    )


def test_what_is_left_out_does_not_move_the_numbers_of_the_others() -> None:
    rng = np.random.default_rng(4)
    benchmark = 0.01 * rng.normal(size=1_000)
    better = benchmark + 0.005 * rng.normal(size=1_000) + 0.001
    candidates = np.column_stack([benchmark, benchmark, better])
    assert superior_candidates(benchmark, candidates, block=10, seed=7, repetitions=200) == [2]


def test_equals_share_their_place_in_the_confidence_set() -> None:
    rng = np.random.default_rng(4)
    good, bad = 0.002 + 0.005 * rng.normal(size=(1_000, 1)), 0.005 * rng.normal(size=(1_000, 1))
    how = {"block": 10, "seed": 7, "repetitions": 200}
    assert confidence_set(np.hstack([bad, good, bad, good]), **how) == [1, 3]
    assert confidence_set(np.hstack([good, good]), **how) == [0, 1]
    assert confidence_set(good, **how) == [0]
    assert confidence_set(np.hstack([good, good - 0.001]), **how) == [0]  # behind in every bar


def test_a_benchmark_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="for each bar of the candidates"):
        superior_ability(np.zeros(5), np.zeros((6, 2)), block=2, seed=0)


def test_corrected_p_values_can_be_computed_by_hand() -> None:
    """The larger statistic is held against the larger of both in each draw."""
    means = np.array([3.0, 1.0])
    draws = np.array([[2.0, 3.0], [4.0, -1.0], [3.0, 1.0]])
    # Deviations are 1 and 2; statistics 3 and 0.5; draws about the mean -1, 1, 0 and 1, -1, 0.
    assert stepwise_p_values(means, draws, np.array([1.0, 2.0])).tolist() == [0.25, 0.5]
    assert stepwise_p_values(means[::-1], draws[:, ::-1], np.array([2.0, 1.0])).tolist() == [
        0.5,
        0.25,
    ]


def test_the_best_is_held_against_the_luck_of_all_the_others() -> None:
    """Ten draws: those of the best are within one deviation, one of the other is at 2.8 of its."""
    draws = np.stack([np.tile([1.0, -1.0], 5), np.append(3.0, np.full(9, -1.0 / 3.0))], axis=1)
    means = np.array([1.6, 0.1])  # 1.5 and 0.1 standard errors
    np.testing.assert_allclose(
        stepwise_p_values(means, means + draws, draws.std(axis=0, ddof=1)), [2.0 / 11.0, 2.0 / 11.0]
    )


def test_no_corrected_p_value_is_below_that_of_a_larger_statistic() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(0.0, 2.0, 12)
    values = stepwise_p_values(means, means + rng.normal(size=(999, 12)), np.ones(12))
    assert (np.diff(values[np.argsort(-means)]) >= 0.0).all()
    assert values.min() >= 1.0 / 1000.0
    assert values.max() <= 1.0


def test_the_corrected_p_values_reject_what_the_stepwise_test_of_arch_does() -> None:
    rng = np.random.default_rng(5)
    ahead = 0.005 * rng.normal(size=(1_000, 6))
    ahead[:, [1, 4]] += 0.001
    found = resample(ahead[None], 10, np.random.default_rng(7), 1000)
    values = stepwise_p_values(found.mean, found.draws, found.error)
    expected = superior_candidates(np.zeros(1_000), ahead, block=10, seed=7)
    assert np.flatnonzero(values < 0.05).tolist() == sorted(expected) == [1, 4]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_draws_that_are_no_numbers_give_no_p_value(bad: float) -> None:
    draws = np.stack([np.arange(5.0), np.arange(5.0)], axis=1)
    draws[2, 0] = bad
    values = stepwise_p_values(np.array([1.0, 2.0]), draws, np.array([0.1, 0.1]))
    assert np.isnan(values).tolist() == [True, False]
    values = stepwise_p_values(np.array([1.0, 2.0]), draws[:, ::-1], np.array([0.1, np.inf]))
    assert np.isnan(values).tolist() == [False, True]


def test_what_does_not_vary_has_no_p_value() -> None:
    draws = np.stack([np.zeros(5), np.arange(5.0), np.full(5, np.nan)], axis=1)
    values = stepwise_p_values(np.array([0.0, 2.0, np.nan]), draws, draws.std(axis=0, ddof=1))
    assert np.isnan(values).tolist() == [True, False, True]
