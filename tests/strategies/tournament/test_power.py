"""What the default ladder lets through, by simulation."""

import numpy as np
import pytest

from benbot.envs.errors import UnknownName
from benbot.strategies.tournament.noise import NOISES, Kind
from benbot.strategies.tournament.power import (
    Passage,
    Tenure,
    changed,
    climb,
    first_of_cohort,
    one_by_one,
    tenure,
    thresholds_alone,
)
from benbot.strategies.tournament.settings import TournamentSettings
from benbot.strategies.tournament.stages import Stage

SETTINGS = TournamentSettings()
YEAR, SEASON = 252, 1_258


@pytest.mark.parametrize("noise", NOISES)
def test_noise_has_mean_zero_and_the_volatility_that_was_asked_for(noise: str) -> None:
    returns = Kind(0.0, noise, volatility=0.16).returns(4000, 30, np.random.default_rng(0), YEAR)
    assert returns.std() * np.sqrt(YEAR) == pytest.approx(0.16, rel=0.1)
    assert abs(returns.mean()) < 4.0 * 0.16 / np.sqrt(YEAR) / np.sqrt(4000)
    with pytest.raises(UnknownName, match="noise must be one that exists, was 'nois'"):
        Kind(noise="nois")


def test_a_share_has_an_exact_interval_and_a_wait_one_from_order_statistics() -> None:
    passage = Passage(np.array([0] * 5 + list(range(1, 96))))
    assert passage.share == 0.95
    np.testing.assert_allclose(passage.interval, (0.8872, 0.9836), atol=1e-4)  # R: binom.test
    assert passage.after(0.5) == 51
    assert passage.after_interval(0.5) == (40, 61)  # the classical interval of 100
    assert passage.after(0.96) == np.inf


def test_thresholds_alone_let_most_noise_through_within_18_months() -> None:
    rng = np.random.default_rng(1)
    reached = climb(thresholds_alone(SETTINGS), Kind(), 100, 378, rng)
    assert reached[Stage.LIVE].interval[0] > 0.5


def test_of_a_thousand_without_skill_at_most_one_in_twenty_reaches_live() -> None:
    rng = np.random.default_rng(2)
    reached = climb(one_by_one(SETTINGS), Kind(), 1000, 504, rng)
    for stage, level in ((Stage.R2, 0.5), (Stage.R3, 0.2), (Stage.LIVE, 0.05)):
        assert reached[stage].interval[0] < level
    assert reached[Stage.LIVE].share <= 0.05


@pytest.mark.nightly
@pytest.mark.parametrize("noise", NOISES)
def test_of_no_kind_of_noise_one_in_twenty_reaches_live_in_five_years(noise: str) -> None:
    rng = np.random.default_rng(3)
    assert climb(SETTINGS, Kind(noise=noise), 1000, SEASON, rng)[Stage.LIVE].share <= 0.05
    alone = climb(one_by_one(SETTINGS), Kind(noise=noise), 1000, SEASON, rng)[Stage.LIVE]
    assert alone.interval[0] <= 0.05


def test_skill_reaches_live_in_the_time_that_other_simulations_say() -> None:
    """The median of 120 lies within the interval that the table has for theirs."""
    asked = (one_by_one(SETTINGS), Kind(3.0), 120, 420)
    one = climb(*asked, np.random.default_rng(4))[Stage.LIVE]
    other = climb(*asked, np.random.default_rng(5))[Stage.LIVE]
    low, high = one.after_interval(0.5)
    assert low <= other.after(0.5) <= high
    assert 150 < one.after(0.5) < 350


def test_the_first_of_a_cohort_needs_the_level_that_its_share_of_the_error_is() -> None:
    assert first_of_cohort(SETTINGS).r3.level == pytest.approx(0.2 / 100)
    alone = changed(SETTINGS, gate={"planned": 1, "false_discoveries": 0.9})
    assert first_of_cohort(alone).r3.level == SETTINGS.r3.level
    assert first_of_cohort(one_by_one(SETTINGS)) == one_by_one(SETTINGS)


def test_a_tenure_is_counted_from_the_loss_and_its_mean_counts_those_that_last() -> None:
    kept = Tenure(np.array([10, 20, 30]), np.array([True, True, False]))
    assert kept.mean == 30.0
    assert (kept.within(0.5), kept.within(0.95)) == (20.0, np.inf)


@pytest.mark.nightly
def test_a_lost_edge_loses_live_capital_within_700_sessions_in_95_of_100() -> None:
    size = (400, 2500)
    kind, rng = Kind(2.0), np.random.default_rng(6)
    gone = tenure(one_by_one(SETTINGS), kind, size, 0, rng)
    assert gone.sessions.size >= 200
    assert gone.within(0.95) <= 700
    detector = changed(one_by_one(SETTINGS), live={"broken": 4})
    on = tenure(detector, kind, size, None, np.random.default_rng(6))
    assert on.mean >= SETTINGS.detector.run_length
