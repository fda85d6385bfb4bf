"""Summaries put together say what one of everything says; quantiles are right to 2 %."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benbot.strategies.records.folding import Stretches, folded, merged
from benbot.strategies.records.sketches import (
    ACCURACY,
    LEAST,
    Sketches,
    joined,
    packed,
    quantiles,
    sketches_of,
    unpacked,
)

VALUES = st.lists(
    st.floats(-1e6, 1e6) | st.sampled_from([0.0, 0.01, -0.01, 1.0]), min_size=1, max_size=60
)


def one(values: list[float]) -> Sketches:
    return sketches_of(np.zeros(len(values), np.int64), np.array(values))


@given(VALUES, st.sampled_from([0.05, 0.5, 0.95, 1.0]))
def test_a_quantile_is_off_by_two_percent_of_itself_at_most(values: list[float], at: float) -> None:
    (found,) = quantiles(one(values), 1, at)
    exact = np.quantile(values, at, method="inverted_cdf")
    assert abs(found - exact) <= ACCURACY * abs(exact) * (1 + 1e-9) + LEAST


@given(VALUES, VALUES)
def test_two_sketches_joined_are_that_of_all_values(first: list[float], other: list[float]) -> None:
    for found, wanted in zip(joined(one(first), one(other)), one(first + other), strict=True):
        np.testing.assert_array_equal(found, wanted)


@given(VALUES, VALUES)
def test_what_is_packed_is_unpacked(first: list[float], other: list[float]) -> None:
    owner = np.repeat([0, 2], [len(first), len(other)])
    sketches = sketches_of(owner, np.array(first + other))
    content = packed(sketches, 4)
    assert [len(part) > 0 for part in content] == [True, False, True, False]
    for found, wanted in zip(unpacked(content), sketches, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_unknown_values_count_nowhere() -> None:
    (found, empty) = quantiles(one([np.nan, 3.0, np.nan]), 2, 0.5)
    assert abs(found - 3.0) <= 0.06
    assert np.isnan(empty)


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(0, 2**32 - 1))
def test_folding_is_the_same_as_one_after_the_other(groups: list[int], seed: int) -> None:
    group = np.sort(np.array(groups, np.int64))
    rng = np.random.default_rng(seed)
    sums, path = rng.integers(0, 9, (group.size, 2)).astype(float), rng.random((group.size, 2))

    def follow(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
        """Keep the first of one and the last of the other, which needs the order."""
        return np.column_stack([earlier[:, 0], later[:, 1]])

    found = folded(Stretches(sums.copy(), path.copy()), group, follow)
    for place, name in enumerate(np.unique(group)):
        rows = np.flatnonzero(group == name)
        total = Stretches(sums[rows[:1]], path[rows[:1]])
        for row in rows[1:]:
            total = merged(total, Stretches(sums[[row]], path[[row]]), follow)
        np.testing.assert_array_equal(found.sums[place], total.sums[0])
        np.testing.assert_array_equal(found.path[place], total.path[0])
