"""Fronts, crowding and ε-lexicase, against the slow way and by hand."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benbot.evolution.selection import crowding, fronts, lexicase, rank, tournament


def slow_fronts(objectives: np.ndarray) -> list[list[int]]:
    left, found = list(range(len(objectives))), []
    while left:
        front = [
            i
            for i in left
            if not any(
                (objectives[j] >= objectives[i]).all() and (objectives[j] > objectives[i]).any()
                for j in left
            )
        ]
        found.append(front)
        left = [i for i in left if i not in front]
    return found


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 25), st.integers(1, 4)), elements=st.integers(0, 4))
)
def test_fronts_are_those_of_the_definition(objectives: np.ndarray) -> None:
    found = [front.tolist() for front in fronts(objectives, len(objectives))]
    assert found == slow_fronts(objectives)


def test_the_ends_of_a_front_are_never_crowded() -> None:
    objectives = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    assert crowding(objectives).tolist() == [np.inf, 1.5, 1.5, np.inf]


def test_the_better_front_goes_first_and_then_the_less_crowded() -> None:
    objectives = np.array([[0.0, 0.0], [1.0, 3.0], [1.1, 2.9], [2.0, 2.0], [5.0, 1.0]])
    assert rank(objectives).order.tolist() == [1, 4, 3, 2, 0]


def test_parents_are_better_than_chance() -> None:
    objectives = np.arange(100.0)[:, None]
    parents = tournament(rank(objectives), 1000, np.random.default_rng(0))
    assert parents.mean() == pytest.approx(200 / 3, abs=2.0)  # of the larger of two


def test_a_specialist_of_a_case_has_children() -> None:
    cases = np.array([[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [5.0, 5.0, 1.0], [0.0, 0.0, 0.0]])
    chosen = lexicase(cases, 300, np.random.default_rng(0))
    assert set(chosen.tolist()) == {0, 1, 2}


def test_differences_within_epsilon_count_for_nothing() -> None:
    cases = np.array([[1.0, 0.0], [0.9, 1.0], [0.0, 0.0], [0.2, 0.1]])  # MAD of the first is 0.45
    chosen = lexicase(cases, 200, np.random.default_rng(0))
    assert set(chosen.tolist()) == {1}


def test_selection_draws_from_its_generator_alone() -> None:
    random.seed(7)
    before = random.getstate()
    objectives = np.random.default_rng(0).integers(0, 5, (40, 3)).astype(float)
    first, second = (
        tournament(rank(objectives), 40, np.random.default_rng(1)).tolist() for _ in range(2)
    )
    assert first == second
    assert random.getstate() == before
