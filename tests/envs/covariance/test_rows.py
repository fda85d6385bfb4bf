"""Rows of covariances are those of the plain formulas, to the last bit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import BoolArray, Float32Array, FloatArray
from benbot.envs.covariance.rows import (
    WORD,
    Pace,
    bounds,
    no_sums,
    tied_symbols,
    write_covariances,
)
from tests.envs.covariance.slow import slow_bounds, slow_covariances, slow_ties

PACE = Pace(memory=0.94, min_sessions=4, refresh=1)
LIMITS = (-0.5, 0.0, 0.3, 0.75, 0.999, 1.0, np.nan)


def awkward_returns(n_sessions: int, n_symbols: int, seed: int) -> FloatArray:
    """Return moves in common, with gaps, symbols that come late, stand still, or leap."""
    rng = np.random.default_rng(seed)
    returns: FloatArray = 0.01 * rng.standard_normal((n_sessions, n_symbols))
    returns += rng.choice([-2.0, 0.0, 0.5], n_symbols) * 0.02 * rng.standard_normal((n_sessions, 1))
    returns *= rng.choice([1.0, 0.0, 1e-170, 1e150], n_symbols, p=[0.85, 0.05, 0.05, 0.05])
    late = rng.integers(0, n_sessions, n_symbols) * (rng.random(n_symbols) < 0.3)
    returns[np.arange(n_sessions)[:, None] < late] = np.nan
    returns[rng.random(returns.shape) < rng.choice([0.0, 0.1])] = np.nan
    returns[0] = np.nan  # a market has no return in its first session
    return returns


def covariances(returns: FloatArray, pace: Pace) -> Float32Array:
    n_symbols = returns.shape[1]
    rows = np.empty((pace.rows(len(returns)), n_symbols, n_symbols), np.float32)
    write_covariances(rows, no_sums(n_symbols), returns, pace, 0)
    return rows


def unpacked(tied: Any, n_symbols: int) -> BoolArray:  # noqa: ANN401
    """Return words of bits as truths; those behind the symbols must say nothing."""
    bits = np.unpackbits(np.ascontiguousarray(tied).view(np.uint8), axis=-1, bitorder="little")
    assert not bits[..., n_symbols:].any()
    return bits[..., :n_symbols].astype(np.bool_)


@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.integers(0, 10**6),
    st.builds(Pace, st.sampled_from([0.5, 0.94, 1.0]), st.integers(1, 6), st.integers(1, 7)),
)
def test_rows_are_those_of_the_plain_formulas_to_the_last_bit(
    n_sessions: int, n_symbols: int, seed: int, pace: Pace
) -> None:
    returns = awkward_returns(n_sessions, n_symbols, seed)
    with np.errstate(over="ignore"):
        expected = slow_covariances(returns, pace)
        rows = covariances(returns, pace)
        assert rows.tobytes() == expected.tobytes()
        assert bounds(rows).tobytes() == slow_bounds(expected).tobytes()
        limit = LIMITS[seed % len(LIMITS)]
        ties = unpacked(tied_symbols(rows, limit), n_symbols)
        np.testing.assert_array_equal(ties, slow_ties(expected, limit))


@pytest.mark.parametrize("n_symbols", [7, 8, 9, 63, 64, 65, 130])
def test_so_they_are_for_as_many_symbols_as_fill_blocks_and_words_or_do_not(n_symbols: int) -> None:
    returns = awkward_returns(30, n_symbols, n_symbols)
    rows = covariances(returns, PACE)
    with np.errstate(over="ignore"):
        assert rows.tobytes() == slow_covariances(returns, PACE).tobytes()
        assert bounds(rows).tobytes() == slow_bounds(rows).tobytes()
        tied = tied_symbols(rows, 0.75)
        assert tied.shape == (31, 2, n_symbols, -(-n_symbols // WORD))
        np.testing.assert_array_equal(unpacked(tied, n_symbols), slow_ties(rows, 0.75))


def test_a_covariance_that_is_exactly_at_its_bound_keeps_to_it_and_one_just_beyond_does_not() -> (
    None
):
    most = np.float32(1.0 + 1e-5)
    for common, is_kept in ((most, True), (np.nextafter(most, np.float32(2.0)), False)):
        row = np.array([[[1.0, common], [common, 1.0]]], np.float32)
        assert np.isfinite(bounds(row)).all() == is_kept


def test_rows_before_the_first_stay_as_they_were_written() -> None:
    returns = awkward_returns(12, 3, 0)
    rows = covariances(returns, PACE)
    bound, tied = np.full((12, 3), 7.0, np.float32), np.full((13, 2, 3, 1), 7, np.uint64)
    bounds(rows, bound, 5)
    tied_symbols(rows, 0.75, tied, 5)
    assert (bound[:5] == 7.0).all()
    assert (tied[:6] == 7).all()
    assert bound[5:].tobytes() == slow_bounds(rows)[5:].tobytes()
    np.testing.assert_array_equal(unpacked(tied[6:], 3), slow_ties(rows, 0.75)[6:])
