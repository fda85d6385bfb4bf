"""The filter agrees with a hand, with Hamilton's own example, and with itself bar by bar."""

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.arrays import FloatArray
from benbot.envs.market.hamilton import filter_states, learn_bar, stationary

STICKY = np.array([[0.9, 0.1], [0.2, 0.8]])
LONG_RUN = np.array([2.0, 1.0]) / 3.0

# Growth of the United States' real GNP, % a quarter, from the Bureau of Economic Analysis, the
# series of Hamilton (1989). The parameters of his model and what follows were published for EViews.
GROWTH = Path(__file__).parent / "us_gnp_growth.csv"
RECESSION, EXPANSION = -0.358811, 1.163516
VARIANCE = np.exp(-0.262658) ** 2
LAGS = np.array([0.013486, -0.057521, -0.246983, -0.212923])
FROM_RECESSION = (0.754673, 1.0 - 0.754673)
FROM_EXPANSION = (0.095915, 1.0 - 0.095915)
LOG_LIKELIHOOD = -181.26339
EXPANDING = {0: 0.776712, 5: 0.537442, 7: 0.008942, 23: 0.001556, 49: 0.978742, 71: 0.050835}


def test_two_bars_agree_with_a_hand() -> None:
    """Densities 1 and 2, then 3 and 1: (2/3, 1/3) become (2, 2) / 4, then (1.65, 0.45) / 2.1."""
    log_density = np.log([[1.0, 2.0], [3.0, 1.0]])
    filtered = filter_states(log_density, STICKY, LONG_RUN)
    np.testing.assert_allclose(filtered.probability, [[1 / 2, 1 / 2], [11 / 14, 3 / 14]])
    assert filtered.log_likelihood == pytest.approx(np.log(4 / 3) + np.log(2.1))


def test_hamiltons_recessions_are_found_again() -> None:
    """An AR(4) around the mean of the regime: its states are the last five regimes."""
    with GROWTH.open(encoding="utf-8") as file:
        growth = np.array([float(row["growth"]) for row in csv.DictReader(file)])
    assert growth.size == 135
    paths = list(product((0, 1), repeat=5))  # the regime of the quarter first
    chain = np.array([FROM_RECESSION, FROM_EXPANSION])
    transition = np.array(
        [[chain[old[0], new[0]] * (new[1:] == old[:4]) for new in paths] for old in paths]
    )
    apart = growth[:, None] - np.array([RECESSION, EXPANSION])  # (135, 2)
    log_density = np.empty((growth.size - 4, len(paths)))
    for i, path in enumerate(paths):
        gap = np.stack([apart[4 - lag : growth.size - lag, path[lag]] for lag in range(5)])
        miss = gap[0] - LAGS @ gap[1:]
        log_density[:, i] = -0.5 * (miss**2 / VARIANCE + np.log(2.0 * np.pi * VARIANCE))
    filtered = filter_states(log_density, transition, stationary(transition))
    assert filtered.log_likelihood == pytest.approx(LOG_LIKELIHOOD, abs=1e-5)
    expanding = filtered.probability[:, [path[0] == 1 for path in paths]].sum(axis=1)
    np.testing.assert_allclose(expanding[list(EXPANDING)], list(EXPANDING.values()), atol=1e-5)


def test_a_bar_that_was_not_seen_only_moves_towards_the_long_run() -> None:
    before, nothing = np.array([1.0, 0.0]), np.full((40, 2), np.nan)
    filtered = filter_states(nothing, STICKY, before)
    np.testing.assert_allclose(filtered.probability[:2], [[0.9, 0.1], [0.83, 0.17]])
    np.testing.assert_allclose(filtered.probability[-1], LONG_RUN, atol=1e-5)
    assert filtered.log_likelihood == 0.0


def test_a_state_that_cannot_be_reached_drowns_nobody() -> None:
    probability, evidence = learn_bar(np.array([1.0, 0.0]), np.eye(2), np.array([-2000.0, 0.0]))
    np.testing.assert_array_equal(probability, [1.0, 0.0])
    assert evidence == -2000.0


def test_the_long_run_is_what_a_step_leaves_as_it_is() -> None:
    np.testing.assert_allclose(stationary(STICKY), LONG_RUN)
    three = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.0, 0.6, 0.4]])
    np.testing.assert_allclose(stationary(three), [0.571429, 0.285714, 0.142857], atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), n_states=st.integers(2, 4), cut=st.integers(1, 29))
def test_probabilities_are_a_distribution_and_learn_forward_only(
    seed: int, n_states: int, cut: int
) -> None:
    rng = np.random.default_rng(seed)
    transition: FloatArray = rng.dirichlet(np.ones(n_states), n_states)
    log_density = rng.normal(0.0, 300.0, (30, n_states))
    log_density[rng.random(30) < 0.2] = np.nan
    before = stationary(transition)
    whole = filter_states(log_density, transition, before)
    assert (whole.probability >= 0.0).all()
    np.testing.assert_allclose(whole.probability.sum(axis=1), 1.0, atol=1e-9)
    first = filter_states(log_density[:cut], transition, before)
    rest = filter_states(log_density[cut:], transition, first.probability[-1])
    np.testing.assert_array_equal(first.probability, whole.probability[:cut])
    np.testing.assert_array_equal(rest.probability, whole.probability[cut:])
    assert first.log_likelihood + rest.log_likelihood == pytest.approx(whole.log_likelihood)
