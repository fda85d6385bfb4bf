"""Labels that do not touch, and bands that cover exactly the bars they speak of."""

from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benbot.envs.arrays import BoolArray, FloatArray
from benbot.experiments.report.drawing import (
    boxes,
    new_figure,
    shade_regimes,
    spaced,
    stretches,
    styles,
)

heights = arrays(np.float64, st.integers(0, 12), elements=st.floats(0.0, 1.0))
DAYS = np.datetime64("2020-01-01", "ns") + np.arange(6) * np.timedelta64(1, "D")


@given(wanted=heights, gap=st.floats(0.01, 0.2))
def test_labels_keep_their_order_and_their_distance(wanted: FloatArray, gap: float) -> None:
    places = spaced(wanted, gap)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= gap - 1e-9).all()
    assert places.sum() == pytest.approx(wanted.sum(), abs=1e-9)  # no drift up or down


def test_labels_that_do_not_collide_stay_where_they_belong() -> None:
    wanted = np.array([0.9, 0.1, 0.5])
    np.testing.assert_allclose(spaced(wanted, 0.1), wanted)


def test_two_labels_at_one_height_part_evenly() -> None:
    np.testing.assert_allclose(spaced(np.array([0.5, 0.5]), 0.1), [0.45, 0.55])


@given(where=arrays(np.bool_, st.integers(0, 30)))
def test_stretches_cover_exactly_what_is_true(where: BoolArray) -> None:
    rebuilt = np.zeros(where.size, np.bool_)
    runs = stretches(where)
    for first, last in runs:
        assert first < last
        rebuilt[first:last] = True
    np.testing.assert_array_equal(rebuilt, where)
    assert all(end < begin for (_, end), (begin, _) in pairwise(runs))


def test_a_box_reaches_from_its_first_bar_to_the_one_after_its_last() -> None:
    _, (ax,) = new_figure(2.0)
    boxes(ax, DAYS, np.array([0, 1, 1, 0, 0, 1], np.bool_), (0.0, 1.0), "#000000")
    (drawn,) = ax.collections
    sides = [(path.vertices[:, 0].min(), path.vertices[:, 0].max()) for path in drawn.get_paths()]
    first = sides[0][0] - 1.0
    assert sides == [(first + 1.0, first + 3.0), (first + 5.0, first + 5.0)]


def test_unknown_regimes_are_not_tinted() -> None:
    _, (ax,) = new_figure(2.0)
    shade_regimes(ax, DAYS, np.full(6, -1, np.int8))
    assert not any(len(drawn.get_paths()) for drawn in ax.collections)


def test_bear_bull_and_storm_are_tinted_apart() -> None:
    _, (ax,) = new_figure(2.0)
    # bear x low, bear x high, neutral x normal, bull x low, bull x high, unknown
    shade_regimes(ax, DAYS, np.array([0, 2, 4, 6, 8, -1], np.int8))
    bear, bull, storm = ([path.get_extents() for path in c.get_paths()] for c in ax.collections)
    start = bear[0].x0
    assert [(box.x0 - start, box.x1 - start) for box in (*bear, *bull)] == [(0, 2), (3, 5)]
    assert [(box.x0 - start, box.x1 - start) for box in storm] == [(1, 2), (4, 5)]


def test_twenty_lines_all_look_different() -> None:
    assert len(set(islice(styles(), 20))) == 20
