"""How far features are from their training, in numbers checked by hand, and beside chance."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.strategies.shift import Training, stability_index

NAMES = ("a", "b", "c", "d")


def remembering(n: int, seed: int, memory: float = 0.9) -> FloatArray:
    """Return features that depend on what they were before, (n, 4), one of them a season."""
    noise = np.random.default_rng(seed).standard_normal((n + 100, len(NAMES)))
    rows: FloatArray = lfilter([1.0], [1.0, -memory], noise, axis=0)[100:]
    rows[:, 0] = np.sin(2.0 * np.pi * np.arange(n) / 252.0 + seed)
    return rows


def test_the_index_of_two_bins_is_what_the_formula_says() -> None:
    trained = np.repeat([0.0, 1.0], 50)  # halves
    seen = np.repeat([0.0, 1.0], [60, 40])
    by_hand = 0.1 * np.log(0.6 / 0.5) - 0.1 * np.log(0.4 / 0.5)
    assert stability_index(seen, trained, bins=2) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.040546510810816)


def test_the_index_of_the_same_numbers_is_nothing_and_of_others_it_is_much() -> None:
    trained = np.arange(1000.0)
    assert stability_index(trained, trained) == 0.0
    # All of ten bins' share in one: 0.9 ln 10 and nine times 0.1 - 0.0001 of an empty one.
    by_hand = 0.9 * np.log(10.0) + 9.0 * (0.1 - 1e-4) * np.log(0.1 / 1e-4)
    assert stability_index(np.full(50, -1.0), trained) == pytest.approx(by_hand)


def test_distances_are_those_of_kolmogorov_and_smirnov() -> None:
    rows = np.round(remembering(660, 1), 1)  # with equal numbers
    told = {one.feature: one for one in Training(rows[:600], NAMES).shifted(rows[600:])}
    for j, name in enumerate(NAMES):
        expected = ks_2samp(rows[600:, j], rows[:600, j]).statistic
        assert told[name].distance == pytest.approx(expected), name


def test_one_feature_that_moved_is_found_and_no_other() -> None:
    rows = remembering(1060, 2)
    seen = rows[1000:].copy()
    seen[:, 2] += 15.0
    told = Training(rows[:1000], NAMES).shifted(seen)
    assert told[0].feature == "c"
    assert told[0].p_value < 0.01
    assert told[0].index > 0.25
    assert all(one.p_value > 0.05 for one in told[1:])


def test_what_has_not_changed_alarms_as_seldom_as_promised_though_it_remembers() -> None:
    n_trials, alarms = 80, 0
    for seed in range(n_trials):
        rows = remembering(1542, seed)
        told = Training(rows[:1500], NAMES).shifted(rows[1500:])
        alarms += told[0].p_value <= 0.05
    # A plain test of these features would alarm in nearly every trial.
    plain = ks_2samp(rows[1500:, 0], rows[:1500, 0]).pvalue
    assert plain < 1e-6
    assert alarms <= 10  # binomial: 4 expected, 10 or more in 1 of 200


def test_a_feature_that_never_moved_alarms_when_it_does_and_only_then() -> None:
    rows = remembering(300, 3)
    rows[:, 1] = 7.0
    training = Training(rows[:260], NAMES)
    still = {one.feature: one for one in training.shifted(rows[260:])}["b"]
    assert (still.index, still.distance, still.p_value) == (0.0, 0.0, 1.0)
    rows[290:, 1] = 9.0  # ten closes of forty
    moved = training.shifted(rows[260:])[0]
    assert (moved.feature, moved.distance) == ("b", 0.25)
    assert moved.p_value < 0.01


def test_what_cannot_be_compared_is_refused() -> None:
    training = Training(remembering(100, 4), NAMES)
    assert not training.can_tell(19)
    assert not training.can_tell(26)
    assert training.can_tell(25)
    with pytest.raises(InvalidParameter, match="20 finite observations or more"):
        training.shifted(remembering(10, 5))
    with pytest.raises(InvalidParameter, match="20 finite observations or more"):
        training.shifted(np.full((21, 4), np.nan))
    with pytest.raises(InvalidParameter, match="a name for each feature"):
        Training(remembering(100, 4), NAMES[:2])
