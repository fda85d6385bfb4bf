"""Numbers that the papers print, or that were computed from their formulas elsewhere."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter
from benbot.strategies.sharpe import (
    Track,
    annualisation,
    deflated,
    expected_maximum,
    false_discovery_rate,
    minimum_length_2012,
    minimum_length_2025,
    minimum_years,
    power,
    probabilistic_2012,
    probabilistic_2025,
    ratio_variance,
    standard_error,
    track_of,
)

HEDGE_FUND = Track(0.458, 24, -2.448, 10.164)
FUND_OF_2025 = Track(0.036 / 0.079, 24, -2.448, 10.164)
TRIALS_DEVIATION = float(np.sqrt(0.5 / 250))


@pytest.mark.parametrize(
    ("ratio", "n_bars", "expected"),
    [
        (0.5, 12, 0.306),
        (0.5, 60, 0.137),
        (1.0, 12, 0.354),
        (1.0, 60, 0.158),
        (1.0, 120, 0.112),
        (2.0, 60, 0.224),
        (3.0, 12, 0.677),
        (3.0, 500, 0.105),
    ],
)
def test_the_standard_error_is_that_of_lo(ratio: float, n_bars: int, expected: float) -> None:
    assert standard_error(Track(ratio, n_bars)) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("correlation", "expected"),
    [(-0.2, 4.17), (-0.1, 3.80), (0.0, 3.46), (0.1, 3.16), (0.2, 2.88), (0.5, 2.12), (0.9, 1.21)],
)
def test_annualisation_knows_of_correlation(correlation: float, expected: float) -> None:
    assert annualisation(correlation, 12) == pytest.approx(expected, abs=5e-3)


def test_the_probabilistic_ratio_of_2012() -> None:
    assert probabilistic_2012(Track(0.458, 24)) == pytest.approx(0.98167, abs=5e-6)
    assert probabilistic_2012(HEDGE_FUND) == pytest.approx(0.91336, abs=5e-6)
    assert probabilistic_2012(HEDGE_FUND, 0.1) == pytest.approx(0.85643, abs=5e-6)


@pytest.mark.parametrize(
    ("track", "error", "years"),
    [
        (Track(0.7079, 134, -0.2250, 2.9570), 0.1028, 0.7152),
        (Track(0.8183, 134, -1.4455, 7.0497), 0.1550, 1.1593),
    ],
)
def test_error_and_minimum_length_of_2012(track: Track, error: float, years: float) -> None:
    own = np.sqrt(ratio_variance(track, track.ratio) / (track.n_bars - 1))
    assert own == pytest.approx(error, abs=5e-5)
    assert minimum_length_2012(track) / 12.0 == pytest.approx(years, abs=5e-5)


def test_the_probabilistic_ratio_of_2025() -> None:
    assert probabilistic_2025(FUND_OF_2025) == pytest.approx(0.987, abs=5e-4)
    assert probabilistic_2025(FUND_OF_2025, 0.1) == pytest.approx(0.939, abs=5e-4)
    assert standard_error(FUND_OF_2025) == pytest.approx(0.329, abs=5e-4)
    assert standard_error(Track(0.036 / 0.079, 24)) == pytest.approx(0.214, abs=5e-4)
    assert minimum_length_2025(FUND_OF_2025) == pytest.approx(13.028778, abs=5e-6)
    assert 1.0 - power(FUND_OF_2025, 0.5) == pytest.approx(0.315, abs=5e-4)
    assert false_discovery_rate(0.05, 0.05, 1.0 - 0.315) == pytest.approx(0.581, abs=5e-4)


@pytest.mark.parametrize(
    ("n_trials", "expected"),
    [(1, 0.0), (2, 0.5198), (5, 1.1926), (10, 1.5746), (45, 2.2356), (100, 2.5306), (1000, 3.2551)],
)
def test_the_best_of_many_trials_without_skill(n_trials: int, expected: float) -> None:
    assert expected_maximum(n_trials) == pytest.approx(expected, abs=5e-5)


def test_the_deflated_ratio() -> None:
    track = Track(2.5 / np.sqrt(250), 1250, -3.0, 10.0)
    assert expected_maximum(100, TRIALS_DEVIATION) == pytest.approx(0.11317200186513214, rel=1e-12)
    assert deflated(track, 100, TRIALS_DEVIATION) == pytest.approx(0.900397, abs=5e-7)
    assert deflated(track, 46, TRIALS_DEVIATION) == pytest.approx(0.950502, abs=5e-7)
    normal = Track(2.5 / np.sqrt(250), 1250)
    assert deflated(normal, 88, TRIALS_DEVIATION) == pytest.approx(0.950491, abs=5e-7)


def test_a_ratio_that_is_not_known_has_no_length() -> None:
    unknown = track_of(np.zeros(50))
    lengths = [minimum_length_2012(unknown), minimum_length_2025(unknown)]
    assert np.isnan(lengths).all()
    assert np.isinf(minimum_length_2025(Track(-0.1, 50)))


@pytest.mark.parametrize("n_trials", [1.0, 1.01, 1.2, 1.28])
def test_the_luck_of_few_trials_is_not_below_none(n_trials: float) -> None:
    """The approximation for many trials is below 0 up to 1.28 of them."""
    assert expected_maximum(n_trials) == 0.0
    assert expected_maximum(1.29) > 0.0


def test_five_years_allow_forty_five_trials() -> None:
    assert minimum_years(45) == pytest.approx(4.998, abs=5e-4)


def test_a_ratio_below_its_benchmark_never_has_enough_history() -> None:
    assert minimum_length_2012(Track(0.1, 100), 0.1) == float("inf")
    assert minimum_length_2025(Track(0.1, 100), 0.2) == float("inf")


def test_a_track_is_measured_from_returns() -> None:
    returns = np.array([0.01, -0.02, 0.03, 0.00])
    track = track_of(returns)
    assert track.ratio == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert (track.n_bars, track.kurtosis > 1.0) == (4, True)
    assert np.isnan(track_of(np.full(5, 0.01)).ratio)


def test_too_little_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="2 returns or more, was 1"):
        track_of(np.array([0.01]))
    with pytest.raises(InvalidParameter, match=r"1 or more, was 0\.5"):
        expected_maximum(0.5)
