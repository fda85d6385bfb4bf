"""How often the best of one half of history is nothing in the other, on noise and on an edge."""

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.verdict.overfitting import Overfitting, backtest_overfitting


def noise(seed: int, edge: float = 0.0) -> FloatArray:
    """Return 50 candidates over 1,000 days, of which one may earn something."""
    returns: FloatArray = 0.01 * np.random.default_rng(seed).normal(size=(1_000, 50))
    if edge:
        good = edge + 0.01 * np.random.default_rng(seed + 100).normal(size=1_000)
        returns = np.column_stack([returns, good])
    return returns


def test_the_probability_on_single_draws_of_noise_is_that_computed_elsewhere() -> None:
    own = [backtest_overfitting(noise(seed), 10).probability for seed in range(5)]
    assert [round(value, 2) for value in own] == [0.33, 0.65, 0.46, 0.76, 0.35]


def test_on_noise_the_probability_is_one_half_on_average() -> None:
    own = [backtest_overfitting(noise(seed), 10).probability for seed in range(60)]
    assert np.mean(own) == pytest.approx(0.5, abs=3.0 * np.std(own) / np.sqrt(len(own)))


def test_a_candidate_that_earns_is_chosen_for_a_reason() -> None:
    own = [backtest_overfitting(noise(seed, 0.0015), 10) for seed in range(5)]
    assert np.mean([one.probability for one in own]) < 0.2
    assert np.mean([one.loss_probability for one in own]) < 0.25


def test_the_halves_are_those_that_a_loop_counts() -> None:
    returns = noise(3)[:40, :3]
    found = backtest_overfitting(returns, 4)
    halves = returns.reshape(4, 10, 3)
    inside = np.concatenate([halves[0], halves[1]])
    outside = np.concatenate([halves[2], halves[3]])
    ratios = [part.mean(axis=0) / part.std(axis=0, ddof=1) for part in (inside, outside)]
    best = int(ratios[0].argmax())
    assert found.inside[0] == pytest.approx(ratios[0][best])
    assert found.outside[0] == pytest.approx(ratios[1][best])
    assert found.rank[0] == pytest.approx((ratios[1] <= ratios[1][best]).sum() / 4.0)
    assert found.rank.size == 6


@pytest.mark.parametrize("n_parts", [3, 0, 40])
def test_parts_that_cannot_be_halved_are_refused(n_parts: int) -> None:
    with pytest.raises(InvalidParameter, match="an even number of parts"):
        backtest_overfitting(noise(0)[:60], n_parts)


def test_what_is_no_number_is_refused() -> None:
    returns = noise(0)
    returns[3, 2] = np.nan
    with pytest.raises(InvalidParameter, match=r"finite returns .*, was 1 that are not"):
        backtest_overfitting(returns)


def test_who_is_all_the_same_has_not_been_chosen() -> None:
    one = noise(0)[:, :1]
    assert np.isnan(backtest_overfitting(np.hstack([one, one, one])).probability)


def test_a_tie_in_the_middle_counts_one_half() -> None:
    """Two of three are the same and always the best, and so share the ranks 2 and 3 of 3."""
    rng = np.random.default_rng(0)
    good, bad = rng.normal(0.01, 0.001, (160, 1)), rng.normal(-0.01, 0.001, (160, 1))
    found = backtest_overfitting(np.hstack([good, good, bad]), 4)
    assert found.rank.tolist() == [2.5 / 4.0] * 6
    assert found.probability == 0.0
    rank = np.array([0.25, 0.5, 0.5, 0.75])
    assert Overfitting(rank, rank, rank).probability == 0.5


def lost_at(bar: int, n_bars: int = 160) -> FloatArray:
    """Return a candidate that earns most until it has nothing, and is not known afterwards."""
    returns = np.random.default_rng(9).normal(0.05, 0.001, n_bars)
    returns[bar], returns[bar + 1 :] = -1.0, np.nan
    return returns


def test_who_lost_everything_in_the_end_was_chosen_for_nothing_wherever_it_was_chosen() -> None:
    """Ruin lies in the last of four parts: half of the halves have it, the others choose it."""
    rng = np.random.default_rng(0)
    good, bad = rng.normal(0.01, 0.001, 160), rng.normal(-0.01, 0.001, 160)
    found = backtest_overfitting(np.column_stack([good, lost_at(150), bad]), 4)
    # Halves in their order: 01, 02, 03, 12, 13, 23. Those with part 3 choose the good one.
    # There it is second of three, behind the one that has yet to be ruined.
    assert found.rank.tolist() == [0.25, 0.25, 0.5, 0.25, 0.5, 0.5]
    assert np.isneginf(found.outside).tolist() == [True, True, False, True, False, False]
    assert (found.probability, found.loss_probability) == (0.75, 0.5)


def test_who_lost_everything_is_not_left_out() -> None:
    rng = np.random.default_rng(0)
    good, bad = rng.normal(0.01, 0.001, 160), rng.normal(-0.01, 0.001, 160)
    alone = backtest_overfitting(np.column_stack([good, bad]), 4)
    beside = backtest_overfitting(np.column_stack([good, bad, lost_at(150)]), 4)
    assert alone.probability == 0.0
    assert beside.probability == 0.75


def test_a_half_in_which_everybody_had_lost_everything_chooses_nobody() -> None:
    """Two are ruined in the first of four parts, so every half has a ruin or comes after it."""
    found = backtest_overfitting(np.column_stack([lost_at(3), lost_at(5)]), 4)
    assert found.rank.tolist() == [0.5] * 6
    assert found.probability == 0.5
