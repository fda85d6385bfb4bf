"""Which are promoted, by hand; and what their share without skill is when all depend on another."""

import numpy as np
import pytest

from benbot.strategies.tournament.discoveries import discoveries, level_of, share_of_error


def test_the_shares_of_the_error_come_in_batches_of_twice_as_many() -> None:
    share = share_of_error(np.arange(7), planned=1)
    np.testing.assert_allclose(share, [1 / 2, 1 / 12, 1 / 12, 1 / 48, 1 / 48, 1 / 48, 1 / 48])
    assert share_of_error(np.arange(100), 100).sum() == pytest.approx(0.5)


def test_all_shares_of_the_error_together_are_no_more_than_one() -> None:
    total = share_of_error(np.arange(100 * (2**12 - 1)), 100).sum()
    assert total == pytest.approx(1.0 - 1.0 / 13.0)


def test_two_are_found_together_that_would_not_be_found_alone() -> None:
    share = np.full(3, 0.1)
    odds = np.array([60.0, 30.0, 70.0])  # alone 100 are needed, two together need 50 each
    assert discoveries(np.log(odds), share, 0.1, 0, 9).tolist() == [2, 0]
    assert discoveries(np.log(odds[:1]), share[:1], 0.1, 0, 9).tolist() == []


def test_earlier_discoveries_make_the_next_one_easier_and_slots_bound_them() -> None:
    share, odds = np.full(2, 0.1), np.array([26.0, 27.0])
    assert discoveries(np.log(odds), share, 0.1, 3, 9).tolist() == [1, 0]
    assert discoveries(np.log(odds), share, 0.1, 3, 1).tolist() == [1]
    assert discoveries(np.log(odds), share, 0.1, 3, 0).tolist() == []


def test_the_level_shrinks_with_the_square_of_the_attempts() -> None:
    np.testing.assert_allclose(level_of(0.05, np.array([1, 2, 10])), [0.05, 0.0125, 0.0005])


def test_the_share_of_false_discoveries_holds_when_noise_is_one_and_the_same() -> None:
    """40 of 50 have no skill and share all of their luck; the e-value is that of one bet."""
    rng = np.random.default_rng(0)
    share, rate, false = share_of_error(np.arange(50), 50), 0.5, []
    for _ in range(2000):
        luck = np.exp(2.0 * rng.standard_normal() - 2.0)  # its mean is 1
        skilled = np.exp(2.0 * rng.standard_normal(10) + 2.0)
        odds = np.concatenate([np.full(40, luck), skilled])
        found = discoveries(np.log(odds), share, rate, 0, 50)
        false.append((found < 40).sum() / max(found.size, 1))
    assert np.mean(false) < rate * share.sum() * 0.8 + 0.02
